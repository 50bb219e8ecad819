/* What this processor can do in hardware. */
#pragma once
#include <stdbool.h>

/* AES and carry-less multiplication: AES-GCM beats ChaCha20-Poly1305 then. */
bool cpu_has_aes(void);
