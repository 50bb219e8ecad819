/* --save: one line of an existing file changes, every other one stays as it is, comments too.
 *
 * The tree says where the lines are; the text is cut and joined by lines. What comes out is read
 * again before it replaces the file, so a file can only become another valid one.
 */
#include <sys/stat.h>

#include "config/agent_config.h"
#include "config/file.h"
#include "config/tree.h"

enum { NEW_FILE_MODE = 0600, INDENT_DEFAULT = 2 };

/* Which lines of the old file give way to the new one. */
struct place {
    unsigned after_line; /* the new line stands behind this one */
    unsigned drop_until; /* and the lines up to here are left out */
    unsigned indent;
    bool needs_heading; /* `tunnels:` itself is missing */
};

/* ---- the line ---- */

static void add_quoted(struct text *out, const char *s)
{
    text_add_char(out, '"');
    text_add_json(out, slice_str(s));
    text_add_char(out, '"');
}

static void add_hosts(struct text *out, const struct text_list *hosts)
{
    text_add_str(out, ", host: [");
    for (size_t i = 0; i < hosts->count; i++) {
        text_add_str(out, i ? ", " : "");
        add_quoted(out, hosts->items[i]);
    }
    text_add_char(out, ']');
}

/* `blog: {target: "http://127.0.0.1:8080", subdomain: "blog"}` */
static void add_line(struct text *out, const struct tunnel_config *t, unsigned indent)
{
    struct text target = {0};

    target_show(&target, &t->target, t->kind == TUNNEL_HTTP);
    text_addf(out, "%*s", (int)indent, "");
    add_quoted(out, t->key);
    text_addf(out, ": {target: ");
    add_quoted(out, text_str(&target));
    if (t->target.scheme == TARGET_UNIX) {
        text_addf(out, ", kind: %s", tunnel_kind_names[t->kind]);
    }
    if (t->subdomain) {
        text_add_str(out, ", subdomain: ");
        add_quoted(out, t->subdomain);
    }
    if (t->hosts.count) {
        add_hosts(out, &t->hosts);
    }
    if (t->kind == TUNNEL_HTTP && !tunnel_config_has_name(t)) {
        text_add_str(out, ", words: true"); /* its key here must not become its name */
    }
    if (t->path) {
        text_add_str(out, ", path: ");
        add_quoted(out, t->path);
    }
    if (t->port) {
        text_addf(out, ", port: %u", t->port);
    }
    text_addf(out, "%s}\n", t->is_shared ? ", share: true" : "");
    text_deinit(&target);
}

/* ---- the place ---- */

static unsigned count_lines(struct slice s)
{
    unsigned count = 0;

    while (s.len) {
        count++;
        size_t at = slice_index(s, '\n');
        s = slice_sub(s, at < s.len ? at + 1 : at, s.len);
    }
    return count;
}

static int find_place(const struct tree *root, const char *key, unsigned line_count,
                      struct place *out)
{
    const struct tree *tunnels = tree_find(root, "tunnels");

    *out = (struct place){line_count, line_count, INDENT_DEFAULT, !tunnels};
    if (!tunnels) {
        return root->is_flow ? ERR_UNSUPPORTED : 0;
    }
    if (tunnels->is_flow || root->is_flow) {
        return ERR_UNSUPPORTED;
    }
    if (tunnels->kind != TREE_MAP) {
        out->after_line = out->drop_until = tunnels->line; /* `tunnels:` and nothing below it */
        return 0;
    }
    out->indent = tunnels->keys[0]->column;
    out->after_line = out->drop_until = tunnels->last_line;
    for (size_t i = 0; i < tunnels->count; i++) {
        if (slice_is(tree_text(tunnels->keys[i]), key)) {
            out->after_line = tunnels->keys[i]->line - 1;
            out->drop_until = tunnels->items[i]->last_line;
        }
    }
    return 0;
}

/* ---- the file ---- */

static void add_lines(struct text *out, struct slice content, const struct place *place,
                      const struct tunnel_config *tunnel)
{
    unsigned line = 0;
    bool is_written = false;

    for (;;) {
        if (line == place->after_line && !is_written) {
            text_add_str(out, place->needs_heading ? "tunnels:\n" : "");
            add_line(out, tunnel, place->indent);
            is_written = true;
        }
        if (content.len == 0) {
            return;
        }
        size_t at = slice_index(content, '\n');
        line++;
        if (line <= place->after_line || line > place->drop_until) {
            text_add(out, slice_sub(content, 0, at));
            text_add_char(out, '\n');
        }
        content = slice_sub(content, at < content.len ? at + 1 : at, content.len);
    }
}

static int change(struct slice old, const char *path, const struct tunnel_config *tunnel,
                  struct text *out, struct errinfo *info)
{
    struct problems problems = {0};
    struct agent_config config;
    struct tree *root;
    struct place place;

    int result = tree_parse(old, path, &root, &problems);
    if (result == 0) {
        result = find_place(root, tunnel->key, count_lines(old), &place);
        tree_free(&root);
    }
    if (result == ERR_UNSUPPORTED) {
        return errinfo_set(info, result,
                           "%s: its tunnels are written in braces; put each on a line of its own, "
                           "then save again",
                           path);
    }
    agent_config_init(&config);
    if (result == 0) {
        add_lines(out, old, &place, tunnel);
        result = agent_config_read(&config, path, text_slice(out), &problems);
    }
    if (result < 0) {
        struct slice rest = text_slice(&problems.lines);
        struct slice first = slice_cut(&rest, '\n');
        errinfo_set(info, result, "not saved: %.*s", SLICE_ARG(first));
    }
    agent_config_deinit(&config);
    problems_deinit(&problems);
    return result;
}

int agent_config_save_tunnel(const char *path, const struct tunnel_config *tunnel,
                             struct errinfo *info)
{
    struct text old = {0}, new = {0};
    struct errinfo why = {0};
    struct stat st;
    mode_t mode = stat(path, &st) == 0 ? st.st_mode & 0777 : NEW_FILE_MODE;

    int result = file_read(path, &old, &why);
    if (result == ERR_NOT_FOUND) {
        result = 0;
    } else if (result < 0) {
        errinfo_set(info, result, "%s", why.text);
    }
    if (result == 0) {
        result = change(text_slice(&old), path, tunnel, &new, info);
    }
    if (result == 0) {
        result = file_replace(path, text_slice(&new), mode, info);
    }
    text_deinit(&old);
    text_deinit(&new);
    return result;
}
