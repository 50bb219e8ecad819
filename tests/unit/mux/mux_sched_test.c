/* Whose DATA is next, and how much of it. */
#include "mux/mux.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "mux/mux_priv.h"
#include "support/mux_pair.h"

enum { BATCH_BYTES = 256 * 1024 };

static struct mux_pair pair;

static int wide_pair(void **state)
{
    (void)state;
    pair_init_wide(&pair);
    for (uint32_t flow = 1; flow <= 2; flow++) {
        assert_int_equal(pair_open(&pair, PAIR_RELAY, flow, 64 << 20, 0), 0);
    }
    return 0;
}

static int end_pair(void **state)
{
    (void)state;
    pair_deinit(&pair);
    return 0;
}

/* The DATA bytes of the largest frame of a batch, once no stream is fresh any more; and that the
 * two streams got the same. */
static size_t largest_frame_of_a_fair_batch(uint64_t bytes_per_ms)
{
    struct mux *relay = pair.side[PAIR_RELAY].mux;
    struct frame_header h;
    struct bufq out = {0};
    size_t largest = 0, sum[2] = {0};

    relay->flight.limit = 64 << 20;
    relay->flight.bytes_per_ms = bytes_per_ms;
    for (int batch = 0; batch < 2; batch++) {
        bufq_clear(&out);
        for (uint32_t flow = 1; flow <= 2; flow++) {
            (void)!pair_write(&pair, PAIR_RELAY, flow, MUX_UNSENT_BYTES);
        }
        mux_produce(relay, 0, &out, batch ? BATCH_BYTES : 3 * MUX_FRESH_BYTES, pair.now_ms);
    }
    while (!bufq_is_empty(&out)) {
        assert_int_equal(frame_peek(&out, &h), 0);
        assert_int_equal(h.type, FRAME_DATA);
        largest = h.length > largest ? h.length : largest;
        sum[h.id / 2 % 2] += h.length;
        bufq_drop(&out, FRAME_HEADER_BYTES + h.length);
    }
    assert_in_range(sum[0], sum[1] - MUX_QUANTUM_MAX_BYTES, sum[1] + MUX_QUANTUM_MAX_BYTES);
    return largest;
}

static void a_slow_carrier_lets_others_in_soon(void **state)
{
    (void)state;
    assert_in_range(largest_frame_of_a_fair_batch(1000), 1, MUX_QUANTUM_MIN_BYTES);
}

static void a_fast_carrier_gets_large_frames(void **state)
{
    (void)state;
    assert_in_range(largest_frame_of_a_fair_batch(1 << 20), MUX_QUANTUM_MAX_BYTES - 64,
                    MUX_QUANTUM_MAX_BYTES);
}

static void in_between_a_frame_is_what_it_takes_in_a_millisecond(void **state)
{
    (void)state;
    assert_in_range(largest_frame_of_a_fair_batch(30000), 30000, 30000 + FRAME_OFFSET_BYTES);
}

#define SCHED_TEST(f) cmocka_unit_test_setup_teardown(f, wide_pair, end_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCHED_TEST(a_slow_carrier_lets_others_in_soon),
        SCHED_TEST(a_fast_carrier_gets_large_frames),
        SCHED_TEST(in_between_a_frame_is_what_it_takes_in_a_millisecond),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
