/* Why a stream was reset or stopped: a closed list, and what each reason means to a visitor.
 *
 * The codes travel in RESET and STOP. A code this version does not know is accepted: it comes
 * from a newer peer, and means 502 and RST.
 */
#pragma once
#include <stdint.h>

enum tcp_effect {
    TCP_EFFECT_FIN, /* nothing was lost: an ordinary end */
    TCP_EFFECT_RST, /* something was cut off, and the visitor must not take it for complete */
};

/*      name        code  HTTP  TCP  sentence */
#define RESET_CODE_LIST(X)                                                                         \
    X(REFUSED, 1, 502, RST, "the target refused the connection")                                   \
    X(TIMEOUT, 2, 504, RST, "the target did not answer in time")                                   \
    X(DNS, 3, 502, RST, "the target's name was not found")                                         \
    X(TLS, 4, 502, RST, "the TLS handshake with the target failed")                                \
    X(DENIED, 5, 403, FIN, "not allowed")                                                          \
    X(UNSENT, 6, 502, RST, "the target had closed before the exchange began; try again")           \
    X(CANCEL, 7, 502, RST, "given up by the other side")                                           \
    X(GONE, 8, 502, RST, "the other side no longer knows this stream")                             \
    X(LIMIT, 9, 503, FIN, "a limit is reached")                                                    \
    X(SLOW, 10, 503, RST, "the reader was too slow while memory was short")                        \
    X(GRACE, 11, 503, RST, "the agent did not come back in time")                                  \
    X(SHUTDOWN, 12, 503, RST, "shutting down")                                                     \
    X(PROTOCOL, 13, 502, RST, "the protocol was violated")                                         \
    X(SUPERSEDED, 14, 503, RST, "another agent took over")

enum reset_code {
    RESET_NONE = 0,
#define X(name, code, http, tcp, sentence) RESET_##name = (code),
    RESET_CODE_LIST(X)
#undef X
};

struct reset_meaning {
    const char *name; /* "REFUSED" */
    const char *sentence;
    uint16_t http_status;
    enum tcp_effect tcp_effect;
};

/* Never NULL: codes from a newer peer have a meaning too. */
const struct reset_meaning *reset_meaning(uint16_t code);
