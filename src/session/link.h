/* One link: the mux engine of a session on a carrier that is there right now.
 *
 * The driver: it moves bytes between the carrier's stream and the engine, calls the engine when
 * its deadline has come, and finds out when the carrier is dead. The engine belongs to the session,
 * which outlives the link; the stream belongs to the link.
 *
 * Frames are chosen in the flush phase, after everything of this round was written and only while
 * little waits below, so that small streams never queue behind what was committed early.
 *
 * Dead is a carrier whose stream failed, or that left a PING unanswered while neither a byte came
 * nor the kernel saw anything of ours acknowledged for LINK_SILENT_MS (or four round trips).
 */
#pragma once
#include "base/log.h"
#include "mux/mux.h"
#include "net/stream.h"

enum {
    LINK_PROBE_MS = 6 * 1000,     /* a PING at the latest so long after the last byte */
    LINK_SILENT_MS = 3 * 1000,    /* without a sign of life after a PING: dead */
    LINK_PONG_MAX_MS = 15 * 1000, /* without PONG: dead, whatever the kernel says */
    LINK_STREAM_LEVEL = 6,        /* flush level of streams inside a link */
};

/* What a greeting hands over: the carrier with what was read too far and not yet written. */
struct greeted {
    struct stream *stream;
    struct bufq in;
    struct bufq out;
};

struct link;

struct link_user {
    /* The carrier is lost, or the peer broke the protocol (err_category(err) is ERR_CAT_PEER: the
     * session is over too). The engine is detached, the link dead. */
    void (*on_lost)(void *ctx, struct link *link, int err, const struct errinfo *why);
};

/* Attaches the engine to the carrier; both parts of `carrier` are taken. */
struct link *link_attach(struct mux *mux, struct greeted *carrier_take, const struct log_scope *log,
                         const struct link_user *user, void *ctx);

/* Sends what is due (a GOAWAY, say), detaches the engine and closes; no callback follows. refuse
 * only says that the peer broke the protocol; abort cuts at once. NULL inside is fine. */
void link_close(struct link **link);
void link_refuse(struct link **link);
void link_abort(struct link **link);

/* The engine has something to send: for mux_events.on_output. */
void link_wake(struct link *link);

/* Asks for a sign of life now; `wait_ms` later at the latest the link is lost if none came. Who
 * asks again before the answer came does not give the link more time. */
void link_probe(struct link *link, uint64_t wait_ms);
