#include "cmd/completion.h"

#include "cmd/commands.h"

const char *const completion_shells[] = {"none", "bash", "zsh", "fish", NULL};

static bool is_path(const struct schema_key *key)
{
    return key->value && (strcmp(key->value, "FILE") == 0 || strcmp(key->value, "FOLDER") == 0);
}

/* ---- bash ---- */

static void add_word(void *ctx, const struct option_group *group, const struct schema_key *key)
{
    (void)group;
    text_add_char(ctx, ' ');
    command_add_flag(ctx, key);
}

/* Flags that are followed by a file or by one of a few words. */
static void add_bash_value(void *ctx, const struct option_group *group,
                           const struct schema_key *key)
{
    struct text *out = ctx;

    (void)group;
    if (!is_path(key) && key->type != SCHEMA_CHOICE) {
        return;
    }
    text_add_str(out, "        ");
    command_add_flag(out, key);
    if (is_path(key)) {
        text_add_str(out, ") COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n");
        return;
    }
    text_add_str(out, ") COMPREPLY=($(compgen -W '");
    for (size_t i = 0; key->choices[i]; i++) {
        text_addf(out, "%s%s", i ? " " : "", key->choices[i]);
    }
    text_add_str(out, "' -- \"$word\")); return ;;\n");
}

static void show_bash(struct text *out)
{
    text_add_str(out, "# bash completion of adit; made by `adit help --completion bash`\n"
                      "_adit() {\n"
                      "    local word=${COMP_WORDS[COMP_CWORD]}\n"
                      "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
                      "        COMPREPLY=($(compgen -W '");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        text_addf(out, "%s%s", i ? " " : "", commands[i].name);
    }
    text_add_str(out, "' -- \"$word\"))\n        return\n    fi\n");
    text_add_str(out, "    case \"${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD - 1]}\" in\n"
                      "    'help help') COMPREPLY=($(compgen -W \"$(adit help | sed -n "
                      "'s/^  adit \\([a-z]*\\).*/\\1/p')\" -- \"$word\")); return ;;\n"
                      "    'token token') COMPREPLY=($(compgen -W 'create list revoke' -- "
                      "\"$word\")); return ;;\n"
                      "    esac\n"
                      "    case \"${COMP_WORDS[1]}\" in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        text_addf(out, "    %s)\n        case \"${COMP_WORDS[COMP_CWORD - 1]}\" in\n",
                  commands[i].name);
        command_each_flag(&commands[i], add_bash_value, out);
        text_add_str(out, "        esac\n        local flags='");
        command_each_flag(&commands[i], add_word, out);
        text_add_str(out, "' ;;\n");
    }
    text_add_str(out, "    *) local flags='' ;;\n    esac\n"
                      "    case \"$word\" in\n"
                      "    -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$word\")) ;;\n"
                      "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
                      "    esac\n}\n"
                      "complete -o filenames -F _adit adit\n");
}

/* ---- zsh ---- */

/* Inside '[...]' of _arguments: no quote, bracket or colon may stand bare. */
static void add_zsh_text(struct text *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'') {
            text_add_str(out, "'\\''");
        } else if (strchr("[]:\\", *text)) {
            text_addf(out, "\\%c", *text);
        } else {
            text_add_char(out, *text);
        }
    }
}

static void add_zsh_flag(void *ctx, const struct option_group *group, const struct schema_key *key)
{
    struct text *out = ctx;

    (void)group;
    text_addf(out, " \\\n            '%s", key->type == SCHEMA_LIST ? "*" : "");
    command_add_flag(out, key);
    text_add_char(out, '[');
    add_zsh_text(out, key->help);
    text_add_char(out, ']');
    if (key->type != SCHEMA_BOOL) {
        text_add_char(out, ':');
        add_zsh_text(out, key->value ? key->value : "VALUE");
        text_add_char(out, ':');
    }
    if (is_path(key)) {
        text_add_str(out, "_files");
    } else if (key->type == SCHEMA_CHOICE) {
        text_add_char(out, '(');
        for (size_t i = 0; key->choices[i]; i++) {
            text_addf(out, "%s%s", i ? " " : "", key->choices[i]);
        }
        text_add_char(out, ')');
    }
    text_add_char(out, '\'');
}

static void show_zsh(struct text *out)
{
    text_add_str(out, "#compdef adit\n# made by `adit help --completion zsh`\n"
                      "_adit() {\n    if (( CURRENT == 2 )); then\n        local -a names=(\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        text_addf(out, "            '%s:", commands[i].name);
        add_zsh_text(out, commands[i].summary);
        text_add_str(out, "'\n");
    }
    text_add_str(out, "        )\n        _describe command names\n        return\n    fi\n"
                      "    local name=$words[2]\n    shift words\n    (( CURRENT-- ))\n"
                      "    case $name in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        text_addf(out, "    %s)\n        _arguments '*: :_files'", commands[i].name);
        command_each_flag(&commands[i], add_zsh_flag, out);
        text_add_str(out, "\n        ;;\n");
    }
    text_add_str(out, "    esac\n}\n_adit \"$@\"\n");
}

/* ---- fish ---- */

static void add_fish_text(struct text *out, const char *text)
{
    text_add_char(out, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\') {
            text_add_char(out, '\\');
        }
        text_add_char(out, *text);
    }
    text_add_char(out, '\'');
}

struct fish_flags {
    struct text *out;
    const struct command *command;
};

static void add_fish_flag(void *ctx, const struct option_group *group, const struct schema_key *key)
{
    const struct fish_flags *f = ctx;
    struct text flag = {0};

    (void)group;
    command_add_flag(&flag, key);
    text_addf(f->out, "complete -c adit -n '__fish_seen_subcommand_from %s' -l %s",
              f->command->name, text_str(&flag) + 2);
    text_deinit(&flag);
    if (is_path(key)) {
        text_add_str(f->out, " -r -F");
    } else if (key->type == SCHEMA_CHOICE) {
        text_add_str(f->out, " -x -a '");
        for (size_t i = 0; key->choices[i]; i++) {
            text_addf(f->out, "%s%s", i ? " " : "", key->choices[i]);
        }
        text_add_char(f->out, '\'');
    } else if (key->type != SCHEMA_BOOL) {
        text_add_str(f->out, " -x");
    }
    text_add_str(f->out, " -d ");
    add_fish_text(f->out, key->help);
    text_add_char(f->out, '\n');
}

static void show_fish(struct text *out)
{
    text_add_str(out, "# made by `adit help --completion fish`\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        struct fish_flags f = {out, &commands[i]};
        text_addf(out, "complete -c adit -n __fish_use_subcommand -x -a %s -d ", commands[i].name);
        add_fish_text(out, commands[i].summary);
        text_add_char(out, '\n');
        command_each_flag(&commands[i], add_fish_flag, &f);
    }
}

void completion_show(struct text *out, enum completion_shell shell)
{
    switch (shell) {
    case COMPLETION_NONE:
        return;
    case COMPLETION_BASH:
        show_bash(out);
        return;
    case COMPLETION_ZSH:
        show_zsh(out);
        return;
    case COMPLETION_FISH:
        show_fish(out);
        return;
    }
}
