/* Joins two streams: what one receives, the other sends, until both directions have ended.
 *
 *  - Nothing is copied and nothing piles up: a side is read only while the other has room.
 *  - EOF of one side becomes shutdown of the other. Where that is not possible, what has arrived
 *    is sent and both are closed.
 *  - A reset or a truncation of one side becomes a reset of the other, after what had come before
 *    it: never a clean end, and with the same reason. A side that ended properly before it broke
 *    has said all it had to say: the other is then closed in order.
 *  - At most STREAM_ROUND_BYTES a round and direction.
 *
 * An idle pump owns no chunk.
 */
#pragma once
#include "net/stream.h"

enum pump_side { PUMP_A, PUMP_B };

struct pump_result {
    int err;             /* 0: both directions ended properly */
    enum pump_side side; /* if not: the side that failed */
    uint64_t bytes[2];   /* that came from A and from B */
};

/* Both streams are closed already, and the pump is gone. From the ready phase. */
typedef void pump_done_fn(void *ctx, const struct pump_result *result);

struct pump;

/* Takes the streams, and the bytes that were already read from them (may be NULL). */
struct pump *pump_start(struct stream *a_take, struct stream *b_take, struct bufq *from_a_take,
                        struct bufq *from_b_take, pump_done_fn *done, void *ctx);

/* Resets both sides; nobody is told. Accepts NULL inside. */
void pump_abort(struct pump **p);

/* Bytes that came from that side so far. */
uint64_t pump_bytes(const struct pump *p, enum pump_side side);

/* That side has ended: nothing more comes from it. */
bool pump_has_ended(const struct pump *p, enum pump_side side);
