/* Known header names are recognised in any case, and nothing else is. */
#include "wire/http_field.h"

#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static void every_known_name_is_found_in_any_case(void **state)
{
    (void)state;
    for (int id = HTTP_OTHER + 1; id < HTTP_NAME_COUNT; id++) {
        struct slice text = http_name_text((enum http_name)id);
        char upper[32];
        char lower[32];

        assert_in_range(text.len, 2, sizeof(upper) - 1);
        for (size_t i = 0; i < text.len; i++) {
            upper[i] = (char)toupper(text.ptr[i]);
            lower[i] = (char)tolower(text.ptr[i]);
        }
        assert_int_equal(http_name_of(text), id);
        assert_int_equal(http_name_of(slice_of(upper, text.len)), id);
        assert_int_equal(http_name_of(slice_of(lower, text.len)), id);
    }
}

static void names_one_letter_off_are_other_names(void **state)
{
    (void)state;
    for (int id = HTTP_OTHER + 1; id < HTTP_NAME_COUNT; id++) {
        struct slice text = http_name_text((enum http_name)id);
        char changed[32];

        for (size_t i = 0; i < text.len; i++) {
            memcpy(changed, text.ptr, text.len);
            changed[i] = '_';
            assert_int_equal(http_name_of(slice_of(changed, text.len)), HTTP_OTHER);
        }
        assert_int_not_equal(http_name_of(slice_of(text.ptr, text.len - 1)), id);
    }
}

static void lengths_no_known_name_has_are_other_names(void **state)
{
    (void)state;
    assert_int_equal(http_name_of(SLICE("")), HTTP_OTHER);
    assert_int_equal(http_name_of(SLICE("X")), HTTP_OTHER);
    assert_int_equal(http_name_of(SLICE("A-Name-That-Is-Longer-Than-All-Others")), HTTP_OTHER);
    assert_int_equal(http_name_text(HTTP_OTHER).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_name_is_found_in_any_case),
        cmocka_unit_test(names_one_letter_off_are_other_names),
        cmocka_unit_test(lengths_no_known_name_has_are_other_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
