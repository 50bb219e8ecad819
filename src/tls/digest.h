/* Digests by the TLS library: the only place that knows which one it is. Any thread. */
#pragma once
#include <stdint.h>

#include "base/slice.h"

enum { SHA1_BYTES = 20, SHA256_BYTES = 32 };

void sha1(struct slice bytes, uint8_t out[SHA1_BYTES]);
void sha256(struct slice bytes, uint8_t out[SHA256_BYTES]);
void hmac_sha256(struct slice key, struct slice bytes, uint8_t out[SHA256_BYTES]);
