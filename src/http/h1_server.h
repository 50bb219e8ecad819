/* HTTP/1 spoken to a visitor: turns one stream into exchanges, one after the other.
 *
 * The server reads heads, refuses what is malformed, oversize or slow (it answers and logs that
 * itself: 400, 408, 414, 431, 501, 505), hands each request to its user as a front (exchange.h),
 * and keeps or closes the connection afterwards. Pipelined requests wait in the input until the
 * exchange before them is closed. It owns the stream; it is owned by whoever attached it, until
 * on_end.
 *
 *      user of h1_server                 user of the exchange
 *      on_exchange ----------------->    stream_set_user, exchange_read_head, ...
 *                                        exchange_close
 *      on_end: the connection is over
 *
 * The callbacks come from the loop's ready phase, never from inside a call of the user.
 */
#pragma once
#include "base/log.h"
#include "http/exchange.h"
#include "http/h1_limits.h"

struct h1_server;

struct h1_server_user {
    /* A request is here; its head can be read at once. The user closes x, sooner or later. */
    void (*on_exchange)(void *ctx, struct h1_server *server, struct exchange *x);
    /* The connection ended by itself and no exchange is open; 0 or why. The pointer is dead. */
    void (*on_end)(void *ctx, struct h1_server *server, int reason);
    /* A head that never became an exchange was answered with this status. May be NULL. */
    void (*on_refused)(void *ctx, struct h1_server *server, uint16_t status, const char *why);
};

/* Takes the stream over. `input` (may be NULL) holds bytes that were read from it already; they
 * are taken. limits (copied) may be NULL. log (may be NULL) outlives the server. */
struct h1_server *h1_server_attach(struct stream *stream_take, struct bufq *input,
                                   const struct h1_limits *limits, const struct log_scope *log,
                                   const struct h1_server_user *user, void *ctx);

/* Finishes the exchange that is open, says `Connection: close`, and ends; an idle connection ends
 * now. on_end follows. */
void h1_server_drain(struct h1_server *server);

/* Cuts the connection, with the exchange if one is open (its pointer is dead too). No callback
 * follows. Accepts NULL inside. */
void h1_server_abort(struct h1_server **server);

/* Inside on_exchange, for a request without a body whose answer is not HTTP any more (an Upgrade
 * answered by hand): gives the stream back, with what came behind the head. The server and its
 * exchange are gone. */
struct stream *h1_server_detach(struct h1_server **server, struct bufq *leftover_out);
