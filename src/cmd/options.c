#include "cmd/options.h"

#include "base/mem.h"
#include "cmd/commands.h"
#include "config/suggest.h"
#include "config/target.h"

enum { CANDIDATES_MAX = 64 };

/* ---- which command ---- */

/* `adit 3000`, `adit app:3000`, `adit unix:/run/app.sock`: a target where a command should be. */
static bool is_target(struct slice word)
{
    struct target target;

    if (target_parse(word, &target, NULL) < 0) {
        return false;
    }
    target_deinit(&target);
    return true;
}

static int refuse_command(struct slice word, struct problems *problems)
{
    const char *meant = command_suggest(word);
    struct origin at = {"adit", 0};

    if (meant) {
        problems_add(problems, at, "unknown command '%.*s'; did you mean '%s'?",
                     SLICE_ARG(slice_sub(word, 0, 60)), meant);
    } else {
        problems_add(problems, at, "unknown command '%.*s'; `adit help` lists them all",
                     SLICE_ARG(slice_sub(word, 0, 60)));
    }
    return ERR_INVALID;
}

/* Finds the command and how many words its name took: none for `adit 3000`. */
static int find_command(int argc, char **argv, const struct command **out, int *words_out,
                        struct problems *problems)
{
    struct slice word = slice_str(argc > 1 ? argv[1] : "--help");

    *words_out = 1;
    *out = command_find(word);
    if (slice_is(word, "--help") || slice_is(word, "-h")) {
        *out = &commands[COMMAND_HELP];
    } else if (slice_is(word, "--version") || slice_is(word, "-V")) {
        *out = &commands[COMMAND_VERSION];
    } else if (!*out && is_target(word)) {
        *out = &commands[COMMAND_HTTP];
        *words_out = 0;
    }
    return *out ? 0 : refuse_command(word, problems);
}

/* ---- flags ---- */

struct candidates {
    const char *names[CANDIDATES_MAX];
    size_t count;
};

static void add_candidate(void *ctx, const struct option_group *group, const struct schema_key *key)
{
    struct candidates *c = ctx;

    (void)group;
    if (c->count < CANDIDATES_MAX - 1) {
        c->names[c->count++] = key->name;
    }
}

static int refuse_flag(const struct command *command, struct slice name, struct problems *problems)
{
    struct candidates candidates = {.count = 0};
    struct text fix = {0};
    const struct option_group *group;

    command_each_flag(command, add_candidate, &candidates);
    const char *meant = suggest(name, candidates.names);
    if (meant) {
        text_add_str(&fix, "did you mean '");
        command_add_flag(&fix, command_find_flag(command, slice_str(meant), &group));
        text_add_str(&fix, "'?");
    } else {
        text_addf(&fix, "`adit help %s` lists them all", command->name);
    }
    problems_add(problems, (struct origin){"adit", 0}, "unknown flag '--%.*s' of %s; %s",
                 SLICE_ARG(slice_sub(name, 0, 60)), command->name, text_str(&fix));
    text_deinit(&fix);
    return ERR_INVALID;
}

static int refuse_missing_value(const struct schema_key *key, struct problems *problems)
{
    struct text flag = {0};

    command_add_flag(&flag, key);
    problems_add(problems, (struct origin){text_str(&flag), 0}, "needs a value: %s %s",
                 text_str(&flag), key->value ? key->value : "VALUE");
    text_deinit(&flag);
    return ERR_INVALID;
}

static int add_flag(struct command_line *line, const struct option_group *group,
                    const struct schema_key *key, char *value, struct problems *problems)
{
    if (line->flag_count == OPTIONS_FLAGS_MAX) {
        problems_add(problems, (struct origin){"adit", 0}, "too many flags; use a file");
        return ERR_INVALID;
    }
    line->flags[line->flag_count++] = (struct flag_given){key, group, mem_strdup(value)};
    if (key->type == SCHEMA_SECRET) {
        mem_wipe(value, strlen(value)); /* no process list shall show it */
    }
    return 0;
}

/* One flag, and the word behind it if that is its value. */
static int take_flag(struct command_line *line, char **argv, int argc, int *at,
                     struct problems *problems)
{
    static char yes[] = "true";
    struct slice value = slice_str(argv[*at] + 2);
    struct slice name = slice_cut(&value, '=');
    const struct option_group *group;
    const struct schema_key *key = command_find_flag(line->command, name, &group);

    if (!key) {
        return refuse_flag(line->command, name, problems);
    }
    if (value.ptr) {
        return add_flag(line, group, key, (char *)value.ptr, problems);
    }
    if (key->type == SCHEMA_BOOL) {
        return add_flag(line, group, key, yes, problems);
    }
    if (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0) {
        return refuse_missing_value(key, problems);
    }
    return add_flag(line, group, key, argv[++*at], problems);
}

/* ---- arguments ---- */

static int take_arg(struct command_line *line, char *word, struct problems *problems)
{
    const struct command *c = line->command;

    if (line->arg_count >= c->args_max) {
        problems_add(problems, (struct origin){"adit", 0},
                     "'%.60s' is one word too many; adit %s%s%s", word, c->name,
                     c->args[0] ? " " : "", c->args);
        return ERR_INVALID;
    }
    line->args[line->arg_count++] = mem_strdup(word);
    char *secret = c->has_secret_arg ? strchr(word, '#') : NULL;
    if (secret) {
        mem_wipe(secret, strlen(secret));
    }
    return 0;
}

static int take_word(struct command_line *line, char **argv, int argc, int *at,
                     struct problems *problems)
{
    static char help[] = "--help";
    char *word = argv[*at];

    if (strcmp(word, "-h") == 0) {
        argv[*at] = word = help;
    }
    if (strncmp(word, "--", 2) == 0) {
        return take_flag(line, argv, argc, at, problems);
    }
    if (word[0] == '-' && word[1]) {
        problems_add(problems, (struct origin){"adit", 0},
                     "unknown flag '%.60s'; flags are words: `adit help %s` lists them", word,
                     line->command->name);
        return ERR_INVALID;
    }
    return take_arg(line, word, problems);
}

bool command_line_asks_help(const struct command_line *line)
{
    for (size_t i = 0; i < line->flag_count; i++) {
        if (strcmp(line->flags[i].key->name, "help") == 0) {
            return true;
        }
    }
    return false;
}

int options_parse(int argc, char **argv, struct command_line *out, struct problems *problems)
{
    int words;
    bool has_flags_ended = false;

    *out = (struct command_line){0};
    TRY(find_command(argc, argv, &out->command, &words, problems));
    for (int at = 1 + words; at < argc; at++) {
        if (!has_flags_ended && strcmp(argv[at], "--") == 0) {
            has_flags_ended = true;
            continue;
        }
        TRY(has_flags_ended ? take_arg(out, argv[at], problems)
                            : take_word(out, argv, argc, &at, problems));
    }
    if (out->arg_count < out->command->args_min && !command_line_asks_help(out)) {
        problems_add(problems, (struct origin){"adit", 0}, "%s needs more: adit %s %s",
                     out->command->name, out->command->name, out->command->args);
        return ERR_INVALID;
    }
    return 0;
}

void command_line_deinit(struct command_line *line)
{
    for (size_t i = 0; i < line->flag_count; i++) {
        mem_wipe(line->flags[i].value, strlen(line->flags[i].value));
        mem_free(line->flags[i].value);
    }
    for (size_t i = 0; i < line->arg_count; i++) {
        mem_wipe(line->args[i], strlen(line->args[i]));
        mem_free(line->args[i]);
    }
    *line = (struct command_line){0};
}
