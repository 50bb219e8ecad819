/* Ed25519 keys (RFC 8032): who has the seed can sign, who has the public key can check. The only
 * place that knows which library does it. Any thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { SIGN_SEED_BYTES = 32, SIGN_KEY_BYTES = 32, SIGN_BYTES = 64 };

/* The public key of a seed. */
void sign_key_of(const uint8_t seed[SIGN_SEED_BYTES], uint8_t key_out[SIGN_KEY_BYTES]);

void sign_make(const uint8_t seed[SIGN_SEED_BYTES], struct slice message,
               uint8_t signature_out[SIGN_BYTES]);

/* False also for a key that is none. */
bool sign_check(const uint8_t key[SIGN_KEY_BYTES], struct slice message,
                const uint8_t signature[SIGN_BYTES]);
