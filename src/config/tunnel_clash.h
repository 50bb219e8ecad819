/* Two tunnels of one file that want the same public entry: one of them would take it from the
 * other. Pure. */
#pragma once
#include "config/agent_config.h"

/* ERR_CONFIG, and a problem at `at`, if one of the first `index` tunnels has an entry of the next
 * one. */
MUST_USE int tunnel_clash_check(const struct tunnel_list *list, size_t index, struct origin at,
                                struct problems *problems);
