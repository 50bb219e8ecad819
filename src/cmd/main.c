/* From argv to the function that runs a command, and from its result to the exit code. */
#include <stdio.h>

#include "cmd/cmd_check.h"
#include "cmd/cmd_help.h"
#include "cmd/cmd_login.h"
#include "cmd/cmd_publish.h"
#include "cmd/cmd_relay.h"
#include "cmd/cmd_status.h"
#include "cmd/cmd_token.h"
#include "cmd/cmd_try.h"
#include "cmd/cmd_version.h"
#include "cmd/commands.h"
#include "cmd/help.h"
#include "cmd/options.h"

typedef int run_fn(const struct command_line *line, struct options *options);

/* clang-format off */
static run_fn *const runs[COMMAND_COUNT] = {
    [COMMAND_RELAY] = cmd_relay,
    [COMMAND_HTTP] = cmd_publish,
    [COMMAND_TCP] = cmd_publish,
    [COMMAND_UP] = cmd_up,
    [COMMAND_LOGIN] = cmd_login,
    [COMMAND_TRY] = cmd_try,
    [COMMAND_CHECK] = cmd_check,
    [COMMAND_TOKEN] = cmd_token,
    [COMMAND_STATUS] = cmd_status,
    [COMMAND_VERSION] = cmd_version,
    [COMMAND_HELP] = cmd_help,
};
/* clang-format on */

static int refuse(struct problems *problems)
{
    struct text lines = {0};

    problems_show(problems, &lines);
    fputs(text_str(&lines), stderr);
    text_deinit(&lines);
    problems_deinit(problems);
    return EXIT_USAGE;
}

static int show_help(const struct command *command)
{
    struct text page = {0};

    help_show_command(&page, command);
    fputs(text_str(&page), stdout);
    text_deinit(&page);
    return EXIT_STOPPED;
}

static int run(const struct command_line *line)
{
    run_fn *run_command = runs[line->command->id];
    struct problems problems = {0};
    struct options options;

    if (!run_command) {
        problems_add(&problems, (struct origin){"adit", 0}, "unknown command '%s'",
                     line->command->name);
        return refuse(&problems);
    }
    if (command_line_asks_help(line)) {
        return show_help(line->command);
    }
    int result = options_load(line, &options, &problems);
    int code = result < 0 ? refuse(&problems) : run_command(line, &options);
    options_deinit(&options);
    return code;
}

int main(int argc, char **argv)
{
    struct problems problems = {0};
    struct command_line line;

    int result = options_parse(argc, argv, &line, &problems);
    int code = result < 0 ? refuse(&problems) : run(&line);
    command_line_deinit(&line);
    return code;
}
