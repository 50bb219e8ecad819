/* Visitors of a tunnel's own port (port_entry.h).
 *
 * A TCP visitor is joined with a stream of the link; an HTTP visitor goes to http_entry with its
 * route fixed. On the session's worker.
 */
#pragma once
#include "net/addr.h"
#include "net/stream.h"
#include "relay/tunnels/port_entry.h"

/* For relay.enter_port. */
void port_visitor_enter(struct worker *w, const struct port_visit *visit,
                        struct stream *stream_take, const struct addr *peer);

/* Cuts all TCP visitors of this worker. */
void port_visitors_send_away(struct worker *w);
