#include "config/tree.h"

#include <yaml.h>

#include "base/mem.h"
#include "base/table.h"

struct parser {
    yaml_parser_t yaml;
    const char *file;
    struct problems *problems;
    size_t node_count;
};

static int refuse(struct parser *p, size_t line, const char *what)
{
    problems_add(p->problems, (struct origin){p->file, (unsigned)line + 1}, "%s", what);
    return ERR_CONFIG;
}

static int refuse_syntax(struct parser *p)
{
    const yaml_parser_t *y = &p->yaml;
    size_t line = y->problem_mark.line ? y->problem_mark.line : y->mark.line;
    struct text what = {0};

    text_addf(&what, "no valid YAML: %s%s%s", y->problem ? y->problem : "unreadable",
              y->context ? " " : "", y->context ? y->context : "");
    int result = refuse(p, line, text_str(&what));
    text_deinit(&what);
    return result;
}

/* The next event; the caller deletes it. */
static int next_event(struct parser *p, yaml_event_t *event)
{
    return yaml_parser_parse(&p->yaml, event) ? 0 : refuse_syntax(p);
}

/* ---- nodes ---- */

void tree_free(struct tree **tree)
{
    struct tree *t = *tree;

    if (!t) {
        return;
    }
    for (size_t i = 0; i < t->count; i++) {
        if (t->keys) {
            tree_free(&t->keys[i]);
        }
        tree_free(&t->items[i]);
    }
    if (t->text) {
        mem_wipe(t->text, t->length); /* it may have been a token */
    }
    mem_free(t->text);
    mem_free(t->keys);
    mem_free(t->items);
    mem_free(t);
    *tree = NULL;
}

const struct tree *tree_find(const struct tree *map, const char *key)
{
    for (size_t i = 0; i < map->count && map->kind == TREE_MAP; i++) {
        if (slice_is(tree_text(map->keys[i]), key)) {
            return map->items[i];
        }
    }
    return NULL;
}

static struct tree *new_node(enum tree_kind kind, const yaml_event_t *event)
{
    struct tree *t = NEW(struct tree);

    t->kind = kind;
    t->line = (unsigned)event->start_mark.line + 1;
    t->column = (unsigned)event->start_mark.column;
    t->last_line = (unsigned)event->end_mark.line + 1;
    return t;
}

static void append(struct tree *t, struct tree *key_take, struct tree *item_take)
{
    bool is_full = (t->count & (t->count - 1)) == 0; /* 0, 1, 2, 4, ... */
    size_t room = t->count ? t->count * 2 : 1;

    if (is_full) {
        t->items = mem_resize(t->items, room * sizeof(struct tree *));
        if (t->kind == TREE_MAP) {
            t->keys = mem_resize(t->keys, room * sizeof(struct tree *));
        }
    }
    if (t->kind == TREE_MAP) {
        t->keys[t->count] = key_take;
    }
    t->items[t->count++] = item_take;
    if (item_take->last_line > t->last_line) {
        t->last_line = item_take->last_line;
    }
}

/* ---- reading ---- */

static int read_node(struct parser *p, const yaml_event_t *event, unsigned depth,
                     struct tree **out);

static int read_text(struct parser *p, const yaml_event_t *event, struct tree **out)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    bool is_block = event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
                    event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;

    if (memchr(text, '\0', length)) {
        return refuse(p, event->start_mark.line, "a NUL character has no place here; remove it");
    }
    struct tree *t = new_node(TREE_TEXT, event);
    t->text = mem_strndup(text, length);
    t->length = length;
    if (is_block && event->end_mark.column == 0 && t->last_line > t->line) {
        t->last_line--; /* the mark stands behind the last newline */
    }
    *out = t;
    return 0;
}

static int read_list(struct parser *p, const yaml_event_t *start, unsigned depth, struct tree **out)
{
    struct tree *list = new_node(TREE_LIST, start);
    yaml_event_t event;
    int result;

    list->is_flow = start->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
    for (;;) {
        struct tree *item = NULL;
        result = next_event(p, &event);
        if (result < 0) {
            break;
        }
        bool is_end = event.type == YAML_SEQUENCE_END_EVENT;
        if (is_end && list->is_flow) {
            list->last_line = (unsigned)event.end_mark.line + 1;
        }
        if (!is_end) {
            result = read_node(p, &event, depth + 1, &item);
        }
        yaml_event_delete(&event);
        if (is_end || result < 0) {
            tree_free(&item);
            break;
        }
        append(list, NULL, item);
    }
    *out = list;
    return result;
}

/* Names of one map, so that a repeated one shows without comparing each with each. */
struct seen {
    struct table_node node;
    const struct tree *key;
};

struct seen_set {
    struct table table;
    struct seen *items;
    size_t count;
};

static const struct tree *find_seen(const struct seen_set *set, struct slice name)
{
    TABLE_EACH_MATCH (&set->table, slice_hash(name), node) {
        const struct tree *key = CONTAINER_OF(node, struct seen, node)->key;
        if (slice_equal(tree_text(key), name)) {
            return key;
        }
    }
    return NULL;
}

static int check_keys(struct parser *p, const struct tree *map)
{
    struct seen_set set = {.items = mem_alloc_array(map->count, sizeof(struct seen))};
    int result = 0;

    for (size_t i = 0; i < map->count; i++) {
        struct slice name = tree_text(map->keys[i]);
        const struct tree *first = find_seen(&set, name);
        if (first) {
            problems_add(p->problems, (struct origin){p->file, map->keys[i]->line},
                         "'%.*s' stands here twice, first in line %u; keep one",
                         SLICE_ARG(slice_sub(name, 0, 60)), first->line);
            result = ERR_CONFIG;
            continue;
        }
        struct seen *s = &set.items[set.count++];
        s->key = map->keys[i];
        table_add(&set.table, &s->node, slice_hash(name));
    }
    table_deinit(&set.table);
    mem_free(set.items);
    return result;
}

static int read_pair(struct parser *p, struct tree *map, const yaml_event_t *key_event,
                     unsigned depth)
{
    struct tree *key = NULL;
    struct tree *item = NULL;
    yaml_event_t event;

    if (key_event->type != YAML_SCALAR_EVENT) {
        return refuse(p, key_event->start_mark.line, "a key must be a word; put it in quotes");
    }
    TRY(read_node(p, key_event, depth, &key));
    int result = next_event(p, &event);
    if (result == 0) {
        result = read_node(p, &event, depth + 1, &item);
        yaml_event_delete(&event);
    }
    if (result < 0) {
        tree_free(&key);
        tree_free(&item);
        return result;
    }
    append(map, key, item);
    return 0;
}

static int read_map(struct parser *p, const yaml_event_t *start, unsigned depth, struct tree **out)
{
    struct tree *map = new_node(TREE_MAP, start);
    yaml_event_t event;
    int result;

    map->is_flow = start->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    for (;;) {
        result = next_event(p, &event);
        if (result < 0) {
            break;
        }
        bool is_end = event.type == YAML_MAPPING_END_EVENT;
        if (is_end && map->is_flow) {
            map->last_line = (unsigned)event.end_mark.line + 1;
        }
        if (!is_end) {
            result = read_pair(p, map, &event, depth);
        }
        yaml_event_delete(&event);
        if (is_end || result < 0) {
            break;
        }
    }
    *out = map;
    return result < 0 ? result : check_keys(p, map);
}

/* Anchors and tags are looked for before the kind: they may stand on any node. */
static int check_event(struct parser *p, const yaml_event_t *event, unsigned depth)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;

    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor || event->type == YAML_ALIAS_EVENT) {
        return refuse(p, event->start_mark.line,
                      "anchors (&) and aliases (*) are not read; write the value out, or quote it");
    }
    if (tag) {
        return refuse(p, event->start_mark.line, "tags (!) are not read; remove it, or quote it");
    }
    if (depth > TREE_DEPTH_MAX) {
        return refuse(p, event->start_mark.line, "nested too deeply");
    }
    if (++p->node_count > TREE_NODES_MAX) {
        return refuse(p, event->start_mark.line, "too many values for one file");
    }
    return 0;
}

/* *out may be set also on failure: the caller frees it. */
static int read_node(struct parser *p, const yaml_event_t *event, unsigned depth, struct tree **out)
{
    TRY(check_event(p, event, depth));
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        return read_list(p, event, depth, out);
    }
    if (event->type == YAML_MAPPING_START_EVENT) {
        return read_map(p, event, depth, out);
    }
    return read_text(p, event, out);
}

/* What follows the only document must be the end. */
static int check_end(struct parser *p)
{
    yaml_event_t event;

    TRY(next_event(p, &event));
    int result = 0;
    if (event.type == YAML_DOCUMENT_START_EVENT) {
        result = refuse(p, event.start_mark.line, "a second document starts here; keep one");
    }
    yaml_event_delete(&event);
    return result;
}

static int read_document(struct parser *p, struct tree **out)
{
    yaml_event_t event;
    int result = 0;

    for (;;) {
        TRY(next_event(p, &event));
        yaml_event_type_t type = event.type;
        if (type == YAML_STREAM_END_EVENT) {
            *out = new_node(TREE_MAP, &event); /* an empty file */
        } else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
                   type != YAML_DOCUMENT_END_EVENT) {
            result = read_node(p, &event, 0, out);
        }
        yaml_event_delete(&event);
        if (type == YAML_DOCUMENT_END_EVENT) {
            return check_end(p);
        }
        if (type == YAML_STREAM_END_EVENT || result < 0) {
            return result;
        }
    }
}

int tree_parse(struct slice yaml, const char *file, struct tree **out, struct problems *problems)
{
    struct parser p = {.file = file, .problems = problems};

    *out = NULL;
    if (!yaml_parser_initialize(&p.yaml)) {
        return ERR_NOMEM;
    }
    yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p.yaml, (const unsigned char *)yaml.ptr, yaml.len);
    int result = read_document(&p, out);
    yaml_parser_delete(&p.yaml);
    if (result < 0) {
        tree_free(out);
    }
    return result;
}
