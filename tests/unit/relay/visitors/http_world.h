/* A relay of one worker in memory: visitors on one side, one tunnel's origins on the other.
 *
 *      visitor (stream_end) == pipe == http_entry ... origin_pool == pipe == origin (stream_end)
 *
 * Real HTTP engines at both ends of the proxy; in place of a session stand the functions of
 * origin_stream.h below, which a test program defines by including this file once.
 */
#pragma once
#include "relay/visitors/http_entry.h"
#include "relay/tunnels/exchange_log.h"
#include "relay/tunnels/far_origin.h"
#include "relay/sessions/link_door.h"
#include "relay/tunnels/origin_pool.h"
#include "relay/workers/shared.h"
#include "support/check.h"
#include "support/pipe_stream.h"
#include "support/stream_end.h"
#include "wire/reset_code.h"

enum { WORLD_ORIGINS_MAX = 8, PATIENCE_MS = 3000 };

#define HOST "blog.t.example.com"

struct world_origin {
    struct stream_end end;
    struct stream *relay_side;
    int begin_count;
};

static struct world {
    struct loop *loop;
    struct relay_config config;
    struct relay relay;
    struct worker workers[2]; /* on one loop: the second one is far all the same */
    struct session session;
    struct tunnel tunnel;
    struct pipe_options pipes;

    int find_result; /* of origin_find_tunnel */
    int open_result; /* of origin_open_stream */
    struct world_origin origins[WORLD_ORIGINS_MAX];
    int origin_count;
    struct session_waiter *waiter;
    int wait_result;

    struct stream_end link; /* what link_door_accept was given */
    const char *carrier;
    struct text told; /* exchanges told to the agent */
} world;

/* ---- in place of a session ---- */

int origin_find_tunnel(struct worker *w, struct route route, struct tunnel **tunnel_out)
{
    (void)w;
    assert_int_equal(route.tunnel, 7);
    *tunnel_out = &world.tunnel;
    return world.find_result;
}

int origin_open_stream(struct tunnel *t, const struct origin_caller *caller,
                       struct stream **stream_out)
{
    struct world_origin *o = &world.origins[world.origin_count];
    struct stream *far = NULL;

    assert_ptr_equal(t, &world.tunnel);
    assert_true(caller->scheme.len > 0);
    if (world.open_result < 0) {
        return world.open_result;
    }
    assert_true(world.origin_count++ < WORLD_ORIGINS_MAX);
    pipe_open(world.loop, &world.pipes, &o->relay_side, &far);
    stream_end_init(&o->end, far);
    *stream_out = o->relay_side;
    return 0;
}

/* The newest one: memory of streams is used again. NULL: a stream of another kind. */
static struct world_origin *origin_of(const struct stream *s)
{
    for (int i = world.origin_count - 1; i >= 0; i--) {
        if (world.origins[i].relay_side == s) {
            return &world.origins[i];
        }
    }
    return NULL;
}

void origin_begin_exchange(struct stream *s)
{
    origin_of(s)->begin_count++;
}

int origin_wait(struct tunnel *t, struct session_waiter *waiter, uint64_t limit_ms)
{
    assert_ptr_equal(t, &world.tunnel);
    assert_int_equal(limit_ms, world.config.limits.agent_wait);
    if (world.wait_result == 0) {
        world.waiter = waiter;
    }
    return world.wait_result;
}

void origin_unwait(struct worker *w, struct route route, struct session_waiter *waiter)
{
    (void)w, (void)route;
    assert_ptr_equal(world.waiter, waiter);
    world.waiter = NULL;
}

void session_tell(struct session *s, const struct control_message *m)
{
    assert_ptr_equal(s, &world.session);
    for (size_t i = 0; i < m->exchanges.count; i++) {
        const struct control_exchange *e = &m->exchanges.items[i];
        text_addf(&world.told, "%u %.*s %.*s %u %u %u %.*s\n", e->tunnel, SLICE_ARG(e->method),
                  SLICE_ARG(e->path), e->status, (unsigned)e->in_bytes, (unsigned)e->out_bytes,
                  SLICE_ARG(e->visitor));
    }
    text_addf(&world.told, "skipped %u\n", m->exchanges.skipped);
}

bool session_keeps_up(const struct session *s)
{
    assert_ptr_equal(s, &world.session);
    return true;
}

void link_door_accept(struct worker *w, struct stream *stream_take, struct bufq *leftover_take,
                      const char *carrier)
{
    assert_ptr_equal(w, &world.workers[0]);
    stream_end_init(&world.link, stream_take);
    world.carrier = carrier;
    bufq_move(&world.link.in, leftover_take, leftover_take->bytes);
}

/* ---- life ---- */

static int world_setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    world.loop = loop_new();
    schema_init(&limits_schema, &world.config.limits);
    world.config.domain = mem_strdup("t.example.com");
    world.relay.config = &world.config;
    world.relay.workers = world.workers;
    for (uint32_t i = 0; i < COUNT_OF(world.workers); i++) {
        struct worker *w = &world.workers[i];
        w->relay = &world.relay;
        w->loop = world.loop;
        w->index = i;
        list_init(&w->visitors);
        list_init(&w->far_origins);
    }
    world.session.worker = &world.workers[0];
    world.tunnel.session = &world.session;
    world.tunnel.id = 7;
    world.tunnel.state = TUNNEL_BOUND;
    router_add(&world.workers[0].router, SLICE(HOST), SLICE("/"), (struct route){.tunnel = 7});
    return 0;
}

static int world_teardown(void **state)
{
    (void)state;
    http_entries_send_away(&world.workers[0]);
    far_origins_send_away(&world.workers[1]);
    origin_pool_free(&world.tunnel.origins);
    exchange_log_free(&world.session.exchanges);
    for (int i = 0; i < world.origin_count; i++) {
        stream_end_close(&world.origins[i].end);
    }
    stream_end_close(&world.link);
    loop_run_for(world.loop, 1);
    router_deinit(&world.workers[0].router);
    mem_free(world.config.domain);
    text_deinit(&world.told);
    assert_int_equal(chunk_stats().in_use, 0);
    loop_free(&world.loop);
    return 0;
}

/* ---- acting ---- */

static inline struct stream_end *visit_with(struct stream_end *visitor,
                                            const struct http_entry_facts *facts)
{
    struct stream *near = NULL;
    struct stream *far = NULL;

    pipe_open(world.loop, &world.pipes, &near, &far);
    stream_end_init(visitor, far);
    http_entry_start(&world.workers[0], near, NULL, facts);
    return visitor;
}

static inline struct stream_end *visit(struct stream_end *visitor)
{
    struct http_entry_facts facts = {.scheme = SLICE("http")};
    return visit_with(visitor, &facts);
}

static inline void say(struct stream_end *e, const char *text)
{
    stream_end_send(e, text, strlen(text));
}

static inline struct stream_end *origin(int number)
{
    for (int ms = 0; world.origin_count <= number && ms < PATIENCE_MS; ms++) {
        loop_run_for(world.loop, 1);
    }
    assert_true(world.origin_count > number);
    return &world.origins[number].end;
}

/* What has come so far, as a string. */
static inline const char *heard(const struct stream_end *e)
{
    static char text[256 * 1024];

    assert_true(e->in.bytes < sizeof text);
    bufq_peek(&e->in, text, e->in.bytes);
    text[e->in.bytes] = '\0';
    return text;
}

static inline void hear(struct stream_end *e, const char *part)
{
    for (int ms = 0; !strstr(heard(e), part) && ms < PATIENCE_MS; ms++) {
        loop_run_for(world.loop, 1);
    }
    check_has(heard(e), part);
}

/* Hears the part and forgets everything up to and with it. */
static inline void take(struct stream_end *e, const char *part)
{
    hear(e, part);
    const char *all = heard(e);
    bufq_drop(&e->in, (size_t)(strstr(all, part) - all) + strlen(part));
}

static inline void hear_end(struct stream_end *e, int end)
{
    run_until_end(world.loop, e);
    assert_int_equal(e->end, end);
}

static inline void pass_time(uint64_t ms)
{
    loop_run_for(world.loop, ms);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
