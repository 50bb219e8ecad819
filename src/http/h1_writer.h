/* The writing half of one HTTP/1 message after the other: heads and body pieces in, bytes out.
 *
 *      HEAD --> SIZED | CHUNKED | UNTIL_CLOSE --> DONE --(h1_writer_begin)--> HEAD
 *        |  --> (no body) ----------------------> DONE
 *        |  --> TUNNEL -------------------------> DONE
 *        +--> a 1xx response: HEAD again
 *
 * How a message is framed on the wire is decided here, from the head's body and nothing else; the
 * fields that say so are written here. An engine: bytes collect in `out`, for the owner to send.
 * Embedded by h1_server and h1_client; internal to http/.
 */
#pragma once
#include "http/head.h"

enum h1_writer_state {
    H1_WRITER_HEAD,
    H1_WRITER_SIZED,
    H1_WRITER_CHUNKED,
    H1_WRITER_UNTIL_CLOSE,
    H1_WRITER_TUNNEL,
    H1_WRITER_DONE,
};

struct h1_writer {
    enum h1_writer_state state;
    uint64_t left; /* SIZED */
    struct bufq out;
};

/* What the response answers, and what becomes of the connection. */
struct h1_answer {
    enum http_version version; /* of the visitor */
    bool is_to_head;
    bool is_to_connect;
    bool is_kept; /* wished for; false afterwards when the framing forbids it */
};

/* Ready for the next message. Bytes still in `out` stay. */
void h1_writer_begin(struct h1_writer *w);

/* ERR_INVALID, and nothing written, if the head holds what cannot be sent. */
MUST_USE int h1_writer_request(struct h1_writer *w, const struct http_head *head);
MUST_USE int h1_writer_response(struct h1_writer *w, const struct http_head *head,
                                struct h1_answer *answer);

/* Moves the first n bytes (0 < n <= from->bytes) of the body. ERR_INVALID: more than the head said;
 * ERR_CLOSED: after the end. */
MUST_USE int h1_writer_body(struct h1_writer *w, struct bufq *from, size_t n);

/* Ends a chunked body with these fields; a body of another kind has no place for them. */
MUST_USE int h1_writer_trailers(struct h1_writer *w, const struct http_head *trailers);

/* HTTP is over: what is written goes out as it is. (A response starts it by its head.) */
void h1_writer_start_tunnel(struct h1_writer *w);

/* Ends the message; again: nothing to do. ERR_INVALID: less than the head said. */
MUST_USE int h1_writer_end(struct h1_writer *w);
