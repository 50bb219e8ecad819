#include "config/schema.h"

#include <stdlib.h>

#include "base/mem.h"
#include "config/file.h"
#include "config/schema_priv.h"
#include "config/suggest.h"
#include "config/tree.h"

enum { SHOWN_VALUE_MAX = 60 }; /* of a wrong value in a message */

/* ---- what is wrong ---- */

/* Who is meant: the key in a file, or the flag or variable, which `at` has named already. */
static void add_subject(struct text *line, const struct schema_key *key, struct origin at)
{
    if (at.line) {
        text_addf(line, "'%s' ", key->name);
    }
}

static void add_expectation(struct text *line, const struct schema_key *key)
{
    text_add_str(line, schema_types[key->type].expectation);
    if (key->type == SCHEMA_CHOICE) {
        for (size_t i = 0; key->choices[i]; i++) {
            text_addf(line, "%s%s", i ? ", " : " ", key->choices[i]);
        }
    }
    if (key->min) {
        text_addf(line, " from %s to %s", key->min, key->max);
    }
}

static int refuse_value(const struct schema_key *key, struct slice value, struct origin at,
                        struct problems *problems)
{
    struct text line = {0};

    add_subject(&line, key, at);
    text_add_str(&line, "must be ");
    add_expectation(&line, key);
    text_addf(&line, ", not '%.*s'", SLICE_ARG(slice_sub(value, 0, SHOWN_VALUE_MAX)));
    problems_add(problems, at, "%s", text_str(&line));
    text_deinit(&line);
    return ERR_CONFIG;
}

/* ---- one field ---- */

static void *field_of(const struct schema_key *key, void *object)
{
    return (char *)object + key->offset;
}

static int set_field(const struct schema_key *key, void *field, struct slice text, struct origin at,
                     struct problems *problems)
{
    const struct schema_type_rule *type = &schema_types[key->type];
    struct errinfo why = {0};

    if (type->set && type->set(key, field, text, &why) == 0) {
        return 0;
    }
    if (why.text[0] == '\0') {
        return refuse_value(key, text, at, problems);
    }
    problems_add(problems, at, "%s%s%s", at.line ? key->name : "", at.line ? ": " : "", why.text);
    return ERR_CONFIG;
}

int schema_set(const struct schema_key *key, void *object, struct slice text, struct origin at,
               struct problems *problems)
{
    struct text subject = {0};

    if (text.len == 0) {
        add_subject(&subject, key, at);
        problems_add(problems, at, "%shas no value; give one or remove it", text_str(&subject));
        text_deinit(&subject);
        return ERR_CONFIG;
    }
    if (memchr(text.ptr, '\0', text.len)) {
        return refuse_value(key, SLICE("NUL"), at, problems);
    }
    return set_field(key, field_of(key, object), text, at, problems);
}

void schema_clear(const struct schema_key *key, void *object)
{
    const struct schema_type_rule *type = &schema_types[key->type];
    void *field = field_of(key, object);

    if (type->clear) {
        type->clear(key, field);
    }
    memset(field, 0, type->bytes);
}

/* ---- a whole struct ---- */

static void set_fallback(const struct schema_key *key, void *object)
{
    struct problems none = {0};
    struct origin at = {key->name, 0};
    int result = schema_set(key, object, slice_str(key->fallback), at, &none);

    ASSERT(result == 0);
}

void schema_init(const struct schema *schema, void *object)
{
    for (const struct schema_key *key = schema->keys; key->name; key++) {
        if (key->type == SCHEMA_MAP) {
            schema_init(key->inner, field_of(key, object));
        } else if (key->fallback) {
            set_fallback(key, object);
        }
    }
}

void schema_deinit(const struct schema *schema, void *object)
{
    for (const struct schema_key *key = schema->keys; key->name; key++) {
        schema_clear(key, object);
    }
}

const struct schema_key *schema_find(const struct schema *schema, struct slice name)
{
    for (const struct schema_key *key = schema->keys; key->name; key++) {
        if (slice_is(name, key->name)) {
            return key;
        }
    }
    return NULL;
}

/* ---- reading a tree ---- */

static int refuse_kind(const struct schema_key *key, const struct tree *node, struct origin at,
                       struct problems *problems)
{
    static const char *const kinds[] = {
        [TREE_TEXT] = "a single value", [TREE_LIST] = "a list", [TREE_MAP] = "a map"};
    struct text line = {0};

    add_expectation(&line, key);
    problems_add(problems, at, "'%s' must be %s, not %s", key->name, text_str(&line),
                 kinds[node->kind]);
    text_deinit(&line);
    return ERR_CONFIG;
}

static int read_secret_file(const char *path, struct secret *secret, struct origin at,
                            struct problems *problems)
{
    struct errinfo info = {0};
    struct text content = {0};
    int result = file_read(path, &content, &info);
    struct slice line = text_slice(&content);

    if (result == 0) {
        line = slice_sub(line, 0, slice_index(line, '\n'));
        line = slice_trim(slice_sub(line, 0, slice_index(line, '\r')));
        secret_keep(secret, line);
    } else {
        problems_add(problems, at, "%s", info.text);
    }
    text_wipe(&content);
    if (result == 0 && line.len == 0) {
        secret_wipe(secret);
        problems_add(problems, at, "%s: its first line is empty; write the secret there", path);
        result = ERR_CONFIG;
    }
    return result < 0 ? ERR_CONFIG : 0;
}

/* {env: NAME} or {file: PATH} */
static int read_secret_map(const struct schema_key *key, const struct tree *map,
                           struct secret *secret, struct origin at, struct problems *problems)
{
    const struct tree *env = tree_find(map, "env");
    const struct tree *file = tree_find(map, "file");
    const struct tree *one = env ? env : file;

    if (map->count != 1 || !one || one->kind != TREE_TEXT || one->length == 0) {
        return refuse_kind(key, map, at, problems);
    }
    if (file) {
        return read_secret_file(file->text, secret, at, problems);
    }
    const char *value = getenv(env->text);
    if (value && value[0]) {
        secret_keep(secret, slice_str(value));
        return 0;
    }
    secret_wipe(secret);
    secret->absent = mem_strdup(env->text);
    return 0;
}

static int read_list(const struct schema_key *key, const struct tree *list, void *object,
                     struct origin at, struct problems *problems)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct tree *item = list->items[i];
        if (item->kind != TREE_TEXT) {
            problems_add(problems, (struct origin){at.name, item->line},
                         "'%s' is a list of single values", key->name);
            return ERR_CONFIG;
        }
        TRY(schema_set(key, object, tree_text(item), (struct origin){at.name, item->line},
                       problems));
    }
    return 0;
}

static int read_value(const struct schema_key *key, const struct tree *node, void *object,
                      const char *file, struct problems *problems)
{
    struct origin at = {file, node->line};

    if (key->type == SCHEMA_CUSTOM) {
        return key->read(node, field_of(key, object), file, problems);
    }
    if (key->type == SCHEMA_MAP && node->kind == TREE_MAP) {
        return schema_read(key->inner, node, field_of(key, object), file, problems);
    }
    if (key->type == SCHEMA_SECRET && node->kind == TREE_MAP) {
        return read_secret_map(key, node, field_of(key, object), at, problems);
    }
    if (key->type == SCHEMA_LIST) {
        schema_clear(key, object);
    }
    if (key->type == SCHEMA_LIST && node->kind == TREE_LIST) {
        return read_list(key, node, object, at, problems);
    }
    if (node->kind != TREE_TEXT || key->type == SCHEMA_MAP) {
        return refuse_kind(key, node, at, problems);
    }
    return schema_set(key, object, tree_text(node), at, problems);
}

static void refuse_key(const struct schema *schema, const struct tree *name, const char *file,
                       struct problems *problems)
{
    const char *candidates[64] = {NULL};
    size_t count = 0;

    for (const struct schema_key *key = schema->keys; key->name; key++) {
        if (!key->is_flag_only && count < COUNT_OF(candidates) - 1) {
            candidates[count++] = key->name;
        }
    }
    const char *meant = suggest(tree_text(name), candidates);
    problems_add(problems, (struct origin){file, name->line}, "unknown key '%.*s'%s%s%s",
                 SLICE_ARG(slice_sub(tree_text(name), 0, SHOWN_VALUE_MAX)),
                 meant ? "; did you mean '" : "; remove it", meant ? meant : "", meant ? "'?" : "");
}

int schema_read(const struct schema *schema, const struct tree *map, void *object, const char *file,
                struct problems *problems)
{
    unsigned before = problems->count;

    if (map->kind != TREE_MAP) {
        problems_add(problems, (struct origin){file, map->line},
                     "a map is expected here, lines of `key: value`");
        return ERR_CONFIG;
    }
    for (size_t i = 0; i < map->count; i++) {
        const struct schema_key *key = schema_find(schema, tree_text(map->keys[i]));
        if (!key || key->is_flag_only) {
            refuse_key(schema, map->keys[i], file, problems);
            continue;
        }
        int result = read_value(key, map->items[i], object, file, problems);
        (void)result; /* what was wrong is counted in problems */
    }
    return problems->count > before ? ERR_CONFIG : 0;
}
