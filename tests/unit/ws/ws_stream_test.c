/* WebSocket streams in pairs, and against a peer that speaks raw bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "support/pipe_stream.h"
#include "support/stream_end.h"
#include "ws/ws_stream.h"

static void assert_holds(const struct stream_end *e, const void *bytes, size_t n)
{
    uint8_t *copy = mem_alloc(e->in.bytes);

    assert_int_equal(e->in.bytes, n);
    bufq_peek(&e->in, copy, n);
    assert_memory_equal(copy, bytes, n);
    mem_free(copy);
}

/* ---- pairs ---- */

struct pair {
    struct loop *loop;
    struct stream *lower[2]; /* weak */
    struct stream_end client;
    struct stream_end server;
};

static void pair_open(struct pair *p, const struct pipe_options *pipe)
{
    *p = (struct pair){.loop = loop_new()};
    pipe_open(p->loop, pipe, &p->lower[0], &p->lower[1]);
    stream_end_init(&p->client, ws_stream_attach(p->lower[0], NULL, WS_CLIENT));
    stream_end_init(&p->server, ws_stream_attach(p->lower[1], NULL, WS_SERVER));
}

static void pair_close(struct pair *p)
{
    stream_end_close(&p->client);
    stream_end_close(&p->server);
    loop_run_for(p->loop, 2);
    loop_free(&p->loop);
    assert_int_equal(chunk_stats().in_use, 0);
}

static void bytes_pass_both_ways_over_a_transport_of_single_bytes(void **state)
{
    (void)state;
    struct pair p;

    pair_open(&p, &(struct pipe_options){.read_max = 1});
    stream_end_send(&p.client, "a question", 10);
    stream_end_send(&p.server, "an answer", 9);
    assert_true(run_until_bytes(p.loop, &p.server, 10));
    assert_true(run_until_bytes(p.loop, &p.client, 9));
    assert_holds(&p.server, "a question", 10);
    assert_holds(&p.client, "an answer", 9);
    assert_false(p.client.has_false_alarm || p.server.has_false_alarm);
    pair_close(&p);
}

static void send_much_both_ways(const struct pipe_options *pipe, size_t read_max, size_t n)
{
    struct pair p;
    uint8_t *sent[2] = {mem_alloc(n), mem_alloc(n)};

    pair_open(&p, pipe);
    p.client.read_max = read_max;
    p.server.read_max = read_max;
    random_bytes(sent[0], n);
    random_bytes(sent[1], n);
    stream_end_send(&p.client, sent[0], n);
    stream_end_send(&p.server, sent[1], n);
    assert_true(run_until_bytes(p.loop, &p.server, n));
    assert_true(run_until_bytes(p.loop, &p.client, n));
    assert_holds(&p.server, sent[0], n);
    assert_holds(&p.client, sent[1], n);
    assert_false(p.client.has_false_alarm || p.server.has_false_alarm);
    pair_close(&p);
    mem_free(sent[0]);
    mem_free(sent[1]);
}

static void much_passes_both_ways_at_once_unharmed(void **state)
{
    (void)state;
    send_much_both_ways(&(struct pipe_options){0}, 0, 20 << 20);
}

static void odd_sizes_pass_a_narrow_transport(void **state)
{
    (void)state;
    send_much_both_ways(&(struct pipe_options){.read_max = 997, .room = 1500}, 313, 200001);
}

static void a_reader_that_stops_stops_the_writer(void **state)
{
    (void)state;
    static char much[1 << 20];
    struct pair p;

    pair_open(&p, &(struct pipe_options){0});
    stream_unwant(p.server.stream, STREAM_READABLE);
    stream_end_send(&p.client, much, sizeof much);
    loop_run_for(p.loop, 20);
    assert_int_equal(p.server.received, 0);
    assert_true(p.client.out.bytes > sizeof much / 2);
    stream_want(p.server.stream, STREAM_READABLE);
    assert_true(run_until_bytes(p.loop, &p.server, sizeof much));
    pair_close(&p);
}

static void an_idle_stream_holds_no_chunk(void **state)
{
    (void)state;
    struct pair p;

    pair_open(&p, &(struct pipe_options){0});
    stream_end_send(&p.client, "some words", 10);
    stream_end_send(&p.server, "and others", 10);
    assert_true(run_until_bytes(p.loop, &p.server, 10));
    assert_true(run_until_bytes(p.loop, &p.client, 10));
    bufq_clear(&p.server.in);
    bufq_clear(&p.client.in);
    loop_run_for(p.loop, 2);
    assert_int_equal(chunk_stats().in_use, 0);
    pair_close(&p);
}

static void close_sends_the_rest_and_ends_both_sides_cleanly(void **state)
{
    (void)state;
    static char much[60000];
    struct slice reason;
    struct pair p;

    pair_open(&p, &(struct pipe_options){.room = 1000, .read_max = 700});
    stream_end_send(&p.client, much, sizeof much);
    stream_end_close(&p.client);
    assert_true(run_until_end(p.loop, &p.server));
    assert_int_equal(p.server.end, ERR_EOF);
    assert_int_equal(p.server.received, sizeof much);
    assert_int_equal(ws_stream_close_code(p.server.stream, &reason), WS_CLOSE_NORMAL);
    assert_int_equal(stream_write_bytes(p.server.stream, "x", 1), ERR_AGAIN);
    pair_close(&p);
}

static void there_is_no_half_close(void **state)
{
    (void)state;
    struct stream_facts facts;
    struct pair p;

    pair_open(&p, &(struct pipe_options){.is_authentic = true});
    assert_int_equal(stream_shutdown(p.client.stream), ERR_UNSUPPORTED);
    stream_facts(p.client.stream, &facts);
    assert_false(facts.can_half_close);
    assert_string_equal(facts.transport, "ws");
    pair_close(&p);
}

static void an_end_without_close_is_a_truncation(void **state)
{
    (void)state;
    struct pair p;

    pair_open(&p, &(struct pipe_options){0});
    assert_int_equal(stream_shutdown(p.lower[1]), 0);
    assert_true(run_until_end(p.loop, &p.client));
    assert_int_equal(p.client.end, ERR_TRUNCATED);
    pair_close(&p);
}

static void a_lost_connection_is_told(void **state)
{
    (void)state;
    struct pair p;

    pair_open(&p, &(struct pipe_options){0});
    pipe_cut(p.lower[0], ERR_RESET);
    assert_true(run_until_end(p.loop, &p.client));
    assert_int_equal(p.client.end, ERR_RESET);
    assert_true(p.client.is_broken);
    assert_int_equal(stream_write_bytes(p.client.stream, "x", 1), ERR_AGAIN);
    pair_close(&p);
}

static void a_loop_that_ends_cuts_what_still_sends(void **state)
{
    (void)state;
    static char much[60000];
    struct pair p;

    pair_open(&p, &(struct pipe_options){.room = 1000, .read_max = 700});
    stream_end_send(&p.client, much, sizeof much);
    stream_end_close(&p.client);
    stream_end_close(&p.server);
    loop_free(&p.loop);
    assert_int_equal(chunk_stats().in_use, 0);
}

/* ---- against raw bytes ---- */

struct raw {
    struct loop *loop;
    struct stream *lower; /* of the side under test; weak */
    struct stream_end ws;
    struct stream_end peer; /* raw bytes */
};

static void raw_open(struct raw *r, enum ws_role role)
{
    *r = (struct raw){.loop = loop_new()};
    struct stream *far;
    pipe_open(r->loop, &(struct pipe_options){0}, &r->lower, &far);
    stream_end_init(&r->ws, ws_stream_attach(r->lower, NULL, role));
    stream_end_init(&r->peer, far);
}

static void raw_close(struct raw *r)
{
    stream_end_close(&r->ws);
    stream_end_close(&r->peer);
    loop_run_for(r->loop, 1);
    loop_free(&r->loop);
    assert_int_equal(chunk_stats().in_use, 0);
}

static void what_a_server_sends_is_one_unmasked_message_per_turn(void **state)
{
    (void)state;
    struct raw r;

    raw_open(&r, WS_SERVER);
    stream_end_send(&r.ws, "Hel", 3);
    stream_end_send(&r.ws, "lo", 2);
    assert_true(run_until_bytes(r.loop, &r.peer, 7));
    assert_holds(&r.peer, "\x82\x05Hello", 7);
    raw_close(&r);
}

static void what_a_client_sends_is_masked_anew_each_time(void **state)
{
    (void)state;
    struct raw r;
    uint8_t bytes[24];

    raw_open(&r, WS_CLIENT);
    stream_end_send(&r.ws, "Hello!", 6);
    assert_true(run_until_bytes(r.loop, &r.peer, 12));
    stream_end_send(&r.ws, "Hello!", 6);
    assert_true(run_until_bytes(r.loop, &r.peer, 24));
    bufq_peek(&r.peer.in, bytes, 24);
    assert_memory_equal(bytes, "\x82\x86", 2);
    assert_memory_equal(bytes + 12, "\x82\x86", 2);
    assert_memory_not_equal(bytes + 2, bytes + 14, 4);
    ws_mask(bytes + 6, bytes + 6, 6, bytes + 2, 0);
    assert_memory_equal(bytes + 6, "Hello!", 6);
    raw_close(&r);
}

static void fragments_and_control_frames_between_them_are_read(void **state)
{
    (void)state;
    static const char bytes[] = "\x02\x03Hel" /* first of three */
                                "\x89\x02hi"  /* ping */
                                "\x00\x00"    /* empty */
                                "\x8a\x01x"   /* pong nobody asked for */
                                "\x80\x02lo"; /* last */
    struct raw r;

    raw_open(&r, WS_CLIENT);
    stream_end_send(&r.peer, bytes, sizeof bytes - 1);
    assert_true(run_until_bytes(r.loop, &r.ws, 5));
    assert_holds(&r.ws, "Hello", 5);
    assert_true(run_until_bytes(r.loop, &r.peer, 8)); /* a masked pong */
    assert_int_equal(bufq_pullup(&r.peer.in, 8).ptr[0] & 0xFF, 0x8A);
    raw_close(&r);
}

static void left_over_bytes_of_the_upgrade_are_read_first(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct stream *near;
    struct stream *far;
    struct stream_end ws;
    struct bufq left = {0};

    pipe_open(loop, &(struct pipe_options){0}, &near, &far);
    bufq_push(&left, "\x82\x05He", 4);
    stream_end_init(&ws, ws_stream_attach(near, &left, WS_CLIENT));
    assert_true(bufq_is_empty(&left));
    assert_int_equal(stream_write_bytes(far, "llo", 3), 0);
    assert_true(run_until_bytes(loop, &ws, 5));
    assert_holds(&ws, "Hello", 5);
    stream_end_close(&ws);
    stream_close(&far);
    loop_run_for(loop, 1);
    loop_free(&loop);
}

/* As many pings as they like: one pong a turn at most, and none while the peer does not read. */
static void a_flood_of_pings_queues_no_pongs(void **state)
{
    (void)state;
    enum { PINGS = 50000 };
    struct raw r;
    uint8_t *pings = mem_alloc(PINGS * 4);

    for (int i = 0; i < PINGS; i++) {
        memcpy(pings + 4 * i, "\x89\x02hi", 4);
    }
    raw_open(&r, WS_CLIENT);
    stream_unwant(r.peer.stream, STREAM_READABLE);
    stream_end_send(&r.peer, pings, PINGS * 4);
    for (int i = 0; i < 50; i++) {
        loop_run_for(r.loop, 1);
        assert_true(chunk_stats().bytes_in_use < 1 << 20);
    }
    assert_true(bufq_is_empty(&r.peer.out)); /* all were taken */
    assert_true(pipe_sent(r.lower) < 500);
    assert_false(r.ws.has_false_alarm);
    mem_free(pings);
    raw_close(&r);
}

/* The peer's code is sent back, our answer follows what was unsent. */
static void a_close_of_the_peer_is_answered_with_its_code(void **state)
{
    (void)state;
    static const char going_away[] = "\x88\x85\0\0\0\0\x03\xe9"
                                     "bye";
    struct slice reason;
    struct raw r;

    raw_open(&r, WS_SERVER);
    stream_end_send(&r.ws, "last", 4);
    stream_end_send(&r.peer, going_away, sizeof going_away - 1);
    assert_true(run_until_end(r.loop, &r.ws));
    assert_int_equal(r.ws.end, ERR_EOF);
    assert_int_equal(ws_stream_close_code(r.ws.stream, &reason), WS_CLOSE_GOING_AWAY);
    assert_true(slice_is(reason, "bye"));
    assert_true(run_until_bytes(r.loop, &r.peer, 10));
    assert_holds(&r.peer, "\x82\x04last\x88\x02\x03\xe9", 10);
    raw_close(&r);
}

static void a_close_that_tells_of_trouble_is_not_a_clean_end(void **state)
{
    (void)state;
    struct raw r;

    raw_open(&r, WS_CLIENT);
    stream_end_send(&r.peer, "\x88\x02\x03\xf3", 4); /* 1011 */
    assert_true(run_until_end(r.loop, &r.ws));
    assert_int_equal(r.ws.end, ERR_RESET);
    raw_close(&r);
}

static void a_close_nobody_answers_ends_after_a_while(void **state)
{
    (void)state;
    struct raw r;

    raw_open(&r, WS_SERVER);
    stream_close(&r.ws.stream);
    assert_true(run_until_bytes(r.loop, &r.peer, 4));
    assert_holds(&r.peer, "\x88\x02\x03\xe8", 4);
    loop_run_for(r.loop, WS_CLOSE_WAIT_MS / 2);
    assert_int_equal(r.peer.end, 0);
    assert_true(run_until_end(r.loop, &r.peer));
    assert_int_equal(r.peer.end, ERR_EOF); /* all had arrived: no reset */
    raw_close(&r);
}

/* Something above found that the peer breaks its rules: the last bytes, then the blame. */
static void a_peer_that_is_refused_is_told(void **state)
{
    (void)state;
    struct raw r;

    raw_open(&r, WS_SERVER);
    stream_end_send(&r.ws, "last", 4);
    stream_refuse(&r.ws.stream);
    assert_true(run_until_bytes(r.loop, &r.peer, 10));
    assert_holds(&r.peer, "\x82\x04last\x88\x02\x03\xea", 10);
    raw_close(&r);
}

struct broken {
    enum ws_role role;
    const char *bytes;
    size_t length;
    unsigned code;
};

static void assert_code(const struct bufq *sent, enum ws_role sender, unsigned want)
{
    struct ws_head head;
    uint8_t bytes[200];
    struct slice reason;
    size_t length;
    unsigned code;
    size_t n = sent->bytes;

    assert_in_range(n, 4, sizeof bytes);
    bufq_peek(sent, bytes, n);
    assert_int_equal(ws_head_read(slice_of(bytes, n), sender, &head, &length), 0);
    assert_int_equal(head.opcode, WS_CLOSE);
    assert_int_equal(length + head.payload_bytes, n);
    ws_mask(bytes + length, bytes + length, n - length, head.mask, 0);
    assert_int_equal(ws_close_read(slice_of(bytes + length, n - length), &code, &reason), 0);
    assert_int_equal(code, want);
}

/* Whatever breaks the rules is answered with the right code; the line in the log is its user's. */
static void broken_frames_get_their_close_code(void **state)
{
    (void)state;
    static const struct broken bad[] = {
        {WS_CLIENT, "\x81\x05Hello", 7, WS_CLOSE_UNSUPPORTED},
        {WS_CLIENT, "\x01\x05Hello", 7, WS_CLOSE_UNSUPPORTED},
        {WS_CLIENT, "\x82\x85\1\2\3\4Hello", 11, WS_CLOSE_PROTOCOL}, /* masked by a server */
        {WS_SERVER, "\x82\x05Hello", 7, WS_CLOSE_PROTOCOL},          /* not masked by a client */
        {WS_CLIENT, "\xc2\x05Hello", 7, WS_CLOSE_PROTOCOL},
        {WS_CLIENT, "\x83\x05Hello", 7, WS_CLOSE_PROTOCOL},
        {WS_CLIENT, "\x80\x05Hello", 7, WS_CLOSE_PROTOCOL},
        {WS_CLIENT, "\x02\x01H\x82\x01i", 6, WS_CLOSE_PROTOCOL},
        {WS_CLIENT, "\x09\x00", 2, WS_CLOSE_PROTOCOL},
        {WS_CLIENT, "\x88\x01\x03", 3, WS_CLOSE_PROTOCOL},
        {WS_CLIENT, "\x88\x02\x03\xed", 4, WS_CLOSE_PROTOCOL},
        {WS_CLIENT, "\x88\x03\x03\xe8\xff", 5, WS_CLOSE_PROTOCOL},
        {WS_CLIENT, "\x82\x7e\x00\x05Hello", 9, WS_CLOSE_PROTOCOL},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct raw r;

        raw_open(&r, bad[i].role);
        stream_end_send(&r.peer, bad[i].bytes, bad[i].length);
        assert_true(run_until_end(r.loop, &r.ws));
        assert_int_equal(r.ws.end, ERR_PROTOCOL);
        assert_true(r.ws.is_broken);
        stream_end_close(&r.ws);
        assert_true(run_until_end(r.loop, &r.peer));
        assert_code(&r.peer.in, bad[i].role, bad[i].code);
        raw_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_pass_both_ways_over_a_transport_of_single_bytes),
        cmocka_unit_test(much_passes_both_ways_at_once_unharmed),
        cmocka_unit_test(odd_sizes_pass_a_narrow_transport),
        cmocka_unit_test(a_reader_that_stops_stops_the_writer),
        cmocka_unit_test(an_idle_stream_holds_no_chunk),
        cmocka_unit_test(close_sends_the_rest_and_ends_both_sides_cleanly),
        cmocka_unit_test(there_is_no_half_close),
        cmocka_unit_test(an_end_without_close_is_a_truncation),
        cmocka_unit_test(a_lost_connection_is_told),
        cmocka_unit_test(a_loop_that_ends_cuts_what_still_sends),
        cmocka_unit_test(what_a_server_sends_is_one_unmasked_message_per_turn),
        cmocka_unit_test(what_a_client_sends_is_masked_anew_each_time),
        cmocka_unit_test(fragments_and_control_frames_between_them_are_read),
        cmocka_unit_test(left_over_bytes_of_the_upgrade_are_read_first),
        cmocka_unit_test(a_flood_of_pings_queues_no_pongs),
        cmocka_unit_test(a_close_of_the_peer_is_answered_with_its_code),
        cmocka_unit_test(a_close_that_tells_of_trouble_is_not_a_clean_end),
        cmocka_unit_test(a_close_nobody_answers_ends_after_a_while),
        cmocka_unit_test(a_peer_that_is_refused_is_told),
        cmocka_unit_test(broken_frames_get_their_close_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
