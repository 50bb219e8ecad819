/* HTTP/1 spoken to an origin over one stream: one exchange after the other.
 *
 *      h1_client_attach --> IDLE --h1_client_open--> exchange --exchange_close--> IDLE, or lost
 *
 * After exchange_close ask h1_client_is_reusable: true, and the client may wait in a pool for the
 * next request; false, and all that is left to do is h1_client_close. The stream is never used
 * again after left-over bytes, a response that ended with the connection, an upgrade, an HTTP/1.0
 * answer without keep-alive, `Connection: close`, or a half that was not complete.
 */
#pragma once
#include "base/log.h"
#include "http/exchange.h"
#include "http/h1_limits.h"

struct h1_client;

struct h1_client_user {
    /* While idle the origin sent something or ended the stream: not reusable any more. Told once,
     * from the ready phase; the user closes the client. */
    void (*on_lost)(void *ctx, struct h1_client *client);
};

/* Takes the stream over. limits (copied) and log may be NULL; user may be NULL if the client never
 * waits idle. */
struct h1_client *h1_client_attach(struct stream *stream_take, const struct h1_limits *limits,
                                   const struct log_scope *log, const struct h1_client_user *user,
                                   void *ctx);

/* Begins an exchange; the client is idle and reusable. Its head goes out at the end of the round
 * in which it is sent. */
struct exchange *h1_client_open(struct h1_client *client);

bool h1_client_is_reusable(const struct h1_client *client);

/* How long the origin keeps an idle connection (`Keep-Alive: timeout`); 0: it did not say. */
uint64_t h1_client_keep_alive_ms(const struct h1_client *client);

/* The origin's stream: to mark the beginning of an exchange, to ask why it was reset. Never to
 * read, write or close. */
struct stream *h1_client_stream(const struct h1_client *client);

/* Ends it; an open exchange is cut (its pointer is dead too). Accepts NULL inside. */
void h1_client_close(struct h1_client **client);
