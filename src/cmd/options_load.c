/* From words to values: defaults, then the file, then the environment, then the flags. */
#include <stdlib.h>

#include "base/mem.h"
#include "cmd/commands.h"
#include "cmd/flags.h"
#include "cmd/options.h"
#include "config/config_path.h"
#include "config/relay_url.h"
#include "tls/tls_trust.h"

enum { PLACE_MAX = TUNNEL_KEY_MAX - 6 }; /* leaves room for "-65535" */

/* ---- life ---- */

static void init(struct options *o, enum command_id command)
{
    *o = (struct options){0};
    relay_config_init(&o->relay);
    if (command == COMMAND_TRY) {
        schema_init(&try_schema, &o->relay);
    }
    agent_config_init(&o->agent);
    schema_init(&tunnel_schema, &o->tunnel);
    schema_init(&common_schema, &o->common);
    schema_init(&token_schema, &o->token);
    schema_init(&check_schema, &o->check);
    schema_init(&help_schema, &o->help);
}

void options_deinit(struct options *o)
{
    relay_config_deinit(&o->relay);
    agent_config_deinit(&o->agent);
    tunnel_config_deinit(&o->tunnel);
    schema_deinit(&common_schema, &o->common);
    schema_deinit(&token_schema, &o->token);
    schema_deinit(&check_schema, &o->check);
    schema_deinit(&help_schema, &o->help);
    mem_free(o->config_path);
    o->config_path = NULL;
}

void options_apply_log(const struct options *o)
{
    log_set_level((enum log_level)o->common.log_level);
    log_set_format((enum log_format)o->common.log_format);
}

static void *object_of(struct options *o, const struct option_group *group)
{
    return (char *)o + group->offset;
}

/* ---- the file ---- */

/* What the command line says about the file: FILE of `up`, --config, ADIT_CONFIG. */
static const char *wanted_file(const struct command_line *line)
{
    const char *env = getenv("ADIT_CONFIG");

    if (line->command->id == COMMAND_UP && line->arg_count > 0) {
        return line->args[0];
    }
    for (size_t i = line->flag_count; i-- > 0;) {
        if (strcmp(line->flags[i].key->name, "config") == 0) {
            return line->flags[i].value;
        }
    }
    return env && env[0] ? env : NULL;
}

/* ERR_NOT_FOUND: there is none, and the command can do without. */
static int find_file(const struct command_line *line, struct text *path, struct problems *problems)
{
    bool is_relay = line->command->file == CONFIG_RELAY;
    const char *wanted = wanted_file(line);

    if (wanted) {
        text_add_str(path, wanted);
        return 0;
    }
    int result = config_path_find(is_relay ? "relay.yml" : "adit.yml", path);
    if (result < 0 && line->command->id == COMMAND_UP) {
        problems_add(problems, (struct origin){"adit", 0},
                     "there is no file; looked for %s; write one, or name it: adit up FILE",
                     text_str(path));
        return ERR_CONFIG;
    }
    return result;
}

static int read_file(const struct command_line *line, struct options *o, struct problems *problems)
{
    struct text path = {0};
    int result;

    if (line->command->file == CONFIG_NONE) {
        return 0;
    }
    result = find_file(line, &path, problems);
    if (result == 0) {
        o->config_path = mem_strdup(text_str(&path));
        result = line->command->file == CONFIG_RELAY
                     ? relay_config_load(&o->relay, o->config_path, problems)
                     : agent_config_load(&o->agent, o->config_path, problems);
    } else if (result == ERR_NOT_FOUND) {
        result = 0;
    }
    text_deinit(&path);
    return result;
}

/* ---- environment and flags ---- */

static int apply_text(struct options *o, const struct option_group *group,
                      const struct schema_key *key, const char *value, const char *source,
                      struct problems *problems)
{
    return schema_set(key, object_of(o, group), slice_str(value), (struct origin){source, 0},
                      problems);
}

struct env_pass {
    struct options *options;
    struct problems *problems;
    int result;
};

static void apply_variable(void *ctx, const struct option_group *group,
                           const struct schema_key *key)
{
    struct env_pass *pass = ctx;
    const char *value = key->env ? getenv(key->env) : NULL;

    if (value && value[0] &&
        apply_text(pass->options, group, key, value, key->env, pass->problems) < 0) {
        pass->result = ERR_CONFIG;
    }
}

static bool was_given_before(const struct command_line *line, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (line->flags[i].key == line->flags[index].key) {
            return true;
        }
    }
    return false;
}

static int apply_flag(const struct command_line *line, size_t index, struct options *o,
                      struct problems *problems)
{
    const struct flag_given *flag = &line->flags[index];
    struct text source = {0};

    if (flag->key->type == SCHEMA_LIST && !was_given_before(line, index)) {
        schema_clear(flag->key, object_of(o, flag->group)); /* flags replace the file's list */
    }
    command_add_flag(&source, flag->key);
    int result = apply_text(o, flag->group, flag->key, flag->value, text_str(&source), problems);
    text_deinit(&source);
    return result;
}

/* ---- the tunnel of a command line ---- */

static void add_key_char(struct text *key, char c)
{
    c = ascii_lower(c);
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_plain || (key->len && key->ptr[key->len - 1] != '-')) {
        text_add_char(key, is_plain ? c : '-');
    }
}

/* A tunnel without a NAME is known by its kind and target: `http-3000`, `tcp-db-5432`. The same
 * command line always gives the same key. */
static void make_key(struct tunnel_config *t)
{
    bool is_local = t->target.host && strcmp(t->target.host, "127.0.0.1") == 0;
    const char *place = t->target.path ? t->target.path : is_local ? "" : t->target.host;
    struct text key = {0};

    text_addf(&key, "%s-", tunnel_kind_names[t->kind]);
    for (const char *c = place; *c && key.len < PLACE_MAX; c++) {
        add_key_char(&key, *c);
    }
    if (t->target.port) {
        add_key_char(&key, '-');
        text_addf(&key, "%u", t->target.port);
    }
    t->key = text_take(&key);
}

static int set_port(struct tunnel_config *t, const char *word, struct problems *problems)
{
    return schema_set(schema_find(&tunnel_schema, SLICE("port")), t,
                      slice_str(word[0] == ':' ? word + 1 : word), (struct origin){":PORT", 0},
                      problems);
}

static int fill_tunnel(const struct command_line *line, struct options *o,
                       struct problems *problems)
{
    struct tunnel_config *t = &o->tunnel;
    bool is_tcp = line->command->id == COMMAND_TCP;
    struct origin at = {"adit", 0};

    t->kind = is_tcp ? TUNNEL_TCP : TUNNEL_HTTP;
    TRY(schema_set(schema_find(&tunnel_schema, SLICE("target")), t, slice_str(line->args[0]),
                   (struct origin){"TARGET", 0}, problems));
    if (line->arg_count > 1 && is_tcp) {
        TRY(set_port(t, line->args[1], problems));
    } else if (line->arg_count > 1) {
        TRY(tunnel_config_set_name(t, slice_str(line->args[1]), (struct origin){"NAME", 0},
                                   problems));
        t->key = mem_strndup(line->args[1], strnlen(line->args[1], TUNNEL_KEY_MAX));
    }
    if (!t->key) {
        make_key(t);
    }
    return tunnel_config_check(t, at, problems);
}

/* What the file publishes is not meant by this command: the one of the command line is. */
static void publish_only(struct options *o)
{
    schema_clear(schema_find(&agent_schema, SLICE("tunnels")), &o->agent);
    o->agent.tunnels.items = NEW(struct tunnel_config);
    o->agent.tunnels.items[0] = o->tunnel;
    o->agent.tunnels.count = 1;
    o->tunnel = (struct tunnel_config){0};
}

/* ---- what only shows at the end ---- */

static int check_link(const struct agent_config *agent, struct problems *problems)
{
    struct errinfo info = {0};
    struct relay_url url;
    struct tls_pin pin;

    if (agent->relay && relay_url_parse(slice_str(agent->relay), &url, &info) < 0) {
        problems_add(problems, (struct origin){"relay", 0}, "%s", info.text);
    }
    if (agent->pin && tls_pin_parse(slice_str(agent->pin), &pin) < 0) {
        problems_add(problems, (struct origin){"pin", 0},
                     "must be sha256:BASE64, as the relay prints it");
    }
    if (agent->token.absent) {
        problems_add(problems, (struct origin){"token", 0},
                     "shall come from the variable %s, which is not set", agent->token.absent);
    }
    return problems->count ? ERR_CONFIG : 0;
}

static int finish(const struct command_line *line, struct options *o, struct problems *problems)
{
    enum command_id id = line->command->id;
    bool has_tunnel = id == COMMAND_HTTP || id == COMMAND_TCP ||
                      (id == COMMAND_TRY && line->arg_count > 0);

    if (has_tunnel) {
        TRY(fill_tunnel(line, o, problems));
        publish_only(o);
    }
    if (line->command->file == CONFIG_AGENT) {
        TRY(check_link(&o->agent, problems));
    }
    return relay_config_check(&o->relay, (struct origin){"adit", 0}, problems);
}

int options_load(const struct command_line *line, struct options *o, struct problems *problems)
{
    struct env_pass pass = {o, problems, 0};

    init(o, line->command->id);
    int result = read_file(line, o, problems);
    command_each_flag(line->command, apply_variable, &pass);
    for (size_t i = 0; i < line->flag_count; i++) {
        if (apply_flag(line, i, o, problems) < 0) {
            result = ERR_CONFIG;
        }
    }
    if (result < 0 || pass.result < 0) {
        return ERR_CONFIG;
    }
    return finish(line, o, problems);
}
