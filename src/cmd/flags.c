#include "cmd/flags.h"

#include "cmd/completion.h"
#include "cmd/options.h"

static const char *const level_names[] = {"error", "warn", "info", "debug", "trace", NULL};
static const char *const format_names[] = {"logfmt", "json", NULL};
static const char *const check_kinds[] = {"auto", "agent", "relay", NULL};

#define FIELD(name) offsetof(struct common_options, name)

static const struct schema_key common_keys[] = {
    {"config", SCHEMA_TEXT, FIELD(config), .value = "FILE", .env = "ADIT_CONFIG",
     .help = "read this file instead of looking for one"},
    {"json", SCHEMA_BOOL, FIELD(is_json), .help = "write one JSON object per line on stdout"},
    {"save", SCHEMA_BOOL, FIELD(wants_save),
     .help = "write this tunnel into the file, for `adit up`; comments stay"},
    {"log_level", SCHEMA_CHOICE, FIELD(log_level), .choices = level_names, .fallback = "info",
     .value = "LEVEL", .help = "how much is logged on stderr: error, warn, info, debug or trace"},
    {"log_format", SCHEMA_CHOICE, FIELD(log_format), .choices = format_names, .fallback = "logfmt",
     .value = "FORMAT", .help = "how it is logged: logfmt or json"},
    {"help", SCHEMA_BOOL, FIELD(wants_help), .help = "show this text"},
    {0},
};
const struct schema common_schema = {"Common", common_keys};

static const struct schema_key try_keys[] = {
    {"listen", SCHEMA_ADDRESS, offsetof(struct relay_config, listen), .fallback = "127.0.0.1:8080",
     .value = "ADDR:PORT",
     .help = "where visitors arrive: on this machine only, unless told otherwise; without an "
             "address on every one"},
    {0},
};
const struct schema try_schema = {"Address", try_keys};

#undef FIELD
#define FIELD(name) offsetof(struct token_options, name)

static const struct schema_key token_keys[] = {
    {"allow", SCHEMA_LIST, FIELD(allow), .value = "RIGHTS",
     .help = "what the token may do: http, tcp, name:PATTERN, port:A-B; everything but admin if "
             "left out; may be repeated"},
    {"admin", SCHEMA_BOOL, FIELD(is_admin), .help = "make an admin token: it may do everything"},
    {"expires", SCHEMA_DURATION, FIELD(expires_ms), .value = "TIME", .min = "1s", .max = "36500d",
     .help = "the token is refused after this time, such as 30d; never if left out"},
    {0},
};
const struct schema token_schema = {"Token", token_keys};

#undef FIELD
#define FIELD(name) offsetof(struct check_options, name)

static const struct schema_key check_keys[] = {
    {"defaults", SCHEMA_BOOL, FIELD(wants_defaults),
     .help = "print every key of the files with its default, and every timeout and bound"},
    {"kind", SCHEMA_CHOICE, FIELD(kind), .choices = check_kinds, .fallback = "auto",
     .value = "KIND",
     .help = "whose file it is: agent or relay; auto goes by its name (relay*.yml is a relay's)"},
    {0},
};
const struct schema check_schema = {"Check", check_keys};

#undef FIELD
#define FIELD(name) offsetof(struct help_options, name)

static const struct schema_key help_keys[] = {
    {"man", SCHEMA_BOOL, FIELD(wants_man), .help = "print the manual page, for man(1)"},
    {"completion", SCHEMA_CHOICE, FIELD(completion), .choices = completion_shells,
     .fallback = "none", .value = "SHELL",
     .help = "print the completions of a shell: bash, zsh or fish"},
    {0},
};
const struct schema help_schema = {"Help", help_keys};
