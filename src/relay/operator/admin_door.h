/* The relay's figures over HTTP, for Prometheus: GET /metrics on the address of --admin, and
 * nothing else there. Read only, and without a password: bind it to an address that only the
 * operator's network reaches.
 *
 * Browsers are kept out: a request with an Origin, or for a Host that is neither a literal address
 * nor localhost nor the relay's domain (DNS rebinding), is refused.
 *
 * On worker 0's loop, owned by the relay.
 */
#pragma once
#include "net/addr.h"

struct admin_door;
struct relay;

MUST_USE int admin_door_open(struct admin_door **out, struct relay *relay, const struct addr *at,
                             struct errinfo *why);

/* Cuts whoever is there. NULL inside is fine. */
void admin_door_close(struct admin_door **door);
