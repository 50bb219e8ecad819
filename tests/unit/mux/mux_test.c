/* Two engines back to back: everything a session does, from the owners' point of view. */
#include "mux/mux.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "mux/mux_priv.h"
#include "support/mux_pair.h"

static struct mux_pair pair;

static int fresh_pair(void **state)
{
    (void)state;
    pair_init(&pair, NULL, 1, 1);
    return 0;
}

static int end_pair(void **state)
{
    (void)state;
    pair_deinit(&pair);
    return 0;
}

static void a_stream_carries_bytes_both_ways(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 7, 1000, 100000), 0);
    pair_run(&pair);
    pair_assert_whole(&pair, 7);
    pair_assert_idle(&pair);
}

static void both_sides_may_open(void **state)
{
    (void)state;
    for (uint32_t flow = 1; flow <= 20; flow++) {
        assert_int_equal(
            pair_open(&pair, flow % 2 ? PAIR_AGENT : PAIR_RELAY, flow, flow * 999, flow * 77), 0);
    }
    pair_run(&pair);
    for (uint32_t flow = 1; flow <= 20; flow++) {
        pair_assert_whole(&pair, flow);
        assert_int_equal(pair.flow[flow][flow % 2 ? PAIR_AGENT : PAIR_RELAY].opened, 1);
    }
    pair_assert_idle(&pair);
}

static void blind_data_arrives_with_the_open(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, MUX_INITIAL_WINDOW, 0), 0);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, MUX_INITIAL_WINDOW), 0);
    pair_produce(&pair, PAIR_RELAY);
    assert_int_equal(pair_deliver(&pair, PAIR_RELAY, 0, SIZE_MAX, NULL), 0);
    assert_int_equal(pair.flow[1][PAIR_AGENT].readable, 1);
    assert_int_equal(pair_read(&pair, PAIR_AGENT, 1, 100000), 0);
    assert_int_equal(pair.flow[1][PAIR_AGENT].received, MUX_INITIAL_WINDOW);
}

static void an_empty_stream_ends_by_fin_alone(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 0, 0), 0);
    pair_run(&pair);
    pair_assert_whole(&pair, 1);
    pair_assert_idle(&pair);
}

static void half_close_leaves_the_other_way_open(void **state)
{
    (void)state;
    for (int first = 0; first < PAIR_SIDES; first++) {
        uint32_t flow = (uint32_t)first + 1;
        assert_int_equal(pair_open(&pair, PAIR_RELAY, flow, 500, 500), 0);
        pair_settle(&pair);
        assert_int_equal(pair_write(&pair, first, flow, 500), 0);
        pair_finish(&pair, first, flow);
        pair_settle(&pair);
        assert_int_equal(pair_read(&pair, !first, flow, 1000), 0);
        assert_int_equal(pair_read(&pair, !first, flow, 1000), ERR_EOF);
        pair_pass(&pair, 5000);
        assert_int_equal(pair_read(&pair, first, flow, 1000), ERR_AGAIN);
        assert_int_equal(pair_write(&pair, !first, flow, 500), 0);
        pair_run(&pair);
        pair_assert_whole(&pair, flow);
    }
    pair_assert_idle(&pair);
}

static void a_writer_is_held_back_by_credit(void **state)
{
    struct pair_end *writer = &pair.flow[1][PAIR_RELAY];

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 1 << 20, 0), 0);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 1 << 20), ERR_AGAIN);
    pair_settle(&pair);
    assert_int_equal(writer->writable, 0); /* nothing was read */
    assert_int_equal(writer->sent, MUX_INITIAL_WINDOW + MUX_BEYOND_CREDIT_BYTES);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 1), ERR_AGAIN);
    assert_int_equal(pair_read(&pair, PAIR_AGENT, 1, 1 << 20), 0);
    pair_settle(&pair);
    assert_int_equal(writer->writable, 1);
    pair_run(&pair);
    pair_assert_whole(&pair, 1);
}

static void who_waits_for_room_without_writing_is_told_too(void **state)
{
    struct pair_end *writer = &pair.flow[1][PAIR_RELAY];
    struct mux_stream *s;

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 1 << 20, 0), 0);
    s = pair_stream(&pair, PAIR_RELAY, 1);
    while (mux_stream_room(s) > 0) {
        assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 1024), 0);
    }
    mux_stream_want_room(s);
    pair_settle(&pair);
    assert_int_equal(writer->writable, 0);
    assert_int_equal(pair_read(&pair, PAIR_AGENT, 1, 1 << 20), 0);
    pair_settle(&pair);
    assert_int_equal(writer->writable, 1);
}

static void a_window_grows_while_its_reader_drains(void **state)
{
    struct mux_counters c;

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 64 << 20, 0), 0);
    for (int i = 0; i < 200; i++) {
        pair_work(&pair);
        pair_produce(&pair, PAIR_RELAY);
        assert_int_equal(pair_deliver(&pair, PAIR_RELAY, 0, SIZE_MAX, NULL), 0);
        pair_produce(&pair, PAIR_AGENT);
        assert_int_equal(pair_deliver(&pair, PAIR_AGENT, 0, SIZE_MAX, NULL), 0);
        pair.now_ms += i % 8 == 0;
    }
    mux_counters(pair.side[PAIR_AGENT].mux, &c);
    assert_true(c.promised_bytes > 1 << 20);
    assert_true(c.promised_bytes <= MUX_LINK_BUDGET / MUX_GROWTH_SHARE_DIVISOR);
    mux_counters(pair.side[PAIR_RELAY].mux, &c);
    assert_true(c.retained_bytes < 512 * 1024); /* near the delay of the pair, not the window */
}

/* Shares the carrier with many, so that its turn comes seldom. */
static void a_slow_stream_that_uses_its_window_up_gets_room_for_large_frames(void **state)
{
    struct mux_counters c;

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 64 << 20, 0), 0);
    for (int i = 0; i < 50; i++) {
        (void)!pair_write(&pair, PAIR_RELAY, 1, 1 << 20);
        pair_settle(&pair);
        while (pair_read(&pair, PAIR_AGENT, 1, 1 << 20) == 0) {
        }
        pair_pass(&pair, 1000);
    }
    mux_counters(pair.side[PAIR_AGENT].mux, &c);
    assert_int_equal(c.promised_bytes, MUX_CONTROL_WINDOW + MUX_BULK_WINDOW);
}

/* Never more than a part of its window is on the way. */
static void a_slow_stream_of_small_pieces_keeps_a_small_window(void **state)
{
    struct mux_counters c;

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 64 << 20, 0), 0);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 1500), 0);
        pair_settle(&pair);
        assert_int_equal(pair_read(&pair, PAIR_AGENT, 1, 1 << 20), 0);
        pair_pass(&pair, 500);
    }
    mux_counters(pair.side[PAIR_AGENT].mux, &c);
    assert_int_equal(c.promised_bytes, MUX_CONTROL_WINDOW + MUX_FIRST_WINDOW);
}

static void a_reader_that_rests_gets_no_larger_window(void **state)
{
    struct mux_counters c;

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 4 << 20, 0), 0);
    for (int i = 0; i < 100; i++) {
        (void)!pair_write(&pair, PAIR_RELAY, 1, 1 << 20);
        pair_settle(&pair);
        assert_int_equal(pair_read(&pair, PAIR_AGENT, 1, 8192), 0); /* never all */
        pair_pass(&pair, 10);
    }
    mux_counters(pair.side[PAIR_AGENT].mux, &c);
    assert_int_equal(c.promised_bytes, MUX_CONTROL_WINDOW + MUX_FIRST_WINDOW);
}

static void stop_ends_one_way_only(void **state)
{
    struct pair_end *writer = &pair.flow[1][PAIR_RELAY];

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 1 << 20, 300), 0);
    (void)!pair_write(&pair, PAIR_RELAY, 1, 1 << 20);
    pair_settle(&pair);
    mux_stream_stop(pair_stream(&pair, PAIR_AGENT, 1), RESET_LIMIT);
    pair.flow[1][PAIR_AGENT].has_stopped = true;
    assert_int_equal(pair_read(&pair, PAIR_AGENT, 1, 100), ERR_CLOSED);
    pair_settle(&pair);
    assert_int_equal(writer->stops, 1);
    assert_int_equal(writer->code, RESET_LIMIT);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 1), ERR_CLOSED);
    pair_run(&pair); /* the answer still arrives, and both ends let go */
    assert_int_equal(writer->received, 300);
    assert_true(writer->is_released && pair.flow[1][PAIR_AGENT].is_released);
    pair_assert_idle(&pair);
}

static void reset_ends_both_ways(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 1000, 1000), 0);
    (void)!pair_write(&pair, PAIR_RELAY, 1, 1000);
    pair_settle(&pair);
    (void)!pair_write(&pair, PAIR_AGENT, 1, 1000);
    mux_stream_reset(pair_stream(&pair, PAIR_RELAY, 1), RESET_CANCEL);
    assert_int_equal(pair_read(&pair, PAIR_RELAY, 1, 10), ERR_RESET);
    pair_release(&pair, PAIR_RELAY, 1);
    pair_settle(&pair);
    assert_int_equal(pair.flow[1][PAIR_AGENT].resets, 1);
    assert_int_equal(pair.flow[1][PAIR_AGENT].code, RESET_CANCEL);
    assert_int_equal(pair_read(&pair, PAIR_AGENT, 1, 10), ERR_RESET);
    assert_int_equal(pair_write(&pair, PAIR_AGENT, 1, 10), ERR_RESET);
    pair_run(&pair);
    pair_assert_idle(&pair);
}

static void resets_may_cross(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 1000, 1000), 0);
    pair_settle(&pair);
    mux_stream_reset(pair_stream(&pair, PAIR_RELAY, 1), RESET_CANCEL);
    mux_stream_reset(pair_stream(&pair, PAIR_AGENT, 1), RESET_REFUSED);
    pair_release(&pair, PAIR_RELAY, 1);
    pair_release(&pair, PAIR_AGENT, 1);
    pair_run(&pair);
    assert_int_equal(pair.flow[1][PAIR_RELAY].resets + pair.flow[1][PAIR_AGENT].resets, 0);
    pair_assert_idle(&pair);
}

static void reset_before_the_open_was_sent_opens_nothing(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 10, 10), 0);
    pair_release(&pair, PAIR_RELAY, 1);
    pair_run(&pair);
    assert_null(pair_stream(&pair, PAIR_AGENT, 1));
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 2, 10, 10), 0);
    pair_run(&pair);
    pair_assert_whole(&pair, 2);
    pair_assert_idle(&pair);
}

static void an_acceptor_may_refuse(void **state)
{
    (void)state;
    pair.refuses = true;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 20000, 10), 0);
    pair_run(&pair);
    assert_int_equal(pair.flow[1][PAIR_RELAY].code, RESET_DENIED);
    assert_int_equal(pair.flow[1][PAIR_RELAY].opened, 0);
    pair_assert_idle(&pair);
}

static void letting_go_early_cancels(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 1000, 100000), 0);
    pair_settle(&pair);
    pair_release(&pair, PAIR_RELAY, 1);
    pair_run(&pair);
    assert_int_equal(pair.flow[1][PAIR_AGENT].code, RESET_CANCEL);
    pair_assert_idle(&pair);
}

static void letting_go_after_the_end_stops_the_rest(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 1000, 1 << 20), 0);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 1000), 0);
    pair_finish(&pair, PAIR_RELAY, 1);
    pair_settle(&pair);
    pair_release(&pair, PAIR_RELAY, 1);
    pair_run(&pair);
    assert_int_equal(pair.flow[1][PAIR_AGENT].stops, 1);
    assert_int_equal(pair.flow[1][PAIR_AGENT].received, 1000);
    pair_assert_idle(&pair);
}

static void begin_marks_where_an_exchange_starts(void **state)
{
    struct pair_end *reader = &pair.flow[1][PAIR_AGENT];

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 3000, 0), 0);
    mux_stream_begin(pair_stream(&pair, PAIR_RELAY, 1));
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 1000), 0);
    pair_settle(&pair);
    assert_int_equal(reader->begins, 1);
    assert_int_equal(reader->begin_seen, 0);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 1000), 0);
    mux_stream_begin(pair_stream(&pair, PAIR_RELAY, 1)); /* in the middle of what is queued */
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 1000), 0);
    pair_settle(&pair);
    assert_int_equal(reader->begins, 2);
    assert_int_equal(reader->begin_seen, 2000);
    assert_int_equal(mux_stream_read_offset(pair_stream(&pair, PAIR_AGENT, 1)), 0);
    pair_run(&pair);
    pair_assert_whole(&pair, 1);
}

static void begin_is_told_once_across_a_cut(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 5000, 0), 0);
    pair_settle(&pair);
    mux_stream_begin(pair_stream(&pair, PAIR_RELAY, 1));
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 5000), 0);
    pair_produce(&pair, PAIR_RELAY);
    pair_cut(&pair); /* it was on its way */
    pair_resume(&pair);
    pair_run(&pair);
    assert_int_equal(pair.flow[1][PAIR_AGENT].begins, 1);
    pair_assert_whole(&pair, 1);
}

static void control_messages_arrive_once_and_in_order(void **state)
{
    struct pair_side *relay = &pair.side[PAIR_RELAY];
    static char large[65516];

    (void)state;
    memset(large, 'x', sizeof large);
    assert_int_equal(mux_control_send(pair.side[PAIR_AGENT].mux, SLICE("one")), 0);
    pair_settle(&pair);
    assert_string_equal(relay->control_text, "one");
    assert_int_equal(mux_control_send(pair.side[PAIR_AGENT].mux, SLICE("two")), 0);
    pair_produce(&pair, PAIR_AGENT);
    pair_cut(&pair);
    assert_int_equal(mux_control_send(pair.side[PAIR_AGENT].mux, slice_of(large, sizeof large)), 0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(mux_control_send(pair.side[PAIR_AGENT].mux, slice_of(large, sizeof large)),
                         0);
    }
    pair_resume(&pair);
    pair_settle(&pair);
    assert_int_equal(relay->controls, 11);
    assert_int_equal(relay->control_bytes, 6 + 9 * sizeof large);
    assert_int_equal(mux_control_send(pair.side[PAIR_AGENT].mux, SLICE_NONE), ERR_TOO_LARGE);
    pair_pass(&pair, 1000);
    pair_assert_idle(&pair);
}

static void control_does_not_pile_up_without_end(void **state)
{
    static char large[65516];
    int err = 0;
    int count = 0;

    (void)state;
    memset(large, 'x', sizeof large);
    pair_cut(&pair);
    for (; err == 0 && count < 100; count++) {
        err = mux_control_send(pair.side[PAIR_AGENT].mux, slice_of(large, sizeof large));
    }
    assert_int_equal(err, ERR_FULL);
    assert_in_range(count, 10, 20);
    pair_resume(&pair);
    pair_settle(&pair);
    assert_int_equal(pair.side[PAIR_RELAY].controls, count - 1);
    assert_int_equal(mux_control_send(pair.side[PAIR_AGENT].mux, SLICE("again")), 0);
}

static void goaway_is_told_on_every_carrier(void **state)
{
    (void)state;
    pair_cut(&pair);
    mux_goaway(pair.side[PAIR_RELAY].mux, GOAWAY_SUCCESSOR);
    pair_resume(&pair);
    pair_settle(&pair);
    assert_int_equal(pair.side[PAIR_AGENT].goaway, GOAWAY_SUCCESSOR);
}

static void a_goaway_of_the_same_reason_is_told_once(void **state)
{
    struct mux *relay = pair.side[PAIR_RELAY].mux;

    (void)state;
    mux_goaway(relay, GOAWAY_SHUTDOWN);
    pair_settle(&pair);
    mux_goaway(relay, GOAWAY_SHUTDOWN);
    pair_settle(&pair);
    assert_int_equal(pair.side[PAIR_AGENT].goaways, 1);
    mux_goaway(relay, GOAWAY_REVOKED);
    pair_settle(&pair);
    assert_int_equal(pair.side[PAIR_AGENT].goaway, GOAWAY_REVOKED);
}

/* Written and not acknowledged. */
static size_t retained_bytes(int side)
{
    struct mux_counters counters;

    mux_counters(pair.side[side].mux, &counters);
    return counters.retained_bytes;
}

static void acks_wait_fifty_milliseconds_or_64_kilobytes(void **state)
{
    struct mux *agent = pair.side[PAIR_AGENT].mux;

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 1000, 0), 0);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 1000), 0);
    pair_settle(&pair);
    assert_int_equal(retained_bytes(PAIR_RELAY), 1000);
    assert_int_equal(mux_deadline_ms(agent), pair.now_ms + MUX_ACK_DELAY_MS);
    assert_int_equal(pair_read(&pair, PAIR_AGENT, 1, 1000), 0);
    pair_pass(&pair, 40);
    assert_int_equal(retained_bytes(PAIR_RELAY), 1000);
    pair_pass(&pair, 10);
    assert_int_equal(retained_bytes(PAIR_RELAY), 0);
    assert_int_equal(chunk_stats().in_use, 0);

    for (uint32_t flow = 2; flow <= 10; flow++) {
        assert_int_equal(pair_open(&pair, PAIR_RELAY, flow, 8000, 0), 0);
        assert_int_equal(pair_write(&pair, PAIR_RELAY, flow, 8000), 0);
        pair_settle(&pair); /* at once with the ninth */
        assert_int_equal(retained_bytes(PAIR_RELAY), flow == 10 ? 0 : (flow - 1) * 8000);
    }
}

static void idle_streams_hold_no_chunk(void **state)
{
    (void)state;
    for (uint32_t flow = 0; flow < 500; flow++) {
        assert_int_equal(pair_open(&pair, PAIR_RELAY, flow, 3000, 3000), 0);
        pair_settle(&pair);
        assert_int_equal(pair_write(&pair, PAIR_RELAY, flow, 1500), 0);
        assert_int_equal(pair_write(&pair, PAIR_AGENT, flow, 1500), 0);
        pair_settle(&pair);
        assert_int_equal(pair_read(&pair, PAIR_RELAY, flow, 1500), 0);
        assert_int_equal(pair_read(&pair, PAIR_AGENT, flow, 1500), 0);
    }
    pair_pass(&pair, 1000);
    assert_int_equal(chunk_stats().in_use, 0);
    pair_run(&pair);
    pair_assert_idle(&pair);
}

static void an_idle_stream_costs_256_bytes(void **state)
{
    (void)state;
    assert_true(sizeof(struct mux_stream) <= 256);
    assert_true(sizeof(struct mux_stream) + sizeof(void *) <= 384);
}

static void a_thousand_stalled_readers_do_not_slow_a_fresh_stream(void **state)
{
    (void)state;
    for (uint32_t flow = 0; flow < 1000; flow++) {
        assert_int_equal(pair_open(&pair, PAIR_RELAY, flow, 1 << 20, 0), 0);
        (void)!pair_write(&pair, PAIR_RELAY, flow, 64 * 1024);
    }
    pair_settle(&pair); /* they fill their windows, and nobody reads */
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1001, 8000, 8000), 0);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1001, 8000), 0);
    pair_produce(&pair, PAIR_RELAY);
    assert_int_equal(pair_deliver(&pair, PAIR_RELAY, 0, SIZE_MAX, NULL), 0);
    assert_int_equal(pair_read(&pair, PAIR_AGENT, 1001, 8000), 0);
    assert_int_equal(pair.flow[1001][PAIR_AGENT].received, 8000); /* in one batch */
    struct mux_counters c;
    mux_counters(pair.side[PAIR_AGENT].mux, &c);
    assert_true(c.unread_bytes <= MUX_LINK_BUDGET);
    mux_counters(pair.side[PAIR_RELAY].mux, &c);
    assert_true(c.retained_bytes <= 1001 * MUX_BEYOND_CREDIT_BYTES + 128 * 1024);
}

/* What the kernel takes for a visitor looks like reading: windows grow before they stall. */
static void readers_that_stall_after_they_read_leave_room_for_a_thousand(void **state)
{
    (void)state;
    for (uint32_t flow = 0; flow < 1000; flow++) {
        assert_int_equal(pair_open(&pair, PAIR_RELAY, flow, 1 << 20, 0), 0);
        for (int i = 0; i < 4 && pair.flow[flow][PAIR_RELAY].sent < 400 * 1024; i++) {
            (void)!pair_write(&pair, PAIR_RELAY, flow, 128 * 1024);
            pair_settle(&pair);
            (void)!pair_read(&pair, PAIR_AGENT, flow, 128 * 1024);
        }
        (void)!pair_write(&pair, PAIR_RELAY, flow, 128 * 1024);
    }
    pair_settle(&pair);
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1001, 8000, 0), 0);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1001, 8000), 0);
    pair_settle(&pair);
    assert_int_equal(pair_read(&pair, PAIR_AGENT, 1001, 8000), 0);
    assert_int_equal(pair.flow[1001][PAIR_AGENT].received, 8000);
    struct mux_counters c;
    mux_counters(pair.side[PAIR_AGENT].mux, &c);
    assert_true(c.unread_bytes <= MUX_LINK_BUDGET);
}

static uint64_t promised(int side)
{
    struct mux_counters c;

    mux_counters(pair.side[side].mux, &c);
    return c.promised_bytes;
}

/* Each has said something in both directions: its credit is promised for good. */
static void ten_thousand_idle_streams_fit(void **state)
{
    (void)state;
    for (uint32_t flow = 0; flow < 10000; flow++) {
        assert_int_equal(pair_open(&pair, PAIR_RELAY, flow, 1 << 20, 1 << 20), 0);
        assert_int_equal(pair_write(&pair, PAIR_RELAY, flow, 2000), 0);
        pair_settle(&pair);
        assert_int_equal(pair_read(&pair, PAIR_AGENT, flow, 2000), 0);
        assert_int_equal(pair_write(&pair, PAIR_AGENT, flow, 2000), 0);
        pair_settle(&pair);
        assert_int_equal(pair_read(&pair, PAIR_RELAY, flow, 2000), 0);
    }
    pair_pass(&pair, 1000);
    assert_int_equal(chunk_stats().in_use, 0);
    for (int side = 0; side < PAIR_SIDES; side++) {
        uint64_t before = promised(side);
        assert_true(before < MUX_LINK_BUDGET);
        (void)!pair_write(&pair, !side, 9999, 6000); /* more than half of what it began with */
        pair_settle(&pair);
        assert_int_equal(pair_read(&pair, side, 9999, 6000), 0);
        assert_in_range(promised(side) - before, MUX_FIRST_WINDOW / 2, MUX_FIRST_WINDOW);
    }
}

static void out_of_budget_new_streams_are_refused(void **state)
{
    int err = 0;
    uint32_t flow = 0;

    (void)state;
    for (; err == 0 && flow < PAIR_FLOWS_MAX; flow++) {
        err = pair_open(&pair, PAIR_RELAY, flow, 10, 10);
    }
    assert_int_equal(err, ERR_FULL);
    assert_in_range(flow - 1, 12000, MUX_LINK_BUDGET / MUX_FIRST_WINDOW_MIN);
    assert_true(promised(PAIR_RELAY) > MUX_LINK_BUDGET - MUX_FIRST_WINDOW_MIN);
    pair_run(&pair);
    assert_int_equal(pair_open(&pair, PAIR_RELAY, PAIR_FLOWS_MAX - 1, 10, 10), 0);
    pair_run(&pair);
    pair_assert_idle(&pair);
}

static void the_peer_s_streams_beyond_the_budget_are_refused(void **state)
{
    struct mux_budget small = {.limit_bytes = MUX_CONTROL_WINDOW + 3 * MUX_INITIAL_WINDOW};
    const struct mux_config configs[] = {{.role = MUX_ROLE_AGENT, .process_budget = &small},
                                         {.role = MUX_ROLE_RELAY}};

    (void)state;
    pair_init(&pair, configs, 1, 1);
    for (uint32_t flow = 1; flow <= 5; flow++) {
        assert_int_equal(pair_open(&pair, PAIR_RELAY, flow, 20000, 10), 0);
        (void)!pair_write(&pair, PAIR_RELAY, flow, 20000);
    }
    pair_settle(&pair);
    for (uint32_t flow = 1; flow <= 5; flow++) {
        assert_int_equal(pair.flow[flow][PAIR_RELAY].code, flow <= 3 ? 0 : RESET_LIMIT);
    }
    pair_run(&pair);
    pair_assert_whole(&pair, 3);
    pair_assert_idle(&pair);
    pair_deinit(&pair);
    assert_int_equal(small.promised_bytes, 0);
}

static void the_slowest_reader_is_reset_when_memory_is_short(void **state)
{
    const struct mux_config configs[] = {
        {.role = MUX_ROLE_AGENT, .link_budget_bytes = MUX_CONTROL_WINDOW + 10 * MUX_INITIAL_WINDOW},
        {.role = MUX_ROLE_RELAY}};

    (void)state;
    pair_init(&pair, configs, 1, 1);
    for (uint32_t flow = 1; flow <= 10; flow++) {
        assert_int_equal(pair_open(&pair, PAIR_RELAY, flow, 5000 + flow, 10), 0);
        (void)!pair_write(&pair, PAIR_RELAY, flow, 1 << 20);
    }
    pair_pass(&pair, MUX_SLOW_MS - 1000);
    assert_int_equal(pair_read(&pair, PAIR_AGENT, 10, 1), 0); /* slow, but it reads */
    pair_pass(&pair, 2000);
    for (uint32_t flow = 1; flow <= 10; flow++) {
        assert_int_equal(pair.flow[flow][PAIR_AGENT].code, flow == 9 ? RESET_SLOW : 0);
        assert_int_equal(pair.flow[flow][PAIR_RELAY].code, flow == 9 ? RESET_SLOW : 0);
    }
    pair_run(&pair);
    pair_assert_whole(&pair, 10);
    pair_deinit(&pair);
}

static void ping_measures_the_round_trip(void **state)
{
    struct mux *agent = pair.side[PAIR_AGENT].mux;

    (void)state;
    assert_true(mux_is_ping_unanswered(agent)); /* of the attach */
    pair_produce(&pair, PAIR_AGENT);
    pair.now_ms += 30;
    pair_settle(&pair);
    assert_false(mux_is_ping_unanswered(agent));
    assert_int_equal(mux_rtt_ms(agent), 30);
    assert_int_equal(mux_last_received_ms(agent), pair.now_ms);
    mux_ping(agent, pair.now_ms);
    pair.now_ms += 110;
    pair_settle(&pair);
    assert_int_equal(mux_rtt_ms(agent), 40);
}

static void output_is_told_again_when_the_first_was_for_nothing(void **state)
{
    struct pair_side *agent = &pair.side[PAIR_AGENT];

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 100, 100), 0);
    pair_settle(&pair);
    pair_finish(&pair, PAIR_RELAY, 1);
    pair_produce(&pair, PAIR_RELAY);
    mux_stream_stop(pair_stream(&pair, PAIR_AGENT, 1), RESET_LIMIT);
    assert_true(agent->is_told);
    assert_int_equal(pair_deliver(&pair, PAIR_RELAY, 0, SIZE_MAX, NULL), 0);
    assert_false(mux_wants_output(agent->mux, 0)); /* FIN came: nothing to stop any more */
    pair_produce(&pair, PAIR_AGENT);
    assert_int_equal(pair_write(&pair, PAIR_AGENT, 1, 100), 0);
    assert_true(agent->is_told);
    pair_release(&pair, PAIR_AGENT, 1);
}

static void bulk_alone_sends_full_frames(void **state)
{
    struct bufq out = {0};
    struct mux *relay = pair.side[PAIR_RELAY].mux;
    struct frame_header h;

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 64 << 20, 0), 0);
    for (int i = 0; i < 40; i++) {
        pair_work(&pair);
        pair_settle(&pair);
    }
    pair_work(&pair);
    mux_produce(relay, 0, &out, 65536, pair.now_ms);
    assert_int_equal(frame_peek(&out, &h), 0);
    assert_int_equal(h.type, FRAME_DATA);
    assert_true(h.length > 60000);
    bufq_clear(&out);
}

/* Bytes of each flow's DATA in the frames of a batch. */
static void count_data(struct bufq *out, size_t *bytes_of, uint32_t ids)
{
    struct frame_header h;

    memset(bytes_of, 0, ids * sizeof *bytes_of);
    while (frame_peek(out, &h) == 0) {
        if (h.type == FRAME_DATA) {
            assert_true(h.id / 2 < ids);
            bytes_of[h.id / 2] += h.length;
        }
        bufq_drop(out, (size_t)FRAME_HEADER_BYTES + h.length);
    }
}

static void tunnels_share_a_link_evenly_whatever_their_streams(void **state)
{
    struct mux_stream *streams[10];
    size_t sent[16], one = 0, nine = 0;
    struct bufq out = {0};

    (void)state;
    pair_init_wide(&pair);
    struct mux *relay = pair.side[PAIR_RELAY].mux;
    for (int i = 0; i < 10; i++) { /* one stream in tunnel 1, nine in tunnel 2 */
        struct bufq bytes = {0};
        static char zeros[MUX_UNSENT_BYTES];
        assert_int_equal(mux_open(relay, i == 0 ? 1 : 2, SLICE_NONE, &streams[i]), 0);
        bufq_push(&bytes, zeros, sizeof zeros);
        assert_int_equal(mux_stream_write(streams[i], &bytes), 0);
    }
    mux_produce(relay, 0, &out, 160 * 1024, pair.now_ms); /* what is fresh goes first */
    bufq_clear(&out);
    mux_produce(relay, 0, &out, 64 * 1024, pair.now_ms);
    count_data(&out, sent, 16);
    for (int i = 0; i < 10; i++) {
        *(i == 0 ? &one : &nine) += sent[i + 1];
    }
    assert_in_range(one, 24 * 1024, 40 * 1024);
    assert_in_range(nine, 24 * 1024, 40 * 1024);
    pair_deinit(&pair);
}

static void a_keystroke_overtakes_bulk(void **state)
{
    struct bufq out = {0};

    (void)state;
    pair_init_wide(&pair);
    for (uint32_t flow = 1; flow <= 8; flow++) {
        assert_int_equal(pair_open(&pair, PAIR_RELAY, flow, 1 << 20, 0), 0);
        (void)!pair_write(&pair, PAIR_RELAY, flow, 1 << 20);
    }
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 9, 1000, 0), 0);
    struct mux *relay = pair.side[PAIR_RELAY].mux;
    mux_produce(relay, 0, &out, 256 * 1024, pair.now_ms);
    bufq_clear(&out);
    pair.now_ms += 100; /* silence of flow 9 */
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 9, 64), 0);
    mux_produce(relay, 0, &out, 64 * 1024, pair.now_ms);
    struct frame_header h;
    assert_int_equal(frame_peek(&out, &h), 0);
    assert_true(h.type == FRAME_DATA && h.id == mux_stream_id(pair_stream(&pair, PAIR_RELAY, 9)));
    bufq_clear(&out);
    pair_deinit(&pair);
}

static void abandon_tells_every_owner(void **state)
{
    struct mux *agent = pair.side[PAIR_AGENT].mux;
    struct mux_stream *s;

    (void)state;
    for (uint32_t flow = 1; flow <= 3; flow++) {
        assert_int_equal(pair_open(&pair, PAIR_RELAY, flow, 1000, 1000), 0);
    }
    pair_settle(&pair);
    pair_cut(&pair);
    mux_abandon(agent, RESET_GRACE);
    for (uint32_t flow = 1; flow <= 3; flow++) {
        assert_int_equal(pair.flow[flow][PAIR_AGENT].code, RESET_GRACE);
        pair_release(&pair, PAIR_AGENT, flow);
    }
    struct mux_counters c;
    mux_counters(agent, &c);
    assert_int_equal(c.streams, 0);
    assert_int_equal(mux_open(agent, 1, SLICE_NONE, &s), ERR_FULL);
}

#define PAIR_TEST(f) cmocka_unit_test_setup_teardown(f, fresh_pair, end_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(a_stream_carries_bytes_both_ways),
        PAIR_TEST(both_sides_may_open),
        PAIR_TEST(blind_data_arrives_with_the_open),
        PAIR_TEST(an_empty_stream_ends_by_fin_alone),
        PAIR_TEST(half_close_leaves_the_other_way_open),
        PAIR_TEST(a_writer_is_held_back_by_credit),
        PAIR_TEST(who_waits_for_room_without_writing_is_told_too),
        PAIR_TEST(a_window_grows_while_its_reader_drains),
        PAIR_TEST(a_slow_stream_that_uses_its_window_up_gets_room_for_large_frames),
        PAIR_TEST(a_slow_stream_of_small_pieces_keeps_a_small_window),
        PAIR_TEST(a_reader_that_rests_gets_no_larger_window),
        PAIR_TEST(stop_ends_one_way_only),
        PAIR_TEST(reset_ends_both_ways),
        PAIR_TEST(resets_may_cross),
        PAIR_TEST(reset_before_the_open_was_sent_opens_nothing),
        PAIR_TEST(an_acceptor_may_refuse),
        PAIR_TEST(letting_go_early_cancels),
        PAIR_TEST(letting_go_after_the_end_stops_the_rest),
        PAIR_TEST(begin_marks_where_an_exchange_starts),
        PAIR_TEST(begin_is_told_once_across_a_cut),
        PAIR_TEST(control_messages_arrive_once_and_in_order),
        PAIR_TEST(control_does_not_pile_up_without_end),
        PAIR_TEST(goaway_is_told_on_every_carrier),
        PAIR_TEST(a_goaway_of_the_same_reason_is_told_once),
        PAIR_TEST(acks_wait_fifty_milliseconds_or_64_kilobytes),
        PAIR_TEST(idle_streams_hold_no_chunk),
        cmocka_unit_test(an_idle_stream_costs_256_bytes),
        PAIR_TEST(a_thousand_stalled_readers_do_not_slow_a_fresh_stream),
        PAIR_TEST(readers_that_stall_after_they_read_leave_room_for_a_thousand),
        PAIR_TEST(ten_thousand_idle_streams_fit),
        PAIR_TEST(out_of_budget_new_streams_are_refused),
        cmocka_unit_test(the_peer_s_streams_beyond_the_budget_are_refused),
        cmocka_unit_test(the_slowest_reader_is_reset_when_memory_is_short),
        PAIR_TEST(ping_measures_the_round_trip),
        PAIR_TEST(output_is_told_again_when_the_first_was_for_nothing),
        PAIR_TEST(bulk_alone_sends_full_frames),
        cmocka_unit_test(tunnels_share_a_link_evenly_whatever_their_streams),
        cmocka_unit_test(a_keystroke_overtakes_bulk),
        PAIR_TEST(abandon_tells_every_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
