#include "cmd/cmd_check.h"

#include <stdio.h>

#include "config/config_path.h"
#include "config/named_files.h"

/* ---- one file ---- */

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_relay_file(const char *path, int kind)
{
    return kind == CHECK_RELAY ||
           (kind == CHECK_AUTO && slice_starts(slice_str(file_name(path)), SLICE("relay")));
}

/* A sound file that was taken for one of the other kind is nothing but unknown keys. */
static void note_kind(const char *path, int kind)
{
    const char *name = file_name(path);
    bool is_relay = is_relay_file(path, kind);

    if (kind == CHECK_AUTO && strcmp(name, is_relay ? "relay.yml" : "adit.yml") != 0) {
        fprintf(stderr, "%s: note: read as %s file, by its name; if it is %s: --kind %s\n", path,
                is_relay ? "a relay's" : "an agent's", is_relay ? "an agent's" : "a relay's",
                is_relay ? "agent" : "relay");
    }
}

static void check_agent(const char *path, struct problems *problems)
{
    struct agent_config config;

    agent_config_init(&config);
    int result = agent_config_load(&config, path, problems);
    (void)result; /* what was wrong is counted in problems */
    named_files_check(&agent_schema, path, problems);
    if (problems->count == 0) {
        printf("%s: valid; %zu tunnel%s\n", path, config.tunnels.count,
               config.tunnels.count == 1 ? "" : "s");
    }
    if (config.token.absent) {
        fprintf(stderr, "%s: note: the variable %s (token) is not set here\n", path,
                config.token.absent);
    }
    agent_config_deinit(&config);
}

static void check_relay(const char *path, struct problems *problems)
{
    struct relay_config config;

    relay_config_init(&config);
    int result = relay_config_load(&config, path, problems);
    if (result == 0) {
        result = relay_config_check(&config, (struct origin){path, 0}, problems);
    }
    named_files_check(&relay_schema, path, problems);
    if (problems->count == 0) {
        printf("%s: valid\n", path);
    }
    relay_config_deinit(&config);
}

static int check_file(const char *path, int kind)
{
    struct problems problems = {0};
    struct text lines = {0};

    (is_relay_file(path, kind) ? check_relay : check_agent)(path, &problems);
    int result = problems.count ? ERR_CONFIG : 0;
    problems_show(&problems, &lines);
    fputs(text_str(&lines), stderr);
    if (result < 0) {
        note_kind(path, kind);
    }
    text_deinit(&lines);
    problems_deinit(&problems);
    return result;
}

/* The files that `adit up` and `adit relay` would read. */
static int check_found(void)
{
    static const char *const names[] = {"adit.yml", "relay.yml"};
    struct text path = {0};
    struct text tried = {0};
    int result = 0;
    bool has_any = false;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (config_path_find(names[i], &path) == 0) {
            has_any = true;
            result = check_file(text_str(&path), CHECK_AUTO) < 0 ? ERR_CONFIG : result;
        } else {
            text_addf(&tried, "%s%s", i > 0 ? ", " : "", text_str(&path));
        }
    }
    if (!has_any) {
        fprintf(stderr,
                "adit: there is no file to check; looked for %s; name one: adit check FILE\n",
                text_str(&tried));
        result = ERR_NOT_FOUND;
    }
    text_deinit(&tried);
    text_deinit(&path);
    return result;
}

/* ---- the defaults ---- */

static void show_defaults(struct text *out, const struct schema *schema, size_t indent)
{
    for (const struct schema_key *key = schema->keys; key->name; key++) {
        if (key->type == SCHEMA_MAP || key->type == SCHEMA_CUSTOM) {
            continue;
        }
        size_t start = out->len;
        text_addf(out, "%*s%s: %s ", (int)indent, "", key->name,
                  key->fallback              ? key->fallback
                  : key->type == SCHEMA_BOOL ? "false"
                                             : "");
        while (out->len - start < 28) {
            text_add_char(out, ' ');
        }
        text_addf(out, "# %s", key->help);
        if (key->min) {
            text_addf(out, " (%s to %s)", key->min, key->max);
        }
        text_add_char(out, '\n');
    }
}

static void show_all_defaults(struct text *out)
{
    text_add_str(out, "# relay.yml\n");
    show_defaults(out, &relay_schema, 0);
    text_add_str(out, "\n# adit.yml\n");
    show_defaults(out, &agent_schema, 0);
    text_add_str(out, "\n# each tunnel of adit.yml\n");
    show_defaults(out, &tunnel_schema, 0);
    text_add_str(out, "\n# both files\nlimits:\n");
    show_defaults(out, &limits_schema, 2);
}

int cmd_check(const struct command_line *line, struct options *options)
{
    if (options->check.wants_defaults) {
        struct text page = {0};
        show_all_defaults(&page);
        fputs(text_str(&page), stdout);
        text_deinit(&page);
        return EXIT_STOPPED;
    }
    int result = line->arg_count > 0 ? check_file(line->args[0], options->check.kind)
                                     : check_found();
    return result < 0 ? EXIT_USAGE : EXIT_STOPPED;
}
