/* Intrusive hash table: the member carries its node, the table only the buckets.
 *
 * The caller makes the hash (slice_hash, or table_hash_u64) and compares keys itself:
 *
 *     TABLE_EACH_MATCH(&t, hash, node) { if (same(node)) ... }
 *
 * Grows by doubling; never shrinks below its first size. Zeroed memory is an empty table.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct table_node {
    struct table_node *next;
    uint64_t hash;
};

struct table {
    struct table_node **buckets;
    size_t bucket_count; /* 0 or a power of two */
    size_t count;
};

uint64_t table_hash_u64(uint64_t key);

void table_add(struct table *t, struct table_node *node, uint64_t hash);
void table_remove(struct table *t, struct table_node *node);

/* First node with this hash (or the next one after `node`), or NULL. */
struct table_node *table_first(const struct table *t, uint64_t hash);
struct table_node *table_next_match(const struct table_node *node);

/* Any order. NULL begins. The node given last must still be a member. */
struct table_node *table_walk(const struct table *t, struct table_node *after);

/* Frees the buckets; the members are the caller's. */
void table_deinit(struct table *t);

#define TABLE_EACH_MATCH(t, hash_value, node)                                                      \
    for (struct table_node *node = table_first((t), (hash_value)); node;                           \
         node = table_next_match(node))

/* The current node may be removed inside the body, no other one may; and none may be added. */
#define TABLE_EACH(t, node)                                                                        \
    for (struct table_node *node = table_walk((t), NULL),                                          \
                           *node##_next = node ? table_walk((t), node) : NULL;                     \
         node; node = node##_next, node##_next = node ? table_walk((t), node) : NULL)
