/* One direction of an exchange: body bytes from one stream to another, within back-pressure.
 *
 * As net/pump, with what an exchange needs besides: the two directions end on their own, the end
 * of a body is not the end of its stream (trailers follow), and the first bytes of a request can
 * be kept, by reference, to be sent once more on another stream.
 *
 * The flow asks for the events it waits for (READABLE of from, WRITABLE of to); the owner calls
 * body_flow_move when they come. Zeroed memory is a flow that was not begun.
 */
#pragma once
#include "net/stream.h"

enum { BODY_KEPT_BYTES = 64 * 1024 };

struct body_flow {
    struct stream *from;
    struct stream *to;
    struct bufq held;      /* read, not yet taken by `to` */
    struct bufq kept;      /* everything read so far */
    struct bufq_mark mark; /* of kept: what lies before it was given to `to` */
    uint64_t bytes;        /* read so far */
    bool is_keeping;
    bool has_ended; /* `from` said EOF */
};

enum body_moved {
    BODY_WAITS,       /* for an event; interest is set */
    BODY_DONE,        /* the end came, and `to` has taken everything before it */
    BODY_FROM_FAILED, /* *err_out says how */
    BODY_TO_FAILED,
};

/* keeps: the first BODY_KEPT_BYTES are kept; more than that, and nothing is. `to` may still be
 * unknown (NULL) until body_flow_replay. */
void body_flow_begin(struct body_flow *f, struct stream *from, struct stream *to, bool keeps);

enum body_moved body_flow_move(struct body_flow *f, int *err_out);

/* Everything read so far can be sent again. */
bool body_flow_can_replay(const struct body_flow *f);

/* (Again) from the beginning, to that stream. */
void body_flow_replay(struct body_flow *f, struct stream *to);

/* What was kept is not needed any more. */
void body_flow_forget(struct body_flow *f);

/* Nothing more is passed; both streams are told that nobody waits. */
void body_flow_stop(struct body_flow *f);

/* Drops what is held. The streams may be gone already. */
void body_flow_deinit(struct body_flow *f);
