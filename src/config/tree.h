/* A YAML file as a tree of texts, lists and maps with line numbers. Strict: what adit's files do
 * not need is an error rather than a surprise (anchors, aliases, tags, merge keys, a key twice, a
 * second document), and size, depth and number of nodes are bounded. No value is interpreted here.
 *
 * A tree owns everything below it and copies what it needs of the input.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "config/problems.h"

enum {
    TREE_DEPTH_MAX = 16,
    TREE_NODES_MAX = 50000,
};

enum tree_kind { TREE_TEXT, TREE_LIST, TREE_MAP };

struct tree {
    enum tree_kind kind;
    bool is_flow;        /* written in brackets or braces */
    unsigned line;       /* from 1 */
    unsigned column;     /* from 0 */
    unsigned last_line;  /* where it ends */
    char *text;          /* TEXT: terminated, without NUL inside */
    size_t length;       /* TEXT: of text */
    size_t count;        /* LIST, MAP */
    struct tree **keys;  /* MAP: TEXT nodes */
    struct tree **items; /* LIST, MAP */
};

/* The tree of a whole file. An empty file is an empty map. ERR_CONFIG: see problems. */
MUST_USE int tree_parse(struct slice yaml, const char *file, struct tree **out,
                        struct problems *problems);
void tree_free(struct tree **tree);

/* The value of a key, or NULL. */
const struct tree *tree_find(const struct tree *map, const char *key);

static inline struct slice tree_text(const struct tree *node)
{
    return slice_of(node->text, node->length);
}
