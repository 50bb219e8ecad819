/* One worker of the relay: a thread with its own loop and everything that lives on it.
 *
 *     worker
 *       front doors     listening sockets; first bytes decide (front_door.h)
 *       visitors        HTTP connections (http_entry.h), TCP connections (tcp_entry.h)
 *       router          this worker's replica (router.h)
 *       sessions        of the agents whose control lives here (session.h)
 *
 * Nothing here is locked: other workers reach it by loop_post only. Worker 0 also runs the binder,
 * the registry and the store.
 */
#pragma once
#include "base/list.h"
#include "base/log.h"
#include "base/table.h"
#include "mux/mux.h"
#include "net/loop.h"
#include "relay/router.h"

struct relay;

struct worker {
    struct relay *relay;
    uint32_t index;
    struct loop *loop;
    struct router router;
    struct table sessions;          /* by handle */
    uint64_t next_handle;           /* handles are never used twice */
    struct list doors;              /* struct front_door */
    struct list greetings;          /* agents that have not logged in yet (link_door.c) */
    struct list visitors;           /* struct visitor: one node each, of any kind */
    uint32_t visitor_count;
    uint64_t next_visitor_id;
    struct mux_budget budget;       /* credit promised to all sessions here */
    struct log_scope log;
};
