/* The way from an exchange to the session that serves it: all that the HTTP rooms know of sessions.
 *
 * The session lives on the caller's worker; for others see far_origin.h.
 */
#pragma once
#include "net/addr.h"
#include "relay/sessions/session.h"
#include "relay/sessions/session_wait.h"
#include "relay/tunnels/tunnel.h"

/* For whom a stream is opened; views are good for the call. */
struct origin_caller {
    const struct addr *visitor;
    struct slice scheme; /* "http", "https" */
    struct slice host;   /* the name the visitor asked for */
    uint16_t port;       /* of the relay */
};

/* The tunnel of a route. 0: its agent is here. ERR_AGAIN: the agent is away and may come back
 * (*tunnel_out is set). ERR_NOT_FOUND: unbound, or the session is over. */
MUST_USE int origin_find_tunnel(struct worker *w, struct route route, struct tunnel **tunnel_out);

/* A fresh stream to the tunnel's target. ERR_FULL: out of budget; ERR_NOT_FOUND. */
MUST_USE int origin_open_stream(struct tunnel *t, const struct origin_caller *caller,
                                struct stream **stream_out);

/* The next byte written begins an exchange. */
void origin_begin_exchange(struct stream *s);

/* Waits for the agent; told once by waiter->done. ERR_FULL: TUNNEL_WAITERS_MAX wait already. */
MUST_USE int origin_wait(struct tunnel *t, struct session_waiter *waiter, uint64_t limit_ms);

/* Due after done, and to give up before it. */
void origin_unwait(struct worker *w, struct route route, struct session_waiter *waiter);
