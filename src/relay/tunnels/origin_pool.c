#include "relay/tunnels/origin_pool.h"

#include "base/least.h"
#include "base/mem.h"
#include "relay/tunnels/far_origin.h"
#include "relay/workers/shared.h"

enum {
    KEEP_ALIVE_MARGIN_MS = 1000, /* an origin's own limit, less the way there */
    BURST_MS = 1000,             /* beyond idle_max: kept so long, for the next burst */
    BURST_MAX = 1024,            /* and so many at most */
    ORIGIN_SPARES_MAX = 64,
};

struct origin_pool {
    struct tunnel *tunnel;
    struct loop *loop;
    struct h1_limits limits;
    uint64_t idle_ms;
    uint64_t idle_max;
    struct list idle; /* newest first */
    struct list busy; /* lent, or set aside */
    uint64_t idle_count;
    struct timer sweep; /* armed while something is idle */
};

static _Thread_local struct mem_pool spares = MEM_POOL(struct origin_conn, ORIGIN_SPARES_MAX);

/* ---- one origin ---- */

/* The exchange is closed already. */
static void end_origin(struct origin_conn *o)
{
    if (o->pool) {
        o->pool->tunnel->open_count--;
    }
    list_remove(&o->node);
    h1_client_close(&o->client);
    mem_pool_put(&spares, o);
}

static void end_idle(struct origin_conn *o)
{
    o->pool->idle_count--;
    end_origin(o);
}

static void on_lost(void *ctx, struct h1_client *client)
{
    struct origin_conn *o = ctx;

    (void)client;
    if (o->slot) {
        *o->slot = NULL;
        end_origin(o);
    } else {
        end_idle(o);
    }
}

static const struct h1_client_user client_user = {.on_lost = on_lost};

/* ---- idle ---- */

static struct origin_conn *newest_idle(const struct origin_pool *pool)
{
    struct list *node = list_first(&pool->idle);
    return node ? LIST_ENTRY(node, struct origin_conn, node) : NULL;
}

static void on_sweep(struct timer *timer)
{
    struct origin_pool *pool = CONTAINER_OF(timer, struct origin_pool, sweep);
    uint64_t now = loop_now_ms(pool->loop);
    uint64_t next = UINT64_MAX;

    LIST_EACH (&pool->idle, node) {
        struct origin_conn *o = LIST_ENTRY(node, struct origin_conn, node);
        if (o->idle_until_ms <= now) {
            end_idle(o);
        } else if (o->idle_until_ms < next) {
            next = o->idle_until_ms;
        }
    }
    if (next != UINT64_MAX) {
        timer_arm(pool->loop, &pool->sweep, next - now);
    }
}

static uint64_t idle_ms_of(const struct origin_conn *o)
{
    uint64_t said = h1_client_keep_alive_ms(o->client);

    if (said == 0) {
        return o->pool->idle_ms;
    }
    return said > KEEP_ALIVE_MARGIN_MS ? said - KEEP_ALIVE_MARGIN_MS : 0;
}

/* Responses of many visitors end in the same turn, and their next requests come in the turn after:
 * a hard idle_max would close and dial anew most of them each time (64 visitors, measured: a third
 * of the requests per second). So what is beyond it may wait too, but not for long.
 *
 * The sweep may come late for one whose origin is in a hurry: take_idle looks at the time itself.
 */
static bool keep_idle(struct origin_conn *o)
{
    struct origin_pool *pool = o->pool;
    uint64_t idle_ms = pool ? idle_ms_of(o) : 0;

    if (idle_ms == 0 || pool->idle_max == 0 || pool->idle_count >= BURST_MAX ||
        !h1_client_is_reusable(o->client)) {
        return false;
    }
    if (pool->idle_count >= pool->idle_max) {
        idle_ms = least_u64(idle_ms, BURST_MS);
    }
    o->idle_until_ms = loop_now_ms(pool->loop) + idle_ms;
    list_remove(&o->node);
    list_push_front(&pool->idle, &o->node);
    pool->idle_count++;
    if (!timer_is_armed(&pool->sweep)) {
        timer_arm(pool->loop, &pool->sweep, least_u64(idle_ms, BURST_MS));
    }
    return true;
}

static struct origin_conn *take_idle(struct origin_pool *pool)
{
    struct origin_conn *o;

    while ((o = newest_idle(pool)) != NULL) {
        if (o->idle_until_ms > loop_now_ms(pool->loop) && h1_client_is_reusable(o->client)) {
            pool->idle_count--;
            list_remove(&o->node);
            o->is_reused = true;
            return o;
        }
        end_idle(o);
    }
    return NULL;
}

/* ---- the pool ---- */

static struct h1_limits h1_limits_of(const struct worker *w)
{
    const struct limits *limits = &w->relay->config->limits;
    struct h1_limits h1 = H1_LIMITS_DEFAULT;

    h1.head_bytes = (uint32_t)limits->head_size;
    h1.answer_ms = (uint32_t)limits->response_head;
    return h1;
}

static struct origin_pool *pool_of(struct tunnel *t)
{
    const struct worker *w = t->session->worker;
    const struct limits *limits = &w->relay->config->limits;

    if (!t->origins) {
        struct origin_pool *pool = NEW(struct origin_pool);
        pool->tunnel = t;
        pool->loop = w->loop;
        pool->limits = h1_limits_of(w);
        pool->idle_ms = limits->origin_idle;
        pool->idle_max = limits->origin_idle_max;
        list_init(&pool->idle);
        list_init(&pool->busy);
        pool->sweep.expired = on_sweep;
        t->origins = pool;
    }
    return t->origins;
}

void origin_pool_drop_idle(struct origin_pool *pool)
{
    if (pool) {
        LIST_EACH (&pool->idle, node) {
            end_idle(LIST_ENTRY(node, struct origin_conn, node));
        }
    }
}

void origin_pool_free(struct origin_pool **pool)
{
    struct origin_pool *gone = *pool;

    *pool = NULL;
    if (!gone) {
        return;
    }
    origin_pool_drop_idle(gone);
    LIST_EACH (&gone->busy, node) {
        list_remove(node);
        LIST_ENTRY(node, struct origin_conn, node)->pool = NULL;
    }
    timer_disarm(gone->loop, &gone->sweep);
    mem_free(gone);
}

void origin_pool_hold(struct origin_pool *pool, bool is_held)
{
    if (pool) {
        LIST_EACH (&pool->busy, node) {
            struct exchange *x = LIST_ENTRY(node, struct origin_conn, node)->exchange;
            if (x) {
                exchange_hold_deadlines(x, is_held);
            }
        }
    }
}

/* ---- lending ---- */

static int open_origin(struct origin_pool *pool, const struct origin_caller *caller,
                       struct origin_conn **origin_out)
{
    struct stream *s = NULL;

    TRY(origin_open_stream(pool->tunnel, caller, &s));
    struct origin_conn *o = mem_pool_get(&spares);
    o->pool = pool;
    o->client = h1_client_attach(s, &pool->limits, &pool->tunnel->session->worker->origin_log,
                                 &client_user, o);
    pool->tunnel->open_count++;
    *origin_out = o;
    return 0;
}

static void open_exchange(struct origin_conn *o)
{
    origin_begin_exchange(h1_client_stream(o->client));
    o->exchange = h1_client_open(o->client);
}

int origin_pool_get(struct tunnel *t, const struct origin_caller *caller, bool is_fresh,
                    struct origin_conn **origin_out)
{
    struct origin_pool *pool = pool_of(t);
    struct origin_conn *o = is_fresh ? NULL : take_idle(pool);

    if (!o) {
        TRY(open_origin(pool, caller, &o));
    }
    list_push_back(&pool->busy, &o->node);
    open_exchange(o);
    *origin_out = o;
    return 0;
}

struct origin_conn *origin_pool_get_far(struct worker *w, struct route route,
                                        const struct origin_caller *caller)
{
    struct h1_limits limits = h1_limits_of(w);
    struct origin_conn *o = mem_pool_get(&spares);

    o->client = h1_client_attach(far_origin_open(w, route, caller), &limits, &w->origin_log,
                                 &client_user, o);
    o->exchange = h1_client_open(o->client);
    return o;
}

void origin_give_back(struct origin_conn **origin)
{
    struct origin_conn *o = *origin;

    *origin = NULL;
    if (o) {
        exchange_close(&o->exchange);
        if (o->is_private || !keep_idle(o)) {
            end_origin(o);
        }
    }
}

void origin_set_aside(struct origin_conn **origin, struct origin_conn **slot)
{
    struct origin_conn *o = *origin;

    *origin = NULL;
    exchange_close(&o->exchange);
    origin_cut(slot);
    if (h1_client_is_reusable(o->client)) {
        o->slot = slot;
        *slot = o;
    } else {
        end_origin(o);
    }
}

struct origin_conn *origin_take_aside(struct origin_conn **slot)
{
    struct origin_conn *o = *slot;

    *slot = NULL;
    if (o) {
        o->slot = NULL;
        o->is_reused = true;
        open_exchange(o);
    }
    return o;
}

void origin_cut(struct origin_conn **origin)
{
    struct origin_conn *o = *origin;

    *origin = NULL;
    if (o) {
        exchange_abort(&o->exchange);
        end_origin(o);
    }
}
