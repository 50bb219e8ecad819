/* One way from a relay's address to a stream a link can begin on: the dialling side.
 *
 *     tcp    DIALLING ------------------------------------> done
 *     tls    DIALLING --> SECURING ------------------------> done     ALPN adit/1, TLS 1.3
 *     ws     DIALLING ---------------> UPGRADING ----------> done     GET /_adit/link
 *     wss    DIALLING --> SECURING --> UPGRADING ----------> done     ALPN http/1.1
 *
 * The accepting side is the relay's front door. One deadline for the whole. Owned by whoever
 * started it, until it has told its end; all on the loop's thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "net/stream.h"
#include "tls/tls_trust.h"

/*      id   name   is encrypted  upgrades */
#define CARRIER_LIST(X)                                                                            \
    X(TLS, "tls", true, false)                                                                     \
    X(WSS, "wss", true, true)                                                                      \
    X(WS, "ws", false, true)                                                                       \
    X(TCP, "tcp", false, false)

enum carrier_kind {
#define X(id, name, is_encrypted, upgrades) CARRIER_##id,
    CARRIER_LIST(X)
#undef X
};

const char *carrier_name(enum carrier_kind kind); /* "tls" */

#define CARRIER_ALPN "adit/1"
#define CARRIER_PATH "/_adit/link"

struct carrier_options {
    enum carrier_kind kind;
    struct slice host; /* a name or an address without brackets */
    uint16_t port;
    struct tls_trust *trust; /* of tls and wss; counted */
    uint64_t limit_ms;
};

struct carrier;

/* From the ready phase, once; the carrier is gone. err 0: the stream is the callee's. Otherwise
 * `why` says what failed and what to do. ERR_DENIED: the relay's key or certificate is not
 * trusted. */
typedef void carrier_done_fn(void *ctx, int err, struct stream *s_take, const struct errinfo *why);

struct carrier *carrier_start(struct loop *loop, const struct carrier_options *options,
                              carrier_done_fn *done, void *ctx);

/* Nobody is told any more. Accepts NULL inside. */
void carrier_stop(struct carrier **c);
