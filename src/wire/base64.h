/* Base64 of RFC 4648 section 4, with padding: keys of WebSocket, pins, Basic credentials. Pure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Characters for n bytes, and the largest number of bytes in n characters. */
#define BASE64_TEXT_BYTES(n) (((n) + 2) / 3 * 4)
#define BASE64_BYTES_MAX(n)  ((n) / 4 * 3)

/* Writes exactly BASE64_TEXT_BYTES(bytes.len) characters, no terminator. */
void base64_encode(struct slice bytes, char *out);

/* Strict: full groups, padding only at the end, no other characters, unused bits zero; otherwise
 * ERR_INVALID. ERR_TOO_LARGE when it does not fit into cap bytes. */
MUST_USE int base64_decode(struct slice text, uint8_t *out, size_t cap, size_t *length_out);
