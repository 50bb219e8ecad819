/* Connects to a host or a unix socket: look-up, then happy eyeballs (RFC 8305).
 *
 * The families take turns; a new attempt starts when the last one has failed, or after
 * DIAL_STAGGER_MS without an answer. The first connection wins, the others are closed. The whole
 * has one deadline.
 */
#pragma once
#include "net/stream.h"

enum {
    DIAL_DEADLINE_MS = 10 * 1000,
    DIAL_STAGGER_MS = 250,
};

struct dial;

/* From the ready phase; the dial is gone. err 0: the stream is the callee's. ERR_DNS, ERR_REFUSED,
 * ERR_UNREACHABLE, ERR_TIMEOUT, ... and info says it in words. */
typedef void dial_fn(void *ctx, int err, struct stream *s_take, const struct errinfo *info);

/* where: "host:port", "[::1]:port" or "unix:/path". deadline_ms 0: DIAL_DEADLINE_MS. */
struct dial *dial_start(struct loop *loop, struct slice where, uint64_t deadline_ms, dial_fn *fn,
                        void *ctx);

/* Nobody is told any more. Accepts NULL inside. */
void dial_stop(struct dial **d);
