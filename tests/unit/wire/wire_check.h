/* What every codec test asks: hex in and out, views that end at the end of a heap block. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bufq.h"

/* A copy in a block of exactly its size: a read past the end is seen by ASan. Freed by
 * free((void *)s.ptr). */
static inline struct slice tight_copy(struct slice s)
{
    char *copy = malloc(s.len ? s.len : 1);

    assert_non_null(copy);
    if (s.len) {
        memcpy(copy, s.ptr, s.len);
    }
    return slice_of(copy, s.len);
}

/* The queue's bytes are these, written as hex with blanks; the queue is emptied. */
static inline void assert_hex(struct bufq *q, const char *hex)
{
    struct slice bytes = bufq_pullup(q, q->bytes);
    size_t n = 0;

    for (const char *h = hex; *h; h++) {
        if (*h == ' ') {
            continue;
        }
        char pair[3] = {h[0], h[1], 0};
        assert_true(n < bytes.len);
        assert_int_equal((unsigned char)bytes.ptr[n], strtoul(pair, NULL, 16));
        n++;
        h++;
    }
    assert_int_equal(n, bytes.len);
    bufq_clear(q);
}
