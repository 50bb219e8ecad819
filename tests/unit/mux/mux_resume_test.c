/* Sessions that outlive their carriers: cuts at every byte, lost answers, and chaos by seed. */
#include "mux/mux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mux/mux_priv.h"
#include "support/mux_pair.h"
#include "wire/link_hello.h"

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

/* ---- a cut at every byte ---- */

/* A short session that uses every frame: both sides open, credit runs out and is renewed, one
 * stream is stopped, one reset, CONTROL speaks. */
static void start_scene(void)
{
    pair_init(&pair, NULL, 1, 1);
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 40, 700), 0);
    assert_int_equal(pair_open(&pair, PAIR_AGENT, 2, 300, 0), 0);
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 3, 33, 20), 0);
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 4, 10, 10), 0);
    mux_stream_begin(pair_stream(&pair, PAIR_RELAY, 1));
    assert_int_equal(mux_control_send(pair.side[PAIR_AGENT].mux, SLICE("hello relay")), 0);
    assert_int_equal(mux_control_send(pair.side[PAIR_RELAY].mux, SLICE("hello agent")), 0);
    pair_release(&pair, PAIR_RELAY, 4); /* RESET, perhaps before its OPEN */
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 3, 20), 0);
    mux_stream_stop(pair_stream(&pair, PAIR_RELAY, 3), RESET_LIMIT);
    pair.flow[3][PAIR_RELAY].has_stopped = true;
}

static void end_scene(void)
{
    pair_run(&pair);
    pair_assert_whole(&pair, 1);
    pair_assert_whole(&pair, 2);
    assert_int_equal(pair.flow[3][PAIR_AGENT].received, 33);
    assert_int_equal(pair.flow[1][PAIR_AGENT].begins, 1);
    assert_int_equal(pair.side[PAIR_AGENT].controls, 1);
    assert_int_equal(pair.side[PAIR_RELAY].controls, 1);
    assert_null(pair_stream(&pair, PAIR_AGENT, 4));
    pair_assert_idle(&pair);
    pair_deinit(&pair);
}

/* Lets `left` more bytes of `side` through, both ways in turns; false: the scene ended first. */
static bool run_until_cut(int side, size_t left)
{
    for (int round = 0; round < 50; round++) {
        pair_work(&pair);
        for (int from = 0; from < PAIR_SIDES; from++) {
            pair_produce(&pair, from);
            size_t n = pair.side[from].wire[0].bytes;
            if (from == side && n >= left) {
                assert_int_equal(pair_deliver(&pair, from, 0, left, NULL), 0);
                return true;
            }
            left -= from == side ? n : 0;
            assert_int_equal(pair_deliver(&pair, from, 0, n, NULL), 0);
        }
        pair.now_ms += 20;
        mux_tick(pair.side[0].mux, pair.now_ms);
        mux_tick(pair.side[1].mux, pair.now_ms);
    }
    return false;
}

static void nothing_is_lost_wherever_the_carrier_breaks(void **state)
{
    (void)state;
    for (int side = 0; side < PAIR_SIDES; side++) {
        size_t at = 0;
        for (bool was_cut = true; was_cut; at++) {
            start_scene();
            was_cut = run_until_cut(side, at);
            pair_cut(&pair);
            pair_resume(&pair);
            end_scene();
        }
        assert_true(at > 300); /* the scene is as long as it was meant to be */
    }
}

static void nothing_is_lost_when_it_breaks_twice(void **state)
{
    (void)state;
    for (size_t at = 0; at < 900; at += 7) {
        for (size_t again = 0; again < 900; again += 61) {
            start_scene();
            (void)run_until_cut(PAIR_RELAY, at);
            pair_cut(&pair);
            pair_resume(&pair);
            (void)run_until_cut(PAIR_AGENT, again);
            pair_cut(&pair);
            pair_resume(&pair);
            end_scene();
        }
    }
}

/* ---- single cases ---- */

static void an_open_that_was_lost_is_told_again(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 5000, 100), 0);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 5000), 0);
    pair_produce(&pair, PAIR_RELAY);
    pair_cut(&pair);
    assert_null(pair_stream(&pair, PAIR_AGENT, 1));
    pair_resume(&pair);
    pair_run(&pair);
    pair_assert_whole(&pair, 1);
    assert_int_equal(pair.flow[1][PAIR_RELAY].opened, 1);
}

static void an_opened_that_was_lost_is_told_again(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 0, 0), 0);
    pair_produce(&pair, PAIR_RELAY);
    assert_int_equal(pair_deliver(&pair, PAIR_RELAY, 0, SIZE_MAX, NULL), 0);
    pair_produce(&pair, PAIR_AGENT);
    pair_cut(&pair);
    pair_resume(&pair);
    pair_settle(&pair);
    assert_int_equal(pair.flow[1][PAIR_RELAY].opened, 1);
    pair_cut(&pair);
    pair_resume(&pair);
    pair_settle(&pair);
    assert_int_equal(pair.flow[1][PAIR_RELAY].opened, 1); /* once is enough */
}

static void a_lost_answer_to_resume_is_harmless(void **state)
{
    struct bufq rows = {0};
    struct errinfo info = {0};

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 9000, 9000), 0);
    pair_work(&pair);
    pair_produce(&pair, PAIR_RELAY);
    assert_int_equal(pair_deliver(&pair, PAIR_RELAY, 0, 3000, NULL), 0);
    pair_cut(&pair);
    for (int i = 0; i < 3; i++) { /* the relay takes the agent's table, its own never arrives */
        mux_resume_table(pair.side[PAIR_AGENT].mux, &rows);
        assert_int_equal(mux_resume_apply(pair.side[PAIR_RELAY].mux, &rows, &info), 0);
        mux_attach(pair.side[PAIR_RELAY].mux, 1, pair.now_ms);
        pair_produce(&pair, PAIR_RELAY);
        mux_detach(pair.side[PAIR_RELAY].mux);
        bufq_clear(&pair.side[PAIR_RELAY].wire[0]);
    }
    pair_resume(&pair);
    pair_run(&pair);
    pair_assert_whole(&pair, 1);
}

static void work_goes_on_while_the_carrier_is_away(void **state)
{
    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 10000, 0), 0);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 10000), 0);
    pair_settle(&pair);
    pair_cut(&pair);
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 2, 10, 10), 0);
    assert_int_equal(pair_write(&pair, PAIR_RELAY, 2, 10), 0);
    assert_int_equal(pair_read(&pair, PAIR_AGENT, 1, 10000), 0); /* had arrived */
    pair_finish(&pair, PAIR_RELAY, 1);
    pair_pass(&pair, 30000);
    assert_false(mux_wants_output(pair.side[PAIR_RELAY].mux, 0));
    pair_resume(&pair);
    pair_run(&pair);
    pair_assert_whole(&pair, 1);
    pair_assert_whole(&pair, 2);
    pair_assert_idle(&pair);
}

static void a_stream_the_peer_has_lost_is_reset_gone(void **state)
{
    struct bufq rows[PAIR_SIDES] = {{0}}, only_control = {0};
    struct errinfo info = {0};
    struct link_row row = {.id = 0, .limit = MUX_CONTROL_WINDOW};
    uint8_t bytes[LINK_ROW_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);

    (void)state;
    assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 100, 100), 0);
    pair_settle(&pair);
    pair_cut(&pair);
    link_row_write(&w, &row);
    bufq_push(&only_control, bytes, sizeof bytes);
    assert_int_equal(mux_resume_apply(pair.side[PAIR_RELAY].mux, &only_control, &info), 0);
    assert_int_equal(pair.flow[1][PAIR_RELAY].code, RESET_GONE);
    pair_release(&pair, PAIR_RELAY, 1);
    mux_resume_table(pair.side[PAIR_RELAY].mux, &rows[PAIR_RELAY]);
    assert_int_equal(mux_resume_apply(pair.side[PAIR_AGENT].mux, &rows[PAIR_RELAY], &info), 0);
    assert_int_equal(pair.flow[1][PAIR_AGENT].code, RESET_GONE);
    pair_release(&pair, PAIR_AGENT, 1);
    for (int i = 0; i < PAIR_SIDES; i++) {
        mux_attach(pair.side[i].mux, 1, pair.now_ms);
    }
    pair_run(&pair);
    pair_assert_idle(&pair);
}

/* ---- tables that cannot be true ---- */

static int apply_rows(const struct link_row *rows, size_t count)
{
    struct bufq q = {0};
    struct errinfo info = {0};

    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[LINK_ROW_BYTES];
        struct writer w = writer_of(bytes, sizeof bytes);
        link_row_write(&w, &rows[i]);
        bufq_push(&q, bytes, sizeof bytes);
    }
    int err = mux_resume_apply(pair.side[PAIR_RELAY].mux, &q, &info);
    assert_true(err == 0 || info.text[0]);
    bufq_clear(&q);
    return err;
}

static void impossible_tables_are_refused(void **state)
{
    static const struct {
        struct link_row rows[3];
        size_t count;
        int err;
    } cases[] = {
        {{{0, 0, 0, 1}, {2, 0, 50, 1}}, 2, 0},
        {{{0, 0, 0, 1}, {99, 0, 0, 1}}, 2, 0},             /* the peer's, not seen yet */
        {{{2, 0, 50, 1}}, 1, ERR_PROTOCOL},                /* no stream 0 */
        {{{0, 0, 0, 1}, {2, 0, 101, 1}}, 2, ERR_PROTOCOL}, /* more than was sent */
        {{{0, 0, 0, 1}, {2, 0, 19, 1}}, 2, ERR_PROTOCOL},  /* less than was acknowledged */
        {{{0, 0, 1, 1}, {2, 0, 50, 1}}, 2, ERR_PROTOCOL},  /* of CONTROL */
        {{{0, 0, 0, 1}, {4, 0, 0, 1}}, 2, ERR_PROTOCOL},   /* never opened */
        {{{0, 0, 0, 1}, {2, 0, 50, 1}, {2, 0, 50, 1}}, 3, ERR_PROTOCOL},
        {{{0, 0, 0, 1}, {1u << 31, 0, 0, 1}}, 2, ERR_PROTOCOL},
        {{{0, 0, 0, UINT64_MAX}}, 1, ERR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pair_init(&pair, NULL, 1, 1);
        assert_int_equal(pair_open(&pair, PAIR_RELAY, 1, 1000, 100), 0);
        assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 20), 0);
        pair_settle(&pair);
        pair_pass(&pair, 100); /* 20 acknowledged */
        assert_int_equal(pair_write(&pair, PAIR_RELAY, 1, 80), 0);
        pair_settle(&pair);
        pair_cut(&pair);
        assert_int_equal(apply_rows(cases[i].rows, cases[i].count), cases[i].err);
        pair_deinit(&pair);
    }
}

static void a_table_cut_inside_a_row_is_refused(void **state)
{
    struct bufq q = {0};
    struct errinfo info = {0};

    (void)state;
    pair_cut(&pair);
    bufq_push(&q, "0123456789", 10);
    assert_int_equal(mux_resume_apply(pair.side[PAIR_RELAY].mux, &q, &info), ERR_PROTOCOL);
    bufq_clear(&q);
}

/* ---- chaos ---- */

enum { CHAOS_FLOWS = 40, CHAOS_STEPS = 3000 };

static void open_something(struct mux_pair *p, uint32_t *next)
{
    static const uint64_t sizes[] = {0, 1, 100, 5000, 40000, 300000};

    if (*next < CHAOS_FLOWS) {
        assert_int_equal(pair_open(p, (int)pair_random(p, 2), *next, sizes[pair_random(p, 6)],
                                   sizes[pair_random(p, 6)]),
                         0);
        (*next)++;
    }
}

static void act_on_something(struct mux_pair *p, bool is_cruel)
{
    uint32_t flow = (uint32_t)pair_random(p, CHAOS_FLOWS);
    int side = (int)pair_random(p, 2);
    struct pair_end *e = &p->flow[flow][side];

    if (!e->stream) {
        return;
    }
    switch (pair_random(p, is_cruel ? 40 : 36)) {
    case 39:
        mux_stream_reset(e->stream, RESET_CANCEL);
        e->resets++; /* it ends without an event on this side */
        break;
    case 38:
        mux_stream_stop(e->stream, RESET_LIMIT);
        e->has_stopped = true;
        break;
    case 37:
        pair_release(p, side, flow);
        break;
    default:
        if (!e->is_finished && !e->resets) {
            (void)!pair_write(p, side, flow, pair_random(p, 50000));
            if (e->sent == e->total && pair_random(p, 2)) {
                pair_finish(p, side, flow);
            }
        }
        if (!e->has_stopped && pair_random(p, 2)) {
            (void)!pair_read(p, side, flow, 1 + pair_random(p, 50000));
        }
    }
}

static void deliver_something(struct mux_pair *p)
{
    int from = (int)pair_random(p, 2);
    unsigned lane = (unsigned)pair_random(p, p->lanes);
    struct pair_side *side = &p->side[from];
    struct errinfo info = {0};

    if (mux_wants_output(side->mux, lane)) {
        mux_produce(side->mux, lane, &side->wire[lane], pair_random(p, 100000), p->now_ms);
    }
    size_t n = (size_t)pair_random(p, side->wire[lane].bytes + 1);
    if (pair_deliver(p, from, lane, pair_random(p, 3) ? n : SIZE_MAX, &info) < 0) {
        fail_msg("%s", info.text);
    }
}

static void chaos(uint64_t seed, unsigned lanes, bool is_cruel)
{
    uint32_t next = 0;

    pair_init(&pair, NULL, lanes, seed);
    for (int step = 0; step < CHAOS_STEPS; step++) {
        switch (pair_random(&pair, 30)) {
        case 0:
            open_something(&pair, &next);
            break;
        case 1:
            pair.now_ms += pair_random(&pair, 60);
            mux_tick(pair.side[0].mux, pair.now_ms);
            mux_tick(pair.side[1].mux, pair.now_ms);
            break;
        case 2:
            if (pair_random(&pair, 4) == 0) {
                pair_cut(&pair);
                pair_resume(&pair);
            }
            break;
        case 3:
            pair_control(&pair, (int)pair_random(&pair, 2),
                         pair_random(&pair, 4) ? 100 : 16 + pair_random(&pair, 65500));
            break;
        case 4:
        case 5:
        case 6:
        case 7:
        case 8:
            deliver_something(&pair);
            break;
        default:
            act_on_something(&pair, is_cruel);
        }
    }
    pair_cut(&pair); /* half frames in the wires go with their carrier */
    pair_resume(&pair);
    pair_run(&pair);
    for (uint32_t flow = 0; flow < next && !is_cruel; flow++) {
        pair_assert_whole(&pair, flow);
    }
    for (int side = 0; side < PAIR_SIDES; side++) {
        assert_int_equal(pair.side[side].controls, pair.side[!side].numbered);
    }
    pair_pass(&pair, 1000);
    pair_assert_idle(&pair);
    pair_deinit(&pair);
}

static uint64_t seeds(void)
{
    const char *text = getenv("ADIT_TEST_SEEDS"); /* tools/test --long asks for more */

    return text ? strtoull(text, NULL, 10) : 12;
}

static void chaos_on_one_lane_loses_and_doubles_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        chaos(seed, 1, false);
    }
}

static void chaos_over_lanes_loses_and_doubles_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        chaos(seed, 2 + seed % 3, false);
    }
}

static void chaos_with_resets_and_stops_leaves_nothing_behind(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        chaos(seed, 1 + seed % 3, true);
    }
}

#define PAIR_TEST(f) cmocka_unit_test_setup_teardown(f, fresh_pair, end_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(an_open_that_was_lost_is_told_again),
        PAIR_TEST(an_opened_that_was_lost_is_told_again),
        PAIR_TEST(a_lost_answer_to_resume_is_harmless),
        PAIR_TEST(work_goes_on_while_the_carrier_is_away),
        PAIR_TEST(a_stream_the_peer_has_lost_is_reset_gone),
        cmocka_unit_test(impossible_tables_are_refused),
        PAIR_TEST(a_table_cut_inside_a_row_is_refused),
        cmocka_unit_test(nothing_is_lost_wherever_the_carrier_breaks),
        cmocka_unit_test(nothing_is_lost_when_it_breaks_twice),
        cmocka_unit_test(chaos_on_one_lane_loses_and_doubles_nothing),
        cmocka_unit_test(chaos_over_lanes_loses_and_doubles_nothing),
        cmocka_unit_test(chaos_with_resets_and_stops_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
