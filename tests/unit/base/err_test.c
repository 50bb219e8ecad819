/* The enum of errors, and the line for a person. */
#include "base/err.h"

#include <errno.h>

#include "support/check.h"

static void every_value_has_name_sentence_and_category(void **state)
{
    (void)state;
    assert_string_equal(err_name(ERR_AGAIN), "AGAIN");
    assert_string_equal(err_text(ERR_AGAIN), "would block");
    assert_int_equal(err_category(ERR_AGAIN), ERR_CAT_RETRY);
    assert_int_equal(err_category(ERR_STORAGE), ERR_CAT_LOCAL);
    assert_int_equal(err_category(ERR_UNSUPPORTED), ERR_CAT_USAGE);
#define X(name, value, category, sentence)                                                         \
    assert_string_equal(err_name(ERR_##name), #name);                                              \
    assert_int_equal(err_category(ERR_##name), ERR_CAT_##category);
    ERR_LIST(X)
#undef X
}

static void any_other_number_is_unknown_and_not_a_crash(void **state)
{
    (void)state;
    assert_string_equal(err_name(0), "OK");
    assert_string_equal(err_name(-10000), "UNKNOWN");
    assert_string_equal(err_name(7), "UNKNOWN");
    assert_string_equal(err_text(-2147483647 - 1), "unknown error");
}

static void errno_values_of_both_signs_are_known(void **state)
{
    (void)state;
    assert_int_equal(err_from_errno(EAGAIN), ERR_AGAIN);
    assert_int_equal(err_from_errno(-ECONNREFUSED), ERR_REFUSED);
    assert_int_equal(err_from_errno(EPIPE), ERR_RESET);
    assert_int_equal(err_from_errno(EADDRINUSE), ERR_BUSY);
    assert_int_equal(err_from_errno(EMFILE), ERR_FULL);
    assert_int_equal(err_from_errno(EISDIR), ERR_SYSTEM);
}

static void the_first_line_wins(void **state)
{
    struct errinfo info = {0};
    (void)state;
    assert_string_equal(errinfo_text(&info, ERR_DENIED), "not allowed");
    assert_int_equal(errinfo_set(&info, ERR_DENIED, "port %d", 22), ERR_DENIED);
    assert_int_equal(errinfo_set(&info, ERR_BUSY, "later"), ERR_BUSY);
    assert_string_equal(errinfo_text(&info, ERR_BUSY), "port 22");
    assert_int_equal(errinfo_set(NULL, ERR_BUSY, "nobody asks"), ERR_BUSY);
    assert_string_equal(errinfo_text(NULL, ERR_BUSY), "already taken");
}

static void a_long_line_is_cut_not_overrun(void **state)
{
    struct errinfo info = {0};
    char many[1000];
    (void)state;
    memset(many, 'x', sizeof many);
    errinfo_set(&info, ERR_INVALID, "%.*s", (int)sizeof many, many);
    assert_int_equal(strlen(info.text), sizeof info.text - 1);
}

static int fails(int with, int *reached)
{
    TRY(with);
    *reached = 1;
    return 3;
}

static void try_returns_negative_results_only(void **state)
{
    int reached = 0;
    (void)state;
    assert_int_equal(fails(ERR_EOF, &reached), ERR_EOF);
    assert_int_equal(reached, 0);
    assert_int_equal(fails(5, &reached), 3);
    assert_int_equal(reached, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_has_name_sentence_and_category),
        cmocka_unit_test(any_other_number_is_unknown_and_not_a_crash),
        cmocka_unit_test(errno_values_of_both_signs_are_known),
        cmocka_unit_test(the_first_line_wins),
        cmocka_unit_test(a_long_line_is_cut_not_overrun),
        cmocka_unit_test(try_returns_negative_results_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
