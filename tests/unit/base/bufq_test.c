/* Queues of pieces: each promise alone, then all of them against a flat byte array. */
#include "base/bufq.h"

#include <pthread.h>

#include "base/mem.h"
#include "support/check.h"

static struct bufq q;

static int teardown(void **state)
{
    (void)state;
    bufq_clear(&q);
    assert_int_equal(chunk_stats().in_use, 0);
    assert_int_equal(chunk_stats().bytes_in_use, 0);
    chunk_drain_spares();
    assert_int_equal(chunk_stats().spares, 0);
    return 0;
}

/* A byte that tells its place in the flow. */
static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 7);
}

static void push_flow(struct bufq *to, size_t from, size_t n)
{
    uint8_t *bytes = mem_alloc(n);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = byte_at(from + i);
    }
    bufq_push(to, bytes, n);
    mem_free(bytes);
}

static void check_flow(const struct bufq *of, size_t from, size_t n)
{
    uint8_t *bytes = mem_alloc(n);
    assert_int_equal(of->bytes, n);
    bufq_peek(of, bytes, n);
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != byte_at(from + i)) {
            fail_msg("byte %zu of %zu is wrong", i, n);
        }
    }
    mem_free(bytes);
}

static int count_pieces(const struct bufq *of)
{
    struct iovec iov[64];
    return bufq_iov(of, iov, 64);
}

/* ---- each promise ---- */

static void an_empty_queue_owns_nothing(void **state)
{
    (void)state;
    assert_true(bufq_is_empty(&q));
    assert_null(bufq_front(&q).ptr);
    assert_int_equal(count_pieces(&q), 0);
    bufq_push(&q, "", 0);
    assert_true(bufq_is_empty(&q));
    bufq_push_str(&q, "x");
    bufq_drop(&q, 1);
    assert_null(q.head);
    assert_null(q.tail);
    assert_int_equal(chunk_stats().in_use, 0);
}

static void what_is_pushed_comes_out_in_order(void **state)
{
    (void)state;
    push_flow(&q, 0, 10);
    push_flow(&q, 10, 200000);
    push_flow(&q, 200010, 3);
    check_flow(&q, 0, 200013);
    bufq_drop(&q, 150001);
    check_flow(&q, 150001, 50012);
}

static void a_few_bytes_take_a_small_chunk_and_more_a_large_one(void **state)
{
    (void)state;
    bufq_push_str(&q, "hello");
    assert_int_equal(chunk_stats().bytes_in_use, CHUNK_SMALL_BYTES);
    push_flow(&q, 0, CHUNK_SMALL_BYTES);
    assert_int_equal(chunk_stats().bytes_in_use, CHUNK_SMALL_BYTES + CHUNK_LARGE_BYTES);
}

static void reserved_room_becomes_part_by_commit(void **state)
{
    size_t room;
    (void)state;
    uint8_t *at = bufq_reserve(&q, 100, &room);
    assert_true(room >= 100);
    memcpy(at, "abc", 3);
    bufq_commit(&q, 3);
    check_slice(bufq_front(&q), "abc");
    at = bufq_reserve(&q, 1, &room); /* behind it, in the same chunk */
    memcpy(at, "de", 2);
    bufq_commit(&q, 2);
    check_slice(bufq_front(&q), "abcde");
    assert_int_equal(count_pieces(&q), 1);
}

static void committing_nothing_leaves_no_trace(void **state)
{
    size_t room;
    (void)state;
    bufq_reserve(&q, CHUNK_LARGE_BYTES, &room);
    assert_int_equal(room, CHUNK_LARGE_BYTES);
    bufq_commit(&q, 0);
    assert_null(q.head);
    push_flow(&q, 0, 5);
    bufq_reserve(&q, CHUNK_LARGE_BYTES, &room); /* does not fit behind the five */
    bufq_commit(&q, 0);
    assert_int_equal(count_pieces(&q), 1);
    push_flow(&q, 5, 5);
    check_flow(&q, 0, 10);
}

static void moving_copies_nothing(void **state)
{
    struct bufq to = {0};
    (void)state;
    push_flow(&q, 0, 100000);
    const char *first = bufq_front(&q).ptr;
    size_t chunks = chunk_stats().in_use;
    assert_int_equal(bufq_move(&to, &q, 1000000), 100000);
    assert_ptr_equal(bufq_front(&to).ptr, first);
    assert_int_equal(chunk_stats().in_use, chunks);
    assert_true(bufq_is_empty(&q));
    check_flow(&to, 0, 100000);
    bufq_clear(&to);
}

static void moving_a_part_leaves_the_rest(void **state)
{
    struct bufq to = {0};
    (void)state;
    push_flow(&q, 0, 100000);
    assert_int_equal(bufq_move(&to, &q, 70000), 70000);
    check_flow(&to, 0, 70000);
    check_flow(&q, 70000, 30000);
    assert_int_equal(bufq_move(&to, &q, 10), 10);
    check_flow(&to, 0, 70010);
    check_flow(&q, 70010, 29990);
    assert_int_equal(bufq_move(&to, &q, 0), 0);
    bufq_clear(&to);
}

static void packed_small_pieces_free_their_chunks(void **state)
{
    struct bufq to = {0};
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        size_t room;
        uint8_t *at = bufq_reserve(&q, CHUNK_LARGE_BYTES, &room); /* as a socket would */
        *at = byte_at(i);
        bufq_commit(&q, 1);
    }
    assert_int_equal(chunk_stats().bytes_in_use, 20 * CHUNK_LARGE_BYTES);
    assert_int_equal(bufq_pack(&to, &q, 100), 20);
    assert_int_equal(chunk_stats().bytes_in_use, CHUNK_SMALL_BYTES);
    assert_int_equal(count_pieces(&to), 1);
    check_flow(&to, 0, 20);
    bufq_clear(&to);
}

static void packed_large_pieces_are_handed_over(void **state)
{
    struct bufq to = {0};
    (void)state;
    push_flow(&q, 0, CHUNK_LARGE_BYTES);
    const char *first = bufq_front(&q).ptr;
    assert_int_equal(bufq_pack(&to, &q, SIZE_MAX), CHUNK_LARGE_BYTES);
    assert_ptr_equal(bufq_front(&to).ptr, first);
    bufq_clear(&to);
}

static void pullup_joins_what_is_apart_and_copies_only_that(void **state)
{
    struct bufq piece = {0};
    (void)state;
    for (size_t i = 0; i < 5; i++) { /* five pieces of 100 */
        push_flow(&piece, i * 100, 100);
        bufq_move(&q, &piece, 100);
    }
    assert_int_equal(count_pieces(&q), 5);
    struct slice joined = bufq_pullup(&q, 250);
    assert_int_equal(joined.len, 250);
    assert_int_equal((uint8_t)joined.ptr[249], byte_at(249));
    check_flow(&q, 0, 500);
    const char *before = bufq_front(&q).ptr;
    assert_ptr_equal(bufq_pullup(&q, 200).ptr, before); /* lies together already */
    assert_null(bufq_pullup(&q, 0).ptr);
    bufq_pullup(&q, 500);
    assert_int_equal(count_pieces(&q), 1);
    check_flow(&q, 0, 500);
}

static void iov_shows_no_more_than_asked_for(void **state)
{
    struct iovec iov[2];
    struct bufq piece = {0};
    (void)state;
    for (int i = 0; i < 3; i++) {
        bufq_push_str(&piece, "abc");
        bufq_move(&q, &piece, 3);
    }
    assert_int_equal(bufq_iov(&q, iov, 2), 2);
    assert_int_equal(iov[1].iov_len, 3);
}

static void sharing_keeps_the_original_and_moves_the_mark(void **state)
{
    struct bufq to = {0};
    struct bufq_mark mark = {0};
    (void)state;
    push_flow(&q, 0, 100000);
    size_t chunks = chunk_stats().in_use;
    bufq_share(&to, &q, &mark, 60000);
    bufq_share(&to, &q, &mark, 40000);
    assert_int_equal(chunk_stats().in_use, chunks); /* large pieces: by reference */
    check_flow(&to, 0, 100000);
    check_flow(&q, 0, 100000);
    push_flow(&q, 100000, 10);
    bufq_share(&to, &q, &mark, 10);
    check_flow(&to, 0, 100010);
    bufq_clear(&to);
}

static void a_shared_piece_outlives_the_queue_it_came_from(void **state)
{
    struct bufq to = {0};
    struct bufq_mark mark = {0};
    (void)state;
    push_flow(&q, 0, 20000);
    bufq_share(&to, &q, &mark, 20000);
    bufq_clear(&q);
    check_flow(&to, 0, 20000);
    bufq_clear(&to);
}

static void bytes_pushed_behind_a_shared_piece_are_the_pusher_s_alone(void **state)
{
    struct bufq other = {0};
    struct bufq_mark mark = {0};
    (void)state;
    push_flow(&q, 0, 5000);
    bufq_share(&other, &q, &mark, 5000); /* both tails end at the same place of one chunk */
    push_flow(&q, 5000, 100);
    bufq_push_str(&other, "different");
    check_flow(&q, 0, 5100);
    assert_int_equal(other.bytes, 5009);
    bufq_drop(&other, 5000);
    check_slice(bufq_front(&other), "different");
    bufq_clear(&other);
}

static void dropping_up_to_a_mark_keeps_it_in_place(void **state)
{
    struct bufq to = {0};
    struct bufq_mark mark = {0};
    (void)state;
    push_flow(&q, 0, 150000);
    bufq_share(&to, &q, &mark, 70000);
    bufq_drop_marked(&q, &mark, 69999); /* inside the mark's node */
    bufq_drop_marked(&q, &mark, 1);     /* up to it */
    bufq_clear(&to);
    bufq_share(&to, &q, &mark, 80000);
    check_flow(&to, 70000, 80000);
    bufq_drop_marked(&q, &mark, 80000); /* empty: the mark is the front of what comes */
    bufq_clear(&to);
    push_flow(&q, 150000, 7);
    bufq_share(&to, &q, &mark, 7);
    check_flow(&to, 150000, 7);
    bufq_clear(&to);
}

static void walking_sees_every_byte_once(void **state)
{
    struct bufq_mark mark = {0};
    struct bufq seen = {0};
    (void)state;
    assert_null(bufq_walk(&q, &mark).ptr);
    for (size_t i = 0; i < 10; i++) {
        push_flow(&q, i * 20000, 20000);
        for (struct slice s; (s = bufq_walk(&q, &mark)).len;) {
            bufq_push_slice(&seen, s);
        }
    }
    check_flow(&seen, 0, 200000);
    assert_int_equal(bufq_walk(&q, &mark).len, 0);
    bufq_clear(&seen);
}

static void spares_are_kept_and_given_back(void **state)
{
    (void)state;
    push_flow(&q, 0, 10 * CHUNK_LARGE_BYTES);
    size_t chunks = chunk_stats().in_use;
    bufq_clear(&q);
    assert_int_equal(chunk_stats().spares, chunks);
    push_flow(&q, 0, 10 * CHUNK_LARGE_BYTES);
    assert_int_equal(chunk_stats().spares, 0);
    bufq_clear(&q);
    chunk_drain_spares();
    assert_int_equal(chunk_stats().spares, 0);
}

/* ---- other threads ---- */

struct crossing {
    struct bufq_piece pieces[8];
    int count;
    size_t bytes;
};

static void *receive(void *arg)
{
    struct crossing *c = arg;
    struct bufq here = {0};

    for (int i = 0; i < c->count; i++) {
        bufq_push_piece(&here, &c->pieces[i]);
    }
    c->bytes = here.bytes;
    check_flow(&here, 0, here.bytes);
    bufq_clear(&here);
    chunk_drain_spares();
    return NULL;
}

static void pieces_cross_to_another_thread(void **state)
{
    struct crossing crossing = {.count = 0};
    struct bufq keeper = {0};
    struct bufq_mark mark = {0};
    pthread_t thread;
    (void)state;

    push_flow(&q, 0, 100000);
    bufq_share(&keeper, &q, &mark, 50000); /* so that the first chunk has two owners */
    while (bufq_pop_piece(&q, &crossing.pieces[crossing.count])) {
        crossing.count++;
    }
    assert_int_equal(pthread_create(&thread, NULL, receive, &crossing), 0);
    pthread_join(thread, NULL);
    assert_int_equal(crossing.bytes, 100000);
    check_flow(&keeper, 0, 50000);
    bufq_clear(&keeper);
}

static void a_piece_nobody_wants_is_freed(void **state)
{
    struct bufq_piece piece;
    (void)state;
    bufq_push_str(&q, "abc");
    assert_true(bufq_pop_piece(&q, &piece));
    assert_false(bufq_pop_piece(&q, &piece));
    assert_int_equal(chunk_stats().in_use, 0);
    bufq_piece_free(&piece);
}

/* ---- all of them against a flat array ---- */

enum { QUEUES = 4, MODEL_BYTES = 1 << 18, STEPS = 10000 };

/* What a queue should hold. Queue 0 also has a mark: it only grows, and is dropped behind it. */
struct model {
    struct bufq q;
    uint8_t *bytes;
    size_t len;
};

static struct model models[QUEUES];
static struct bufq_mark kept_mark;
static size_t kept_at; /* how far the mark has come in queue 0 */
static uint64_t seed;

static size_t below(size_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return n ? (size_t)(seed % n) : 0;
}

/* Small, around the borders of sharing and chunks, or large. */
static size_t any_size(void)
{
    static const size_t around[] = {1, BUFQ_SHARE_MIN, CHUNK_SMALL_BYTES, CHUNK_LARGE_BYTES};
    size_t n = below(3) ? below(300) : around[below(4)] + below(5) - 2;
    return n > 2 * CHUNK_LARGE_BYTES ? 0 : n;
}

static void model_append(struct model *m, const uint8_t *bytes, size_t n)
{
    memcpy(m->bytes + m->len, bytes, n);
    m->len += n;
}

static void model_drop(struct model *m, size_t n)
{
    memmove(m->bytes, m->bytes + n, m->len - n);
    m->len -= n;
}

static size_t at_most(size_t n, size_t max)
{
    return n < max ? n : max;
}

static void step_push(struct model *m, size_t n)
{
    uint8_t bytes[CHUNK_LARGE_BYTES + 8];
    n = at_most(n, sizeof bytes);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)below(256);
    }
    bufq_push(&m->q, bytes, n);
    model_append(m, bytes, n);
}

static void step_reserve(struct model *m, size_t n)
{
    size_t room;
    n = at_most(n, CHUNK_LARGE_BYTES);
    uint8_t *at = bufq_reserve(&m->q, n ? n : 1, &room);
    size_t filled = at_most(n, below(2) ? room : n / 2);
    memset(at, (int)below(256), filled);
    model_append(m, at, filled);
    bufq_commit(&m->q, filled);
}

static void step_move(struct model *to, struct model *from, size_t n, bool is_packed)
{
    if (to == from || from == &models[0]) {
        return;
    }
    size_t moved = is_packed ? bufq_pack(&to->q, &from->q, n) : bufq_move(&to->q, &from->q, n);
    assert_int_equal(moved, at_most(n, from->len));
    model_append(to, from->bytes, moved);
    model_drop(from, moved);
}

static void step_share(struct model *to, size_t n)
{
    struct model *kept = &models[0];
    n = at_most(n, kept->len - kept_at);
    if (to == kept || n == 0) {
        return;
    }
    bufq_share(&to->q, &kept->q, &kept_mark, n);
    model_append(to, kept->bytes + kept_at, n);
    kept_at += n;
}

static void step_drop(struct model *m, size_t n)
{
    if (m == &models[0]) {
        n = at_most(n, kept_at);
        bufq_drop_marked(&m->q, &kept_mark, n);
        kept_at -= n;
    } else {
        n = at_most(n, m->len);
        bufq_drop(&m->q, n);
    }
    model_drop(m, n);
}

static void step_pullup(struct model *m, size_t n)
{
    n = at_most(at_most(n, m->len), CHUNK_LARGE_BYTES);
    if (m == &models[0] || n == 0) {
        return; /* a mark does not survive it */
    }
    struct slice s = bufq_pullup(&m->q, n);
    assert_int_equal(s.len, n);
    assert_memory_equal(s.ptr, m->bytes, n);
}

static void step_cross(struct model *to, struct model *from)
{
    struct bufq_piece piece;
    if (to == from || from == &models[0] || !bufq_pop_piece(&from->q, &piece)) {
        return;
    }
    model_append(to, from->bytes, piece.len);
    model_drop(from, piece.len);
    bufq_push_piece(&to->q, &piece);
}

static void check_model(const struct model *m)
{
    static uint8_t bytes[MODEL_BYTES];
    struct iovec iov[2];
    size_t front = bufq_front(&m->q).len;

    assert_int_equal(m->q.bytes, m->len);
    bufq_peek(&m->q, bytes, m->len);
    if (m->len) {
        assert_memory_equal(bytes, m->bytes, m->len);
        assert_true(front > 0);
        assert_true(bufq_iov(&m->q, iov, 2) >= 1);
        assert_int_equal(iov[0].iov_len, front);
    } else {
        assert_null(m->q.head);
    }
}

static void take_step(void)
{
    struct model *m = &models[below(QUEUES)];
    struct model *other = &models[below(QUEUES)];
    size_t n = any_size();
    bool is_full = m->len + 2 * CHUNK_LARGE_BYTES > MODEL_BYTES;

    switch (is_full ? 5 : below(9)) {
    case 0:
        step_push(m, n);
        break;
    case 1:
        step_reserve(m, n);
        break;
    case 2:
        step_move(m, other, n, false);
        break;
    case 3:
        step_move(m, other, n, true);
        break;
    case 4:
        step_share(m, n);
        break;
    case 5:
        step_drop(m, is_full ? m->len / 2 : n);
        break;
    case 6:
        step_pullup(m, n);
        break;
    case 7:
        step_cross(m, other);
        break;
    default:
        step_push(&models[0], models[0].len + n > MODEL_BYTES ? 0 : n);
        break;
    }
    check_model(m);
    check_model(other);
}

static void every_mix_of_calls_agrees_with_a_flat_array(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 5; round++) {
        seed = round * 0x9e3779b97f4a7c15u;
        kept_mark = (struct bufq_mark){0};
        kept_at = 0;
        for (int i = 0; i < QUEUES; i++) {
            models[i] = (struct model){.bytes = mem_alloc(MODEL_BYTES)};
        }
        for (int step = 0; step < STEPS / 5; step++) {
            take_step();
        }
        for (int i = 0; i < QUEUES; i++) {
            check_model(&models[i]);
            bufq_clear(&models[i].q);
            mem_free(models[i].bytes);
        }
        assert_int_equal(chunk_stats().in_use, 0);
    }
}

int main(void)
{
#define BUFQ_TEST(f) cmocka_unit_test_teardown(f, teardown)
    const struct CMUnitTest tests[] = {
        BUFQ_TEST(an_empty_queue_owns_nothing),
        BUFQ_TEST(what_is_pushed_comes_out_in_order),
        BUFQ_TEST(a_few_bytes_take_a_small_chunk_and_more_a_large_one),
        BUFQ_TEST(reserved_room_becomes_part_by_commit),
        BUFQ_TEST(committing_nothing_leaves_no_trace),
        BUFQ_TEST(moving_copies_nothing),
        BUFQ_TEST(moving_a_part_leaves_the_rest),
        BUFQ_TEST(packed_small_pieces_free_their_chunks),
        BUFQ_TEST(packed_large_pieces_are_handed_over),
        BUFQ_TEST(pullup_joins_what_is_apart_and_copies_only_that),
        BUFQ_TEST(iov_shows_no_more_than_asked_for),
        BUFQ_TEST(sharing_keeps_the_original_and_moves_the_mark),
        BUFQ_TEST(a_shared_piece_outlives_the_queue_it_came_from),
        BUFQ_TEST(bytes_pushed_behind_a_shared_piece_are_the_pusher_s_alone),
        BUFQ_TEST(dropping_up_to_a_mark_keeps_it_in_place),
        BUFQ_TEST(walking_sees_every_byte_once),
        BUFQ_TEST(spares_are_kept_and_given_back),
        BUFQ_TEST(pieces_cross_to_another_thread),
        BUFQ_TEST(a_piece_nobody_wants_is_freed),
        BUFQ_TEST(every_mix_of_calls_agrees_with_a_flat_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
