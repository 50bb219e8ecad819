/* An agent as the commands run it, with its reporter and its identity, on a loop that may carry
 * more (`adit try` has a relay beside it). */
#pragma once
#include "agent/agent.h"
#include "cmd/options.h"

struct agent_run {
    struct reporter *reporter;
    struct agent *agent;
};

struct agent_run_options {
    const char *state_folder;
    bool is_json;
    bool names_tunnels; /* there may be several */
    struct agent_relay *relay_take;
    struct agent_config *config_take; /* with the tunnels */
};

/* ERR_STORAGE, ... with a line: the identity cannot be read or made. What was taken is freed then.
 * Zeroed memory before; agent_run_end afterwards in either case. */
MUST_USE int agent_run_start(struct agent_run *run, struct loop *loop,
                             const struct agent_run_options *options, const struct agent_user *user,
                             void *ctx, struct errinfo *why);

void agent_run_end(struct agent_run *run);

enum exit_code agent_run_exit_code(enum agent_end end);
