#include "agent/backoff.h"

#include "support/check.h"

static void the_first_attempt_does_not_wait(void **state)
{
    struct backoff b = {0};

    (void)state;
    assert_int_equal(backoff_next_ms(&b), 0);
}

static void the_bound_doubles_up_to_half_a_minute(void **state)
{
    static const uint64_t bounds[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
    struct backoff b = {0};

    (void)state;
    backoff_next_ms(&b);
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        assert_int_equal(backoff_bound_ms(&b), bounds[i]);
        assert_true(backoff_next_ms(&b) < bounds[i]);
    }
    b.attempts = UINT32_MAX;
    backoff_next_ms(&b);
    assert_int_equal(backoff_bound_ms(&b), BACKOFF_MAX_MS);
    backoff_reset(&b);
    assert_int_equal(backoff_next_ms(&b), 0);
}

static void who_is_waited_for_waits_less(void **state)
{
    struct backoff b = {.attempts = 100};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_true(backoff_next_below_ms(&b, 4000) < 4000);
    }
    b.attempts = 1;
    assert_true(backoff_next_below_ms(&b, 4000) < BACKOFF_FIRST_MS);
    assert_int_equal(b.attempts, 2);
}

/* A thousand agents that lost the same relay do not come back in one moment. */
static void waits_are_spread_over_the_whole_bound(void **state)
{
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct backoff b = {.attempts = 100};
        uint64_t wait = backoff_next_ms(&b);
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
    }
    assert_true(least < BACKOFF_MAX_MS / 10 && most > BACKOFF_MAX_MS / 10 * 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_attempt_does_not_wait),
        cmocka_unit_test(the_bound_doubles_up_to_half_a_minute),
        cmocka_unit_test(who_is_waited_for_waits_less),
        cmocka_unit_test(waits_are_spread_over_the_whole_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
