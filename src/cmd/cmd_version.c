#include "cmd/cmd_version.h"

#include <stdio.h>

#include "gen/version.h"

int cmd_version(const struct command_line *line, struct options *options)
{
    (void)line;
    if (options->common.is_json) {
        puts("{\"version\":\"" ADIT_VERSION "\",\"commit\":\"" ADIT_COMMIT "\"}");
    } else {
        puts("adit " ADIT_VERSION " (" ADIT_COMMIT ")");
    }
    return EXIT_STOPPED;
}
