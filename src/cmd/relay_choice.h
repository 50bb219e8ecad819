/* Which relay an agent's command logs in at, with which token, and whom it believes there: from
 * flags, file, environment and the logins in the state folder. */
#pragma once
#include "agent/agent.h"
#include "config/agent_config.h"
#include "config/logins.h"

/* ERR_CONFIG with a line that says what to do. */
MUST_USE int relay_choice_find(const struct agent_config *config, const char *state_folder,
                               struct agent_relay *out, struct errinfo *why);

/* The same for a login that is not saved yet; only `insecure` is asked of config. */
MUST_USE int relay_choice_make(const struct agent_config *config, const struct login *login,
                               struct agent_relay *out, struct errinfo *why);
