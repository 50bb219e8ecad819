#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/utf8.h"

static const char *const good[] = {
    "",
    "plain",
    "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5",
    "\xC2\x80",
    "\xDF\xBF",
    "\xE0\xA0\x80",
    "\xED\x9F\xBF",
    "\xEE\x80\x80",
    "\xEF\xBF\xBF",
    "\xF0\x90\x80\x80",
    "\xF4\x8F\xBF\xBF",
};

static const char *const bad[] = {
    "\x80",             /* a continuation alone */
    "\xC0\x80",         /* overlong */
    "\xC1\xBF",         /* overlong */
    "\xE0\x9F\xBF",     /* overlong */
    "\xF0\x8F\xBF\xBF", /* overlong */
    "\xED\xA0\x80",     /* surrogate */
    "\xED\xBF\xBF",     /* surrogate */
    "\xF4\x90\x80\x80", /* above U+10FFFF */
    "\xF5\x80\x80\x80", /* no such lead */
    "\xFF",
    "a\xC3(",
};

static void good_texts_pass_at_every_split_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct slice text = slice_str(good[i]);
        for (size_t cut = 0; cut <= text.len; cut++) {
            struct utf8 u = {0};
            assert_int_equal(utf8_feed(&u, slice_sub(text, 0, cut)), 0);
            assert_int_equal(utf8_feed(&u, slice_sub(text, cut, text.len)), 0);
            assert_true(utf8_may_end(&u));
        }
    }
}

static void bad_texts_fail_also_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct slice text = slice_str(bad[i]);
        struct utf8 u = {0};
        int err = 0;

        assert_false(utf8_is_valid(text));
        for (size_t at = 0; at < text.len && !err; at++) {
            err = utf8_feed(&u, slice_sub(text, at, 1));
        }
        assert_int_equal(err, ERR_PROTOCOL);
    }
}

static void a_cut_character_may_not_end_the_text(void **state)
{
    (void)state;
    static const char *const cut[] = {"\xC3", "\xE1\xBD", "\xF0\x90\x80", "ok\xE1"};
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        struct utf8 u = {0};
        assert_int_equal(utf8_feed(&u, slice_str(cut[i])), 0);
        assert_false(utf8_may_end(&u));
        assert_false(utf8_is_valid(slice_str(cut[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_pass_at_every_split_point),
        cmocka_unit_test(bad_texts_fail_also_byte_by_byte),
        cmocka_unit_test(a_cut_character_may_not_end_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
