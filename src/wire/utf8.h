/* Checks UTF-8 (RFC 3629) that comes in pieces: no overlong forms, no surrogates, nothing above
 * U+10FFFF. Pure; zeroed memory is the start of a text. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct utf8 {
    uint8_t left;     /* continuation bytes still due */
    uint8_t next_min; /* bounds of the next one */
    uint8_t next_max;
};

/* ERR_PROTOCOL at the first byte no continuation can mend. */
MUST_USE int utf8_feed(struct utf8 *u, struct slice piece);

/* The text may end here: no character is cut. */
static inline bool utf8_may_end(const struct utf8 *u)
{
    return u->left == 0;
}

/* A whole text. */
bool utf8_is_valid(struct slice text);
