/* Floods of log lines: what is shown, what is counted, when the sum is told. The clock is a number.
 */
#include "base/log_limit.h"

#include <stdio.h>

#include "base/mem.h"
#include "support/check.h"

static const char REFUSED[] = "request refused";
static const char LEFT[] = "visitor left";

static struct log_limit limit;

static int setup(void **state)
{
    (void)state;
    mem_wipe(&limit, sizeof limit);
    return 0;
}

static unsigned shown_of(unsigned lines, const char *message, const char *source, uint64_t now_ms)
{
    unsigned shown = 0;

    for (unsigned i = 0; i < lines; i++) {
        shown += log_limit_pass(&limit, message, source, now_ms);
    }
    return shown;
}

static void a_flood_is_cut_and_its_sum_told_once(void **state)
{
    struct log_limit_count sum;
    (void)state;
    assert_int_equal(shown_of(1000, REFUSED, "1.2.3.4", 5), LOG_LIMIT_LINES);
    assert_false(log_limit_due(&limit, 5 + LOG_LIMIT_MS - 1, &sum));
    assert_true(log_limit_due(&limit, 5 + LOG_LIMIT_MS, &sum));
    assert_string_equal(sum.message, REFUSED);
    assert_string_equal(sum.source, "1.2.3.4");
    assert_int_equal(sum.hidden, 1000 - LOG_LIMIT_LINES);
    assert_false(log_limit_due(&limit, 5 + LOG_LIMIT_MS, &sum));
}

static void the_next_period_shows_lines_again(void **state)
{
    (void)state;
    shown_of(1000, REFUSED, "a", 0);
    assert_int_equal(shown_of(1, REFUSED, "a", LOG_LIMIT_MS - 1), 0);
    assert_int_equal(shown_of(1000, REFUSED, "a", LOG_LIMIT_MS), LOG_LIMIT_LINES);
}

static void a_source_is_not_cut_for_another_one_or_for_another_kind(void **state)
{
    (void)state;
    shown_of(1000, REFUSED, "a", 0);
    assert_int_equal(shown_of(1, REFUSED, "b", 0), 1);
    assert_int_equal(shown_of(1, LEFT, "a", 0), 1);
}

static void few_lines_leave_no_sum(void **state)
{
    struct log_limit_count sum;
    (void)state;
    shown_of(LOG_LIMIT_LINES, REFUSED, "a", 0);
    assert_false(log_limit_due(&limit, UINT64_MAX, &sum));
}

/* Each line from another address: the kind has a limit of its own, and nothing gets lost. */
static void strangers_without_number_share_one_limit(void **state)
{
    struct log_limit_count sum;
    unsigned shown = 0;
    uint64_t told = 0;
    char source[32];
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(source, sizeof source, "2001:db8::%x", i % 5000);
        shown += log_limit_pass(&limit, REFUSED, source, i / 100);
    }
    assert_int_equal(shown, LOG_LIMIT_KIND_LINES);
    unsigned sums = 0;
    while (log_limit_due(&limit, UINT64_MAX / 2, &sum)) {
        told += sum.hidden;
        sums++;
    }
    assert_int_equal(told + shown, 100000);
    assert_int_equal(sums, 1);
}

static void sums_of_several_come_one_after_the_other(void **state)
{
    struct log_limit_count sum;
    (void)state;
    shown_of(LOG_LIMIT_LINES + 1, REFUSED, "a", 0);
    shown_of(LOG_LIMIT_LINES + 2, LEFT, "b", 1000);
    assert_true(log_limit_due(&limit, LOG_LIMIT_MS, &sum));
    assert_string_equal(sum.source, "a");
    assert_false(log_limit_due(&limit, LOG_LIMIT_MS, &sum));
    assert_true(log_limit_due(&limit, LOG_LIMIT_MS + 1000, &sum));
    assert_string_equal(sum.source, "b");
    assert_int_equal(sum.hidden, 2);
}

static void a_long_name_is_cut_and_is_still_one_source(void **state)
{
    char name[200];
    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(shown_of(1000, REFUSED, name, 0), LOG_LIMIT_LINES);
}

int main(void)
{
#define LIMIT_TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        LIMIT_TEST(a_flood_is_cut_and_its_sum_told_once),
        LIMIT_TEST(the_next_period_shows_lines_again),
        LIMIT_TEST(a_source_is_not_cut_for_another_one_or_for_another_kind),
        LIMIT_TEST(few_lines_leave_no_sum),
        LIMIT_TEST(strangers_without_number_share_one_limit),
        LIMIT_TEST(sums_of_several_come_one_after_the_other),
        LIMIT_TEST(a_long_name_is_cut_and_is_still_one_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
