/* `adit check`: is a file right, and what holds where it is silent. */
#pragma once
#include "cmd/options.h"

/* Returns the exit code. */
int cmd_check(const struct command_line *line, struct options *options);
