#include "support/check.h"

#include "weather.h"

static struct weather told(const char *word)
{
    struct weather w = weather_fair();
    assert_int_equal(weather_set(&w, slice_str(word), NULL), 0);
    return w;
}

static void every_setting_is_understood_in_its_units(void **state)
{
    (void)state;
    assert_int_equal(told("delay=40ms").delay_us, 40000);
    assert_int_equal(told("delay=1.5s").delay_us, 1500000);
    assert_int_equal(told("jitter=250us").jitter_us, 250);
    assert_int_equal(told("loss=2%").loss_ppm, 20000);
    assert_int_equal(told("loss=0.05%").loss_ppm, 500);
    assert_int_equal(told("reorder=100%").reorder_ppm, 1000000);
    assert_int_equal(told("duplicate=7ppm").duplicate_ppm, 7);
    assert_int_equal(told("rate=20mbit").rate_bps, 20000000);
    assert_int_equal(told("rate=0").rate_bps, 0);
    assert_int_equal(told("queue=64k").queue_bytes, 65536);
    assert_int_equal(told("queue=1500").queue_bytes, 1500);
}

static void one_word_changes_one_setting(void **state)
{
    (void)state;
    struct weather w = told("delay=40ms");
    assert_int_equal(weather_set(&w, SLICE("loss=1%"), NULL), 0);
    assert_int_equal(w.delay_us, 40000);
    assert_int_equal(w.queue_bytes, WEATHER_QUEUE_BYTES);
}

static void nonsense_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          "delay",          "delay=",     "delay=40",
                                      "delay=ms",  "delay=4x0ms",    "delay=-1ms", "delay=1.2.3s",
                                      "delay=.5s", "loss=101%",      "loss=2",     "rate=12",
                                      "rain=1%",   "delay=99999999s"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct weather w = weather_fair();
        struct weather before = w;
        assert_true(weather_set(&w, slice_str(bad[i]), NULL) < 0);
        assert_memory_equal(&w, &before, sizeof w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_is_understood_in_its_units),
        cmocka_unit_test(one_word_changes_one_setting),
        cmocka_unit_test(nonsense_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
