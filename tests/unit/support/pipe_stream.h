/* Two connected streams in memory, on one loop: what tests put their layers over.
 *
 * Follows net/stream.h to the letter and is as nasty as asked for: gives a byte at a time, is
 * late, is narrow, has no half-close, is cut. With zeroed options it is a plain, fast pipe.
 * Bytes travel at flush, so what is written in a turn arrives in the next.
 */
#pragma once
#include "net/stream.h"

struct pipe_options {
    size_t read_max;    /* bytes a reader gets per turn; 0: no limit */
    size_t room;        /* bytes in flight per direction; 0: STREAM_TX_BYTES */
    uint64_t delay_ms;  /* on the way */
    bool no_half_close; /* shutdown says ERR_UNSUPPORTED */
    bool is_authentic;  /* the fact eof_is_authentic */
};

void pipe_open(struct loop *loop, const struct pipe_options *options, struct stream **a_out,
               struct stream **b_out);

/* The wire breaks: bytes on the way are lost; what has arrived can still be read, then both ends
 * get err (ERR_RESET, ERR_TRUNCATED, ...), at once told as BROKEN. */
void pipe_cut(struct stream *end, int err);

/* Nothing passes towards `end` any more, or again; nobody is told. */
void pipe_stall(struct stream *end, bool is_stalled);

/* Bytes that `end` has sent so far. */
uint64_t pipe_sent(const struct stream *end);
