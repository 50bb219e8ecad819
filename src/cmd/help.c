#include "cmd/help.h"

#include "cmd/commands.h"

enum { WIDTH = 80, FLAG_COLUMN = 26, COMMAND_COLUMN = 30 };

/* ---- paragraphs ---- */

static void indent(struct text *out, size_t columns)
{
    text_addf(out, "%*s", (int)columns, "");
}

/* Words between `left` and WIDTH; the first line is already `used` columns long. */
static void add_wrapped(struct text *out, const char *words, size_t left, size_t used)
{
    struct slice rest = slice_str(words);

    while (rest.ptr) {
        struct slice word = slice_cut(&rest, ' ');
        bool is_first = used <= left;
        if (!is_first && used + 1 + word.len > WIDTH) {
            text_add_char(out, '\n');
            indent(out, left);
            used = left;
            is_first = true;
        }
        if (!is_first) {
            text_add_char(out, ' ');
            used++;
        }
        text_add(out, word);
        used += word.len;
    }
    text_add_char(out, '\n');
}

/* Paragraphs are parted by an empty line. */
static void add_paragraphs(struct text *out, const char *paragraphs)
{
    struct slice rest = slice_str(paragraphs);

    while (rest.len) {
        size_t end = slice_find(rest, SLICE("\n\n"));
        struct text one = {0};
        text_add(&one, slice_sub(rest, 0, end));
        add_wrapped(out, text_str(&one), 0, 0);
        text_deinit(&one);
        rest = slice_sub(rest, end + 2, rest.len);
        if (rest.len) {
            text_add_char(out, '\n');
        }
    }
}

static void add_examples(struct text *out, const char *lines)
{
    struct slice rest = slice_str(lines);

    while (rest.ptr) {
        text_add_str(out, "    ");
        text_add(out, slice_cut(&rest, '\n'));
        text_add_char(out, '\n');
    }
}

/* ---- flags ---- */

struct flag_list {
    struct text *out;
    const struct option_group *group; /* of the last one */
};

static void add_usage(struct text *out, const struct schema_key *key)
{
    command_add_flag(out, key);
    if (key->type != SCHEMA_BOOL) {
        text_addf(out, " %s", key->value ? key->value : "VALUE");
    }
}

static void add_description(struct text *out, const struct schema_key *key)
{
    text_add_str(out, key->help);
    if (key->fallback) {
        text_addf(out, " (default %s)", key->fallback);
    }
    if (key->env) {
        text_addf(out, " (or $%s)", key->env);
    }
}

static void add_flag(void *ctx, const struct option_group *group, const struct schema_key *key)
{
    struct flag_list *list = ctx;
    struct text *out = list->out;
    struct text description = {0};

    if (group != list->group) {
        text_addf(out, "\n%s:\n", group->schema->title);
        list->group = group;
    }
    size_t start = out->len;
    text_add_str(out, "  ");
    add_usage(out, key);
    if (out->len - start > FLAG_COLUMN - 2) {
        text_add_char(out, '\n');
        start = out->len;
    }
    indent(out, FLAG_COLUMN - (out->len - start));
    add_description(&description, key);
    add_wrapped(out, text_str(&description), FLAG_COLUMN, FLAG_COLUMN);
    text_deinit(&description);
}

/* ---- pages ---- */

void help_show_command(struct text *out, const struct command *c)
{
    struct flag_list list = {out, NULL};

    text_addf(out, "adit %s%s%s - ", c->name, c->args[0] ? " " : "", c->args);
    text_addf(out, "%s\n\n", c->summary);
    add_paragraphs(out, c->about);
    text_add_char(out, '\n');
    add_examples(out, c->example);
    command_each_flag(c, add_flag, &list);
}

static void add_row(struct text *out, const struct command *c)
{
    size_t start = out->len;

    text_addf(out, "  adit %s%s%s", c->name, c->args[0] ? " " : "", c->args);
    if (out->len - start >= COMMAND_COLUMN) {
        text_add_char(out, '\n');
        start = out->len;
    }
    indent(out, COMMAND_COLUMN - (out->len - start));
    text_addf(out, "%s\n", c->summary);
}

void help_show_all(struct text *out)
{
    text_add_str(out, "adit reaches services behind a firewall or a NAT: a relay on a public "
                      "machine,\nan agent beside the service, links from the agent to the relay.\n"
                      "\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        add_row(out, &commands[i]);
    }
    text_add_str(out, "\n"
                      "adit help COMMAND shows its flags. Values come from flags, then from the\n"
                      "environment, then from the file. Exit codes: 0 asked to stop or done,\n"
                      "1 refused for good or failed, 2 wrong usage.\n");
}
