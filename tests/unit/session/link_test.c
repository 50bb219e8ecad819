/* Two engines driven over pipes: bytes flow, carriers break, sessions go on. */
#include <stdlib.h>

#include "session/link.h"
#include "session/link_stream.h"
#include "support/check.h"
#include "support/pipe_stream.h"
#include "support/stream_end.h"

enum { BULK_BYTES = 3 * 1024 * 1024, CUTS = 8 };

struct side {
    struct loop *loop;
    struct mux *mux;
    struct link *link;
    struct stream *stream; /* the first one the peer opened */
    bool has_stream;
    bool has_lost;
    int lost_err;
};

static void on_output(void *ctx)
{
    struct side *s = ctx;

    if (s->link) {
        link_wake(s->link);
    }
}

static void on_open(void *ctx, struct mux_stream *ms, uint32_t tunnel_id, struct slice facts)
{
    struct side *s = ctx;

    (void)tunnel_id;
    (void)facts;
    mux_stream_accept(ms, SLICE_NONE);
    s->stream = link_stream_new(s->loop, ms);
    s->has_stream = true;
}

static void on_opened(void *ctx, struct mux_stream *ms, struct slice facts)
{
    (void)ctx;
    (void)ms;
    (void)facts;
}

static void on_begin(void *ctx, struct mux_stream *ms, uint64_t offset)
{
    (void)ctx;
    (void)ms;
    (void)offset;
}

static void on_control(void *ctx, struct slice message)
{
    (void)ctx;
    (void)message;
}

static void on_goaway(void *ctx, uint16_t reason)
{
    (void)ctx;
    (void)reason;
}

static const struct mux_events events = {
    .on_output = on_output,
    .on_open = on_open,
    .on_opened = on_opened,
    .on_readable = link_stream_on_readable,
    .on_writable = link_stream_on_writable,
    .on_begin = on_begin,
    .on_stop = link_stream_on_stop,
    .on_reset = link_stream_on_reset,
    .on_control = on_control,
    .on_goaway = on_goaway,
};

static void on_lost(void *ctx, struct link *link, int err, const struct errinfo *why)
{
    struct side *s = ctx;

    (void)link;
    (void)why;
    s->link = NULL;
    s->has_lost = true;
    s->lost_err = err;
}

static const struct link_user user = {.on_lost = on_lost};

struct pair {
    struct loop *loop;
    struct side relay;
    struct side agent;
    struct stream *wire; /* one end of the carrier there is now */
};

static void attach(struct side *s, struct stream *carrier)
{
    struct greeted greeted = {.stream = carrier};
    s->has_lost = false;
    s->link = link_attach(s->mux, &greeted, NULL, &user, s);
}

static void connect_pair(struct pair *p, const struct pipe_options *options)
{
    struct stream *a;
    struct stream *b;

    pipe_open(p->loop, options, &a, &b);
    p->wire = a;
    attach(&p->relay, a);
    attach(&p->agent, b);
}

static void open_pair(struct pair *p, const struct pipe_options *options)
{
    struct mux_config relay = {.role = MUX_ROLE_RELAY};
    struct mux_config agent = {.role = MUX_ROLE_AGENT};

    *p = (struct pair){.loop = loop_new()};
    p->relay.loop = p->agent.loop = p->loop;
    assert_int_equal(mux_new(&relay, &events, &p->relay, &p->relay.mux), 0);
    assert_int_equal(mux_new(&agent, &events, &p->agent, &p->agent.mux), 0);
    connect_pair(p, options);
}

static void resume(struct pair *p, const struct pipe_options *options)
{
    struct bufq relay_rows = {0};
    struct bufq agent_rows = {0};

    mux_resume_table(p->relay.mux, &relay_rows);
    mux_resume_table(p->agent.mux, &agent_rows);
    assert_int_equal(mux_resume_apply(p->relay.mux, &agent_rows, NULL), 0);
    assert_int_equal(mux_resume_apply(p->agent.mux, &relay_rows, NULL), 0);
    connect_pair(p, options);
}

static void close_pair(struct pair *p)
{
    link_abort(&p->relay.link);
    link_abort(&p->agent.link);
    loop_run_for(p->loop, 5);
    mux_free(&p->relay.mux);
    mux_free(&p->agent.mux);
    loop_free(&p->loop);
    assert_int_equal(chunk_stats().in_use, 0);
}

static struct stream *open_stream(struct pair *p)
{
    struct mux_stream *ms = NULL;

    assert_int_equal(mux_open(p->relay.mux, 1, SLICE_NONE, &ms), 0);
    return link_stream_new(p->loop, ms);
}

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

static uint8_t *make_bulk(void)
{
    uint8_t *bytes = malloc(BULK_BYTES);

    assert_non_null(bytes);
    for (size_t i = 0; i < BULK_BYTES; i++) {
        bytes[i] = byte_at(i);
    }
    return bytes;
}

static void check_bulk(const struct stream_end *e)
{
    uint8_t *got = malloc(BULK_BYTES);

    assert_non_null(got);
    assert_int_equal(e->in.bytes, BULK_BYTES);
    bufq_peek(&e->in, got, BULK_BYTES);
    for (size_t i = 0; i < BULK_BYTES; i++) {
        if (got[i] != byte_at(i)) {
            fail_msg("byte %zu differs", i);
        }
    }
    free(got);
}

static void bulk_goes_both_ways_and_ends_properly(void **state)
{
    (void)state;
    struct pair p;
    struct pipe_options pipe = {0};
    struct stream_end at_relay;
    struct stream_end at_agent;
    uint8_t *bulk = make_bulk();

    open_pair(&p, &pipe);
    stream_end_init(&at_relay, open_stream(&p));
    at_relay.shuts = true;
    stream_end_send(&at_relay, bulk, BULK_BYTES);
    assert_true(run_until(p.loop, &p.agent.has_stream));
    stream_end_init(&at_agent, p.agent.stream);
    at_agent.shuts = true;
    stream_end_send(&at_agent, bulk, BULK_BYTES);
    assert_true(run_until_end(p.loop, &at_agent));
    assert_true(run_until_end(p.loop, &at_relay));
    assert_int_equal(at_agent.end, ERR_EOF);
    assert_int_equal(at_relay.end, ERR_EOF);
    check_bulk(&at_agent);
    check_bulk(&at_relay);
    stream_end_close(&at_relay);
    stream_end_close(&at_agent);
    close_pair(&p);
    free(bulk);
}

static bool run_until_received(struct pair *p, const struct stream_end *e, uint64_t n)
{
    for (int turns = 0; turns < 500000 && e->received < n; turns++) {
        loop_run_for(p->loop, 0); /* one turn: a millisecond may be enough for all of it */
    }
    return e->received >= n && e->received < BULK_BYTES;
}

static void an_idle_stream_holds_nothing(void **state)
{
    (void)state;
    struct pair p;
    struct pipe_options pipe = {0};
    struct stream_end at_relay;
    struct stream_end at_agent;

    open_pair(&p, &pipe);
    stream_end_init(&at_relay, open_stream(&p));
    assert_true(run_until(p.loop, &p.agent.has_stream));
    stream_end_init(&at_agent, p.agent.stream);
    for (uint64_t n = 1; n <= 2; n++) { /* the second time nothing else is to be sent */
        stream_end_send(&at_relay, "request", 7);
        assert_true(run_until_bytes(p.loop, &at_agent, 7 * n));
        bufq_clear(&at_agent.in);
        for (int ms = 0; ms < 1000 && chunk_stats().in_use > 0; ms++) {
            loop_run_for(p.loop, 1);
        }
        assert_int_equal(chunk_stats().in_use, 0); /* acknowledged, and let go on both sides */
    }
    stream_end_close(&at_relay);
    stream_end_close(&at_agent);
    close_pair(&p);
}

static void a_transfer_survives_cut_carriers(void **state)
{
    (void)state;
    struct pair p;
    struct pipe_options pipe = {.read_max = 2000};
    struct stream_end at_relay;
    struct stream_end at_agent;
    uint8_t *bulk = make_bulk();

    open_pair(&p, &pipe);
    stream_end_init(&at_relay, open_stream(&p));
    at_relay.shuts = true;
    stream_end_send(&at_relay, bulk, BULK_BYTES);
    assert_true(run_until(p.loop, &p.agent.has_stream));
    stream_end_init(&at_agent, p.agent.stream);
    for (int cut = 1; cut <= CUTS; cut++) {
        assert_true(run_until_received(&p, &at_agent, (uint64_t)BULK_BYTES * cut / (CUTS + 1)));
        pipe_cut(p.wire, ERR_RESET);
        assert_true(run_until(p.loop, &p.relay.has_lost));
        assert_true(run_until(p.loop, &p.agent.has_lost));
        assert_int_equal(p.agent.lost_err, ERR_RESET);
        resume(&p, &pipe);
    }
    assert_true(run_until_end(p.loop, &at_agent));
    assert_int_equal(at_agent.end, ERR_EOF);
    check_bulk(&at_agent);
    stream_end_close(&at_relay);
    stream_end_close(&at_agent);
    close_pair(&p);
    free(bulk);
}

/* A user like the pump: asks for room before it writes, and never writes without. */
static void who_waits_for_room_without_writing_is_told(void **state)
{
    (void)state;
    struct pair p;
    struct pipe_options pipe = {0};
    struct stream_end at_relay;
    uint8_t *bulk = make_bulk();
    struct bufq some = {0};

    open_pair(&p, &pipe);
    stream_end_init(&at_relay, open_stream(&p));
    bufq_push(&some, bulk, BULK_BYTES);
    assert_int_equal(stream_write(at_relay.stream, &some), ERR_AGAIN);
    assert_true(run_until(p.loop, &p.agent.has_stream));
    loop_run_for(p.loop, 20);
    assert_int_equal(stream_room(at_relay.stream), 0);
    bufq_clear(&some);
    stream_unwant(at_relay.stream, STREAM_WRITABLE);
    bufq_push_str(&at_relay.out, "the rest");
    at_relay.shuts = true;
    stream_want(at_relay.stream, STREAM_WRITABLE); /* and no write */
    struct stream_end at_agent;
    stream_end_init(&at_agent, p.agent.stream);
    assert_true(run_until_end(p.loop, &at_agent));
    assert_int_equal(at_agent.end, ERR_EOF);
    stream_end_close(&at_relay);
    stream_end_close(&at_agent);
    close_pair(&p);
    free(bulk);
}

/* The relay lets an idle connection to an origin go: the agent must hear of it. */
static void closing_a_quiet_stream_is_heard_at_the_other_end(void **state)
{
    (void)state;
    struct pair p;
    struct pipe_options pipe = {0};
    struct stream_end at_relay;
    struct stream_end at_agent;

    open_pair(&p, &pipe);
    stream_end_init(&at_relay, open_stream(&p));
    stream_end_send(&at_relay, "ask", 3);
    assert_true(run_until(p.loop, &p.agent.has_stream));
    stream_end_init(&at_agent, p.agent.stream);
    stream_end_send(&at_agent, "answer", 6);
    assert_true(run_until_bytes(p.loop, &at_relay, 6));
    loop_run_for(p.loop, 120); /* everything is acknowledged */
    stream_end_close(&at_relay);
    assert_true(run_until_end(p.loop, &at_agent));
    assert_int_equal(at_agent.end, ERR_EOF);
    stream_end_close(&at_agent);
    close_pair(&p);
}

static void a_probe_finds_a_silent_carrier_dead(void **state)
{
    (void)state;
    struct pair p;
    struct pipe_options pipe = {0};

    open_pair(&p, &pipe);
    loop_run_for(p.loop, 20);
    link_probe(p.relay.link, 50);
    loop_run_for(p.loop, 150);
    assert_false(p.relay.has_lost); /* it answered */
    pipe_stall(p.wire, true);
    link_probe(p.relay.link, 50);
    assert_true(run_until(p.loop, &p.relay.has_lost));
    assert_int_equal(p.relay.lost_err, ERR_TIMEOUT);
    close_pair(&p);
}

/* The network changes again and again, faster than a probe takes. */
static void probes_one_after_the_other_do_not_keep_a_silent_carrier(void **state)
{
    (void)state;
    struct pair p;
    struct pipe_options pipe = {0};

    open_pair(&p, &pipe);
    loop_run_for(p.loop, 20);
    pipe_stall(p.wire, true);
    for (int i = 0; i < 20 && !p.relay.has_lost; i++) {
        link_probe(p.relay.link, 50);
        loop_run_for(p.loop, 10);
    }
    assert_true(p.relay.has_lost);
    assert_int_equal(p.relay.lost_err, ERR_TIMEOUT);
    close_pair(&p);
}

/* A PING is on its way already: the probe's own time counts, from the probe on. */
static void a_probe_may_find_a_question_unanswered(void **state)
{
    (void)state;
    struct pair p;
    struct pipe_options pipe = {.delay_ms = 1000}; /* the PING of the attach */

    open_pair(&p, &pipe);
    loop_run_for(p.loop, 60);
    link_probe(p.relay.link, 50);
    loop_run_for(p.loop, 20);
    assert_false(p.relay.has_lost);
    loop_run_for(p.loop, 100);
    assert_true(p.relay.has_lost);
    close_pair(&p);
}

static void garbage_on_the_carrier_is_a_violation(void **state)
{
    (void)state;
    struct pair p;
    struct pipe_options pipe = {0};
    struct stream *a;
    struct stream *b;

    p = (struct pair){.loop = loop_new()};
    p.relay.loop = p.loop;
    struct mux_config relay = {.role = MUX_ROLE_RELAY};
    assert_int_equal(mux_new(&relay, &events, &p.relay, &p.relay.mux), 0);
    pipe_open(p.loop, &pipe, &a, &b);
    attach(&p.relay, a);
    assert_int_equal(stream_write_bytes(b, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), 0);
    assert_true(run_until(p.loop, &p.relay.has_lost));
    assert_int_equal(err_category(p.relay.lost_err), ERR_CAT_PEER);
    stream_abort(&b);
    loop_run_for(p.loop, 5);
    mux_free(&p.relay.mux);
    loop_free(&p.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bulk_goes_both_ways_and_ends_properly),
        cmocka_unit_test(an_idle_stream_holds_nothing),
        cmocka_unit_test(a_transfer_survives_cut_carriers),
        cmocka_unit_test(who_waits_for_room_without_writing_is_told),
        cmocka_unit_test(closing_a_quiet_stream_is_heard_at_the_other_end),
        cmocka_unit_test(a_probe_finds_a_silent_carrier_dead),
        cmocka_unit_test(probes_one_after_the_other_do_not_keep_a_silent_carrier),
        cmocka_unit_test(a_probe_may_find_a_question_unanswered),
        cmocka_unit_test(garbage_on_the_carrier_is_a_violation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
