/* The agent: keeps a session on its relay alive for ever, and its tunnels bound.
 *
 *                  +-----------------------------------------------+
 *                  v                                               |
 *     WAITING --> DIALLING --HELLO--> GREETING --login, resume--> ATTACHED --lost--+
 *        ^            |                  |                           |
 *        +-- failed --+------ failed ----+                           | stop
 *                                        | refused for good          v
 *                                        +-------> ENDED <------- STOPPING
 *
 * A lost carrier is dialled anew at once, then with growing waits; the session is resumed there,
 * and streams go on. Where the relay does not know it any more, the agent logs in anew on the same
 * carrier. A relay that cannot be reached is never an end; a refusal before the first good login
 * is, and so is the last tunnel refused for good.
 *
 * One loop. on_end comes from the ready phase, once; agent_free is the owner's afterwards.
 */
#pragma once
#include "config/agent_config.h"
#include "config/identity.h"
#include "config/relay_url.h"
#include "net/loop.h"
#include "tls/tls_trust.h"

struct reporter;
struct agent;

/* Where the agent logs in, as whom, and whom it believes. Roots are read at each dial and let go
 * afterwards: they take more memory than an idle agent. */
struct agent_relay {
    struct relay_url url;
    char *token; /* "" for an open relay; wiped */
    bool has_pin;
    struct tls_pin pin;
    char *ca_file; /* NULL: the system's roots */
};
void agent_relay_deinit(struct agent_relay *r);

enum agent_end {
    AGENT_STOPPED, /* as asked */
    AGENT_REFUSED, /* for good, and no tunnel is left */
};

struct agent_user {
    void (*on_end)(void *ctx, enum agent_end end);
    /* The relay asks to read the file again; may be NULL. */
    void (*on_reload)(void *ctx);
};

struct agent_options {
    const struct identity *identity; /* copied */
    const char *version;             /* of this program: a literal */
    struct reporter *reporter;       /* outlives the agent */
    struct agent_relay *relay_take;
    struct agent_config *config_take;
};

struct agent *agent_start(struct loop *loop, const struct agent_options *options,
                          const struct agent_user *user, void *ctx);

/* Cuts whatever is left. NULL inside is fine. */
void agent_free(struct agent **a);

/* Another configuration: tunnels that did not change, and their streams, are not touched. */
void agent_apply(struct agent *a, struct agent_config *config_take);

/* The one in force. */
const struct agent_config *agent_config_now(const struct agent *a);

/* Another relay, credential or trust: leaves the old session and logs in there. */
void agent_move(struct agent *a, struct agent_relay *relay_take);

/* Gives up the tunnels, lets streams finish for the drain limit, and leaves. Again: leaves now. */
void agent_stop(struct agent *a);
