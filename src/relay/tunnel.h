/* One tunnel of a session at the relay: what visitors reach and what it has done.
 *
 * Owned by its session. HTTP tunnels keep idle origin streams (origin_pool.h); TCP tunnels and
 * HTTP tunnels without a domain listen on a port of their own, on the session's worker.
 */
#pragma once
#include "base/table.h"
#include "relay/session.h"
#include "wire/control.h"

enum tunnel_kind_at_relay { RELAY_TUNNEL_HTTP, RELAY_TUNNEL_TCP };

enum { TUNNEL_ENTRIES_MAX = 64, TUNNEL_WAITERS_MAX = 64 };

struct origin_pool;
struct port_entry;

struct tunnel {
    struct table_node node; /* session.tunnels, by id */
    struct session *session;
    uint32_t id;
    char *key;
    char *target; /* for people */
    enum tunnel_kind_at_relay kind;
    bool is_bound;
    char *entries[TUNNEL_ENTRIES_MAX]; /* as the registry knows them */
    uint32_t entry_count;
    char *url;                  /* the best one */
    uint16_t port;              /* 0: none of its own */
    struct port_entry *door;    /* its listening socket */
    struct origin_pool *origins;
    uint32_t waiter_count;      /* visitors waiting for the agent to come back */
    uint32_t open_count;        /* streams open now */
    uint64_t exchange_count;
    uint64_t in_bytes;          /* from visitors */
    uint64_t out_bytes;
    struct log_scope log;
    struct grave grave;
};

struct tunnel *tunnel_find(struct session *s, uint32_t id);
