/* visitor <--> [visitor side | pump | origin side] <--> origin
 *
 * The test plays visitor and origin over pipes that are as nasty as a test wants. */
#include "net/pump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/tcp.h"
#include "support/pipe_stream.h"
#include "support/sockets.h"

struct actor {
    struct stream *stream;
    struct bufq got;
    int end; /* what read said at last */
    bool is_broken;
};

static struct loop *loop;
static struct actor visitor, origin;
static struct stream *near_visitor, *near_origin; /* the pump's ends */
static struct pump *pump;
static struct pump_result result;
static int done_count;

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    struct actor *a = ctx;

    a->is_broken |= (events & STREAM_BROKEN) != 0;
    if (!(events & STREAM_READABLE)) {
        return;
    }
    int err = 0;
    while (err == 0) {
        err = stream_read(s, &a->got, STREAM_ROUND_BYTES);
    }
    if (err != ERR_AGAIN) {
        a->end = err;
        stream_unwant(s, STREAM_READABLE);
    }
}

static void on_done(void *ctx, const struct pump_result *r)
{
    assert_ptr_equal(ctx, &result);
    result = *r;
    done_count++;
    pump = NULL;
}

static void open_actor(struct actor *a)
{
    stream_set_user(a->stream, on_ready, a);
    stream_want(a->stream, STREAM_READABLE);
}

static void start(void)
{
    pump = pump_start(near_visitor, near_origin, NULL, NULL, on_done, &result);
    open_actor(&visitor);
    open_actor(&origin);
}

static void open_pipes(const struct pipe_options *left, const struct pipe_options *right)
{
    pipe_open(loop, left, &visitor.stream, &near_visitor);
    pipe_open(loop, right, &near_origin, &origin.stream);
}

static int open_loop(void **state)
{
    (void)state;
    loop = loop_new();
    visitor = origin = (struct actor){0};
    result = (struct pump_result){.err = 1};
    done_count = 0;
    return 0;
}

static int close_loop(void **state)
{
    (void)state;
    pump_abort(&pump);
    stream_abort(&visitor.stream);
    stream_abort(&origin.stream);
    bufq_clear(&visitor.got);
    bufq_clear(&origin.got);
    loop_free(&loop);
    assert_int_equal(chunk_stats().in_use, 0);
    return 0;
}

static void say(struct actor *a, const char *text)
{
    assert_int_equal(stream_write_bytes(a->stream, text, strlen(text)), 0);
}

static bool heard(const struct actor *a, const char *text)
{
    char bytes[256];

    if (a->got.bytes != strlen(text)) {
        return false;
    }
    bufq_peek(&a->got, bytes, a->got.bytes);
    return memcmp(bytes, text, a->got.bytes) == 0;
}

static const struct pipe_options plain;

/* ---- moving ---- */

static void both_directions_move_and_an_idle_pump_owns_nothing(void **state)
{
    (void)state;
    open_pipes(&plain, &plain);
    start();
    say(&visitor, "GET /");
    say(&origin, "220 welcome");
    RUN_UNTIL(loop, heard(&origin, "GET /") && heard(&visitor, "220 welcome"));
    assert_int_equal(pump_bytes(pump, PUMP_A), 5);
    assert_int_equal(pump_bytes(pump, PUMP_B), 11);
    bufq_clear(&origin.got);
    bufq_clear(&visitor.got);
    assert_int_equal(chunk_stats().in_use, 0);
}

static void what_was_read_before_comes_first(void **state)
{
    (void)state;
    struct bufq early = {0};
    struct bufq greeting = {0};

    open_pipes(&plain, &plain);
    bufq_push_str(&early, "GET ");
    bufq_push_str(&greeting, "HTTP/1.1 ");
    pump = pump_start(near_visitor, near_origin, &early, &greeting, on_done, &result);
    assert_true(bufq_is_empty(&early) && bufq_is_empty(&greeting));
    open_actor(&visitor);
    open_actor(&origin);
    say(&visitor, "/");
    say(&origin, "200");
    RUN_UNTIL(loop, heard(&origin, "GET /") && heard(&visitor, "HTTP/1.1 200"));
    assert_int_equal(pump_bytes(pump, PUMP_A), 5);
}

static void a_slow_reader_stops_the_writer(void **state)
{
    (void)state;
    struct bufq q = {0};
    size_t taken = 0;

    open_pipes(&plain, &plain);
    start();
    stream_unwant(origin.stream, STREAM_READABLE);
    for (int i = 0; i < 200; i++) {
        static const char block[16384];
        if (bufq_is_empty(&q)) {
            bufq_push(&q, block, sizeof block);
        }
        size_t before = q.bytes;
        int err = stream_write(visitor.stream, &q);
        assert_true(err == 0 || err == ERR_AGAIN);
        taken += before - q.bytes;
        loop_run_for(loop, 0);
    }
    assert_true(taken <= 4 * STREAM_TX_BYTES);
    assert_true(pump_bytes(pump, PUMP_A) <= 2 * STREAM_TX_BYTES);
    bufq_clear(&q);
    stream_want(origin.stream, STREAM_READABLE);
    RUN_UNTIL(loop, origin.got.bytes == taken);
    say(&visitor, "more");
    RUN_UNTIL(loop, origin.got.bytes == taken + 4);
}

/* ---- ends ---- */

static void half_close_is_carried_and_the_other_half_goes_on(void **state)
{
    (void)state;
    open_pipes(&plain, &plain);
    start();
    say(&visitor, "question");
    assert_int_equal(stream_shutdown(visitor.stream), 0);
    RUN_UNTIL(loop, origin.end == ERR_EOF);
    assert_true(heard(&origin, "question"));
    loop_run_for(loop, 5);
    assert_int_equal(done_count, 0);
    say(&origin, "answer");
    assert_int_equal(stream_shutdown(origin.stream), 0);
    RUN_UNTIL(loop, visitor.end == ERR_EOF);
    assert_true(heard(&visitor, "answer"));
    RUN_UNTIL(loop, done_count == 1);
    assert_int_equal(result.err, 0);
    assert_int_equal(result.bytes[PUMP_A], 8);
    assert_int_equal(result.bytes[PUMP_B], 6);
}

static void without_half_close_what_has_arrived_is_sent_and_both_are_closed(void **state)
{
    (void)state;
    struct pipe_options no_half = {.no_half_close = true};

    open_pipes(&no_half, &plain);
    start();
    say(&origin, "all of it");
    assert_int_equal(stream_shutdown(origin.stream), 0);
    RUN_UNTIL(loop, visitor.end);
    assert_int_equal(visitor.end, ERR_EOF);
    assert_true(heard(&visitor, "all of it"));
    RUN_UNTIL(loop, done_count == 1 && origin.end);
    assert_int_equal(result.err, 0);
    assert_int_equal(origin.end, ERR_EOF);
}

static void a_reset_is_a_reset_after_what_came_before_it(void **state)
{
    (void)state;
    open_pipes(&plain, &plain);
    start();
    say(&origin, "half an ans");
    loop_run_for(loop, 0);
    stream_abort(&origin.stream);
    RUN_UNTIL(loop, visitor.end);
    assert_int_equal(visitor.end, ERR_RESET);
    assert_true(heard(&visitor, "half an ans"));
    assert_int_equal(done_count, 1);
    assert_int_equal(result.err, ERR_RESET);
    assert_int_equal(result.side, PUMP_B);
}

static void a_truncation_is_never_a_clean_end(void **state)
{
    (void)state;
    open_pipes(&plain, &plain);
    start();
    say(&visitor, "half");
    RUN_UNTIL(loop, heard(&origin, "half"));
    pipe_cut(visitor.stream, ERR_TRUNCATED);
    RUN_UNTIL(loop, origin.end);
    assert_int_equal(origin.end, ERR_RESET);
    assert_int_equal(result.err, ERR_TRUNCATED);
    assert_int_equal(result.side, PUMP_A);
}

static void a_reset_ends_a_pump_that_is_stuck(void **state)
{
    (void)state;
    struct bufq q = {0};
    static const char block[STREAM_TX_BYTES];

    open_pipes(&plain, &plain);
    start();
    stream_unwant(origin.stream, STREAM_READABLE);
    for (int i = 0; i < 20; i++) {
        bufq_push(&q, block, sizeof block);
        (void)!stream_write(visitor.stream, &q);
        bufq_clear(&q);
        loop_run_for(loop, 0);
    }
    stream_abort(&visitor.stream);
    RUN_UNTIL(loop, done_count == 1);
    assert_int_equal(result.err, ERR_RESET);
    assert_int_equal(result.side, PUMP_A);
    RUN_UNTIL(loop, origin.is_broken);
}

/* "413, and I do not want the rest": the answer must arrive whole, with its end. */
static void a_side_that_ended_before_it_broke_is_heard_out(void **state)
{
    (void)state;
    open_pipes(&plain, &plain);
    start();
    stream_unwant(visitor.stream, STREAM_READABLE);
    say(&origin, "413");
    assert_int_equal(stream_shutdown(origin.stream), 0);
    loop_run_for(loop, 3);
    stream_abort(&origin.stream);
    RUN_UNTIL(loop, done_count == 1);
    assert_int_equal(result.err, ERR_RESET);
    stream_want(visitor.stream, STREAM_READABLE);
    RUN_UNTIL(loop, visitor.end);
    assert_true(heard(&visitor, "413"));
    assert_int_equal(visitor.end, ERR_EOF);
}

static void an_aborted_pump_resets_both_and_tells_nobody(void **state)
{
    (void)state;
    open_pipes(&plain, &plain);
    start();
    say(&visitor, "x");
    loop_run_for(loop, 2);
    pump_abort(&pump);
    assert_null(pump);
    RUN_UNTIL(loop, visitor.is_broken && origin.is_broken);
    assert_int_equal(done_count, 0);
}

/* ---- property ---- */

struct talk {
    struct actor *from;
    struct actor *to;
    size_t sent;
    size_t total;
    uint32_t seed_sent;
    uint32_t seed_got;
    bool has_ended;
};

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void talk_a_little(struct talk *t, uint32_t *dice)
{
    char block[3000];
    struct bufq q = {0};
    size_t n = 1 + next(dice) % sizeof block;

    if (n > t->total - t->sent) {
        n = t->total - t->sent;
    }
    if (n > stream_room(t->from->stream)) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        block[i] = (char)next(&t->seed_sent);
    }
    bufq_push(&q, block, n);
    assert_int_equal(stream_write(t->from->stream, &q), 0);
    t->sent += n;
    if (t->sent == t->total && !t->has_ended) {
        t->has_ended = true;
        assert_int_equal(stream_shutdown(t->from->stream), 0);
    }
}

static void check_heard(struct talk *t)
{
    while (!bufq_is_empty(&t->to->got)) {
        struct slice front = bufq_front(&t->to->got);
        for (size_t i = 0; i < front.len; i++) {
            assert_int_equal(front.ptr[i], (char)next(&t->seed_got));
        }
        bufq_drop(&t->to->got, front.len);
    }
}

static void nothing_is_lost_doubled_or_moved_under_any_schedule(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        uint32_t dice = seed;
        struct pipe_options left = {.read_max = next(&dice) % 2 ? 1 + next(&dice) % 700 : 0,
                                    .room = 3000 + next(&dice) % 5000,
                                    .delay_ms = next(&dice) % 4 == 0};
        struct pipe_options right = {.read_max = next(&dice) % 2 ? 1 + next(&dice) % 700 : 0,
                                     .room = 3000 + next(&dice) % 5000};
        struct talk talks[2] = {
            {.from = &visitor, .to = &origin, .seed_sent = seed, .seed_got = seed},
            {.from = &origin, .to = &visitor, .seed_sent = ~seed, .seed_got = ~seed},
        };

        open_pipes(&left, &right);
        start();
        visitor.end = origin.end = done_count = 0;
        talks[0].total = 1 + next(&dice) % 60000;
        talks[1].total = 1 + next(&dice) % 60000;
        for (int turns = 0; !done_count || !visitor.end || !origin.end; turns++) {
            struct talk *t = &talks[next(&dice) % 2];
            assert_true(turns < 100000);
            if (t->sent < t->total) {
                talk_a_little(t, &dice);
            }
            if (next(&dice) % 16 == 0) {
                stream_unwant(t->to->stream, STREAM_READABLE);
            } else if (!t->to->end) {
                stream_want(t->to->stream, STREAM_READABLE);
            }
            loop_run_for(loop, 0);
            check_heard(&talks[0]);
            check_heard(&talks[1]);
        }
        assert_int_equal(visitor.end, ERR_EOF);
        assert_int_equal(origin.end, ERR_EOF);
        assert_int_equal(result.err, 0);
        assert_int_equal(result.bytes[PUMP_A], talks[0].total);
        assert_int_equal(result.bytes[PUMP_B], talks[1].total);
        stream_close(&visitor.stream);
        stream_close(&origin.stream);
    }
}

/* ---- the real thing ---- */

static void bulk_goes_through_real_sockets_with_bounded_memory(void **state)
{
    (void)state;
    enum { TOTAL = 16 << 20 };
    int left[2], right[2];
    size_t sent = 0;
    size_t got = 0;
    size_t most = 0;
    bool is_end = false;
    static const char block[65536];

    sockets_connected(left);
    sockets_connected(right);
    assert_int_equal(tcp_open(&near_visitor, loop, left[1]), 0);
    assert_int_equal(tcp_open(&near_origin, loop, right[0]), 0);
    pump = pump_start(near_visitor, near_origin, NULL, NULL, on_done, &result);
    const uint64_t started_at_ms = clock_now_ms();
    for (unsigned turns = 0; !is_end; turns++) {
        assert_true(clock_now_ms() - started_at_ms < 10 * 1000); /* of no bounded number of turns */
        if (sent < TOTAL) {
            ssize_t n = send(left[0], block, sizeof block, MSG_DONTWAIT);
            sent += n > 0 ? (size_t)n : 0;
            if (sent >= TOTAL) {
                shutdown(left[0], SHUT_WR);
            }
        }
        loop_run_for(loop, 0);
        if (chunk_stats().bytes_in_use > most) {
            most = chunk_stats().bytes_in_use;
        }
        if (turns % 3 == 0) {
            got += sockets_drain(right[1], &is_end);
        }
    }
    assert_int_equal(got, sent);
    assert_true(most <= 4 * STREAM_TX_BYTES);
    close(right[1]);
    RUN_UNTIL(loop, done_count == 1);
    assert_int_equal(result.err, 0);
    sockets_drain(left[0], &is_end);
    assert_true(is_end);
    close(left[0]);
}

int main(void)
{
#define PUMP_TEST(f) cmocka_unit_test_setup_teardown(f, open_loop, close_loop)
    const struct CMUnitTest tests[] = {
        PUMP_TEST(both_directions_move_and_an_idle_pump_owns_nothing),
        PUMP_TEST(what_was_read_before_comes_first),
        PUMP_TEST(a_slow_reader_stops_the_writer),
        PUMP_TEST(half_close_is_carried_and_the_other_half_goes_on),
        PUMP_TEST(without_half_close_what_has_arrived_is_sent_and_both_are_closed),
        PUMP_TEST(a_reset_is_a_reset_after_what_came_before_it),
        PUMP_TEST(a_truncation_is_never_a_clean_end),
        PUMP_TEST(a_reset_ends_a_pump_that_is_stuck),
        PUMP_TEST(a_side_that_ended_before_it_broke_is_heard_out),
        PUMP_TEST(an_aborted_pump_resets_both_and_tells_nobody),
        PUMP_TEST(nothing_is_lost_doubled_or_moved_under_any_schedule),
        PUMP_TEST(bulk_goes_through_real_sockets_with_bounded_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
