/* Which relay an agent's command logs in at, with which token, and whom it believes there: from
 * flags, file, environment and the logins in the state folder. */
#pragma once
#include "agent/agent.h"
#include "config/agent_config.h"

/* ERR_CONFIG with a line that says what to do. */
MUST_USE int relay_choice_find(const struct agent_config *config, const char *state_folder,
                               struct agent_relay *out, struct errinfo *why);

/* The parts, for a login that is not saved yet. `token` NULL: the relay is open; `pin` may be NULL
 * or empty. */
MUST_USE int relay_choice_make(const struct agent_config *config, struct slice relay,
                               struct slice token, struct slice pin, struct agent_relay *out,
                               struct errinfo *why);
