/* The command line: from argv to typed structs.
 *
 *     argv --options_parse--> struct command_line --options_load--> struct options
 *
 * options_parse knows words only: the command, its flags with their texts, its arguments. The
 * second step gives values: defaults, then the file, then the environment, then the flags. It can
 * be repeated, and is, when the file changes. What flags exist say the tables of commands.h; help,
 * completions and the man page are made from the same ones.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "base/text.h"
#include "config/agent_config.h"
#include "config/problems.h"
#include "config/relay_config.h"

struct command;

enum exit_code {
    EXIT_STOPPED = 0, /* asked to stop, or done */
    EXIT_REFUSED = 1, /* the relay refused for good and no tunnel is left; or it did not work */
    EXIT_USAGE = 2,
};

enum {
    OPTIONS_FLAGS_MAX = 64,
    OPTIONS_ARGS_MAX = 8,
};

/* Flags of several commands that belong to no file's struct. */
struct common_options {
    char *config; /* --config FILE */
    bool is_json;
    bool wants_help;
    bool wants_save;
    int log_level;  /* enum log_level */
    int log_format; /* enum log_format */
};

/* Flags of a single command. */
struct token_options {
    struct text_list allow;
    bool is_admin;
    uint64_t expires_ms; /* from now; 0: never */
};

struct check_options {
    bool wants_defaults;
    int kind; /* enum check_kind */
};

enum check_kind { CHECK_AUTO, CHECK_AGENT, CHECK_RELAY };

struct help_options {
    bool wants_man;
    int completion; /* enum completion_shell */
};

/* All that flags, variables and files can say. A command reads the parts its table names.
 *
 * agent.tunnels is what this command shall publish: for `up` those of the file, for `http`, `tcp`
 * and `try` the single one of the command line. */
struct options {
    struct common_options common;
    struct relay_config relay;
    struct agent_config agent;
    struct tunnel_config tunnel; /* its flags while they are read; then it moves to agent.tunnels */
    struct token_options token;
    struct check_options check;
    struct help_options help;
    char *config_path; /* the file that was read; NULL: there was none */
};

/* One `--flag VALUE` as it was written. */
struct flag_given {
    const struct schema_key *key;
    const struct option_group *group;
    char *value; /* "true" for a flag without a value; wiped when it was a secret */
};

struct command_line {
    const struct command *command;
    struct flag_given flags[OPTIONS_FLAGS_MAX];
    size_t flag_count;
    char *args[OPTIONS_ARGS_MAX]; /* what is not a flag, in order */
    size_t arg_count;
};

/* Cuts argv up. Secrets are copied and wiped from argv itself, so that no process list shows them.
 * `adit 3000` is `adit http 3000`. ERR_INVALID: one line in `problems` with the fix. */
MUST_USE int options_parse(int argc, char **argv, struct command_line *out,
                           struct problems *problems);
void command_line_deinit(struct command_line *line);

/* --help was given: nothing else matters then. */
bool command_line_asks_help(const struct command_line *line);

/* Gives values to everything: defaults, file, environment, flags. ERR_CONFIG: see `problems`. */
MUST_USE int options_load(const struct command_line *line, struct options *out,
                          struct problems *problems);
void options_deinit(struct options *options);

/* Log level and format take effect. */
void options_apply_log(const struct options *options);
