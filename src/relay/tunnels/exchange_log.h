/* Books finished exchanges, and tells them to an agent whose people look on.
 *
 * HTTP is parsed at the relay alone, so the lines an agent prints come from here. They travel in
 * batches, a few times a second and never more than CONTROL_EXCHANGES_MAX at once; what does not
 * fit is counted instead. Costs nothing for tunnels that did not ask (tunnel.wants_exchanges).
 *
 * Owned by its session.
 */
#pragma once
#include "relay/sessions/session.h"
#include "wire/control.h"

struct exchange_log;

/* Copies. The session's log is made by the first one. */
void exchange_log_add(struct session *s, const struct control_exchange *exchange);

/* Books what a tunnel has done, on the worker of its session, and adds it if the agent asked. Any
 * worker; exchange->tunnel is taken from the route. */
void exchange_log_book(struct worker *w, struct route route,
                       const struct control_exchange *exchange);

/* NULL inside is fine. What was not told yet is not told any more. */
void exchange_log_free(struct exchange_log **log);
