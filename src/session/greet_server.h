/* The relay's side of a link's first frames: from a fresh stream to a login or a resume.
 *
 *      HELLO_DUE --HELLO--> REQUEST_DUE --LOGIN | RESUME TABLE*--> ASKED --answer--> (handed over)
 *                                                                  |  ^
 *                                                          unknown v  | LOGIN
 *                                                                LOGIN_DUE
 *
 * It answers HELLO itself and asks its user what to do with the request. When the user accepts,
 * the answer is written, the stream and what was read behind the request go to the user, and the
 * greeting is gone. Anything wrong, or more than the handshake's time, ends it: on_failed, once.
 *
 * One loop. Callbacks come from the ready phase; each may call the functions below.
 */
#pragma once
#include "base/log.h"
#include "net/stream.h"
#include "session/link.h"
#include "wire/link_hello.h"

struct greet_server;

enum {
    GREET_MS = 10 * 1000,
    GREET_TABLES_MAX_BYTES = 32 * 1024 * 1024, /* in TABLE frames, of all that share a count */
};

struct greet_server_user {
    void (*on_login)(void *ctx, struct greet_server *g, const struct link_login *login);
    /* rows: the agent's whole table; taken or left. */
    void (*on_resume)(void *ctx, struct greet_server *g, const struct link_resume *resume,
                      struct bufq *rows);
    /* The stream is closed, the pointer dead. */
    void (*on_failed)(void *ctx, struct greet_server *g, int err, const struct errinfo *why);
};

struct greet_server_options {
    const uint8_t *node_id; /* LINK_ID_BYTES, both */
    const uint8_t *run_id;
    uint32_t initial_window;
    uint64_t limit_ms; /* 0: GREET_MS */
    /* Bytes of rows kept for peers that have proven nothing yet; NULL: not counted. Those in the
     * RESUME frame itself are free, so that small tables pass whatever strangers do. */
    size_t *table_bytes;
    const struct log_scope *log;
};

/* Takes the stream, and what was read from it already (left empty). */
struct greet_server *greet_server_start(struct stream *stream_take, struct bufq *leftover_take,
                                        const struct greet_server_options *options,
                                        const struct greet_server_user *user, void *ctx);

/* ---- questions, from on_login and on_resume on ---- */

const struct link_hello *greet_server_peer(const struct greet_server *g);

/* Is the agent the one its node_id names? `identity`: of its LOGIN. ERR_NOT_FOUND: it proves
 * nothing. ERR_DENIED: the proof is wrong, or one of another connection. */
MUST_USE int greet_server_check_identity(const struct greet_server *g, struct slice identity);

/* What the proof in the request must have been made of on this very connection; its length. */
size_t greet_server_proof_input(const struct greet_server *g, const struct link_resume *resume,
                                uint8_t out[LINK_PROOF_INPUT_MAX]);

/* True if it was made of this with that secret. Any thread. */
bool greet_server_check_proof(struct slice input, const uint8_t proof[LINK_PROOF_BYTES],
                              const uint8_t secret[LINK_SECRET_BYTES]);

/* ---- answers: one of these, now or later ---- */

/* Writes LOGGED_IN and hands the carrier over; *g becomes NULL. */
struct greeted greet_server_log_in(struct greet_server **g, const struct link_logged_in *answer);

/* Hands the carrier over without an answer: RESUMED is written by who has the session. */
struct greeted greet_server_take(struct greet_server **g);

/* Appends RESUMED; rows: ours, taken. */
void greet_server_put_resumed(struct bufq *out, const uint8_t secret[LINK_SECRET_BYTES],
                              struct bufq *rows_take);

/* The session is not known: the agent may log in on the same link. */
void greet_server_unknown(struct greet_server *g);

/* Says no and closes; *g becomes NULL, on_failed does not follow. */
void greet_server_refuse(struct greet_server **g, const struct link_refused *refused);

/* Closes a connection that broke the protocol, without an answer; *g becomes NULL, no callback. */
void greet_server_close(struct greet_server **g);

/* Cuts it; no callback. NULL inside is fine. */
void greet_server_abort(struct greet_server **g);
