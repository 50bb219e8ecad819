/* `adit help`: pages for people, man(1) and shells. */
#pragma once
#include "cmd/options.h"

/* Returns the exit code. */
int cmd_help(const struct command_line *line, struct options *options);
