/* What a shell needs to complete adit's command line, made from the table of commands. */
#pragma once
#include "base/text.h"

enum completion_shell { COMPLETION_NONE, COMPLETION_BASH, COMPLETION_ZSH, COMPLETION_FISH };

extern const char *const completion_shells[]; /* "none", "bash", "zsh", "fish" */

void completion_show(struct text *out, enum completion_shell shell);
