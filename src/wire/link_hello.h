/* How a link begins: the frames before the engine is attached.
 *
 *     agent                              relay
 *       "adit" HELLO  ------------------>
 *                     <------------------  "adit" HELLO          versions and features agreed
 *       LOGIN         ------------------>
 *                     <------------------  LOGGED_IN | REFUSED
 *     or
 *       RESUME TABLE* ------------------>
 *                     <------------------  RESUMED TABLE* | UNKNOWN
 *
 * All with stream id 0. Pure codecs: who may log in, what a proof is worth and when a table is
 * built are decided above (session/, mux/). Secrets and tokens appear here and are never logged.
 * Texts in decoded structs are views into the payload.
 */
#pragma once
#include "base/bufq.h"
#include "wire/tlv.h"

#define LINK_MAGIC "adit"

enum {
    LINK_MAGIC_BYTES = 4,
    LINK_VERSION = 1, /* the only one so far */
    LINK_ID_BYTES = 16,
    LINK_NONCE_BYTES = 32,
    LINK_SECRET_BYTES = 32,
    LINK_PROOF_BYTES = 32,
    LINK_EXPORTER_BYTES = 32,
    LINK_KEY_BYTES = 32, /* Ed25519 */
    LINK_SIGNATURE_BYTES = 64,
    LINK_LABEL_BYTES = 16, /* what is signed or hashed begins with one, filled up with zeros */
    LINK_SESSION_ID_BYTES = 24,
    LINK_SESSION_RANDOM_BYTES = 10,
    LINK_ROW_BYTES = 24,
    LINK_TEXT_MAX_BYTES = 255,
    LINK_TOKEN_MAX_BYTES = 1024,
    LINK_HELLO_BYTES = 76,           /* without facts */
    LINK_HANDSHAKE_MAX_BYTES = 4096, /* payload of HELLO, LOGIN, LOGGED_IN, REFUSED */
};

/* Labels for the TLS exporter (RFC 8446 section 7.5), empty context, LINK_EXPORTER_BYTES long. */
#define LINK_RESUME_EXPORTER   "EXPORTER-adit-resume"
#define LINK_IDENTITY_EXPORTER "EXPORTER-adit-login"

/* ---- HELLO ---- */

struct link_hello {
    uint16_t version_min; /* the relay's answer: both are the version chosen */
    uint16_t version_max;
    uint32_t features;              /* bits; unknown ones are ignored. None is defined yet */
    uint8_t node_id[LINK_ID_BYTES]; /* agent_id: made once, kept. The relay: its own */
    uint8_t run_id[LINK_ID_BYTES];  /* of this process */
    uint8_t nonce[LINK_NONCE_BYTES];
    uint32_t initial_window; /* blind bytes a new stream may bring */
};

enum { LINK_INITIAL_WINDOW_MIN = 1024, LINK_INITIAL_WINDOW_MAX = 1 << 20 };

/* Takes the four bytes every direction of a link starts with. ERR_MORE, ERR_PROTOCOL. */
MUST_USE int link_magic_take(struct bufq *in);

/* Appends the magic and the frame. */
void link_hello_encode(struct bufq *out, const struct link_hello *hello);
MUST_USE int link_hello_decode(struct slice payload, struct link_hello *out, struct errinfo *info);

/* The highest version in both ranges; ERR_VERSION if there is none. */
MUST_USE int link_version_choose(const struct link_hello *theirs, uint16_t *version_out);

/* ---- LOGIN, LOGGED_IN, REFUSED ---- */

struct link_session_id {
    uint64_t relay;      /* which relay, */
    uint32_t generation; /* which process of it, */
    uint16_t worker;     /* which thread: a RESUME finds its owner by these */
    uint8_t random[LINK_SESSION_RANDOM_BYTES];
};

struct link_login {
    struct slice token;         /* critical; empty where the relay is open */
    struct slice host_name;     /* of the agent's machine, for people */
    struct slice agent_version; /* "1.2.3" */
    struct slice platform;      /* "linux/x86-64" */
    struct slice dialled;       /* host:port the agent dialled: the relay makes URLs of it */
    bool is_share;              /* may stand beside another agent of the same token */
    struct slice identity;      /* proves node_id, see struct link_identity; empty: no proof */
};

/* Proof that the agent is the one its node_id names, for node_id is made of the key. The exporter
 * is that of the agent's end of the carrier (empty without TLS): at a relay whose end has TLS, too,
 * it must be the same, so that nobody between can use the proof elsewhere. */
struct link_identity {
    uint8_t key[LINK_KEY_BYTES];
    uint8_t signature[LINK_SIGNATURE_BYTES];
    struct slice exporter;
};

enum {
    LINK_IDENTITY_MAX = LINK_KEY_BYTES + LINK_SIGNATURE_BYTES + LINK_EXPORTER_BYTES,
    LINK_IDENTITY_INPUT_MAX = LINK_LABEL_BYTES + LINK_NONCE_BYTES + 2 * LINK_ID_BYTES +
                              LINK_EXPORTER_BYTES,
};

/* What is signed: label | relay's nonce | node_id | run_id | exporter. Its length. */
size_t link_identity_input(const uint8_t relay_nonce[LINK_NONCE_BYTES],
                           const struct link_hello *agent, struct slice exporter,
                           uint8_t out[LINK_IDENTITY_INPUT_MAX]);

/* As it stands in LOGIN; its length. And back: `in` is one a LOGIN was decoded with. */
size_t link_identity_write(const struct link_identity *identity, uint8_t out[LINK_IDENTITY_MAX]);
void link_identity_read(struct slice in, struct link_identity *out);

struct link_logged_in {
    struct link_session_id session;
    uint8_t secret[LINK_SECRET_BYTES];
    struct slice domain; /* of the relay; empty: it has none */
    struct slice relay_version;
    struct slice token_name; /* as whom the agent is known */
    uint32_t grace_ms;       /* how long a session without a link is kept */
};

/*      name        code  final  sentence */
#define LINK_REFUSAL_LIST(X)                                                                       \
    X(TOKEN, 1, true, "the token is not known here")                                               \
    X(REVOKED, 2, true, "the token was revoked or has expired")                                    \
    X(BANNED, 3, false, "too many failed logins from this address")                                \
    X(VERSION, 4, true, "no protocol version in common")                                           \
    X(LIMIT, 5, false, "the relay or the token is at its limit")                                   \
    X(BUSY, 6, false, "the relay is shutting down or not ready")                                   \
    X(SUPERSEDED, 7, true, "another agent with this id took over")                                 \
    X(IDENTITY, 8, true, "the proof of the agent's id is wrong")

enum link_refusal {
#define X(name, code, is_final, sentence) LINK_REFUSAL_##name = (code),
    LINK_REFUSAL_LIST(X)
#undef X
};

struct link_refused {
    uint16_t code;           /* enum link_refusal */
    uint32_t retry_after_ms; /* 0: no advice */
    struct slice sentence;   /* for a person; empty: link_refusal_sentence(code) */
};

void link_login_encode(struct bufq *out, const struct link_login *login);
MUST_USE int link_login_decode(struct slice payload, struct link_login *out, struct errinfo *info);

void link_logged_in_encode(struct bufq *out, const struct link_logged_in *answer);
MUST_USE int link_logged_in_decode(struct slice payload, struct link_logged_in *out,
                                   struct errinfo *info);

void link_refused_encode(struct bufq *out, const struct link_refused *refused);
MUST_USE int link_refused_decode(struct slice payload, struct link_refused *out,
                                 struct errinfo *info);
const char *link_refusal_sentence(uint16_t code);
bool link_refusal_is_final(uint16_t code); /* trying again would not help */

/* ---- RESUME, RESUMED, TABLE, UNKNOWN ---- */

struct link_resume {
    struct link_session_id session;
    uint64_t epoch; /* strictly growing within a session; the first RESUME has 1 */
    uint8_t proof[LINK_PROOF_BYTES];
    struct slice rows; /* after decoding: whole rows, a view */
};

struct link_resumed {
    uint8_t secret[LINK_SECRET_BYTES];
    struct slice rows;
};

enum link_row_state {
    LINK_ROW_OPENED = 0x01, /* OPENED was sent or seen by the side that tells the row */
};

struct link_row {
    uint32_t id;
    uint32_t state; /* enum link_row_state; other bits are ignored */
    uint64_t received;
    uint64_t limit;
};

/* The bytes HMAC-SHA256 runs over with the session's secret as key:
 * label | relay's nonce | session id | epoch | exporter (empty without TLS). */
enum {
    LINK_PROOF_INPUT_MAX = LINK_LABEL_BYTES + LINK_NONCE_BYTES + LINK_SESSION_ID_BYTES +
                           sizeof(uint64_t) + LINK_EXPORTER_BYTES,
};
size_t link_proof_input(const uint8_t relay_nonce[LINK_NONCE_BYTES],
                        const struct link_session_id *session, uint64_t epoch,
                        struct slice exporter, uint8_t out[LINK_PROOF_INPUT_MAX]);

/* Append the frame and, where the rows do not fit, TABLE frames. `rows` (from
 * mux_resume_table) is emptied; `resume->rows` is not read. */
void link_resume_encode(struct bufq *out, const struct link_resume *resume, struct bufq *rows);
void link_resumed_encode(struct bufq *out, const struct link_resumed *resumed, struct bufq *rows);
void link_unknown_encode(struct bufq *out);

/* TABLE_MORE in the frame's flags says that a TABLE follows; its payload is rows alone. */
MUST_USE int link_resume_decode(struct slice payload, struct link_resume *out,
                                struct errinfo *info);
MUST_USE int link_resumed_decode(struct slice payload, struct link_resumed *out,
                                 struct errinfo *info);
MUST_USE int link_table_decode(struct slice payload, struct slice *rows_out, struct errinfo *info);

void link_row_write(struct writer *w, const struct link_row *row);
void link_row_read(struct reader *r, struct link_row *out);

bool link_session_id_equal(const struct link_session_id *a, const struct link_session_id *b);
