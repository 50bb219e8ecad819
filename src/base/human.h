/* Amounts as people say them. Pure. */
#pragma once
#include <stdint.h>

#include "base/text.h"

/* "12s", "4m 10s", "2h 5m", "3d 4h": the two largest units. */
void human_duration(struct text *out, uint64_t ms);

/* "512 B", "1.5 KiB", "20 MiB". */
void human_bytes(struct text *out, uint64_t bytes);
