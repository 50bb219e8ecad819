/* A peer that breaks the rules: every frame that cannot be is refused with a line that says why,
 * and what comes late about a stream that is gone does no harm. */
#include "mux/mux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "mux/mux_priv.h"
#include "support/mux_pair.h"

static struct mux_pair pair;

static int fresh_pair(void **state)
{
    (void)state;
    pair_init(&pair, NULL, 1, 1);
    pair_settle(&pair);
    return 0;
}

static int fresh_pair_of_two_lanes(void **state)
{
    (void)state;
    pair_init(&pair, NULL, 2, 1);
    pair_settle(&pair);
    return 0;
}

static int end_pair(void **state)
{
    (void)state;
    pair_deinit(&pair);
    return 0;
}

/* The relay's end opens flow 1 (stream 2), on which 100 bytes have come to the agent. */
static void open_stream_2(void)
{
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 1 << 20, 100), 0);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 100), 0);
    pair_settle(&pair);
}

/* What the agent answers to frames (as hex) of a relay that is not ours. */
static int feed_agent(const char *hex)
{
    struct bufq q = {0};
    struct errinfo info = {0};

    for (unsigned byte; *hex; hex += *hex == ' ' ? 1 : 2) {
        if (*hex != ' ' && sscanf(hex, "%2x", &byte) == 1) {
            uint8_t b = (uint8_t)byte;
            bufq_push(&q, &b, 1);
        }
    }
    int err = pair_inject(&pair, PAIR_RELAY, &q, &info);
    assert_true(err == 0 || info.text[0]);
    return err;
}

static void assert_refused(const char *hex)
{
    if (feed_agent(hex) != ERR_PROTOCOL) {
        fail_msg("accepted: %s", hex);
    }
}

static void frames_of_a_wrong_shape_are_refused(void **state)
{
    static const char *const frames[] = {
        "0000 12 00 80000002",                        /* a reserved bit */
        "fff9 12 00 00000002",                        /* too long */
        "0001 7f 00 00000000 00",                     /* unknown, not skippable */
        "0000 00 00 00000000",                        /* no type at all */
        "0000 01 00 00000000",                        /* HELLO, after the handshake */
        "0008 20 01 00000000 0000000000000000",       /* flags where none are */
        "0008 20 80 00000000 0000000000000000",       /* skippable, but known */
        "0001 12 08 00000002 00",                     /* a reserved flag of DATA */
        "0007 20 00 00000000 00000000000000",         /* PING too short */
        "0009 21 00 00000000 000000000000000000",     /* PONG too long */
        "0008 20 00 00000002 0000000000000000",       /* PING about a stream */
        "0002 22 00 00000002 0001",                   /* GOAWAY about a stream */
        "0001 22 00 00000000 00",                     /* GOAWAY too short */
        "0000 14 00 00000000",                        /* ACK of nothing */
        "000b 14 00 00000000 0000000000000000000000", /* ACK cut inside a row */
        "000d 14 00 00000000 00000000000000000000000000",
        "000f 13 00 00000002 000000000000000000000000000000", /* WINDOW too short */
        "0003 15 00 00000002 000000",                         /* STOP too long */
        "0009 16 00 00000002 000000000000000000",             /* RESET too short */
        "0001 17 00 00000002 00",                             /* RESET_ACK with something in it */
        "000b 10 00 00000004 0000000000000000000000",         /* OPEN too short */
        "000c 10 00 00000000 000000000000000000000000",       /* OPEN of stream 0 */
        "0002 15 00 00000000 0001",                           /* STOP of CONTROL */
        "000a 16 00 00000000 00010000000000000000",           /* RESET of CONTROL */
    };

    (void)state;
    open_stream_2();
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        assert_refused(frames[i]);
        bufq_clear(&pair.side[PAIR_AGENT].in[0]);
    }
}

static void frames_that_cannot_be_true_are_refused(void **state)
{
    static const char *const frames[] = {
        "0001 12 00 00000001 00",                                /* of ours, never opened */
        "000c 10 00 00000001 00000001 0000000000000000",         /* opens an id of ours */
        "000c 10 00 00000002 00000001 0000000000000000",         /* opens 2 again */
        "0000 11 00 00000002",                                   /* OPENED for its own */
        "0000 11 00 00000001",                                   /* OPENED for nothing */
        "0010 13 00 00000004 0000000000000000 0000000000000001", /* WINDOW before the OPEN */
        "0010 13 00 00000002 0000000000000001 0000000000000001", /* received: never sent */
        "0010 13 00 00000002 0000000000000000 ffffffffffffffff", /* credit without end */
        "000c 14 00 00000000 00000002 0000000000000001",         /* ACK: never sent */
        "000c 14 00 00000000 00000004 0000000000000000",         /* ACK before the OPEN */
        "0000 17 00 00000002",                                   /* RESET_ACK: no RESET */
        "0000 17 00 00000004",                                   /* RESET_ACK: no stream */
        "000a 16 00 00000002 0001 0000000000000063",             /* final: less than came */
        "000a 16 00 00000002 0001 00000000ffffffff",             /* final: beyond credit */
        "0000 12 00 00000002",                                   /* DATA with nothing in it */
        "0001 12 04 00000002 00",                                /* too short for an offset */
        "0009 12 04 00000002 ffffffffffffffff 00",               /* an offset that overflows */
        "0001 12 00 00000004 00",                                /* first DATA, no offset */
        "0008 12 05 00000002 0000000000000063",                  /* FIN before what came */
        "0008 12 05 00000000 0000000000000000",                  /* FIN of CONTROL */
        "0001 12 00 40000002 00",                                /* above the highest id */
        "0009 12 04 00001002 0000000000000000 00",               /* skips too many ids */
        "000c 12 04 00000000 0000000000000000 00000000",         /* CONTROL: empty message */
        "000c 12 04 00000000 0000000000000000 0000ffed",         /* CONTROL: too long */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        pair_init(&pair, NULL, 1, 1);
        pair_settle(&pair);
        open_stream_2();
        assert_refused(frames[i]);
        pair_deinit(&pair);
    }
}

static void one_byte_over_the_credit_is_refused(void **state)
{
    struct bufq q = {0};
    static char zeros[MUX_INITIAL_WINDOW];

    (void)state;
    frame_put_open(&q, 2, &(struct frame_open){1, 0, SLICE("facts")});
    frame_put_data(&q, 2, DATA_OFFSET, 0, sizeof zeros);
    bufq_push(&q, zeros, sizeof zeros);
    assert_int_equal(pair_inject(&pair, PAIR_RELAY, &q, NULL), 0);
    frame_put_data(&q, 2, 0, 0, 1);
    bufq_push(&q, zeros, 1);
    struct errinfo info = {0};
    assert_int_equal(pair_inject(&pair, PAIR_RELAY, &q, &info), ERR_FLOW);
    assert_string_equal(info.text, "DATA on stream 2: more than its credit");
}

static void credit_for_control_is_limited_too(void **state)
{
    struct bufq q = {0};

    (void)state;
    frame_put_data(&q, 0, DATA_OFFSET, MUX_CONTROL_WINDOW, 1);
    bufq_push(&q, "", 1);
    assert_int_equal(pair_inject(&pair, PAIR_RELAY, &q, NULL), ERR_FLOW);
}

static void a_fin_is_final(void **state)
{
    static const char *const after_fin_at_10[] = {
        "0009 12 04 00000002 000000000000000a 00", /* bytes after it */
        "0008 12 05 00000002 0000000000000009",    /* an earlier one */
        "0008 12 05 00000002 000000000000000b",    /* a later one */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(after_fin_at_10); i++) {
        pair_init(&pair, NULL, 2, 1);
        assert_int_equal(feed_agent("0011 10 00 00000002 00000001 0000000000000000 6661637473"
                                    "0008 12 05 00000002 000000000000000a"),
                         0);
        assert_refused(after_fin_at_10[i]);
        pair_deinit(&pair);
    }
}

static void ids_may_be_skipped_and_opened_later(void **state)
{
    (void)state;
    assert_int_equal(feed_agent("0011 10 00 00000006 00000003 0000000000000000 6661637473"), 0);
    assert_int_equal(feed_agent("0011 10 00 00000002 00000001 0000000000000000 6661637473"), 0);
    assert_int_equal(feed_agent("0011 10 00 00000004 00000002 0000000000000000 6661637473"), 0);
    for (uint32_t flow = 1; flow <= 3; flow++) {
        assert_non_null(pair_stream(&pair, PAIR_AGENT, flow));
        pair_release(&pair, PAIR_AGENT, flow);
    }
    assert_refused("0011 10 00 00000004 00000002 0000000000000000 6661637473");
}

static void a_skipped_id_may_be_reset_unopened(void **state)
{
    (void)state;
    assert_int_equal(feed_agent("0011 10 00 00000004 00000002 0000000000000000 6661637473"), 0);
    assert_int_equal(feed_agent("000a 16 00 00000002 0007 0000000000000000"), 0);
    assert_int_equal(pair.side[PAIR_AGENT].mux->reserved_count, 0);
    assert_refused("0011 10 00 00000002 00000001 0000000000000000 6661637473");
}

static void what_is_late_about_a_gone_stream_is_ignored(void **state)
{
    (void)state;
    open_stream_2();
    pair_release(&pair, PAIR_AGENT, 1);
    pair_run(&pair);
    pair_assert_idle(&pair);
    assert_int_equal(feed_agent("0001 12 00 00000002 00"), 0);
    assert_int_equal(feed_agent("0010 13 00 00000002 0000000000000000 0000000000000001"), 0);
    assert_int_equal(feed_agent("000c 14 00 00000000 00000002 0000000000000001"), 0);
    assert_int_equal(feed_agent("0002 15 00 00000002 0001"), 0);
    assert_int_equal(feed_agent("0000 17 00 00000002"), 0);
    pair_produce(&pair, PAIR_AGENT);
    bufq_clear(&pair.side[PAIR_AGENT].wire[0]);
    assert_int_equal(feed_agent("000a 16 00 00000002 0001 0000000000000000"), 0);
    struct frame_header h;
    pair_produce(&pair, PAIR_AGENT);
    assert_int_equal(frame_peek(&pair.side[PAIR_AGENT].wire[0], &h), 0);
    assert_true(h.type == FRAME_RESET_ACK && h.id == 2); /* every RESET has its answer */
}

static void unknown_frames_are_skipped_when_they_say_so(void **state)
{
    (void)state;
    open_stream_2();
    assert_int_equal(feed_agent("0003 7f 80 00000005 616263 0000 23 81 00000000"
                                "0002 15 00 00000002 0007"),
                     0);
    assert_int_equal(pair.flow[1][PAIR_AGENT].stops, 1);
}

static void frames_are_taken_whole_at_every_split(void **state)
{
    struct bufq whole = {0};

    (void)state;
    frame_put_open(&whole, 2, &(struct frame_open){1, 100, SLICE("facts")});
    frame_put_data(&whole, 2, DATA_OFFSET | DATA_BEGIN, 0, 3);
    bufq_push(&whole, "\0\0\0", 3);
    frame_put_data(&whole, 2, DATA_FIN, 0, 2);
    bufq_push(&whole, "\0\0", 2);
    char copy[256];
    struct slice bytes = slice_of(copy, whole.bytes);
    bufq_peek(&whole, copy, bytes.len);
    bufq_clear(&whole);
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        struct bufq q = {0};
        pair_init(&pair, NULL, 1, 1);
        bufq_push(&q, bytes.ptr, cut);
        assert_int_equal(pair_inject(&pair, PAIR_RELAY, &q, NULL), 0);
        bufq_push(&q, bytes.ptr + cut, bytes.len - cut);
        assert_int_equal(pair_inject(&pair, PAIR_RELAY, &q, NULL), 0);
        assert_int_equal(pair.flow[1][PAIR_AGENT].begins, 1);
        assert_int_equal(mux_stream_read(pair_stream(&pair, PAIR_AGENT, 1), &q, 100), 0);
        assert_int_equal(q.bytes, 5);
        assert_int_equal(mux_stream_read(pair_stream(&pair, PAIR_AGENT, 1), &q, 100), ERR_EOF);
        bufq_clear(&q);
        pair_release(&pair, PAIR_AGENT, 1);
        pair_deinit(&pair);
    }
}

static void overlapping_pieces_fill_the_gaps_once(void **state)
{
    /* [8,12) [2,5) [0,1) [4,9) [1,2): in order "abcdefghijkl" */
    static const struct {
        uint64_t offset;
        const char *bytes;
    } pieces[] = {{8, "ijkl"}, {2, "cde"}, {0, "a"}, {4, "efghi"}, {0, "ab"}};
    struct bufq q = {0};

    (void)state;
    frame_put_open(&q, 2, &(struct frame_open){1, 100, SLICE("facts")});
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        frame_put_data(&q, 2, DATA_OFFSET, pieces[i].offset, strlen(pieces[i].bytes));
        bufq_push_str(&q, pieces[i].bytes);
    }
    assert_int_equal(pair_inject(&pair, PAIR_RELAY, &q, NULL), 0);
    assert_int_equal(mux_stream_read(pair_stream(&pair, PAIR_AGENT, 1), &q, 100), 0);
    assert_true(slice_is(bufq_pullup(&q, q.bytes), "abcdefghijkl"));
    bufq_clear(&q);
    pair_release(&pair, PAIR_AGENT, 1);
}

static void put_byte(struct bufq *q, uint32_t id, uint64_t offset)
{
    frame_put_data(q, id, DATA_OFFSET, offset, 1);
    bufq_push(q, "", 1);
}

/* Each costs a chunk, whichever stream it is of. */
static void pieces_out_of_order_are_limited(void **state)
{
    static const char zeros[MUX_SEGMENTS_MAX];
    struct bufq q = {0};

    (void)state;
    for (uint32_t id = 2; id <= 8; id += 2) {
        frame_put_open(&q, id, &(struct frame_open){id, 100, SLICE("facts")});
    }
    for (uint32_t i = 0; i < MUX_SEGMENTS_MAX; i++) {
        put_byte(&q, 2 + 2 * (i % 4), 2 + 2 * (i / 4));
    }
    assert_int_equal(pair_inject(&pair, PAIR_RELAY, &q, NULL), 0);
    frame_put_data(&q, 2, DATA_OFFSET, 0, sizeof zeros); /* filled gaps make room */
    bufq_push(&q, zeros, sizeof zeros);
    for (uint32_t i = 0; i < MUX_SEGMENTS_MAX / 4; i++) {
        put_byte(&q, 8, 4000 + 2 * i);
    }
    assert_int_equal(pair_inject(&pair, PAIR_RELAY, &q, NULL), 0);
    put_byte(&q, 4, 4000);
    assert_int_equal(pair_inject(&pair, PAIR_RELAY, &q, NULL), ERR_PROTOCOL);
    for (uint32_t flow = 2; flow <= 8; flow += 2) {
        pair_release(&pair, PAIR_AGENT, flow);
    }
}

static void a_gap_on_the_only_lane_is_refused(void **state)
{
    struct bufq q = {0};
    struct errinfo info = {0};

    (void)state;
    frame_put_open(&q, 2, &(struct frame_open){1, 100, SLICE("facts")});
    put_byte(&q, 2, 1);
    assert_int_equal(pair_inject(&pair, PAIR_RELAY, &q, &info), ERR_PROTOCOL);
    assert_string_equal(info.text, "DATA on stream 2: a gap, where nothing can be overtaken");
    pair_release(&pair, PAIR_AGENT, 1);
}

static void a_peer_that_reads_no_answers_is_cut(void **state)
{
    struct bufq q = {0};
    int err = 0;
    size_t pings = 0;

    (void)state;
    for (; err == 0 && pings < 1000000; pings++) {
        frame_put_ping(&q, FRAME_PING, pings);
        err = pair_inject(&pair, PAIR_RELAY, &q, NULL);
    }
    assert_int_equal(err, ERR_PROTOCOL);
    assert_in_range(pings, MUX_URGENT_BYTES / 16, MUX_URGENT_BYTES / 16 + 10);
}

static void opening_without_end_is_cut(void **state)
{
    const struct mux_config configs[] = {{.role = MUX_ROLE_AGENT, .streams_max = 10},
                                         {.role = MUX_ROLE_RELAY}};
    struct bufq q = {0};
    int err = 0;
    uint32_t id;

    (void)state;
    pair_init(&pair, configs, 1, 1);
    for (id = 2; err == 0 && id < 10000; id += 2) {
        frame_put_open(&q, id, &(struct frame_open){id, 100, SLICE("facts")});
        err = pair_inject(&pair, PAIR_RELAY, &q, NULL);
    }
    assert_int_equal(err, ERR_PROTOCOL); /* a thousand refusals, and no answer to any */
    assert_in_range(id / 2, MUX_RESERVED_MAX, MUX_RESERVED_MAX + 20);
    for (uint32_t flow = 0; flow < 100; flow++) {
        if (pair_stream(&pair, PAIR_AGENT, flow)) {
            pair_release(&pair, PAIR_AGENT, flow);
        }
    }
    pair_deinit(&pair);
}

static void streams_nobody_wants_cost_no_credit_and_few_records(void **state)
{
    const struct mux_config configs[] = {{.role = MUX_ROLE_AGENT, .refuses_streams = true},
                                         {.role = MUX_ROLE_RELAY}};
    struct mux_counters counters;
    struct bufq q = {0};
    int err = 0;
    uint32_t id;

    (void)state;
    pair_init(&pair, configs, 1, 1);
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 100, 100), 0);
    pair_settle(&pair);
    assert_int_equal(pair.flow[1][PAIR_RELAY].code, RESET_DENIED);
    pair_release(&pair, PAIR_RELAY, 1);
    pair_settle(&pair);
    mux_counters(pair.side[PAIR_AGENT].mux, &counters);
    assert_int_equal(counters.streams, 0);
    for (id = 4; id < 10000; id += 2) { /* as many as you like, if they are answered */
        frame_put_open(&q, id, &(struct frame_open){id, 100, SLICE("facts")});
        frame_put_reset_ack(&q, id);
    }
    assert_int_equal(pair_inject(&pair, PAIR_RELAY, &q, NULL), 0);
    for (; err == 0 && id < 20000; id += 2) {
        frame_put_open(&q, id, &(struct frame_open){id, 100, SLICE("facts")});
        frame_put_data(&q, id, DATA_OFFSET, 1, 1);
        bufq_push(&q, "", 1);
        err = pair_inject(&pair, PAIR_RELAY, &q, NULL);
    }
    assert_int_equal(err, ERR_PROTOCOL); /* no answer to any refusal */
    assert_in_range((id - 10000) / 2, MUX_RESERVED_MAX, MUX_RESERVED_MAX + 10);
    mux_counters(pair.side[PAIR_AGENT].mux, &counters);
    assert_int_equal(counters.promised_bytes, MUX_CONTROL_WINDOW);
    pair_deinit(&pair);
}

#define PAIR_TEST(f)  cmocka_unit_test_setup_teardown(f, fresh_pair, end_pair)
#define LANES_TEST(f) cmocka_unit_test_setup_teardown(f, fresh_pair_of_two_lanes, end_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(frames_of_a_wrong_shape_are_refused),
        cmocka_unit_test(frames_that_cannot_be_true_are_refused),
        PAIR_TEST(one_byte_over_the_credit_is_refused),
        PAIR_TEST(credit_for_control_is_limited_too),
        cmocka_unit_test(a_fin_is_final),
        PAIR_TEST(ids_may_be_skipped_and_opened_later),
        PAIR_TEST(a_skipped_id_may_be_reset_unopened),
        PAIR_TEST(what_is_late_about_a_gone_stream_is_ignored),
        PAIR_TEST(unknown_frames_are_skipped_when_they_say_so),
        cmocka_unit_test(frames_are_taken_whole_at_every_split),
        LANES_TEST(overlapping_pieces_fill_the_gaps_once),
        LANES_TEST(pieces_out_of_order_are_limited),
        PAIR_TEST(a_gap_on_the_only_lane_is_refused),
        PAIR_TEST(a_peer_that_reads_no_answers_is_cut),
        cmocka_unit_test(opening_without_end_is_cut),
        cmocka_unit_test(streams_nobody_wants_cost_no_credit_and_few_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
