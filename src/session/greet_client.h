/* The agent's side of a link's first frames: from a fresh carrier to a session.
 *
 *      HELLO_DUE --> GREETED --log_in, resume--> ANSWER_DUE --LOGGED_IN--> ANSWERED (handed over)
 *                       ^                          |  |                       ^
 *                       +-------UNKNOWN------------+  +--RESUMED--> TABLE_DUE-+
 *
 * HELLO is sent at once. on_hello says that the other end is a relay we can talk to: here a race
 * between carriers ends, and only the winner calls log_in or resume. Anything wrong, or more than
 * the handshake's time, ends it: on_failed, once.
 */
#pragma once
#include "base/log.h"
#include "net/stream.h"
#include "session/link.h"
#include "tls/sign_key.h"
#include "wire/link_hello.h"

struct greet_client;

struct greet_client_user {
    /* Ask for something now: log_in, resume, or abort. */
    void (*on_hello)(void *ctx, struct greet_client *g, const struct link_hello *peer);
    /* Take the carrier (greet_client_take). Texts are good for the call. */
    void (*on_logged_in)(void *ctx, struct greet_client *g, const struct link_logged_in *answer);
    void (*on_resumed)(void *ctx, struct greet_client *g, const struct link_resumed *answer,
                       struct bufq *rows);
    /* The relay does not know the session: log_in on the same carrier, or abort. */
    void (*on_unknown)(void *ctx, struct greet_client *g);
    /* The relay said no; the carrier is closed, the pointer dead. */
    void (*on_refused)(void *ctx, struct greet_client *g, const struct link_refused *refused);
    void (*on_failed)(void *ctx, struct greet_client *g, int err, const struct errinfo *why);
};

struct greet_client_options {
    const uint8_t *node_id; /* LINK_ID_BYTES, both */
    const uint8_t *run_id;
    uint32_t initial_window;
    uint64_t limit_ms; /* 0: the usual ten seconds */
};

struct greet_client *greet_client_start(struct stream *stream_take,
                                        const struct greet_client_options *options,
                                        const struct greet_client_user *user, void *ctx);

/* Another user, for a greeting that changes hands after the race. */
void greet_client_set_user(struct greet_client *g, const struct greet_client_user *user, void *ctx);

/* seed: of the key that node_id is made of; proves it (login->identity is not read). NULL: no
 * proof, and the relay takes us for a stranger each time. */
void greet_client_log_in(struct greet_client *g, const struct link_login *login,
                         const uint8_t seed[SIGN_SEED_BYTES]);

/* rows: our table, taken. */
void greet_client_resume(struct greet_client *g, const struct link_session_id *session,
                         uint64_t epoch, const uint8_t secret[LINK_SECRET_BYTES],
                         struct bufq *rows_take);

/* In on_logged_in and on_resumed: the carrier is the caller's, *g becomes NULL. */
struct greeted greet_client_take(struct greet_client **g);

/* Cuts it; no callback. NULL inside is fine. */
void greet_client_abort(struct greet_client **g);
