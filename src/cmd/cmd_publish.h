/* `adit http`, `adit tcp` and `adit up`: an agent, until it is asked to stop. */
#pragma once
#include "cmd/options.h"

/* Each returns the exit code; takes what it needs out of options. */
int cmd_publish(const struct command_line *line, struct options *options);
int cmd_up(const struct command_line *line, struct options *options);
