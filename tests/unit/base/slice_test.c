/* Views of bytes. */
#include "base/slice.h"

#include "base/mem.h"
#include "support/check.h"

static void parts_beyond_the_end_are_empty(void **state)
{
    struct slice s = SLICE("hello");
    (void)state;
    check_slice(slice_sub(s, 1, 3), "ell");
    check_slice(slice_sub(s, 3, 100), "lo");
    check_slice(slice_sub(s, 9, 1), "");
    assert_null(slice_sub(SLICE_NONE, 1, 1).ptr);
}

static void cutting_visits_every_part_also_empty_ones(void **state)
{
    struct slice rest = SLICE("a,,b,");
    struct text parts = {0};
    (void)state;
    while (rest.ptr) {
        struct slice part = slice_cut(&rest, ',');
        text_addf(&parts, "[%.*s]", SLICE_ARG(part));
    }
    check_text(&parts, "[a][][b][]");
    rest = SLICE("");
    check_slice(slice_cut(&rest, ','), "");
    assert_null(rest.ptr);
}

static void comparing_folds_ascii_only_when_asked(void **state)
{
    (void)state;
    assert_true(slice_equal(SLICE("ab"), SLICE("ab")));
    assert_false(slice_equal(SLICE("ab"), SLICE("aB")));
    assert_true(slice_equal_nocase(SLICE("Host"), SLICE("hOST")));
    assert_false(slice_equal_nocase(SLICE("[x"), SLICE("{X")));
    assert_true(slice_equal(SLICE_NONE, SLICE("")));
    assert_true(slice_is(SLICE_NONE, ""));
}

static void prefixes_and_suffixes_are_found(void **state)
{
    struct slice s = SLICE("blog.Example.com");
    (void)state;
    assert_true(slice_starts(s, SLICE("blog")));
    assert_false(slice_starts(SLICE("bl"), SLICE("blog")));
    assert_true(slice_ends(s, SLICE(".com")));
    assert_true(slice_ends_nocase(s, SLICE(".example.COM")));
    assert_false(slice_ends(SLICE("om"), SLICE("com")));
    assert_true(slice_starts(s, SLICE("")));
}

static void positions_are_the_length_when_there_is_none(void **state)
{
    (void)state;
    assert_int_equal(slice_index(SLICE("a:b:c"), ':'), 1);
    assert_int_equal(slice_index(SLICE("abc"), ':'), 3);
    assert_int_equal(slice_index(SLICE_NONE, ':'), 0);
    assert_int_equal(slice_find(SLICE("a\r\n\r\nb"), SLICE("\r\n\r\n")), 1);
    assert_int_equal(slice_find(SLICE("a\r\n"), SLICE("\r\n\r\n")), 3);
}

static void trimming_takes_blanks_at_both_ends(void **state)
{
    (void)state;
    check_slice(slice_trim(SLICE(" \ta b\t ")), "a b");
    check_slice(slice_trim(SLICE(" \t ")), "");
    check_slice(slice_trim(SLICE("\r\n")), "\r\n");
}

static void numbers_are_digits_only_and_bounded(void **state)
{
    uint64_t n = 0;
    (void)state;
    assert_int_equal(slice_to_u64(SLICE("18446744073709551615"), UINT64_MAX, &n), 0);
    assert_true(n == UINT64_MAX);
    assert_int_equal(slice_to_u64(SLICE("18446744073709551616"), UINT64_MAX, &n), ERR_TOO_LARGE);
    assert_int_equal(slice_to_u64(SLICE("99999999999999999999999"), UINT64_MAX, &n), ERR_TOO_LARGE);
    assert_int_equal(slice_to_u64(SLICE("256"), 255, &n), ERR_TOO_LARGE);
    assert_int_equal(slice_to_u64(SLICE("0010"), 10, &n), 0);
    assert_int_equal(n, 10);
    const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1e3"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(slice_to_u64(slice_str(wrong[i]), 100, &n), ERR_INVALID);
    }
}

static void a_copy_ends_where_the_slice_does(void **state)
{
    char *part = slice_dup(slice_sub(SLICE("hello"), 0, 4));
    char *nothing = slice_dup(SLICE_NONE);
    (void)state;
    assert_string_equal(part, "hell");
    assert_string_equal(nothing, "");
    mem_free(part);
    mem_free(nothing);
}

static void hashes_follow_equality(void **state)
{
    (void)state;
    assert_true(slice_hash(SLICE("abc")) == slice_hash(SLICE("abc")));
    assert_true(slice_hash(SLICE("abc")) != slice_hash(SLICE("Abc")));
    assert_true(slice_hash_nocase(SLICE("abc")) == slice_hash_nocase(SLICE("ABC")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_beyond_the_end_are_empty),
        cmocka_unit_test(cutting_visits_every_part_also_empty_ones),
        cmocka_unit_test(comparing_folds_ascii_only_when_asked),
        cmocka_unit_test(prefixes_and_suffixes_are_found),
        cmocka_unit_test(positions_are_the_length_when_there_is_none),
        cmocka_unit_test(trimming_takes_blanks_at_both_ends),
        cmocka_unit_test(numbers_are_digits_only_and_bounded),
        cmocka_unit_test(a_copy_ends_where_the_slice_does),
        cmocka_unit_test(hashes_follow_equality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
