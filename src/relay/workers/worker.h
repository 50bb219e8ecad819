/* One worker of the relay: a thread with its own loop and everything that lives on it.
 *
 *     worker
 *       front doors     listening sockets; first bytes decide (front_door.h)
 *       visitors        HTTP connections (http_entry.h), TCP connections (port_visitor.h)
 *       router          this worker's replica (router.h)
 *       sessions        of the agents whose control lives here (session.h)
 *
 * Nothing here is locked: other workers reach it by loop_post only. Worker 0 also runs the binder,
 * the registry and the store.
 */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "base/log.h"
#include "base/table.h"
#include "mux/mux.h"
#include "net/loop.h"
#include "relay/workers/router.h"

struct relay;

struct worker {
    struct relay *relay;
    uint32_t index;
    struct loop *loop;
    struct router router;
    struct table sessions;       /* by handle */
    struct table sessions_by_id; /* the same, as their agents know them */
    uint64_t next_handle;        /* handles are never used twice */
    struct list detached;        /* those without a link, the longest first */
    struct list doors;           /* struct front_door */
    struct list newcomers;       /* connections nobody knows yet (front_door.c) */
    struct list arrivals;        /* agents that have not logged in yet (link_door.c) */
    size_t table_bytes;          /* they have sent of tables of resumes */
    struct list bridges;         /* carriers of sessions elsewhere (resume.c) */
    struct list visitors;        /* HTTP connections (http_entry.c) */
    struct list tcp_visitors;    /* TCP connections (port_visitor.c) */
    struct list far_origins;     /* exchanges of other workers (far_origin.c) */
    uint64_t next_visitor_id;
    struct mux_budget budget; /* credit promised to all sessions here */
    struct log_scope log;
    struct timer log_sums;       /* tells of held back lines when no other comes */
    struct log_scope origin_log; /* of connections to origins, which outlive tunnels */
    pthread_t thread;            /* of workers 1 and up; worker 0 is the caller's */
    atomic_bool has_settled;     /* nothing is left here after worker_cut */
};

/* The session of this route lives here. */
static inline bool worker_has(const struct worker *w, struct route route)
{
    return route.worker == w->index;
}
