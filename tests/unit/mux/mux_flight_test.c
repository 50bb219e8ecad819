/* How much is on its way: enough for the carrier, and no more. */
#include "mux/mux.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "mux/mux_priv.h"
#include "support/mux_pair.h"

static struct mux_pair pair;

static int wide_pair(void **state)
{
    (void)state;
    pair_init_wide(&pair);
    return 0;
}

static int end_pair(void **state)
{
    (void)state;
    pair_deinit(&pair);
    return 0;
}

static void write_and_produce(unsigned flows)
{
    for (int i = 0; i < 1000; i++) {
        for (uint32_t flow = 1; flow <= flows; flow++) {
            (void)!pair_write(&pair, PAIR_RELAY, flow, MUX_UNSENT_BYTES);
        }
        if (!mux_wants_output(pair.side[PAIR_RELAY].mux, 0)) {
            return;
        }
        pair_produce(&pair, PAIR_RELAY);
    }
    fail_msg("a sender without end");
}

static void bulk_waits_for_what_is_on_its_way(void **state)
{
    struct mux *relay = pair.side[PAIR_RELAY].mux;

    (void)state;
    for (uint32_t flow = 1; flow <= 4; flow++) {
        assert_int_equal(pair_open(&pair, PAIR_RELAY, flow, 64 << 20, 0), 0);
    }
    write_and_produce(4);
    assert_in_range(relay->flight.bytes, MUX_FLIGHT_MIN_BYTES, MUX_FLIGHT_MIN_BYTES + (80 << 10));
    pair_settle(&pair); /* it arrives, and its receipt comes: nobody has to read */
    write_and_produce(4);
    assert_true(pair.side[PAIR_RELAY].wire[0].bytes > 256 * 1024);
}

static void a_keystroke_does_not_wait(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 64 << 20, 0), 0);
    write_and_produce(1);
    bufq_clear(&pair.side[PAIR_RELAY].wire[0]); /* arrived somewhere, not acknowledged */
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 2, 1, 0), 0);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 2, 1), 0);
    assert_true(mux_wants_output(pair.side[PAIR_RELAY].mux, 0));
    pair_produce(&pair, PAIR_RELAY);
    assert_in_range(pair.side[PAIR_RELAY].wire[0].bytes, 40, 60); /* OPEN and DATA of one byte */
    pair_cut(&pair);
    pair_resume(&pair);
}

static void slow_readers_hold_back_nobody(void **state)
{
    struct mux *relay = pair.side[PAIR_RELAY].mux;

    (void)state;
    for (uint32_t flow = 1; flow <= 8; flow++) {
        assert_int_equal(pair_open(&pair, PAIR_RELAY, flow, 64 << 20, 0), 0);
    }
    for (int i = 0; i < 50; i++) { /* nobody reads: all windows fill, receipts come */
        write_and_produce(8);
        pair_settle(&pair);
    }
    pair_pass(&pair, 100);
    assert_int_equal(relay->flight.bytes, 0);
    assert_true(flight_has_room(relay));
}

/* Says a little on flow 2, so many times, with some time in between. */
static void talk(int times)
{
    for (int i = 0; i < times; i++) {
        assert_int_equal(pair_write(&pair, PAIR_RELAY, 2, 1), 0);
        pair_settle(&pair);
        pair_pass(&pair, 20);
    }
}

static void read_all(uint32_t flow)
{
    while (pair_read(&pair, PAIR_AGENT, flow, 1 << 20) == 0) {
    }
}

/* How much bulk is let onto the way, which is empty again then. */
static uint64_t let_go(void)
{
    write_and_produce(1);
    uint64_t bytes = pair.side[PAIR_RELAY].mux->flight.bytes;

    pair_settle(&pair);
    read_all(1);
    pair_settle(&pair);
    return bytes;
}

static void bulk_makes_room_for_who_talks(void **state)
{
    enum { FRAME = 80 << 10 };

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 64 << 20, 0), 0);
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 2, 100, 0), 0);
    talk(MUX_TALK_BURSTS); /* the next one shows that the last was little too */
    assert_in_range(let_go(), MUX_FLIGHT_MIN_BYTES, MUX_FLIGHT_MIN_BYTES + FRAME);
    talk(1);
    assert_in_range(let_go(), MUX_FLIGHT_TALK_BYTES, MUX_FLIGHT_TALK_BYTES + FRAME);
    pair_pass(&pair, MUX_TALK_HOLD_MS);
    let_go(); /* nobody has talked for a while: what arrives now says so */
    assert_in_range(let_go(), MUX_FLIGHT_MIN_BYTES, MUX_FLIGHT_MIN_BYTES + FRAME);
}

/* The round trip that is known may be shorter than what it has become: a short queue would be a
 * part of what the line needs now. */
static void a_line_that_the_clock_can_measure_keeps_its_least(void **state)
{
    enum { FRAME = 80 << 10 };

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 64 << 20, 0), 0);
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 2, 100, 0), 0);
    pair_settle(&pair);
    pair.side[PAIR_RELAY].mux->ping.rtt_min_ms = 1;
    talk(MUX_TALK_BURSTS + 1);
    assert_in_range(let_go(), MUX_FLIGHT_MIN_BYTES, MUX_FLIGHT_MIN_BYTES + FRAME);
}

/* Answers have small heads and ends, one behind the other, but what is between them is no talk. */
static void pieces_of_bulk_are_no_talk(void **state)
{
    struct mux *relay = pair.side[PAIR_RELAY].mux;

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 2, 64 << 20, 0), 0);
    for (int i = 0; i < 10; i++) {
        talk(2);
        assert_int_equal(pair_write(&pair, PAIR_RELAY, 2, 60 << 10), 0);
        pair_settle(&pair);
        pair_pass(&pair, 20);
        read_all(2);
    }
    assert_int_equal(relay->flight.limit, MUX_FLIGHT_MIN_BYTES);
}

/* On a fast line the short queue is what the line needs, if the carrier knows its round trip. */
static void room_is_made_by_the_carriers_own_round_trip(void **state)
{
    struct mux *relay = pair.side[PAIR_RELAY].mux;

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 2, 100, 0), 0);
    pair_settle(&pair);
    relay->flight.bytes_per_ms = 1000 * 1000;
    talk(MUX_TALK_BURSTS + 1);
    assert_int_equal(relay->flight.limit,
                     2 * relay->flight.bytes_per_ms * MUX_FLIGHT_RTT_MIN_US / 1000);
    mux_hint_rtt(relay, 40);
    pair_pass(&pair, MUX_TALK_HOLD_MS);
    talk(1);
    assert_int_equal(relay->flight.limit, 2 * relay->flight.bytes_per_ms * 40 / 1000);
    mux_hint_rtt(relay, UINT32_MAX);
    pair_pass(&pair, MUX_TALK_HOLD_MS);
    talk(1);
    assert_int_equal(relay->flight.limit,
                     2 * relay->flight.bytes_per_ms * MUX_FLIGHT_RTT_MIN_US / 1000);
}

/* A carrier that takes 50 ms each way and bytes_per_step in that time. */
static void run_long_carrier(size_t bytes_per_step, int steps)
{
    for (int i = 0; i < steps; i++) {
        pair.now_ms += 50;
        mux_tick(pair.side[PAIR_AGENT].mux, pair.now_ms);
        size_t answers = pair.side[PAIR_AGENT].wire[0].bytes;
        size_t n = pair.side[PAIR_RELAY].wire[0].bytes;
        n = n < bytes_per_step ? n : bytes_per_step;
        assert_int_equal(pair_deliver(&pair, PAIR_AGENT, 0, answers, NULL), 0);
        assert_int_equal(pair_deliver(&pair, PAIR_RELAY, 0, n, NULL), 0);
        while (pair_stream(&pair, PAIR_AGENT, 1) && pair_read(&pair, PAIR_AGENT, 1, 1 << 20) == 0) {
        }
        pair_produce(&pair, PAIR_AGENT);
        write_and_produce(1);
    }
}

static void a_long_carrier_is_filled(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, UINT64_C(1) << 40, 0), 0);
    run_long_carrier(SIZE_MAX, 40);
    assert_true(pair.side[PAIR_RELAY].mux->flight.limit > 8 << 20);
}

static void a_narrow_carrier_gets_a_short_queue(void **state)
{
    const size_t per_step = 512 * 1024; /* 10 MB/s: 1 MiB on its way would do */

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, UINT64_C(1) << 40, 0), 0);
    run_long_carrier(per_step, 100);
    uint64_t before = pair.flow[1][PAIR_AGENT].received;
    run_long_carrier(per_step, 20);
    assert_true(pair.flow[1][PAIR_AGENT].received - before >= 19 * per_step); /* never idle */
    /* The round trip is three steps here; what is on its way is at most two of them. */
    assert_true(pair.side[PAIR_RELAY].wire[0].bytes <= 6 * per_step);
}

#define PAIR_TEST(f) cmocka_unit_test_setup_teardown(f, wide_pair, end_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(bulk_waits_for_what_is_on_its_way),
        PAIR_TEST(a_keystroke_does_not_wait),
        PAIR_TEST(slow_readers_hold_back_nobody),
        PAIR_TEST(a_long_carrier_is_filled),
        PAIR_TEST(a_narrow_carrier_gets_a_short_queue),
        PAIR_TEST(bulk_makes_room_for_who_talks),
        PAIR_TEST(a_line_that_the_clock_can_measure_keeps_its_least),
        PAIR_TEST(pieces_of_bulk_are_no_talk),
        PAIR_TEST(room_is_made_by_the_carriers_own_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
