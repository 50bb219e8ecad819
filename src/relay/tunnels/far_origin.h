/* The way to a session on another worker, for exchanges whose visitor could not be moved (move.h):
 * those that come later on a kept connection, for another tunnel.
 *
 *      visitor's worker                          session's worker
 *      http_proxy == end of an xstream . . . . . end of it == pump == stream of the link
 *
 * Each exchange gets a stream of its own, which is not kept. Lives on the session's worker.
 */
#pragma once
#include "relay/tunnels/origin_stream.h"

/* Opens at once. What keeps it from the agent over there (the session is gone or has no room, the
 * agent stays away) or ends it (a reset by the agent) is the reason of its own reset. */
struct stream *far_origin_open(struct worker *w, struct route route,
                               const struct origin_caller *caller);

/* Cuts what other workers have here. */
void far_origins_send_away(struct worker *w);
