/* Serves the streams a relay opens: joins each with a connection to its tunnel's target.
 *
 *     visit     QUEUED --> DIALLING --connected--> JOINED (a pump) --> gone
 *                  \            \-- RESET with the reason --> gone
 *                   \--- file: target --> FILES (an HTTP server) --> gone
 *
 * At most SERVE_DIALS_MAX dials run at a time, the others queue. A kept-alive origin connection
 * that has ended when the next exchange begins is told by RESET UNSENT: nothing of that exchange
 * was given to it, and the relay may send it anywhere else.
 *
 * One serve per session: when the session is lost, its visits are cut. The engine's stream
 * events go to the link streams (session/link_stream.h), only openings and beginnings come here.
 */
#pragma once
#include "agent/origin_dial.h"
#include "agent/tunnels.h"
#include "base/log.h"
#include "mux/mux.h"

enum {
    SERVE_DIALS_MAX = 256,
    SERVE_QUEUE_MAX = 4096, /* streams beyond are refused with LIMIT */
};

struct reporter;

struct serve {
    struct loop *loop;
    struct reporter *reporter;
    struct origin_trust *trust;
    uint64_t connect_ms; /* longest connect to a target, with TLS */
    const struct log_scope *log;
    void (*on_empty)(void *ctx); /* the last visit is gone; from the ready phase */
    void *ctx;

    struct table visits; /* by stream id */
    struct list queue;
    uint32_t queue_count;
    uint32_t dial_count;
};

/* The fields above `visits` are the caller's to fill before. */
void serve_init(struct serve *s);

/* Cuts what is left; `reason` is what the closing lines say. on_empty does not follow. */
void serve_deinit(struct serve *s, const char *reason);

/* The relay has opened a stream for this tunnel. Takes the stream. */
void serve_open(struct serve *s, struct mux_stream *stream_take, struct agent_tunnel *tunnel,
                struct slice facts);

/* An exchange begins on the stream (mux_events.on_begin). */
void serve_begin(struct serve *s, struct mux_stream *stream);

static inline bool serve_is_empty(const struct serve *s)
{
    return s->visits.count == 0;
}
