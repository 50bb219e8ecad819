/* A relay for tests of the agent: real sockets and the real greeting and engine, but it does only
 * what a test says. */
#pragma once
#include "net/listen.h"
#include "session/greet_server.h"
#include "session/link.h"
#include "session/link_stream.h"
#include "wire/control.h"

enum { FAKE_SESSIONS_MAX = 8 };

struct fake_session {
    struct fake_relay *relay;
    struct mux *mux;
    struct link *link;
    struct stream *below; /* the link's, for what no engine would say */
    struct text heard;    /* control messages: "bind 1 web; unbind 1; " */
    uint16_t goaway;
};

struct fake_relay {
    struct loop *loop;
    struct listener *listener;
    uint16_t port;
    uint8_t id[LINK_ID_BYTES];
    struct greet_server *greeting;
    struct fake_session sessions[FAKE_SESSIONS_MAX]; /* one per login */
    unsigned logins;
    unsigned resumes;

    /* what the test wants */
    uint16_t refusal; /* of the next logins; 0: none */
    bool forgets;     /* a RESUME is answered UNKNOWN */
    bool is_deaf;     /* a connection is closed at once */
    uint32_t grace_ms;
    uint16_t bind_refusal;
};

void fake_relay_open(struct fake_relay *r, struct loop *loop);
void fake_relay_close(struct fake_relay *r);

/* The session of the last login. */
struct fake_session *fake_relay_last(struct fake_relay *r);

/* Cuts the carrier of a session. */
void fake_session_cut(struct fake_session *s);

/* Opens a stream as for a visitor. */
struct stream *fake_session_visit(struct fake_session *s, uint32_t tunnel, bool is_exchange);
