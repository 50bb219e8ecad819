/* Counters of many threads, and how they are shown. */
#include "base/metrics.h"

#include <pthread.h>

#include "support/check.h"

static void *count_up(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        metric_add(METRIC_LOGINS, 1);
        metric_add(METRIC_SESSIONS_OPEN, 1);
        metric_add(METRIC_SESSIONS_OPEN, -1);
    }
    return NULL;
}

static void counts_of_ended_threads_remain(void **state)
{
    pthread_t threads[4];
    (void)state;
    int64_t before = metric_get(METRIC_LOGINS);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(metric_get(METRIC_LOGINS) - before, 4000);
    assert_int_equal(metric_get(METRIC_SESSIONS_OPEN), 0);
}

static void a_gauge_goes_up_and_down(void **state)
{
    (void)state;
    metric_add(METRIC_STREAMS_OPEN, 3);
    metric_add(METRIC_STREAMS_OPEN, -2);
    assert_int_equal(metric_get(METRIC_STREAMS_OPEN), 1);
}

static void all_are_shown_for_prometheus(void **state)
{
    struct text page = {0};
    size_t lines = 0;
    (void)state;
    metrics_show(&page);
    for (size_t i = 0; i < page.len; i++) {
        lines += page.ptr[i] == '\n';
    }
    assert_int_equal(lines, 3 * METRIC_COUNT);
    check_has(text_str(&page), "# TYPE adit_logins_total counter\nadit_logins_total ");
    check_has(text_str(&page), "# TYPE adit_sessions_open gauge\n");
    assert_string_equal(metric_name(METRIC_LOGINS), "adit_logins_total");
    text_deinit(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_of_ended_threads_remain),
        cmocka_unit_test(a_gauge_goes_up_and_down),
        cmocka_unit_test(all_are_shown_for_prometheus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
