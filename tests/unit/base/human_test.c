#include "base/human.h"

#include "support/check.h"

static void check_duration(uint64_t ms, const char *expected)
{
    struct text out = {0};
    human_duration(&out, ms);
    check_text(&out, expected);
}

static void check_bytes(uint64_t bytes, const char *expected)
{
    struct text out = {0};
    human_bytes(&out, bytes);
    check_text(&out, expected);
}

static void durations_have_two_units(void **state)
{
    (void)state;
    check_duration(0, "0s");
    check_duration(999, "0s");
    check_duration(59999, "59s");
    check_duration(60000, "1m 0s");
    check_duration(3599999, "59m 59s");
    check_duration(7500000, "2h 5m");
    check_duration((3 * 24 + 4) * 3600000ULL, "3d 4h");
}

static void bytes_have_two_digits_or_more(void **state)
{
    (void)state;
    check_bytes(0, "0 B");
    check_bytes(1023, "1023 B");
    check_bytes(1024, "1.0 KiB");
    check_bytes(1536, "1.5 KiB");
    check_bytes(10 * 1024 - 1, "9.9 KiB");
    check_bytes(20 * 1024 * 1024, "20 MiB");
    check_bytes(UINT64_MAX, "15 EiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_two_units),
        cmocka_unit_test(bytes_have_two_digits_or_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
