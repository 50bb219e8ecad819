/* `adit login`: checks relay, pin and token once, and remembers them. */
#pragma once
#include "cmd/options.h"

/* Returns the exit code. */
int cmd_login(const struct command_line *line, struct options *options);
