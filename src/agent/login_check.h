/* One login for its own sake: is this a relay, is it the right one, does it take the token? The
 * session it makes is left at once. */
#pragma once
#include "agent/agent.h"
#include "wire/link_hello.h"

struct login_check_options {
    const struct agent_relay *relay; /* outlives the check */
    const struct identity *identity;
    const char *version;
    uint64_t limit_ms;
};

struct login_answer {
    struct slice token_name;
    struct slice domain;
    struct slice relay_version;
};

/* From the ready phase, once; err 0: answer's texts are good for the call. */
typedef void login_check_fn(void *ctx, int err, const struct login_answer *answer,
                            const struct errinfo *why);

/* Always comes to an end by itself. */
void login_check_start(struct loop *loop, const struct login_check_options *options,
                       login_check_fn *done, void *ctx);
