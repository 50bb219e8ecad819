/* Time. */
#include "base/clock.h"

#include "support/check.h"

static void monotonic_time_never_goes_back(void **state)
{
    uint64_t last_us = clock_now_us();
    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t now_us = clock_now_us();
        assert_true(now_us >= last_us);
        last_us = now_us;
    }
    assert_true(clock_now_ms() >= last_us / 1000);
}

static void wall_time_is_shown_in_utc_with_milliseconds(void **state)
{
    char out[CLOCK_TEXT_BYTES];
    (void)state;
    clock_show(0, out);
    assert_string_equal(out, "1970-01-01T00:00:00.000Z");
    clock_show(1795253405123u, out);
    assert_string_equal(out, "2026-11-21T09:30:05.123Z");
    assert_true(clock_wall_ms() > 1700000000000u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_time_never_goes_back),
        cmocka_unit_test(wall_time_is_shown_in_utc_with_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
