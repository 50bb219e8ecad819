/* Connections to one tunnel's origin: lent to an exchange, kept idle, used again.
 *
 *      origin_pool_get --> BUSY --origin_give_back--> IDLE (newest first) --> BUSY ...
 *                                        |              |
 *                                        +--> closed <--+ idle too long, lost, too many
 *
 * Each is a stream of the link and, at its other end, a kept-alive connection of the agent. They
 * are idle for a little less than the origin keeps them, if it says so (`Keep-Alive: timeout`).
 * One that the origin closed in spite of that costs nothing: the agent answers RESET UNSENT, and
 * the exchange takes a fresh one.
 *
 * The pool belongs to its tunnel. It may go while exchanges run: they keep what they were lent.
 */
#pragma once
#include "http/h1_client.h"
#include "relay/tunnels/origin_stream.h"

struct origin_pool;

/* NULL inside is fine for all of these. */
void origin_pool_free(struct origin_pool **pool);

/* Nobody comes for them any more. */
void origin_pool_drop_idle(struct origin_pool *pool);

/* The deadlines of all exchanges stop while the link is away. */
void origin_pool_hold(struct origin_pool *pool, bool is_held);

/* What an exchange is lent. */
struct origin_conn {
    struct list node;         /* in the pool: busy or idle */
    struct origin_pool *pool; /* NULL: gone, or on another worker */
    struct h1_client *client;
    struct exchange *exchange; /* open while busy */
    uint64_t idle_until_ms;
    bool is_reused;
    bool is_private; /* its origin knows who is at the other end: never lent to another visitor */
    struct origin_conn **slot; /* where it waits for its visitor; NULL: nowhere */
};

/* One with an exchange open on it; an idle one if there is one and it need not be fresh. The
 * tunnel's agent is attached. ERR_FULL: out of budget. */
MUST_USE int origin_pool_get(struct tunnel *t, const struct origin_caller *caller, bool is_fresh,
                             struct origin_conn **origin_out);

/* One for a tunnel on another worker: always fresh, and not kept. */
struct origin_conn *origin_pool_get_far(struct worker *w, struct route route,
                                        const struct origin_caller *caller);

/* Closes the exchange (one that is not complete is cut) and keeps the connection if it may be used
 * again. */
void origin_give_back(struct origin_conn **origin);

/* The same, but it is kept in *slot for the next exchange of the same visitor. *slot becomes NULL
 * when the connection is lost meanwhile. */
void origin_set_aside(struct origin_conn **origin, struct origin_conn **slot);

/* The one that was set aside, with an exchange open on it. NULL: none. */
struct origin_conn *origin_take_aside(struct origin_conn **slot);

/* Cuts the exchange and the connection. The pointer becomes NULL; NULL inside is fine, for both. */
void origin_cut(struct origin_conn **origin);
