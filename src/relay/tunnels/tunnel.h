/* One tunnel of a session at the relay: what visitors reach and what it has done.
 *
 *      ASKED --binder says yes--> BOUND --unbind, taken over, session over--> UNBOUND
 *        +-----binder says no-------------------------------------------------^
 *
 * Owned by its session. HTTP tunnels keep idle origin streams (origin_pool.h); TCP tunnels, and
 * HTTP tunnels where no host name leads to the relay, listen on a port of their own, on the
 * session's worker (port_entry.h).
 */
#pragma once
#include "base/table.h"
#include "relay/sessions/session.h"
#include "relay/tunnels/binder.h"
#include "wire/control.h"

enum tunnel_state {
    TUNNEL_ASKED,   /* the binder decides; nobody reaches it yet */
    TUNNEL_BOUND,   /* visitors reach it */
    TUNNEL_UNBOUND, /* over; streams that are open go on */
};

enum { TUNNEL_WAITERS_MAX = 64 };

struct origin_pool;
struct port_entry;

struct tunnel {
    struct table_node node; /* session.tunnels, by id */
    struct session *session;
    uint32_t id;
    char *key;
    char *target; /* for people */
    enum tunnel_state state;
    enum bind_kind kind;
    bool wants_exchanges;        /* the agent shows finished exchanges */
    struct bind_entries entries; /* what the registry holds for it */
    char *url;                   /* the best one; NULL until bound */
    struct port_entry *door;     /* its listening socket, if it has one */
    struct origin_pool *origins; /* made by the first exchange; NULL until then */
    uint32_t waiter_count;       /* visitors waiting for the agent to come back */
    uint32_t open_count;         /* streams open now */
    uint64_t exchange_count;
    uint64_t in_bytes; /* from visitors */
    uint64_t out_bytes;
    struct log_scope log;
    struct grave grave;
};

struct tunnel *tunnel_find(struct session *s, uint32_t id);
struct tunnel *tunnel_find_route(struct worker *w, struct route route); /* on the route's worker */

/* Makes it and asks the binder for what the agent wants; the agent is told BOUND later. */
void tunnel_ask(struct session *s, const struct control_bind *bind);

/* The binder's answer, on the session's worker. */
void tunnel_answered(struct worker *w, struct bind_request *request);

/* No visitor comes any more; open streams go on. The entries are left for a day, or for good. */
void tunnel_unbind(struct tunnel *t, bool is_for_good);

/* A later session took one entry over. With its last entry the tunnel is unbound and the agent is
 * told, finally. The result is the socket that listens at the lost port, or -1. */
MUST_USE int tunnel_lose_entry(struct tunnel *t, struct slice entry);

/* Takes it out of its session and frees it at the end of the turn. *t becomes NULL. */
void tunnel_remove(struct tunnel **t);
