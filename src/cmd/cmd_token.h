/* `adit token`: makes, lists and revokes tokens: asks the relay that runs on the data folder, or
 * opens its store where none runs, so that a token can be made before the first start. */
#pragma once
#include "cmd/options.h"

/* Returns the exit code. */
int cmd_token(const struct command_line *line, struct options *options);
