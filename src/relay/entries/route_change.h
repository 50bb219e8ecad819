/* The same change of the router of every worker: each makes it on its own thread, no lock is taken,
 * and what is counted down is only how many are still to come. */
#pragma once
#include "relay/entries/bind_request.h"
#include "relay/workers/router.h"

struct relay;

enum route_change_kind { ROUTE_ADD, ROUTE_REMOVE };

typedef void route_change_fn(void *ctx);

/* Copies the entries; those that are ports have no route. done (may be NULL) is called when all
 * workers have the change, on the thread of the last of them. After the workers have stopped
 * nothing happens. */
void route_change(struct relay *relay, enum route_change_kind kind,
                  const struct bind_entries *entries, struct route route, route_change_fn *done,
                  void *ctx);
