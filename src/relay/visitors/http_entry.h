/* An HTTP visitor: one connection, its exchanges routed one after the other.
 *
 *      own port of a tunnel      its fixed route
 *      a tunnel's host and path  the router's route
 *      otherwise                 the relay's own paths (/_adit/link, /_adit/health), or a page
 *
 * A tunnel's host belongs wholly to its origin, /_adit/ included. Owned by the worker.
 */
#pragma once
#include "net/stream.h"
#include "relay/workers/worker.h"

struct http_entry_facts {
    struct slice scheme;             /* "http" or "https": a literal */
    const struct route *fixed_route; /* copied; NULL: by host and path */
};

/* Takes the stream and what was read from it (may be NULL; left empty). */
void http_entry_start(struct worker *w, struct stream *stream_take, struct bufq *input_take,
                      const struct http_entry_facts *facts);

/* Asks all visitors to go: exchanges that are open finish, idle connections end. */
void http_entries_drain(struct worker *w);

/* Cuts them all. */
void http_entries_send_away(struct worker *w);
