/* One end of an HTTP exchange, whatever the HTTP version: a stream with heads.
 *
 *      visitor ~~ h1_server ~~> [front] -- relay/ --> [back] ~~ h1_client ~~> origin
 *
 *                      it reads                      it writes
 *      front           the request                   the response
 *      back            the response                  the request
 *
 * Both ends have one shape, so a proxy is: read a head here, change it, send it there, pump the
 * body, pass the trailers on, and that in both directions at once. The two directions are two half
 * machines that know nothing of each other:
 *
 *      reading     HEAD --(1xx: again HEAD)--> BODY --> EOF, then trailers
 *      writing     head --(1xx: again head)--> body --> trailers, end
 *      tunnel      after a head with is_tunnel both are a plain stream, left-over bytes first
 *
 * The body is an ordinary stream (net/stream.h), so net/pump carries it:
 *
 *      stream_read      body bytes. AGAIN also while a head is due. EOF: the message is complete,
 *                       exchange_trailers has what came behind it. TRUNCATED: the peer ended early.
 *                       PROTOCOL, TOO_LARGE, TIMEOUT: its body broke the rules; on a front the
 *                       response half still works (exchange_status_of, exchange_answer_status).
 *      stream_write     body bytes, with back-pressure. CLOSED: the peer wants no more of this
 *                       body (an early final response came to its end, or it stopped reading);
 *                       the other half goes on.
 *      stream_shutdown  the message is complete. Again, or after HTTP_BODY_NONE: nothing to do.
 *      READABLE         a head, body bytes, the end or a failure is there.
 *      BROKEN           visitor: gone, cancel the origin. Origin: lost. Told at once, also to a
 *                       user who is not reading. A visitor that only closed its direction waits
 *                       for its answer; it counts as gone when an answer without a known end (a
 *                       stream of events) makes no progress for H1_LEFT_MS, others for H1_STALL_MS.
 *      stream_close     this end is finished with. Halves that are not complete make it an abort;
 *                       a front then goes on to the next request on the same connection by itself
 *                       and a back may be used again (h1_client_is_reusable).
 *      stream_abort     cut, in a way the peer can tell from a complete message.
 *
 * A final response may come, be read and be sent before the request is complete. Each piece of body
 * is sent in the round it was written, so that server-sent events need nothing special. Heads are
 * borrowed for the call. An exchange belongs to the engine that made it and to one loop.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "http/head.h"
#include "net/stream.h"

struct exchange;

struct exchange_ops {
    /* See the functions below. */
    int (*read_head)(struct exchange *x, struct http_head **head_out);
    int (*send_head)(struct exchange *x, const struct http_head *head);
    int (*send_trailers)(struct exchange *x, const struct http_head *trailers);
    const struct http_head *(*trailers)(const struct exchange *x);
    void (*hold_deadlines)(struct exchange *x, bool is_held);
};

/* First member of every implementation. */
struct exchange {
    struct stream body;
    const struct exchange_ops *ops;
    uint64_t in_bytes;  /* body bytes read so far */
    uint64_t out_bytes; /* body bytes written so far */
    bool has_heard;     /* a byte of the peer's message has come: a back is not retried any more */
};

static inline struct exchange *exchange_of(struct stream *body)
{
    return CONTAINER_OF(body, struct exchange, body);
}

/* The next head of the peer: on a front the request, at once and again whenever asked; on a back
 * informational ones, then the final one. ERR_AGAIN: not yet. Other errors as from stream_read. The
 * head is the caller's to change; it lives until the next call or until the exchange is closed. */
MUST_USE int exchange_read_head(struct exchange *x, struct http_head **head_out);

/* Front: any number of informational heads (dropped for HTTP/1.0), then one final response.
 * Back: the request. Never refused for want of room. ERR_INVALID: the head cannot be written in
 * this version; ERR_CLOSED: the peer is gone. */
MUST_USE int exchange_send_head(struct exchange *x, const struct http_head *head);

/* Before stream_shutdown. Left out silently where they cannot be carried. */
MUST_USE int exchange_send_trailers(struct exchange *x, const struct http_head *trailers);

/* After stream_read said EOF: what came behind the body; NULL if nothing did. */
const struct http_head *exchange_trailers(const struct exchange *x);

/* No deadline of this exchange expires while held (the link is detached). */
void exchange_hold_deadlines(struct exchange *x, bool is_held);

/* Gives it up; the pointer becomes NULL. NULL inside is fine. */
void exchange_close(struct exchange **x);
void exchange_abort(struct exchange **x);

/* ---- a complete small response on a front (exchange_answer.c) ---- */

/* Sends head and body (up to a few KiB) and the end. head has status and fields; Content-Length is
 * added, the body left out for HEAD. The caller still closes. */
MUST_USE int exchange_answer(struct exchange *x, const struct http_head *head, struct slice body);

/* A plain-text answer of the usual sentence: what to say when nothing better is known. */
MUST_USE int exchange_answer_status(struct exchange *x, uint16_t status);

/* The status for an error read from the visitor: 400, 408, 413, ...; 0 when nobody is left to be
 * told. */
uint16_t exchange_status_of(int err);
