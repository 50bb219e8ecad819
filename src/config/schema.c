#include "config/schema.h"

#include <stdlib.h>

#include "base/mem.h"
#include "config/file.h"
#include "config/suggest.h"
#include "config/target.h"
#include "config/tree.h"

enum { SHOWN_VALUE_MAX = 60 }; /* of a wrong value in a message */

/* ---- types ---- */

/* What a type expects, for messages: "'port' must be a port (1-65535), not 'x'". */
static const char *const expectations[] = {
    [SCHEMA_TEXT] = "a text",
    [SCHEMA_BOOL] = "true or false",
    [SCHEMA_INTEGER] = "a whole number",
    [SCHEMA_DURATION] = "a duration with its unit, such as 500ms, 10s, 5m or 24h",
    [SCHEMA_SIZE] = "a size, such as 4096, 64K or 32M",
    [SCHEMA_PORT] = "a port (1-65535)",
    [SCHEMA_PORTS] = "a range of ports, such as 20000-29999",
    [SCHEMA_ADDRESS] = "an address with a port, such as 127.0.0.1:8080 or [::]:8080",
    [SCHEMA_CHOICE] = "one of",
    [SCHEMA_TARGET] = "a target",
    [SCHEMA_SECRET] = "a text, {env: NAME} or {file: PATH}",
    [SCHEMA_LIST] = "a list",
    [SCHEMA_MAP] = "a map (key: value)",
    [SCHEMA_CUSTOM] = "something else",
};

static void *field_of(const struct schema_key *key, void *object)
{
    return (char *)object + key->offset;
}

/* Who is meant: the key in a file, or the flag or variable, which `at` has named already. */
static void add_subject(struct text *line, const struct schema_key *key, struct origin at)
{
    if (at.line) {
        text_addf(line, "'%s' ", key->name);
    }
}

static void add_expectation(struct text *line, const struct schema_key *key)
{
    text_add_str(line, expectations[key->type]);
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

/* INTEGER, DURATION and SIZE are numbers in different clothes. */
static int read_number(enum schema_type type, struct slice text, uint64_t *out)
{
    if (type == SCHEMA_DURATION) {
        return value_duration_ms(text, out);
    }
    if (type == SCHEMA_SIZE) {
        return value_size_bytes(text, out);
    }
    return slice_to_u64(text, UINT64_MAX, out);
}

static int set_number(const struct schema_key *key, uint64_t *field, struct slice text)
{
    uint64_t value, bound;

    TRY(read_number(key->type, text, &value));
    if (key->min) {
        TRY(read_number(key->type, slice_str(key->min), &bound));
        if (value < bound) {
            return ERR_INVALID;
        }
    }
    if (key->max) {
        TRY(read_number(key->type, slice_str(key->max), &bound));
        if (value > bound) {
            return ERR_TOO_LARGE;
        }
    }
    *field = value;
    return 0;
}

static int set_choice(const struct schema_key *key, int *field, struct slice text)
{
    for (int i = 0; key->choices[i]; i++) {
        if (slice_is(text, key->choices[i])) {
            *field = i;
            return 0;
        }
    }
    return ERR_INVALID;
}

static void set_text(char **field, struct slice text)
{
    mem_free(*field);
    *field = mem_strndup(text.ptr, text.len);
}

static void clear_secret(struct secret *secret)
{
    if (secret->text) {
        mem_wipe(secret->text, strlen(secret->text));
    }
    mem_free(secret->text);
    mem_free(secret->absent);
    *secret = (struct secret){0};
}

static void set_secret(struct secret *secret, struct slice text)
{
    clear_secret(secret);
    secret->text = mem_strndup(text.ptr, text.len);
}

static int append_item(struct text_list *list, struct slice text)
{
    if (list->count >= SCHEMA_LIST_MAX) {
        return ERR_TOO_LARGE;
    }
    list->items = mem_resize(list->items, (list->count + 1) * sizeof *list->items);
    list->items[list->count++] = mem_strndup(text.ptr, text.len);
    return 0;
}

static void clear_list(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->items[i]);
    }
    mem_free(list->items);
    *list = (struct text_list){0};
}

static int set_target(const struct schema_key *key, struct target *field, struct slice text,
                      struct origin at, struct problems *problems)
{
    struct errinfo info = {0};
    struct target target;

    if (target_parse(text, &target, &info) < 0) {
        problems_add(problems, at, "%s%s%s", at.line ? key->name : "", at.line ? ": " : "",
                     info.text);
        return ERR_CONFIG;
    }
    target_deinit(field);
    *field = target;
    return 0;
}

/* ---- one field ---- */

static int set_field(const struct schema_key *key, void *field, struct slice text)
{
    switch (key->type) {
    case SCHEMA_TEXT:
        set_text(field, text);
        return 0;
    case SCHEMA_BOOL:
        return value_bool(text, field);
    case SCHEMA_INTEGER:
    case SCHEMA_DURATION:
    case SCHEMA_SIZE:
        return set_number(key, field, text);
    case SCHEMA_PORT:
        return value_port(text, field);
    case SCHEMA_PORTS:
        return value_port_range(text, field);
    case SCHEMA_ADDRESS:
        return value_address(text, 0, field);
    case SCHEMA_CHOICE:
        return set_choice(key, field, text);
    case SCHEMA_SECRET:
        set_secret(field, text);
        return 0;
    case SCHEMA_LIST:
        return append_item(field, text);
    case SCHEMA_TARGET:
    case SCHEMA_MAP:
    case SCHEMA_CUSTOM:
        return ERR_INVALID;
    }
    UNREACHABLE();
}

int schema_set(const struct schema_key *key, void *object, struct slice text, struct origin at,
               struct problems *problems)
{
    struct text subject = {0};
    int result = 0;

    if (text.len == 0) {
        add_subject(&subject, key, at);
        problems_add(problems, at, "%shas no value; give one or remove it", text_str(&subject));
        result = ERR_CONFIG;
    } else if (memchr(text.ptr, '\0', text.len)) {
        result = refuse_value(key, SLICE("NUL"), at, problems);
    } else if (key->type == SCHEMA_TARGET) {
        result = set_target(key, field_of(key, object), text, at, problems);
    } else if (set_field(key, field_of(key, object), text) < 0) {
        result = refuse_value(key, text, at, problems);
    }
    text_deinit(&subject);
    return result;
}

void schema_clear(const struct schema_key *key, void *object)
{
    void *field = field_of(key, object);

    switch (key->type) {
    case SCHEMA_TEXT:
        mem_free(*(char **)field);
        *(char **)field = NULL;
        return;
    case SCHEMA_BOOL:
        *(bool *)field = false;
        return;
    case SCHEMA_INTEGER:
    case SCHEMA_DURATION:
    case SCHEMA_SIZE:
        *(uint64_t *)field = 0;
        return;
    case SCHEMA_PORT:
        *(uint16_t *)field = 0;
        return;
    case SCHEMA_PORTS:
        *(struct port_range *)field = (struct port_range){0};
        return;
    case SCHEMA_ADDRESS:
        *(struct address *)field = (struct address){0};
        return;
    case SCHEMA_CHOICE:
        *(int *)field = 0;
        return;
    case SCHEMA_TARGET:
        target_deinit(field);
        return;
    case SCHEMA_SECRET:
        clear_secret(field);
        return;
    case SCHEMA_LIST:
        clear_list(field);
        return;
    case SCHEMA_MAP:
        schema_deinit(key->inner, field);
        return;
    case SCHEMA_CUSTOM:
        key->deinit(field);
        return;
    }
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
        set_secret(secret, line);
    } else {
        problems_add(problems, at, "%s", info.text);
    }
    if (content.ptr) {
        mem_wipe(content.ptr, content.cap);
    }
    text_deinit(&content);
    if (result == 0 && line.len == 0) {
        clear_secret(secret);
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
        set_secret(secret, slice_str(value));
        return 0;
    }
    clear_secret(secret);
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
