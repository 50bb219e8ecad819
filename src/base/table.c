#include "base/table.h"

#include "base/err.h"
#include "base/mem.h"

enum { BUCKETS_MIN = 16 };

uint64_t table_hash_u64(uint64_t key)
{
    key ^= key >> 32;
    key *= 0xd6e8feb86659fd93u;
    key ^= key >> 32;
    key *= 0xd6e8feb86659fd93u;
    return key ^ (key >> 32);
}

static struct table_node **bucket_of(const struct table *t, uint64_t hash)
{
    return &t->buckets[hash & (t->bucket_count - 1)];
}

static void grow(struct table *t)
{
    struct table bigger = {.bucket_count = t->bucket_count ? t->bucket_count * 2 : BUCKETS_MIN};

    bigger.buckets = mem_alloc_array(bigger.bucket_count, sizeof *bigger.buckets);
    for (size_t i = 0; i < t->bucket_count; i++) {
        for (struct table_node *n = t->buckets[i], *next; n; n = next) {
            next = n->next;
            struct table_node **b = bucket_of(&bigger, n->hash);
            n->next = *b;
            *b = n;
        }
    }
    bigger.count = t->count;
    mem_free(t->buckets);
    *t = bigger;
}

void table_add(struct table *t, struct table_node *node, uint64_t hash)
{
    if (t->count >= t->bucket_count) {
        grow(t);
    }
    struct table_node **b = bucket_of(t, hash);
    node->hash = hash;
    node->next = *b;
    *b = node;
    t->count++;
}

void table_remove(struct table *t, struct table_node *node)
{
    ASSERT(t->count > 0);
    struct table_node **at = bucket_of(t, node->hash);

    while (*at != node) {
        ASSERT(*at);
        at = &(*at)->next;
    }
    *at = node->next;
    node->next = NULL;
    t->count--;
}

struct table_node *table_first(const struct table *t, uint64_t hash)
{
    struct table_node *n = t->bucket_count ? *bucket_of(t, hash) : NULL;

    while (n && n->hash != hash) {
        n = n->next;
    }
    return n;
}

struct table_node *table_next_match(const struct table_node *node)
{
    struct table_node *n = node->next;

    while (n && n->hash != node->hash) {
        n = n->next;
    }
    return n;
}

struct table_node *table_walk(const struct table *t, struct table_node *after)
{
    size_t i = 0;

    if (after) {
        if (after->next) {
            return after->next;
        }
        i = (size_t)(after->hash & (t->bucket_count - 1)) + 1;
    }
    for (; i < t->bucket_count; i++) {
        if (t->buckets[i]) {
            return t->buckets[i];
        }
    }
    return NULL;
}

void table_deinit(struct table *t)
{
    mem_free(t->buckets);
    *t = (struct table){0};
}
