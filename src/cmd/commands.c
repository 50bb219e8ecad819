#include "cmd/commands.h"

#include "cmd/flags.h"
#include "cmd/options.h"
#include "config/suggest.h"

/* ---- groups of flags ---- */

#define OPTION(name) offsetof(struct options, name)
#define NAMES(...)   ((const char *const[]){__VA_ARGS__, NULL})

static const struct option_group relay_group = {&relay_schema, OPTION(relay), NULL};
static const struct option_group relay_limits_group = {&limits_schema, OPTION(relay.limits),
                                                       NAMES("grace", "drain")};
static const struct option_group try_group = {&relay_schema, OPTION(relay),
                                              NAMES("data", "domain", "workers")};
static const struct option_group try_listen_group = {&try_schema, OPTION(relay), NULL};
static const struct option_group data_group = {&relay_schema, OPTION(relay), NAMES("data")};

static const struct option_group http_group = {&tunnel_schema, OPTION(tunnel), NULL};
static const struct option_group tcp_group = {&tunnel_schema, OPTION(tunnel), NAMES("share")};

static const struct option_group link_group = {&agent_schema, OPTION(agent), NULL};
static const struct option_group login_group = {&agent_schema, OPTION(agent),
                                                NAMES("state", "ca", "pin", "insecure")};
static const struct option_group agent_limits_group = {&limits_schema, OPTION(agent.limits),
                                                       NAMES("grace", "drain")};

#define LOG_FLAGS "log_level", "log_format", "help"
static const struct option_group tunnel_common = {&common_schema, OPTION(common),
                                                  NAMES("json", "save", "config", LOG_FLAGS)};
static const struct option_group up_common = {&common_schema, OPTION(common),
                                              NAMES("json", "config", LOG_FLAGS)};
static const struct option_group relay_common = {&common_schema, OPTION(common),
                                                 NAMES("config", LOG_FLAGS)};
static const struct option_group try_common = {&common_schema, OPTION(common),
                                               NAMES("json", LOG_FLAGS)};
static const struct option_group log_common = {&common_schema, OPTION(common), NAMES(LOG_FLAGS)};
static const struct option_group json_common = {&common_schema, OPTION(common),
                                                NAMES("json", "help")};
static const struct option_group help_common = {&common_schema, OPTION(common), NAMES("help")};
static const struct option_group token_group = {&token_schema, OPTION(token), NULL};
static const struct option_group check_group = {&check_schema, OPTION(check), NULL};
static const struct option_group help_group = {&help_schema, OPTION(help), NULL};

/* ---- the table ---- */

const struct command commands[COMMAND_COUNT] = {
    [COMMAND_RELAY] =
        {
            .id = COMMAND_RELAY,
            .name = "relay",
            .args = "",
            .summary = "run a relay: the public server agents and visitors come to",
            .about =
                "One port speaks everything: links of agents (tls, tcp, wss, ws), TLS and HTTP; "
                "the first bytes decide. Without flags it listens on every address, port 8080.\n\n"
                "On its first start a relay makes a token, and a self-signed key if it has no "
                "certificate, and prints the `adit login` line for the machine with the service; "
                "the key's pin is part of it, so that links are encrypted from the first minute. "
                "Every flag is also a key of relay.yml, which is looked for in the working folder, "
                "in ~/.config/adit and in /etc/adit. Without --data the relay keeps its data in "
                "$XDG_STATE_HOME/adit if that is set, else in /var/lib/adit (root) or "
                "~/.local/state/adit. SIGHUP reads certificate and key anew; SIGTERM lets open "
                "exchanges finish.",
            .example = "adit relay --domain t.example.com\n"
                       "adit relay --listen :443 --cert fullchain.pem --key privkey.pem "
                       "--domain t.example.com",
            .file = CONFIG_RELAY,
            .groups = {&relay_group, &relay_limits_group, &relay_common},
        },
    [COMMAND_HTTP] =
        {
            .id = COMMAND_HTTP,
            .name = "http",
            .args = "TARGET [NAME]",
            .args_min = 1,
            .args_max = 2,
            .summary = "publish a web service under a host name",
            .about =
                "TARGET is a port (3000), host:port, http://..., https://..., unix:/path or "
                "file:/folder. NAME is a label below the relay's domain; with a dot it is a whole "
                "host name. Without NAME the relay gives two readable words, the same ones again "
                "for the same token, agent and target.\n\n"
                "stdout has the public URL on its first line, then one line per exchange; "
                "everything else goes to stderr. `adit 3000` is short for `adit http 3000`.",
            .example = "adit http 3000\nadit http 3000 blog\n"
                       "adit http unix:/run/app.sock shop.example.com --path /api",
            .file = CONFIG_AGENT,
            .groups = {&http_group, &link_group, &agent_limits_group, &tunnel_common},
        },
    [COMMAND_TCP] =
        {
            .id = COMMAND_TCP,
            .name = "tcp",
            .args = "TARGET [:PORT]",
            .args_min = 1,
            .args_max = 2,
            .summary = "publish any TCP service under a port of the relay",
            .about = "TARGET is a port (22), host:port, tcp://host:port or unix:/path. Without "
                     ":PORT the relay chooses one, from 20000 up, and the same one again next "
                     "time. Half-close and reset are carried as such.",
            .example = "adit tcp 22\nadit tcp db.lan:5432 :6000",
            .file = CONFIG_AGENT,
            .groups = {&tcp_group, &link_group, &agent_limits_group, &tunnel_common},
        },
    [COMMAND_UP] =
        {
            .id = COMMAND_UP,
            .name = "up",
            .args = "[FILE]",
            .args_max = 1,
            .summary = "publish every tunnel of a file",
            .about = "Without FILE it is adit.yml in the working folder, in ~/.config/adit or in "
                     "/etc/adit. A saved file is applied at once; tunnels that did not change stay "
                     "up. A file with an error is reported, and the old one stays in force.",
            .example = "adit up\nadit up /etc/adit/adit.yml",
            .file = CONFIG_AGENT,
            .groups = {&link_group, &agent_limits_group, &up_common},
        },
    [COMMAND_TRY] =
        {
            .id = COMMAND_TRY,
            .name = "try",
            .args = "[TARGET] [NAME]",
            .args_max = 2,
            .summary = "try it out: relay and agent in one process on this machine",
            .about = "Without TARGET a small page is served by adit itself. Needs no set-up, no "
                     "login and no name in the DNS. Visitors come from this machine only, unless "
                     "--listen names another address.",
            .example = "adit try\nadit try 3000",
            .groups = {&try_listen_group, &try_group, &http_group, &try_common},
        },
    [COMMAND_LOGIN] =
        {
            .id = COMMAND_LOGIN,
            .name = "login",
            .args = "RELAY#TOKEN",
            .has_secret_arg = true,
            .args_min = 1,
            .args_max = 1,
            .summary = "check a relay and its token, and remember both",
            .about =
                "The line to type is printed by `adit relay` on its first start. Relay, token, "
                "pin and ca are saved in the state folder, readable by you alone. The last "
                "login is the one later commands use.",
            .example = "adit login t.example.com#k7f2-...",
            .groups = {&login_group, &log_common},
        },
    [COMMAND_CHECK] =
        {
            .id = COMMAND_CHECK,
            .name = "check",
            .args = "[FILE]",
            .args_max = 1,
            .summary = "validate a file, or show every default",
            .about =
                "Errors are told as FILE:LINE: what is wrong; the fix. Certificates and keys it "
                "names must be there to be read. Without FILE the adit.yml and relay.yml that "
                "would be read are checked.",
            .example = "adit check\nadit check /etc/adit/relay.yml\nadit check --defaults",
            .groups = {&check_group, &help_common},
        },
    [COMMAND_TOKEN] =
        {
            .id = COMMAND_TOKEN,
            .name = "token",
            .args = "create NAME | list | revoke ID",
            .args_min = 1,
            .args_max = 2,
            .summary = "make, list and revoke the tokens of a relay",
            .about = "Run on the relay's machine, whether the relay runs or not. `create` prints "
                     "the token alone on a line of stdout; it is stored hashed and cannot be shown "
                     "again. `revoke` ends the sessions of the token at once.",
            .example = "adit token create bob\n"
                       "adit token create ci --allow \"http name:ci-*\" --expires 30d\n"
                       "adit token revoke 3",
            .groups = {&token_group, &data_group, &json_common},
        },
    [COMMAND_STATUS] =
        {
            .id = COMMAND_STATUS,
            .name = "status",
            .args = "",
            .summary = "show the sessions and tunnels of the relay on this machine",
            .about = "Asks the running relay through the socket in its data folder.",
            .example = "adit status\nadit status --json",
            .groups = {&data_group, &json_common},
        },
    [COMMAND_VERSION] =
        {
            .id = COMMAND_VERSION,
            .name = "version",
            .args = "",
            .summary = "show the version",
            .about = "Version and commit.",
            .example = "adit version",
            .groups = {&json_common},
        },
    [COMMAND_HELP] =
        {
            .id = COMMAND_HELP,
            .name = "help",
            .args = "[COMMAND]",
            .args_max = 1,
            .summary = "show all commands, or one with its flags",
            .about = "Also prints the manual page and the completions of a shell.",
            .example = "adit help http\nadit help --completion bash > "
                       "/etc/bash_completion.d/adit",
            .groups = {&help_group, &help_common},
        },
};

/* ---- questions ---- */

const struct command *command_find(struct slice name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (slice_is(name, commands[i].name)) {
            return &commands[i];
        }
    }
    return NULL;
}

const char *command_suggest(struct slice name)
{
    const char *names[COMMAND_COUNT + 1] = {NULL};

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = commands[i].name;
    }
    return suggest(name, names);
}

static bool is_flag(const struct option_group *group, const struct schema_key *key)
{
    if (!group->only) {
        return !key->is_file_only;
    }
    for (size_t i = 0; group->only[i]; i++) {
        if (strcmp(group->only[i], key->name) == 0) {
            return true;
        }
    }
    return false;
}

static char hyphened(char c)
{
    return c == '_' ? '-' : c;
}

/* A flag is its key with hyphens; written with `_` as in the file it is taken too. */
static bool is_name(struct slice flag, const char *key)
{
    if (flag.len != strlen(key)) {
        return false;
    }
    for (size_t i = 0; i < flag.len; i++) {
        if (hyphened(flag.ptr[i]) != hyphened(key[i])) {
            return false;
        }
    }
    return true;
}

struct search {
    struct slice name;
    const struct option_group *group;
    const struct schema_key *key;
};

static void compare_flag(void *ctx, const struct option_group *group, const struct schema_key *key)
{
    struct search *search = ctx;

    if (!search->key && is_name(search->name, key->name)) {
        search->group = group;
        search->key = key;
    }
}

const struct schema_key *command_find_flag(const struct command *command, struct slice name,
                                           const struct option_group **group_out)
{
    struct search search = {name, NULL, NULL};

    command_each_flag(command, compare_flag, &search);
    *group_out = search.group;
    return search.key;
}

void command_each_flag(const struct command *command,
                       void (*found)(void *ctx, const struct option_group *group,
                                     const struct schema_key *key),
                       void *ctx)
{
    for (size_t i = 0; command->groups[i]; i++) {
        const struct option_group *group = command->groups[i];
        for (const struct schema_key *key = group->schema->keys; key->name; key++) {
            if (is_flag(group, key)) {
                found(ctx, group, key);
            }
        }
    }
}

void command_add_flag(struct text *out, const struct schema_key *key)
{
    text_add_str(out, "--");
    for (const char *c = key->name; *c; c++) {
        text_add_char(out, hyphened(*c));
    }
}
