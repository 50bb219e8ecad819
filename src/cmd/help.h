/* Help on a terminal, made from the table of commands. */
#pragma once
#include "base/text.h"

struct command;

void help_show_all(struct text *out);
void help_show_command(struct text *out, const struct command *command);
