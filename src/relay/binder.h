/* Gives public entries to tunnels: names, hosts, ports.
 *
 *      session's worker                    worker 0                         all workers
 *      tunnel_ask --binder_ask-->   rights, names, registry
 *                                   probe of a living holder (its worker)
 *                                   routes ------------------------------>  router_add
 *      tunnel_answered <--------    when all of them have them
 *
 * A request travels between threads and is touched by one of them at a time. The agent is told
 * BOUND only after every worker finds the route.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "relay/public_name.h"
#include "relay/registry.h"
#include "wire/control.h"

struct relay;
struct worker;
struct binder;

enum bind_kind { BIND_HTTP, BIND_TCP };

enum { BIND_ENTRIES_MAX = 64, BIND_NAMES_MAX = 16 };

/* What the registry holds for a tunnel: hosts with paths, or a port. */
struct bind_entry {
    char *name;  /* in the registry: host, host/path or :port */
    char *shown; /* to people: "blog", "blog.example.org/api", "port 6000" */
    char *host;  /* NULL: a port */
    char *path;  /* "/" or a prefix */
    uint16_t port;
};

struct bind_entries {
    struct bind_entry *items;
    uint32_t count; /* at most BIND_ENTRIES_MAX */
};

void bind_entries_deinit(struct bind_entries *e);

struct bind_request {
    struct worker *worker; /* of the session */
    struct route route;
    struct store_owner owner;
    uint8_t run_id[RUN_ID_BYTES];
    char *holder; /* the agent's host name */
    char *word;   /* key and target: the same ones get the same name again */
    enum bind_kind kind;
    bool is_shared;
    struct public_name public_name; /* what host names lead here, as this agent sees it */
    char *names[BIND_NAMES_MAX];
    uint32_t name_count;
    char *paths[BIND_NAMES_MAX];
    uint32_t path_count;
    uint16_t port; /* asked for; 0: any */

    /* the answer */
    uint32_t code; /* enum control_refusal; 0: granted */
    struct errinfo why;
    struct bind_entries entries;

    /* the binder's own */
    unsigned attempt;         /* of assigned names and ports */
    uint32_t granted;         /* entries claimed so far */
    bool is_probed;           /* `silent` says how the last probe ended */
    struct route silent;
    uint32_t pending_workers; /* that have not taken the routes yet; atomic */
};

struct binder *binder_new(struct relay *relay);
void binder_free(struct binder **b);

/* Decides; the answer comes as tunnel_answered on the session's worker. Any worker. */
void binder_ask(struct relay *relay, struct bind_request *request_take);

/* The tunnel gives entries up. Any worker; copies. */
void binder_leave(struct relay *relay, const struct bind_entries *entries, struct route route,
                  bool is_for_good);

void bind_request_free(struct bind_request *request);
