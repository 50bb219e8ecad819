/* The table of commands: what each is called, takes and tells about itself.
 *
 * What a command does is not here: main.c joins the table with the functions that run them.
 */
#pragma once
#include <stddef.h>

#include "base/slice.h"
#include "config/schema.h"

enum command_id {
    COMMAND_RELAY,
    COMMAND_HTTP,
    COMMAND_TCP,
    COMMAND_UP,
    COMMAND_TRY,
    COMMAND_LOGIN,
    COMMAND_CHECK,
    COMMAND_TOKEN,
    COMMAND_STATUS,
    COMMAND_VERSION,
    COMMAND_HELP,
    COMMAND_COUNT,
};

enum config_file { CONFIG_NONE, CONFIG_AGENT, CONFIG_RELAY };

/* A table of flags and the part of struct options it fills. The keys of a file that are no flags
 * (is_file_only) are none here either. */
struct option_group {
    const struct schema *schema;
    size_t offset;
    const char *const *only; /* names of the keys that are flags here; NULL: all */
};

enum { COMMAND_GROUPS_MAX = 5 };

struct command {
    enum command_id id;
    const char *name;
    const char *args; /* "TARGET [NAME]" */
    size_t args_min;
    size_t args_max;
    const char *summary;   /* half a line */
    const char *about;     /* paragraphs for help and the manual */
    const char *example;   /* lines to type */
    enum config_file file; /* which file it reads for defaults */
    bool has_secret_arg;   /* what follows a # in an argument is wiped from argv */
    const struct option_group *groups[COMMAND_GROUPS_MAX + 1]; /* ends with NULL */
};

extern const struct command commands[COMMAND_COUNT];

const struct command *command_find(struct slice name);

/* The command whose name was probably meant, or NULL. */
const char *command_suggest(struct slice name);

/* The flag of that name (without dashes), or NULL. */
const struct schema_key *command_find_flag(const struct command *command, struct slice name,
                                           const struct option_group **group_out);

/* Visits every flag, group by group. */
void command_each_flag(const struct command *command,
                       void (*found)(void *ctx, const struct option_group *group,
                                     const struct schema_key *key),
                       void *ctx);

/* "--listen-tls" */
void command_add_flag(struct text *out, const struct schema_key *key);
