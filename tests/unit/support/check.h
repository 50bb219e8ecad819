/* cmocka with the headers it wants before it, and texts compared as texts. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/slice.h"
#include "base/text.h"

/* The text says exactly this; it is freed, so that a test may show and check in one line. */
static inline void check_text(struct text *t, const char *expected)
{
    assert_string_equal(text_str(t), expected);
    text_deinit(t);
}

static inline void check_slice(struct slice s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    if (s.len) {
        assert_memory_equal(s.ptr, expected, s.len);
    }
}

/* `part` stands somewhere in `whole`. */
static inline void check_has(const char *whole, const char *part)
{
    if (!strstr(whole, part)) {
        fail_msg("\"%s\" is not in \"%s\"", part, whole);
    }
}
