/* Dates: the vectors of RFC 9110, every day of 130 years both ways, and what is no date. */
#include "http/http_date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/clock.h"

static void the_three_forms_of_the_rfc_are_one_moment(void **state)
{
    const char *forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"};

    (void)state;
    for (int i = 0; i < 3; i++) {
        int64_t at = 0;
        assert_int_equal(http_date_parse(slice_str(forms[i]), &at), 0);
        assert_true(at == 784111777);
    }
}

static void every_day_shown_parses_back(void **state)
{
    char text[HTTP_DATE_BYTES];

    (void)state;
    for (int64_t day = 0; day < 130 * 366; day++) {
        int64_t seconds = day * 86400 + day % 86400;
        int64_t back = -1;
        http_date_show(seconds, text);
        assert_int_equal(http_date_parse(slice_of(text, sizeof(text)), &back), 0);
        assert_true(back == seconds);
    }
}

static void known_days_are_shown_right(void **state)
{
    char text[HTTP_DATE_BYTES];

    (void)state;
    http_date_show(0, text);
    assert_memory_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT", HTTP_DATE_BYTES);
    http_date_show(951782400, text);
    assert_memory_equal(text, "Tue, 29 Feb 2000 00:00:00 GMT", HTTP_DATE_BYTES);
    http_date_show(4102444799, text);
    assert_memory_equal(text, "Thu, 31 Dec 2099 23:59:59 GMT", HTTP_DATE_BYTES);
}

static void what_is_no_date_is_refused(void **state)
{
    const char *bad[] = {"",
                         "now",
                         "Sun, 06 Nov 1994 08:49:37 CET",
                         "Sun, 06 Nov 1994 24:00:00 GMT",
                         "Sun, 00 Nov 1994 08:49:37 GMT",
                         "Sun, 06 Nox 1994 08:49:37 GMT",
                         "Sun, 06 Nov 1894 08:49:37 GMT",
                         "Sun, 06 Nov 1994 08:49:37 GMT ",
                         "Sunday, 06-Nov-94 08:49:37",
                         "Sun Nov  6 08-49-37 1994"};
    int64_t at;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(http_date_parse(slice_str(bad[i]), &at), ERR_INVALID);
    }
}

static void now_is_now(void **state)
{
    int64_t at = 0;
    int64_t now = (int64_t)(clock_wall_ms() / 1000);

    (void)state;
    assert_int_equal(http_date_parse(http_date_now(), &at), 0);
    assert_true(at - now <= 1 && now - at <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_forms_of_the_rfc_are_one_moment),
        cmocka_unit_test(every_day_shown_parses_back),
        cmocka_unit_test(known_days_are_shown_right),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(now_is_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
