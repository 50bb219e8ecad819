#include "cmd/manual.h"

#include "cmd/commands.h"
#include "config/agent_config.h"
#include "config/relay_config.h"
#include "gen/version.h"

/* Text for roff: a dot or quote at the start of a line is a command, a hyphen a soft one. */
static void add_roff(struct text *out, const char *text)
{
    bool is_line_start = out->len == 0 || out->ptr[out->len - 1] == '\n';

    for (; *text; text++) {
        if (is_line_start && (*text == '.' || *text == '\'')) {
            text_add_str(out, "\\&");
        }
        if (*text == '\\') {
            text_add_str(out, "\\e");
        } else if (*text == '-') {
            text_add_str(out, "\\-");
        } else {
            text_add_char(out, *text);
        }
        is_line_start = *text == '\n';
    }
}

static void add_paragraphs(struct text *out, const char *paragraphs)
{
    struct slice rest = slice_str(paragraphs);

    while (rest.len) {
        size_t end = slice_find(rest, SLICE("\n\n"));
        struct text one = {0};
        text_add(&one, slice_sub(rest, 0, end));
        text_add_str(out, ".PP\n");
        add_roff(out, text_str(&one));
        text_add_char(out, '\n');
        text_deinit(&one);
        rest = slice_sub(rest, end + 2, rest.len);
    }
}

static void add_examples(struct text *out, const char *lines)
{
    text_add_str(out, ".PP\n.RS 4\n.nf\n");
    add_roff(out, lines);
    text_add_str(out, "\n.fi\n.RE\n");
}

/* What follows the tag: the help, its default, its variable. */
static void add_description(struct text *out, const struct schema_key *key)
{
    add_roff(out, key->help);
    if (key->fallback) {
        text_add_str(out, "; default ");
        add_roff(out, key->fallback);
    }
    if (key->min) {
        text_addf(out, "; from %s to %s", key->min, key->max);
    }
    if (key->env) {
        text_addf(out, "; or the variable %s", key->env);
    }
    text_add_str(out, ".\n");
}

static void add_flag(void *ctx, const struct option_group *group, const struct schema_key *key)
{
    struct text *out = ctx;
    struct text flag = {0};

    (void)group;
    command_add_flag(&flag, key);
    text_add_str(out, ".TP\n\\fB");
    add_roff(out, text_str(&flag));
    text_add_str(out, "\\fR");
    if (key->type != SCHEMA_BOOL) {
        text_addf(out, " \\fI%s\\fR", key->value ? key->value : "VALUE");
    }
    text_add_char(out, '\n');
    add_description(out, key);
    text_deinit(&flag);
}

static void add_command(struct text *out, const struct command *c)
{
    text_addf(out, ".SS \"adit %s", c->name);
    text_add_str(out, c->args[0] ? " " : "");
    add_roff(out, c->args);
    text_add_str(out, "\"\n");
    add_paragraphs(out, c->about);
    add_examples(out, c->example);
    command_each_flag(c, add_flag, out);
}

static void add_file_keys(struct text *out, const struct schema *schema)
{
    for (const struct schema_key *key = schema->keys; key->name; key++) {
        if (key->is_flag_only) {
            continue;
        }
        text_addf(out, ".TP\n\\fB%s\\fR", key->name);
        text_addf(out, key->value ? " \\fI%s\\fR\n" : "\n", key->value);
        add_description(out, key);
    }
}

void manual_show(struct text *out)
{
    text_add_str(out, ".TH ADIT 1 \"\" \"adit " ADIT_VERSION "\"\n"
                      ".SH NAME\nadit \\- reach services behind a firewall or a NAT\n"
                      ".SH SYNOPSIS\n.nf\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        text_addf(out, "\\fBadit %s\\fR ", commands[i].name);
        add_roff(out, commands[i].args);
        text_add_char(out, '\n');
    }
    text_add_str(out, ".fi\n.SH DESCRIPTION\n");
    add_paragraphs(out,
                   "A relay runs on a public machine, an agent beside the service. The agent dials "
                   "the relay and keeps its link alive; visitors come to the relay, which hands "
                   "each to the right agent, which connects to the service.\n\n"
                   "Values come from flags, then from the environment, then from the file.");
    text_add_str(out, ".SH COMMANDS\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        add_command(out, &commands[i]);
    }
    text_add_str(out, ".SH FILES\n.SS adit.yml\n");
    add_paragraphs(out, "Looked for in the working folder, in $XDG_CONFIG_HOME/adit "
                        "(~/.config/adit) and in /etc/adit.");
    add_file_keys(out, &agent_schema);
    text_add_str(out, ".SS A tunnel of adit.yml\n");
    add_file_keys(out, &tunnel_schema);
    text_add_str(out, ".SS relay.yml\n");
    add_file_keys(out, &relay_schema);
    text_add_str(out, ".SS limits of both files\n");
    add_file_keys(out, &limits_schema);
    text_add_str(out, ".SH EXIT STATUS\n"
                      ".TP\n0\nasked to stop, or done.\n"
                      ".TP\n1\nthe relay refused for good and no tunnel is left, or it failed.\n"
                      ".TP\n2\nwrong usage, or a file with an error.\n");
}
