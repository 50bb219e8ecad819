/* The one move point: a fresh connection goes to the worker that holds its tunnel's session.
 *
 * Only before anybody has answered: by the server name of a ClientHello, or by Host and path of the
 * first plain head. What moves is the descriptor with the bytes that were read. It is an
 * optimisation: a visitor on another worker than the session is served all the same, through an
 * xstream (far_origin.h).
 */
#pragma once
#include "net/stream.h"
#include "relay/workers/worker.h"

enum { FIRST_BYTES_MAX = 4096 }; /* what is looked at to know who comes, and for whom */

/* Takes a connection that was moved here, and what was read from it (left empty). */
typedef void moved_fn(struct worker *w, struct stream *stream_take, struct bufq *input_take,
                      bool is_tls_only);

/* True: the connection was moved, *stream is NULL and `input` empty, and arrived is called on the
 * other worker. False: it stays here. */
bool move_to_session(struct worker *w, struct stream **stream, struct bufq *input, bool is_tls_only,
                     moved_fn *arrived);
