/* First both ends on one loop, where every step is known; then two threads that race. */
#include "net/xstream.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>

#include "base/mem.h"
#include "support/sockets.h"

struct actor {
    struct stream *stream;
    struct bufq got;
    int end;
    bool is_broken;
    int writable_count;
};

static struct loop *loop;
static struct actor a, b;

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    struct actor *actor = ctx;

    actor->is_broken |= (events & STREAM_BROKEN) != 0;
    actor->writable_count += (events & STREAM_WRITABLE) != 0;
    if (!(events & STREAM_READABLE)) {
        return;
    }
    int err = 0;
    while (err == 0) {
        err = stream_read(s, &actor->got, STREAM_ROUND_BYTES);
    }
    if (err != ERR_AGAIN) {
        actor->end = err;
        stream_unwant(s, STREAM_READABLE);
    }
}

static int open_pair(void **state)
{
    (void)state;
    loop = loop_new();
    a = b = (struct actor){0};
    xstream_open(loop, loop, NULL, &a.stream, &b.stream);
    stream_set_user(a.stream, on_ready, &a);
    stream_set_user(b.stream, on_ready, &b);
    stream_want(a.stream, STREAM_READABLE);
    stream_want(b.stream, STREAM_READABLE);
    return 0;
}

static int close_pair(void **state)
{
    (void)state;
    stream_abort(&a.stream);
    stream_abort(&b.stream);
    bufq_clear(&a.got);
    bufq_clear(&b.got);
    loop_free(&loop);
    assert_int_equal(chunk_stats().in_use, 0);
    return 0;
}

static bool heard(const struct actor *actor, const char *text)
{
    char bytes[64];

    if (actor->got.bytes != strlen(text)) {
        return false;
    }
    bufq_peek(&actor->got, bytes, actor->got.bytes);
    return memcmp(bytes, text, actor->got.bytes) == 0;
}

static void say(struct actor *actor, const char *text)
{
    assert_int_equal(stream_write_bytes(actor->stream, text, strlen(text)), 0);
}

static void bytes_cross_both_ways(void **state)
{
    (void)state;
    say(&a, "ping");
    say(&b, "po");
    say(&b, "ng");
    RUN_UNTIL(loop, heard(&b, "ping") && heard(&a, "pong"));
}

static void half_close_leaves_the_other_half(void **state)
{
    (void)state;
    say(&a, "last");
    assert_int_equal(stream_shutdown(a.stream), 0);
    RUN_UNTIL(loop, b.end == ERR_EOF);
    assert_true(heard(&b, "last"));
    say(&b, "answer");
    RUN_UNTIL(loop, heard(&a, "answer"));
    assert_int_equal(a.end, 0);
}

static void a_full_direction_stops_the_writer_and_wakes_it(void **state)
{
    (void)state;
    static const char block[100000];
    struct bufq q = {0};
    int err = 0;

    stream_unwant(b.stream, STREAM_READABLE);
    for (int i = 0; i < 10 && err == 0; i++) {
        bufq_push(&q, block, sizeof block);
        err = stream_write(a.stream, &q);
        loop_run_for(loop, 0);
    }
    assert_int_equal(err, ERR_AGAIN);
    assert_int_equal(stream_room(a.stream), 0);
    bufq_clear(&q);
    stream_want(a.stream, STREAM_WRITABLE);
    loop_run_for(loop, 5);
    assert_int_equal(a.writable_count, 0);
    stream_want(b.stream, STREAM_READABLE);
    RUN_UNTIL(loop, a.writable_count == 1);
    assert_int_equal(b.got.bytes, XSTREAM_BYTES);
}

static void many_small_pieces_wait_for_slots_not_for_ever(void **state)
{
    (void)state;
    enum { PIECES = 1000 };

    for (int i = 0; i < PIECES; i++) { /* no turn runs in between */
        struct bufq one = {0};
        size_t room;
        memset(bufq_reserve(&one, CHUNK_LARGE_BYTES, &room), 'x', BUFQ_SHARE_MIN + 1);
        bufq_commit(&one, i < 50 ? BUFQ_SHARE_MIN + 1 : 1);
        assert_int_equal(stream_write(a.stream, &one), 0);
        bufq_clear(&one);
    }
    RUN_UNTIL(loop, b.got.bytes == 50 * (BUFQ_SHARE_MIN + 1) + PIECES - 50);
}

static void abort_resets_the_other_end(void **state)
{
    (void)state;
    say(&a, "lost");
    stream_abort(&a.stream);
    RUN_UNTIL(loop, b.is_broken && b.end);
    assert_int_equal(b.end, ERR_RESET);
    assert_true(stream_write_bytes(b.stream, "x", 1) < 0);
}

static void the_reason_of_a_reset_crosses(void **state)
{
    (void)state;
    assert_int_equal(stream_reset_code(b.stream), 0);
    stream_reset(&a.stream, 7);
    RUN_UNTIL(loop, b.is_broken && b.end);
    assert_int_equal(b.end, ERR_RESET);
    assert_int_equal(stream_reset_code(b.stream), 7);
}

static void close_sends_everything_and_then_the_end(void **state)
{
    (void)state;
    static const char block[XSTREAM_BYTES];
    struct bufq q = {0};

    bufq_push(&q, block, sizeof block);
    assert_int_equal(stream_write(a.stream, &q), 0);
    stream_close(&a.stream);
    RUN_UNTIL(loop, b.end);
    assert_int_equal(b.end, ERR_EOF);
    assert_int_equal(b.got.bytes, sizeof block);
    assert_false(b.is_broken);
}

static void who_writes_to_a_closed_end_is_reset(void **state)
{
    (void)state;
    struct bufq q = {0};

    stream_close(&a.stream);
    RUN_UNTIL(loop, b.end == ERR_EOF);
    bufq_push_str(&q, "x");
    assert_int_equal(stream_write(b.stream, &q), ERR_RESET);
    bufq_clear(&q);
    RUN_UNTIL(loop, b.is_broken);
}

static void who_waits_for_a_closed_end_is_reset(void **state)
{
    (void)state;
    say(&b, "unread");
    stream_close(&a.stream);
    RUN_UNTIL(loop, b.is_broken);
}

static void facts_are_copied(void **state)
{
    (void)state;
    struct loop *other = loop_new();
    struct stream *x, *y;
    char name[] = "blog.example";
    struct stream_facts facts = {.is_encrypted = true, .server_name = slice_str(name)};

    xstream_open(other, other, &facts, &x, &y);
    memset(name, '?', sizeof name - 1);
    facts = (struct stream_facts){0};
    stream_facts(y, &facts);
    assert_true(slice_is(facts.server_name, "blog.example"));
    assert_true(facts.is_encrypted);
    assert_string_equal(facts.transport, "xstream");
    stream_close(&x);
    stream_close(&y);
    loop_free(&other);
}

/* ---- two threads ---- */

enum ending { END_PROPERLY, END_BY_ABORT, END_BY_CLOSE, ENDINGS };

/* Talks and listens on its own thread until its stream is over. */
struct worker {
    pthread_t thread;
    struct loop *loop;
    struct stream *stream;
    struct timer tick;
    uint32_t dice;
    uint32_t seed_sent;
    uint32_t seed_got;
    size_t total;
    size_t sent;
    size_t got;
    size_t gives_up_after; /* bytes received */
    enum ending ending;
    int end;
    bool has_shut;
    bool is_dead;
    size_t chunks_left;
};

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void stop_if_over(struct worker *w)
{
    if (w->is_dead || (w->end && w->has_shut)) {
        stream_close(&w->stream);
        timer_disarm(w->loop, &w->tick);
        loop_stop(w->loop);
    }
}

static void talk(struct worker *w)
{
    while (!w->is_dead && w->sent < w->total) {
        size_t n = 1 + next(&w->dice) % (next(&w->dice) % 4 ? 200 : 20000);
        n = n < w->total - w->sent ? n : w->total - w->sent;
        if (stream_room(w->stream) < n) {
            stream_want(w->stream, STREAM_WRITABLE);
            return;
        }
        struct bufq q = {0};
        size_t room;
        uint8_t *at = bufq_reserve(&q, n, &room);
        for (size_t i = 0; i < n; i++) {
            at[i] = (uint8_t)next(&w->seed_sent);
        }
        bufq_commit(&q, n);
        int err = stream_write(w->stream, &q);
        bufq_clear(&q);
        w->is_dead |= err != 0;
        w->sent += n;
        if (next(&w->dice) % 8 == 0) {
            timer_arm(w->loop, &w->tick, next(&w->dice) % 2);
            return;
        }
    }
    if (!w->is_dead && !w->has_shut && w->sent == w->total) {
        w->has_shut = true;
        w->is_dead |= stream_shutdown(w->stream) != 0;
    }
}

static void check(struct worker *w, struct bufq *q)
{
    while (!bufq_is_empty(q)) {
        struct slice front = bufq_front(q);
        for (size_t i = 0; i < front.len; i++) {
            if ((uint8_t)front.ptr[i] != (uint8_t)next(&w->seed_got)) {
                w->end = ERR_PROTOCOL;
            }
        }
        w->got += front.len;
        bufq_drop(q, front.len);
    }
}

static void listen_to(struct worker *w)
{
    struct bufq q = {0};
    int err = stream_read(w->stream, &q, 1 + next(&w->dice) % 50000);

    check(w, &q);
    if (err < 0 && err != ERR_AGAIN) {
        w->end = w->end ? w->end : err;
        w->is_dead |= err != ERR_EOF;
        stream_unwant(w->stream, STREAM_READABLE);
    }
    if (w->got >= w->gives_up_after && w->ending == END_BY_ABORT) {
        stream_abort(&w->stream);
    } else if (w->got >= w->gives_up_after && w->ending == END_BY_CLOSE) {
        stream_close(&w->stream);
    }
    if (!w->stream) {
        timer_disarm(w->loop, &w->tick);
        loop_stop(w->loop);
    }
}

static void on_worker_ready(void *ctx, struct stream *s, unsigned events)
{
    struct worker *w = ctx;

    (void)s;
    if ((events & STREAM_BROKEN) && w->ending != END_PROPERLY) {
        w->is_dead = true;
    }
    if (!w->is_dead && (events & STREAM_READABLE)) {
        listen_to(w);
    }
    if (w->stream) {
        talk(w);
        stop_if_over(w);
    }
}

static void on_tick(struct timer *t)
{
    struct worker *w = CONTAINER_OF(t, struct worker, tick);

    talk(w);
    stop_if_over(w);
}

static void *work(void *arg)
{
    struct worker *w = arg;

    stream_set_user(w->stream, on_worker_ready, w);
    stream_want(w->stream, STREAM_READABLE);
    timer_arm(w->loop, &w->tick, 0);
    loop_run_for(w->loop, 20000);
    loop_run_for(w->loop, 20); /* the last bytes and letters */
    w->chunks_left = chunk_stats().in_use;
    return NULL;
}

static void *work_and_tidy(void *arg)
{
    work(arg);
    chunk_drain_spares();
    return NULL;
}

static void run_pair(uint32_t seed, enum ending ending, struct worker workers[2])
{
    uint32_t dice = seed;

    for (uint32_t i = 0; i < 2; i++) {
        workers[i] = (struct worker){
            .loop = loop_new(),
            .tick.expired = on_tick,
            .dice = seed * 2 + i,
            .seed_sent = seed + i,
            .seed_got = seed + !i,
            .total = 1 + next(&dice) % 1500000,
            .ending = ending,
            .gives_up_after = i == 0 ? next(&dice) % 500000 : SIZE_MAX,
        };
    }
    xstream_open(workers[0].loop, workers[1].loop, NULL, &workers[0].stream, &workers[1].stream);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work_and_tidy, &workers[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    for (int i = 0; i < 2; i++) {
        assert_null(workers[i].stream);
        loop_free(&workers[i].loop);
    }
}

static void nothing_is_lost_between_two_threads(void **state)
{
    (void)state;
    struct worker w[2];

    for (uint32_t seed = 1; seed <= 12; seed++) {
        run_pair(seed, END_PROPERLY, w);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(w[i].end, ERR_EOF);
            assert_int_equal(w[i].got, w[!i].total);
            assert_int_equal(w[i].chunks_left, 0);
        }
    }
}

static void either_side_may_leave_at_any_time(void **state)
{
    (void)state;
    struct worker w[2];

    for (uint32_t seed = 1; seed <= 24; seed++) {
        run_pair(seed, seed % 2 ? END_BY_ABORT : END_BY_CLOSE, w);
        assert_true(w[1].end != ERR_PROTOCOL);
        assert_int_equal(w[0].chunks_left + w[1].chunks_left, 0);
    }
}

int main(void)
{
#define XSTREAM_TEST(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)
    const struct CMUnitTest tests[] = {
        XSTREAM_TEST(bytes_cross_both_ways),
        XSTREAM_TEST(half_close_leaves_the_other_half),
        XSTREAM_TEST(a_full_direction_stops_the_writer_and_wakes_it),
        XSTREAM_TEST(many_small_pieces_wait_for_slots_not_for_ever),
        XSTREAM_TEST(abort_resets_the_other_end),
        XSTREAM_TEST(the_reason_of_a_reset_crosses),
        XSTREAM_TEST(close_sends_everything_and_then_the_end),
        XSTREAM_TEST(who_writes_to_a_closed_end_is_reset),
        XSTREAM_TEST(who_waits_for_a_closed_end_is_reset),
        XSTREAM_TEST(facts_are_copied),
        cmocka_unit_test(nothing_is_lost_between_two_threads),
        cmocka_unit_test(either_side_may_leave_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
