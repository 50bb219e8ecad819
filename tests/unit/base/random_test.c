/* Random numbers: inside their bounds, and evenly spread. */
#include "base/random.h"

#include "support/check.h"

static void bytes_differ_from_call_to_call(void **state)
{
    uint8_t a[32] = {0}, b[32] = {0};
    (void)state;
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    random_bytes(a, 0);
}

static void below_stays_below(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_true(random_below(3) < 3);
        assert_int_equal(random_below(1), 0);
        assert_true(random_below((UINT64_MAX >> 1) + 2) < (UINT64_MAX >> 1) + 2);
    }
}

static void every_value_comes_about_as_often(void **state)
{
    int counts[7] = {0};
    (void)state;
    for (int i = 0; i < 70000; i++) {
        counts[random_below(7)]++;
    }
    for (int i = 0; i < 7; i++) {
        assert_in_range(counts[i], 9400, 10600); /* six sigma */
    }
}

static void the_process_key_stays(void **state)
{
    (void)state;
    assert_true(random_process_key() == random_process_key());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_differ_from_call_to_call),
        cmocka_unit_test(below_stays_below),
        cmocka_unit_test(every_value_comes_about_as_often),
        cmocka_unit_test(the_process_key_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
