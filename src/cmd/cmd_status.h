/* `adit status`: what the relay that runs on a data folder is doing, as two tables or as JSON. */
#pragma once
#include "cmd/options.h"

/* Returns the exit code; EXIT_REFUSED: no relay runs there. */
int cmd_status(const struct command_line *line, struct options *options);
