/* CONTROL messages: what agent and relay say to each other about tunnels, as JSON on stream 0.
 *
 *     {"type":"bind","tunnel":1,"key":"web","kind":"http","names":["blog"]}
 *
 * One struct per type, and one table that knows how its fields are called; encoding and decoding
 * both walk the table. Strict: a wrong type, a missing field, a text or list above its limit is
 * refused. Open: unknown fields are ignored, and an unknown type of message decodes to
 * CONTROL_UNKNOWN, which the receiver ignores.
 *
 * Direction: BIND, UNBIND, HEALTH agent to relay; BOUND, UNBOUND, RELOAD, EXCHANGES relay to agent;
 * NOTICE both ways.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/text.h"

enum {
    CONTROL_MESSAGE_MAX = 65516, /* bytes; with its u32 length one large chunk */
    CONTROL_TEXT_MAX = 1024,
    CONTROL_LIST_MAX = 32,
    CONTROL_EXCHANGES_MAX = 64,      /* in one message */
    CONTROL_EXCHANGE_PATH_MAX = 512, /* longer ones are cut by who tells: a full message fits */
};

enum control_type {
    CONTROL_UNKNOWN, /* of a newer peer; never encoded */
    CONTROL_BIND,
    CONTROL_BOUND,
    CONTROL_UNBIND,
    CONTROL_UNBOUND,
    CONTROL_RELOAD,
    CONTROL_HEALTH,
    CONTROL_NOTICE,
    CONTROL_EXCHANGES,
    CONTROL_TYPE_COUNT,
};

/*      name        code  final  sentence */
#define CONTROL_REFUSAL_LIST(X)                                                                    \
    X(TAKEN, 1, true, "the name or port belongs to somebody else")                                 \
    X(HELD, 2, true, "another agent of this token holds it")                                       \
    X(DENIED, 3, true, "the token does not allow it")                                              \
    X(INVALID, 4, true, "not a name, host or port that can be bound")                              \
    X(LIMIT, 5, false, "the relay or the token is at its limit")                                   \
    X(UNSUPPORTED, 6, true, "this relay does not offer that kind of tunnel")                       \
    X(BUSY, 7, false, "the relay cannot do it now")                                                \
    X(SUPERSEDED, 8, true, "another agent took over")                                              \
    X(REVOKED, 9, true, "the right was withdrawn")

enum control_refusal {
    CONTROL_REFUSAL_NONE = 0,
#define X(name, code, is_final, sentence) CONTROL_REFUSAL_##name = (code),
    CONTROL_REFUSAL_LIST(X)
#undef X
};
const char *control_refusal_sentence(uint32_t code);
bool control_refusal_is_final(uint32_t code); /* trying again would not help */

struct control_list {
    size_t count;
    struct slice items[CONTROL_LIST_MAX];
};

struct control_bind {
    uint32_t tunnel;           /* chosen by the agent, never reused in a session */
    struct slice key;          /* the tunnel's key in the file: binding it again is no second */
    struct slice kind;         /* "http", "tcp" */
    struct control_list names; /* a label (NAME.domain), a whole host, "*"; none: assign one */
    struct control_list paths; /* prefixes; none: "/" */
    uint32_t port;             /* asked for; 0: any, or not a port tunnel */
    struct slice target;       /* for people: status, dashboard */
    bool is_shared;            /* several agents may serve it together */
    bool wants_exchanges;      /* somebody looks on: tell the finished ones by EXCHANGES */
};

struct control_bound {
    uint32_t tunnel;
    struct control_list urls; /* what a person may open, the best first */
    uint32_t port;
    uint32_t code;         /* enum control_refusal; 0: bound */
    struct slice sentence; /* why not, for a person */
};

struct control_unbind {
    uint32_t tunnel;
};

struct control_unbound {
    uint32_t tunnel;
    uint32_t code; /* enum control_refusal; 0: as asked by UNBIND */
    struct slice sentence;
};

struct control_reload { /* read the file again and bind what it says */
    struct slice reason;
};

struct control_health {
    uint32_t tunnel;
    bool is_up;
    struct slice sentence;
};

struct control_notice {
    struct slice level; /* "info", "warn" */
    struct slice sentence;
};

/* One finished HTTP exchange, as the relay saw it. Texts are UTF-8 without control characters. */
struct control_exchange {
    uint32_t tunnel;
    uint32_t status; /* 0: it ended without an answer */
    uint64_t ms;
    uint64_t in_bytes; /* of the request's body */
    uint64_t out_bytes;
    struct slice method;
    struct slice path;    /* and query; at most CONTROL_EXCHANGE_PATH_MAX bytes */
    struct slice visitor; /* address, without port */
};

/* For people who look on, of tunnels that asked for it: told a few times a second at most. When
 * more happens than the queue should hold, the rest is not told but counted. */
struct control_exchanges {
    size_t count;
    struct control_exchange items[CONTROL_EXCHANGES_MAX];
    uint32_t skipped; /* since the last message */
};

struct control_message {
    enum control_type type;
    union {
        struct control_bind bind;
        struct control_bound bound;
        struct control_unbind unbind;
        struct control_unbound unbound;
        struct control_reload reload;
        struct control_health health;
        struct control_notice notice;
        struct control_exchanges exchanges;
    };
    void *parsed; /* owns the texts of a decoded message; NULL in one to be encoded */
};

/* Appends the message as one JSON object. ERR_TOO_LARGE or ERR_INVALID (not UTF-8) before anything
 * was appended. */
MUST_USE int control_encode(const struct control_message *m, struct text *out);

/* Texts of *out live until control_deinit, which is due after success only. */
MUST_USE int control_decode(struct slice json, struct control_message *out, struct errinfo *info);
void control_deinit(struct control_message *m);

const char *control_type_name(enum control_type type); /* "bind" */
