/* `adit relay`: the public server, until it is asked to stop. */
#pragma once
#include "cmd/options.h"

/* Returns the exit code. */
int cmd_relay(const struct command_line *line, struct options *options);
