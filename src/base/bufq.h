/* All bytes in flight: queues of pieces of reference-counted chunks.
 *
 *      bufq --> node --> node --> node           a node is (chunk, offset, length)
 *                 |        |        |
 *               chunk A  chunk A  chunk B        chunks come from this thread's pool
 *
 * Bytes move between queues without being copied when that pays: pieces of BUFQ_SHARE_MIN and
 * more are shared by reference, smaller ones are copied into the tail of the queue, so that a slow
 * reader of few bytes never pins a large chunk. A chunk's bytes do not change once they are in a
 * queue (but see bufq_pullup_own); new bytes go only behind the last used one, by the queue whose
 * tail that is.
 *
 * An empty queue owns nothing. Queues and chunks belong to one thread. Zeroed memory is an empty
 * queue.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/slice.h"

enum {
    CHUNK_LARGE_BYTES = 65520, /* room in a large chunk: one full mux frame less its header */
    CHUNK_SMALL_BYTES = 4064,
    BUFQ_SHARE_MIN = 4096, /* shorter pieces are copied */
};

struct bufq_node;
struct chunk;

struct bufq {
    struct bufq_node *head;
    struct bufq_node *tail;
    size_t bytes;
};

static inline bool bufq_is_empty(const struct bufq *q)
{
    return q->bytes == 0;
}

/* Drops everything. */
void bufq_clear(struct bufq *q);

/* Appends a copy. */
void bufq_push(struct bufq *q, const void *bytes, size_t n);
void bufq_push_slice(struct bufq *q, struct slice s);
void bufq_push_str(struct bufq *q, const char *s);

/* Room for at least `min` bytes behind the tail (min <= CHUNK_LARGE_BYTES), to be filled by recv,
 * a cipher or an encoder; *room_out says how much there is. bufq_commit makes the first n of them
 * part of the queue. Nothing else may touch the queue in between; commit(0) is allowed and
 * required when nothing was filled. */
uint8_t *bufq_reserve(struct bufq *q, size_t min, size_t *room_out);
void bufq_commit(struct bufq *q, size_t n);

/* Moves up to max bytes from the front of `from` to the end of `to`; returns how many. Nodes are
 * handed over, nothing is copied: for a queue that goes on as a whole. */
size_t bufq_move(struct bufq *to, struct bufq *from, size_t max);

/* The same with small pieces copied: for a queue that may wait long. */
size_t bufq_pack(struct bufq *to, struct bufq *from, size_t max);

/* Drops n bytes (n <= bytes) from the front. */
void bufq_drop(struct bufq *q, size_t n);

/* The first contiguous piece; SLICE_NONE when empty. */
struct slice bufq_front(const struct bufq *q);

/* The first n bytes (n <= bytes, n <= CHUNK_LARGE_BYTES) in one piece, copied together if they are
 * not. The view lives until the next change of the queue. */
struct slice bufq_pullup(struct bufq *q, size_t n);

/* The same for who may change these bytes, for they are in no other queue: a cipher that works in
 * place on what came from a socket. */
uint8_t *bufq_pullup_own(struct bufq *q, size_t n);

/* Copies the first n bytes (n <= bytes) out, leaving them in the queue. */
void bufq_peek(const struct bufq *q, void *out, size_t n);

/* Fills up to max vectors from the front for writev; returns their number. */
int bufq_iov(const struct bufq *q, struct iovec *iov, int max);

/* A place in a queue that only grows at its tail and is dropped at its front: how far a sender has
 * come in what it must keep. Zeroed: the front. */
struct bufq_mark {
    struct bufq_node *node;
    uint32_t offset; /* bytes of node already passed */
};

/* Appends n bytes of q from the mark to `to` (large pieces by reference) and moves the mark. The
 * caller knows that n bytes lie behind it. */
void bufq_share(struct bufq *to, const struct bufq *q, struct bufq_mark *mark, size_t n);

/* The contiguous piece behind the mark, and the mark moved over it; empty: nothing new. For who
 * looks at each byte once while the queue grows. */
struct slice bufq_walk(const struct bufq *q, struct bufq_mark *mark);

/* bufq_drop for a queue with a mark, which must not lie before the dropped part's end. */
void bufq_drop_marked(struct bufq *q, struct bufq_mark *mark, size_t n);

/* A piece on its way to another thread: memory of its own, in no queue and in nobody's count. */
struct bufq_piece {
    struct chunk *chunk;
    uint32_t offset;
    uint32_t len;
};

/* Takes the first piece out of a queue of this thread (false: it is empty). Whole chunks cross as
 * they are; what shares its chunk with others, or is small, is copied. */
bool bufq_pop_piece(struct bufq *q, struct bufq_piece *out);

/* Appends it to a queue of this thread, which owns it from now on. */
void bufq_push_piece(struct bufq *q, const struct bufq_piece *piece_take);

/* Nobody wants it; from any thread. */
void bufq_piece_free(const struct bufq_piece *piece_take);

/* Chunks of this thread: handed out now, and their bytes. Both are 0 when nothing is in flight. */
struct chunk_stats {
    size_t in_use;
    size_t bytes_in_use;
    size_t spares;
};
struct chunk_stats chunk_stats(void);

/* Frees this thread's spare chunks and nodes (thread end, tests). */
void chunk_drain_spares(void);
