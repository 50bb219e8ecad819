/* The race between ways to a relay: the first one that gets to HELLO wins.
 *
 * Rungs are climbed in their order. A rung that fails hands over to the next at once; one that
 * hangs is overtaken by the next after LADDER_OVERTAKE_MS and may still win. Where the failure
 * would be the same on every rung (no such name, refused, not trusted) the next is not tried. Only
 * the winner is asked to log in, by the user; the others are cut.
 *
 *     rung   IDLE --> OPENING (carrier.h) --> GREETING (greet_client.h) --> HELLO: won
 *                        +--------------------------+--> FAILED
 */
#pragma once
#include "session/carrier.h"
#include "session/greet_client.h"

enum {
    LADDER_RUNGS_MAX = 4,
    LADDER_OVERTAKE_MS = 2000,
};

struct ladder_options {
    struct slice host;
    uint16_t port;
    enum carrier_kind rungs[LADDER_RUNGS_MAX]; /* best first */
    unsigned rung_count;
    struct tls_trust *trust; /* counted */
    uint64_t limit_ms;       /* of a rung, up to HELLO */
    struct greet_client_options greeting;
};

/* What came of the race. */
struct ladder_win {
    struct greet_client *greeting; /* the user's: greet_client_set_user, then log_in or resume */
    const struct link_hello *peer;
    enum carrier_kind carrier;
    uint64_t rtt_ms;     /* from our HELLO to theirs */
    const char *because; /* why it is not the best carrier; NULL: it is */
};

struct ladder;

/* One of these, from the ready phase, once; the ladder is gone. */
struct ladder_user {
    void (*on_hello)(void *ctx, const struct ladder_win *win);
    /* The relay said no before it said hello. */
    void (*on_refused)(void *ctx, const struct link_refused *refused);
    void (*on_failed)(void *ctx, int err, const struct errinfo *why);
};

struct ladder *ladder_start(struct loop *loop, const struct ladder_options *options,
                            const struct ladder_user *user, void *ctx);

/* Cuts all rungs; nobody is told any more. Accepts NULL inside. */
void ladder_stop(struct ladder **l);
