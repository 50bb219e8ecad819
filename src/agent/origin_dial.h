/* Connects to a tunnel's target: a TCP or unix socket, and TLS on top where the target is https.
 *
 * TLS to an origin goes by the system's roots, which are read when the first https target is
 * dialled; on loopback any certificate will do, for nobody can stand in between.
 */
#pragma once
#include "config/target.h"
#include "net/stream.h"
#include "tls/tls_trust.h"

/* Whom origins are believed by. Zeroed memory is fine; shared by all dials of an agent. */
struct origin_trust {
    struct tls_trust *roots;
    struct tls_trust *anybody;
};
void origin_trust_deinit(struct origin_trust *t);

struct origin_dial;

/* From the ready phase, once; the dial is gone. err 0: the stream is the callee's. */
typedef void origin_dial_fn(void *ctx, int err, struct stream *s_take, const struct errinfo *why);

/* The target is copied; `trust` outlives the dial. Never for file: targets. */
struct origin_dial *origin_dial_start(struct loop *loop, const struct target *target,
                                      struct origin_trust *trust, uint64_t deadline_ms,
                                      origin_dial_fn *done, void *ctx);

/* Nobody is told any more. Accepts NULL inside. */
void origin_dial_stop(struct origin_dial **d);

/* The reset code that says it to the relay. */
uint16_t origin_dial_reset_code(int err);
