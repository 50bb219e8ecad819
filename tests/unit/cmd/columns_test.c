#include "cmd/columns.h"

#include "support/check.h"

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    (void)state;
    struct columns t;
    struct text out = {0};

    columns_init(&t, "NAME KIND");
    columns_add(&t, "%s", "a-long-name");
    columns_add(&t, "%s", "http");
    columns_add(&t, "%s", "b");
    columns_add(&t, "%s", "tcp");
    columns_show(&t, &out);
    columns_deinit(&t);
    check_text(&out, "NAME         KIND\n"
                     "a-long-name  http\n"
                     "b            tcp\n");
}

static void numbers_stand_to_the_right(void **state)
{
    (void)state;
    struct columns t;
    struct text out = {0};

    columns_init(&t, "ID >BYTES");
    columns_add(&t, "%d", 1);
    columns_add(&t, "%d", 1234567);
    columns_add(&t, "%d", 2);
    columns_add(&t, "%d", 8);
    columns_show(&t, &out);
    columns_deinit(&t);
    check_text(&out, "ID    BYTES\n"
                     "1   1234567\n"
                     "2         8\n");
}

static void letters_of_several_bytes_count_once(void **state)
{
    (void)state;
    struct columns t;
    struct text out = {0};

    columns_init(&t, "A B");
    columns_add(&t, "%s", "\xc3\xb6\xc3\xb6"); /* two o with dots */
    columns_add(&t, "%s", "x");
    columns_show(&t, &out);
    columns_deinit(&t);
    check_text(&out, "A   B\n"
                     "\xc3\xb6\xc3\xb6  x\n");
}

static void nothing_reaches_the_terminal_as_a_command(void **state)
{
    (void)state;
    struct columns t;
    struct text out = {0};

    columns_init(&t, "A B");
    columns_add(&t, "%s", "\x1b[2Jx\n");
    columns_add(&t, "%s", "");
    columns_show(&t, &out);
    columns_deinit(&t);
    check_text(&out, "A       B\n"
                     "?[2Jx?  -\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(numbers_stand_to_the_right),
        cmocka_unit_test(letters_of_several_bytes_count_once),
        cmocka_unit_test(nothing_reaches_the_terminal_as_a_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
