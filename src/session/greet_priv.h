/* What both sides of the greeting share: a stream that is read frame by frame, and the proof of a
 * resume. Private to greet_*.c. */
#pragma once
#include "net/loop.h"
#include "net/stream.h"
#include "session/link.h"
#include "wire/link_hello.h"
#include "wire/mux_frame.h"

enum { GREET_ROWS_MAX_BYTES = 2 * 1024 * 1024 }; /* of a resume's table */

/* A frame is here; negative: the greeting failed. The callback may hand the stream over. */
typedef int greet_frame_fn(void *ctx, const struct frame_header *h, struct slice payload,
                           struct errinfo *why);
typedef void greet_failed_fn(void *ctx, int err, const struct errinfo *why);

struct greet_io {
    struct loop *loop;
    struct stream *stream;
    struct bufq in;
    struct bufq out; /* more than the stream has room for: a large table */
    struct timer timer;
    struct task again; /* frames that were read already wait for the user's answer */
    bool has_magic;
    bool is_paused;
    bool is_gone; /* handed over, closed or failed: stop working through `in` */
    greet_frame_fn *on_frame;
    greet_failed_fn *on_failed;
    void *ctx;
};

void greet_io_init(struct greet_io *io, struct stream *stream_take, struct bufq *leftover_take,
                   uint64_t limit_ms, greet_frame_fn *on_frame, greet_failed_fn *on_failed,
                   void *ctx);
void greet_io_deinit(struct greet_io *io);

/* Writes all of `out`, keeping what does not fit until there is room. A dead stream is told by its
 * next event. */
void greet_io_send(struct greet_io *io, struct bufq *out);

/* No frames while paused. */
void greet_io_pause(struct greet_io *io, bool is_paused);

/* Gives the carrier up to the caller: the stream, what was read behind the last frame, and what
 * has not been written. */
struct greeted greet_io_take(struct greet_io *io);

/* Key material of the stream's TLS; its length, 0: it has none. */
size_t greet_exporter(const struct stream *s, struct slice label, uint8_t out[LINK_EXPORTER_BYTES]);

/* What a proof is made of (docs/protocol.md "Proof"), bound to the stream's TLS if it has it. */
size_t greet_proof_input(const struct stream *stream, const uint8_t relay_nonce[LINK_NONCE_BYTES],
                         const struct link_session_id *session, uint64_t epoch,
                         uint8_t out[LINK_PROOF_INPUT_MAX]);
