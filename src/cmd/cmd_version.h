/* `adit version`: version and commit. */
#pragma once
#include "cmd/options.h"

/* Returns the exit code. */
int cmd_version(const struct command_line *line, struct options *options);
