/* Where agents come in: from a carrier to a session, new or resumed.
 *
 * Greets (session/greet_server.h), checks the token on worker 0, makes the session on the worker
 * where the agent arrived, or finds the one it resumes. Links that are not encrypted are welcome
 * from this machine only, unless the relay was told --insecure.
 */
#pragma once
#include "net/stream.h"
#include "relay/workers/worker.h"

/* Takes the stream and what was read from it (left empty). carrier: "tls", "wss", "ws", "tcp"; for
 * the WebSocket ones the stream is what is left after the 101 was sent. */
void link_door_accept(struct worker *w, struct stream *stream_take, struct bufq *leftover_take,
                      const char *carrier);

/* Cuts agents that have not logged in yet. */
void link_door_send_away(struct worker *w);
