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
#include "relay/entries/bind_request.h"

struct binder;
struct relay;

struct binder *binder_new(struct relay *relay);
void binder_free(struct binder **b);

/* Decides; the answer comes as tunnel_answered on the session's worker. Any worker. */
void binder_ask(struct relay *relay, struct bind_request *request_take);

/* The tunnel gives entries up. Any worker; copies. */
void binder_leave(struct relay *relay, const struct bind_entries *entries, struct route route,
                  bool is_for_good);
