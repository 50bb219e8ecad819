/* `adit try`: a relay and an agent in one process, on one loop, on this machine. */
#pragma once
#include "cmd/options.h"

/* Returns the exit code. */
int cmd_try(const struct command_line *line, struct options *options);
