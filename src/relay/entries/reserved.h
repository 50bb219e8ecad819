/* Tells the routers which names are reserved, so that a visitor of a tunnel whose agent is away (or
 * has not come back yet since the relay was started) hears 503 and when to try again, not 404. */
#pragma once

struct relay;

/* From now on, beginning with what is reserved already. Worker 0, after the store was opened. */
void reserved_watch(struct relay *relay);
