/* The relay as a whole, from its beginning to its end.
 *
 *      relay_new      store, identity, workers and doors are open
 *      relay_drain    ... on_stopped: who was there has gone
 *      relay_free
 */
#pragma once
#include "relay/workers/shared.h"

/* Opens everything; the loop is worker 0's. What fails says in `why` what to do. The config
 * outlives the relay. */
MUST_USE int relay_new(struct relay **out, struct loop *loop, const struct relay_config *config,
                       const char *data, struct errinfo *why);

/* Reads certificate and key again, and opens the access log anew; the old ones stay when the new
 * ones are no good. */
void relay_reload(struct relay *r);

/* Stops taking visitors and links, says goodbye to agents, lets exchanges finish for the drain
 * time; then on_stopped, once. Again: stops now. */
void relay_drain(struct relay *r, void (*on_stopped)(void *ctx), void *ctx);

/* Cuts what is left and frees everything. */
void relay_free(struct relay **r);
