/* Which tunnel serves a host and a path: one worker's own table.
 *
 * Every worker holds a replica that only its thread touches; route_change.h posts the same changes
 * to all of them, so a lookup takes no lock and a bind costs one table entry per worker. Hosts are
 * exact ("blog.t.example.com"), wildcard ("*.example.com", any depth below) or "*" (what nobody
 * else has). Paths are prefixes on segment borders; the longest wins. Several routes at one place
 * are replicas (--share) and are taken in turn. A place that is reserved stays when its last route
 * goes: its agent is away, nobody else stands in for it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/table.h"

struct route {
    uint64_t session; /* handle on its worker */
    uint32_t worker;  /* index of the worker that holds the session */
    uint32_t tunnel;  /* the agent's tunnel id in that session */
};

static inline bool route_equal(struct route a, struct route b)
{
    return a.worker == b.worker && a.session == b.session && a.tunnel == b.tunnel;
}

struct router {
    struct table hosts;
};

void router_deinit(struct router *r);

/* host: lower case, without port. path: "/" or "/prefix" without a slash at its end. */
void router_add(struct router *r, struct slice host, struct slice path, struct route route);

/* Removes that very route; nothing happens when it is not there. */
void router_remove(struct router *r, struct slice host, struct slice path, struct route route);

/* The place is kept for an agent, whether it has a route or not; or is no longer. */
void router_reserve(struct router *r, struct slice host, struct slice path);
void router_release(struct router *r, struct slice host, struct slice path);

enum router_miss { ROUTER_FOUND, ROUTER_AWAY, ROUTER_NO_HOST, ROUTER_NO_PATH };

/* host as the visitor sent it: any case, port already cut off. target_path: without the query. */
enum router_miss router_find(struct router *r, struct slice host, struct slice target_path,
                             struct route *route_out);

/* Some tunnel asked for this very host, or for a wildcard above it; "*" does not count. */
bool router_is_claimed(const struct router *r, struct slice host);
