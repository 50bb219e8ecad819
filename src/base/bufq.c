#include "base/bufq.h"

#include "base/mem.h"

/* A piece of memory shared by nodes. Bytes [0, used) belong to queues and never change. */
struct chunk {
    struct chunk *next_spare;
    uint32_t refs;
    uint32_t used;
    uint32_t cap;
    uint8_t bytes[];
};

struct bufq_node {
    struct bufq_node *next;
    struct chunk *chunk;
    uint32_t offset;
    uint32_t len;
};

enum chunk_class { CHUNK_SMALL, CHUNK_LARGE, CHUNK_CLASSES };

enum {
    SPARES_SMALL_MAX = 256, /* 1 MiB */
    SPARES_LARGE_MAX = 64,  /* 4 MiB */
    NODE_SPARES_MAX = 4096,
};

struct spares {
    struct chunk *first;
    uint32_t count;
};

static const uint32_t class_bytes[] = {CHUNK_SMALL_BYTES, CHUNK_LARGE_BYTES};
static const uint32_t class_spares_max[] = {SPARES_SMALL_MAX, SPARES_LARGE_MAX};

static _Thread_local struct spares spares[CHUNK_CLASSES];
static _Thread_local struct chunk_stats stats;
static _Thread_local struct mem_pool nodes = MEM_POOL(struct bufq_node, NODE_SPARES_MAX);

static enum chunk_class class_of(const struct chunk *c)
{
    return c->cap == CHUNK_SMALL_BYTES ? CHUNK_SMALL : CHUNK_LARGE;
}

/* ---- chunks ---- */

static struct chunk *chunk_get(enum chunk_class class)
{
    struct spares *s = &spares[class];
    struct chunk *c = s->first;

    if (c) {
        s->first = c->next_spare;
        s->count--;
        stats.spares--;
    } else {
        c = mem_resize(NULL, sizeof *c + class_bytes[class]);
        c->cap = class_bytes[class];
    }
    c->next_spare = NULL;
    c->refs = 1;
    c->used = 0;
    stats.in_use++;
    stats.bytes_in_use += c->cap;
    return c;
}

static void chunk_unref(struct chunk *c)
{
    if (--c->refs > 0) {
        return;
    }
    enum chunk_class class = class_of(c);
    stats.in_use--;
    stats.bytes_in_use -= c->cap;
    if (spares[class].count >= class_spares_max[class]) {
        mem_free(c);
        return;
    }
    c->next_spare = spares[class].first;
    spares[class].first = c;
    spares[class].count++;
    stats.spares++;
}

struct chunk_stats chunk_stats(void)
{
    return stats;
}

void chunk_drain_spares(void)
{
    for (int class = 0; class < CHUNK_CLASSES; class ++) {
        while (spares[class].first) {
            struct chunk *c = spares[class].first;
            spares[class].first = c->next_spare;
            mem_free(c);
        }
        stats.spares -= spares[class].count;
        spares[class].count = 0;
    }
    mem_pool_drain(&nodes);
}

/* ---- nodes ---- */

/* Takes over one reference to the chunk. */
static void append_node(struct bufq *q, struct chunk *c_take, uint32_t offset, uint32_t len)
{
    struct bufq_node *n = mem_pool_get(&nodes);

    n->chunk = c_take;
    n->offset = offset;
    n->len = len;
    if (q->tail) {
        q->tail->next = n;
    } else {
        q->head = n;
    }
    q->tail = n;
    q->bytes += len;
}

static void drop_head(struct bufq *q)
{
    struct bufq_node *n = q->head;

    q->head = n->next;
    if (!q->head) {
        q->tail = NULL;
    }
    q->bytes -= n->len;
    chunk_unref(n->chunk);
    mem_pool_put(&nodes, n);
}

/* Bytes that may still be written behind the tail. */
static uint32_t tail_room(const struct bufq *q)
{
    const struct bufq_node *n = q->tail;

    if (!n || n->offset + n->len != n->chunk->used) {
        return 0;
    }
    return n->chunk->cap - n->chunk->used;
}

static uint8_t *node_bytes(const struct bufq_node *n)
{
    return n->chunk->bytes + n->offset;
}

static uint32_t min_u32(size_t a, size_t b)
{
    return (uint32_t)(a < b ? a : b);
}

/* ---- queue ---- */

void bufq_clear(struct bufq *q)
{
    while (q->head) {
        drop_head(q);
    }
}

/* A queue that already holds something is going to hold more: only the first chunk is small. */
static enum chunk_class class_for(const struct bufq *q, size_t n)
{
    return n <= CHUNK_SMALL_BYTES && bufq_is_empty(q) ? CHUNK_SMALL : CHUNK_LARGE;
}

void bufq_push(struct bufq *q, const void *bytes, size_t n)
{
    const uint8_t *from = bytes;

    while (n > 0) {
        uint32_t room = tail_room(q);
        if (room == 0) {
            append_node(q, chunk_get(class_for(q, n)), 0, 0);
            room = q->tail->chunk->cap;
        }
        uint32_t part = min_u32(n, room);
        memcpy(node_bytes(q->tail) + q->tail->len, from, part);
        bufq_commit(q, part);
        from += part;
        n -= part;
    }
}

void bufq_push_slice(struct bufq *q, struct slice s)
{
    bufq_push(q, s.ptr, s.len);
}

void bufq_push_str(struct bufq *q, const char *s)
{
    bufq_push(q, s, strlen(s));
}

uint8_t *bufq_reserve(struct bufq *q, size_t min, size_t *room_out)
{
    ASSERT(min > 0 && min <= CHUNK_LARGE_BYTES);
    if (tail_room(q) < min) {
        append_node(q, chunk_get(min <= CHUNK_SMALL_BYTES ? CHUNK_SMALL : CHUNK_LARGE), 0, 0);
    }
    *room_out = tail_room(q);
    return node_bytes(q->tail) + q->tail->len;
}

static void drop_empty_tail(struct bufq *q)
{
    struct bufq_node *before = NULL;

    if (q->head == q->tail) {
        drop_head(q);
        return;
    }
    for (before = q->head; before->next != q->tail;) {
        before = before->next;
    }
    chunk_unref(q->tail->chunk);
    mem_pool_put(&nodes, q->tail);
    before->next = NULL;
    q->tail = before;
}

void bufq_commit(struct bufq *q, size_t n)
{
    ASSERT(q->tail && n <= tail_room(q));
    q->tail->len += (uint32_t)n;
    q->tail->chunk->used += (uint32_t)n;
    q->bytes += n;
    if (q->tail->len == 0) {
        drop_empty_tail(q);
    }
}

/* Appends a piece of a chunk: into the tail's own memory when small, else by reference. */
static void append_piece(struct bufq *q, struct chunk *c, uint32_t offset, uint32_t len)
{
    if (len < BUFQ_SHARE_MIN) {
        bufq_push(q, c->bytes + offset, len);
        return;
    }
    struct bufq_node *t = q->tail;
    if (t && t->chunk == c && t->offset + t->len == offset) {
        t->len += len;
        q->bytes += len;
        return;
    }
    c->refs++;
    append_node(q, c, offset, len);
}

static void hand_over_head(struct bufq *to, struct bufq *from)
{
    struct bufq_node *n = from->head;

    from->head = n->next;
    if (!from->head) {
        from->tail = NULL;
    }
    from->bytes -= n->len;
    n->next = NULL;
    if (to->tail) {
        to->tail->next = n;
    } else {
        to->head = n;
    }
    to->tail = n;
    to->bytes += n->len;
}

size_t bufq_move(struct bufq *to, struct bufq *from, size_t max)
{
    size_t moved = 0;

    while (from->head && from->head->len <= max - moved) {
        moved += from->head->len;
        hand_over_head(to, from);
    }
    if (from->head && moved < max) {
        uint32_t part = (uint32_t)(max - moved);
        append_piece(to, from->head->chunk, from->head->offset, part);
        bufq_drop(from, part);
        moved = max;
    }
    return moved;
}

size_t bufq_pack(struct bufq *to, struct bufq *from, size_t max)
{
    size_t moved = 0;

    while (from->head && moved < max) {
        uint32_t part = min_u32(from->head->len, max - moved);
        if (part == from->head->len && part >= BUFQ_SHARE_MIN) {
            hand_over_head(to, from);
        } else {
            append_piece(to, from->head->chunk, from->head->offset, part);
            bufq_drop(from, part);
        }
        moved += part;
    }
    return moved;
}

void bufq_drop(struct bufq *q, size_t n)
{
    ASSERT(n <= q->bytes);
    while (n > 0 && q->head->len <= n) {
        n -= q->head->len;
        drop_head(q);
    }
    if (n > 0) {
        q->head->offset += (uint32_t)n;
        q->head->len -= (uint32_t)n;
        q->bytes -= n;
    }
}

struct slice bufq_front(const struct bufq *q)
{
    return q->head ? slice_of(node_bytes(q->head), q->head->len) : SLICE_NONE;
}

struct slice bufq_pullup(struct bufq *q, size_t n)
{
    ASSERT(n <= q->bytes && n <= CHUNK_LARGE_BYTES);
    if (n == 0) {
        return SLICE_NONE;
    }
    if (q->head->len < n) {
        struct bufq whole = {0};
        size_t room;
        bufq_peek(q, bufq_reserve(&whole, n, &room), n);
        bufq_commit(&whole, n);
        bufq_drop(q, n);
        bufq_move(&whole, q, q->bytes);
        *q = whole;
    }
    return slice_of(node_bytes(q->head), n);
}

uint8_t *bufq_pullup_own(struct bufq *q, size_t n)
{
    ASSERT(n > 0);
    (void)bufq_pullup(q, n);
    return node_bytes(q->head);
}

void bufq_peek(const struct bufq *q, void *out, size_t n)
{
    uint8_t *to = out;

    ASSERT(n <= q->bytes);
    for (const struct bufq_node *node = q->head; n > 0; node = node->next) {
        uint32_t part = min_u32(node->len, n);
        memcpy(to, node_bytes(node), part);
        to += part;
        n -= part;
    }
}

int bufq_iov(const struct bufq *q, struct iovec *iov, int max)
{
    int count = 0;

    for (const struct bufq_node *node = q->head; node && count < max; node = node->next) {
        iov[count++] = (struct iovec){.iov_base = node_bytes(node), .iov_len = node->len};
    }
    return count;
}

void bufq_share(struct bufq *to, const struct bufq *q, struct bufq_mark *mark, size_t n)
{
    if (!mark->node) {
        mark->node = q->head;
        mark->offset = 0;
    }
    while (n > 0) {
        ASSERT(mark->node);
        uint32_t part = min_u32(mark->node->len - mark->offset, n);
        if (part == 0) {
            mark->node = mark->node->next;
            mark->offset = 0;
            continue;
        }
        append_piece(to, mark->node->chunk, mark->node->offset + mark->offset, part);
        mark->offset += part;
        n -= part;
    }
}

struct slice bufq_walk(const struct bufq *q, struct bufq_mark *mark)
{
    if (!mark->node) {
        mark->node = q->head;
        mark->offset = 0;
    }
    while (mark->node && mark->offset == mark->node->len && mark->node->next) {
        mark->node = mark->node->next;
        mark->offset = 0;
    }
    if (!mark->node) {
        return SLICE_NONE;
    }
    struct slice piece =
        slice_of(node_bytes(mark->node) + mark->offset, mark->node->len - mark->offset);
    mark->offset = mark->node->len;
    return piece;
}

void bufq_drop_marked(struct bufq *q, struct bufq_mark *mark, size_t n)
{
    ASSERT(n <= q->bytes);
    while (n > 0 && q->head->len <= n) {
        n -= q->head->len;
        if (mark->node == q->head) {
            *mark = (struct bufq_mark){0};
        }
        drop_head(q);
    }
    if (n == 0) {
        return;
    }
    if (mark->node == q->head) {
        ASSERT(mark->offset >= n);
        mark->offset -= (uint32_t)n;
    }
    bufq_drop(q, n);
}

/* ---- to other threads ---- */

bool bufq_pop_piece(struct bufq *q, struct bufq_piece *out)
{
    struct bufq_node *n = q->head;

    if (!n) {
        return false;
    }
    struct chunk *c = n->chunk;
    if (c->refs > 1 || (n->len < BUFQ_SHARE_MIN && c->cap > CHUNK_SMALL_BYTES)) {
        c = chunk_get(n->len <= CHUNK_SMALL_BYTES ? CHUNK_SMALL : CHUNK_LARGE);
        memcpy(c->bytes, node_bytes(n), n->len);
        c->used = n->len;
        *out = (struct bufq_piece){c, 0, n->len};
    } else {
        c->refs++; /* outlives its node */
        *out = (struct bufq_piece){c, n->offset, n->len};
    }
    drop_head(q);
    stats.in_use--;
    stats.bytes_in_use -= c->cap;
    return true;
}

void bufq_push_piece(struct bufq *q, const struct bufq_piece *piece_take)
{
    stats.in_use++;
    stats.bytes_in_use += piece_take->chunk->cap;
    append_node(q, piece_take->chunk, piece_take->offset, piece_take->len);
}

void bufq_piece_free(const struct bufq_piece *piece_take)
{
    mem_free(piece_take->chunk);
}
