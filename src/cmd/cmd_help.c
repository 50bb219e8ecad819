#include "cmd/cmd_help.h"

#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/completion.h"
#include "cmd/help.h"
#include "cmd/manual.h"

int cmd_help(const struct command_line *line, struct options *options)
{
    const struct command *about = NULL;
    struct text page = {0};

    if (line->arg_count > 0) {
        about = command_find(slice_str(line->args[0]));
        if (!about) {
            const char *meant = command_suggest(slice_str(line->args[0]));
            fprintf(stderr, "adit: unknown command '%s'; %s%s%s\n", line->args[0],
                    meant ? "did you mean '" : "`adit help` lists them all", meant ? meant : "",
                    meant ? "'?" : "");
            return EXIT_USAGE;
        }
    }
    if (options->help.wants_man) {
        manual_show(&page);
    } else if (options->help.completion != COMPLETION_NONE) {
        completion_show(&page, (enum completion_shell)options->help.completion);
    } else if (about) {
        help_show_command(&page, about);
    } else {
        help_show_all(&page);
    }
    fputs(text_str(&page), stdout);
    text_deinit(&page);
    return EXIT_STOPPED;
}
