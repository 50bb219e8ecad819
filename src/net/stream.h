/* The seam everything hangs on: one ordered two-way flow of bytes.
 *
 * TCP, TLS over any stream, WebSocket over any stream, one stream of a mux: all are streams, so
 * they stack. A stream moves reference-counted chunks (base/bufq.h), not bytes.
 *
 * Rules every stream keeps and every user may rely on:
 *  - on_ready is called by the loop, in the ready phase, never from inside a call of the user.
 *  - write queues; what is queued is flushed once, at the end of the round. Only a socket that has
 *    STREAM_TX_BYTES together sends at once.
 *  - A stream that still holds bytes for its reader raises READABLE again by itself, round after
 *    round, while its user wants it; nothing depends on the kernel telling twice. A user should
 *    read at most STREAM_ROUND_BYTES a round and return.
 *  - Back-pressure is part of the seam: write takes no more than there is room for.
 *  - After stream_close or stream_abort there is no further call to the user, and the pointer is
 *    dead; bytes that were written before stream_close still go out, in the background.
 *
 * All on the loop's thread.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bufq.h"
#include "base/err.h"
#include "net/loop.h"

enum {
    STREAM_ROUND_BYTES = 256 * 1024, /* at most this much per stream and round */
    STREAM_TX_BYTES = 64 * 1024,     /* a layer takes writes while it holds less than this */
    STREAM_LINGER_MS = 10 * 1000,    /* after close: longest wait without progress */
};

enum stream_events {
    STREAM_READABLE = 1, /* read will not say AGAIN: bytes, EOF or a failure */
    STREAM_WRITABLE = 2, /* there is room again */
    STREAM_BROKEN = 4,   /* dead in both directions; told once, whatever the user wants. What had
                            arrived before may still be read; read then gives the error */
};

struct stream;

struct stream_facts {
    const char *transport;          /* "tcp", "tls", "ws", "mux": the outermost layer */
    struct slice alpn;              /* empty: none; valid as long as the stream */
    struct slice server_name;       /* SNI */
    bool is_encrypted;              /* some layer is TLS */
    const struct stream *socket;    /* the lowest layer, for tcp.h; NULL: no socket */
    const struct stream *tls_layer; /* the outermost TLS, for its own questions; NULL: none */
    bool can_half_close;            /* shutdown ends our direction only */
    bool eof_is_authentic;          /* EOF cannot be forged by cutting the connection */
};

struct stream_ops {
    /* See stream_read ... stream_facts below; each layer implements them all. */
    int (*read)(struct stream *s, struct bufq *into, size_t max);
    int (*write)(struct stream *s, struct bufq *from);
    size_t (*room)(const struct stream *s);
    int (*shutdown)(struct stream *s);
    void (*want)(struct stream *s, unsigned added, unsigned removed); /* interest changed */
    bool (*has_input)(const struct stream *s); /* read would yield something without the kernel */
    void (*flush)(struct stream *s);
    void (*close)(struct stream *s, bool is_abort);
    void (*facts)(const struct stream *s, struct stream_facts *out);
    void (*free)(struct stream *s); /* of what uses stream_free_soon */
};

typedef void stream_ready_fn(void *ctx, struct stream *s, unsigned events);

/* First member of every implementation. Fields are the implementations' and stream.c's. */
struct stream {
    const struct stream_ops *ops;
    struct loop *loop;
    stream_ready_fn *on_ready;
    void *ctx;
    union {
        struct task ready;
        struct grave grave; /* after stream_free_soon */
    };
    struct flusher flusher;
    uint8_t level;
    uint8_t wanted;      /* events the user waits for */
    uint8_t pending;     /* events not yet told */
    uint16_t reset_code; /* why it was reset, see below */
};

/* ---- for users ---- */

/* Who is told; may change at any time (a layer is put over the stream, a sniffer hands it on).
 * Interest is dropped: the new user says what it wants. */
void stream_set_user(struct stream *s, stream_ready_fn *on_ready, void *ctx);

/* Waits for / no longer waits for READABLE and WRITABLE. READABLE stays until it is removed;
 * WRITABLE is told once and then removed by itself. */
void stream_want(struct stream *s, unsigned events);
void stream_unwant(struct stream *s, unsigned events);

/* Appends up to max bytes to `into`. 0: at least one came. ERR_AGAIN: nothing now. ERR_EOF: the
 * peer ended properly (half: writing may go on). ERR_TRUNCATED, ERR_RESET, ...: lost. */
MUST_USE int stream_read(struct stream *s, struct bufq *into, size_t max);

/* Takes bytes from the front of `from`. 0: all taken. ERR_AGAIN: the rest stays in `from`; want
 * WRITABLE. Others: the stream is dead. */
MUST_USE int stream_write(struct stream *s, struct bufq *from);

/* Bytes write would take now. A stream whose own direction alone was ended by the peer says that
 * it has room, so that who waits for room writes and hears why not. */
size_t stream_room(const struct stream *s);

/* Copying helpers: all or nothing (ERR_AGAIN when there is no room for all). */
MUST_USE int stream_write_bytes(struct stream *s, const void *bytes, size_t n);

/* Ends our direction after what was written. ERR_UNSUPPORTED where a layer has no half-close:
 * then finish writing and close. */
MUST_USE int stream_shutdown(struct stream *s);

/* Gives the stream up: close sends what was written and ends properly, abort resets at once.
 * Both null the pointer; accept NULL inside. */
void stream_close(struct stream **s);
void stream_abort(struct stream **s);

/* Aborts and tells the peer why (enum reset_code), where the layer can; else as stream_abort. */
void stream_reset(struct stream **s, uint16_t code);

/* Closes, and tells the peer that it broke the rules of what goes through here, where the layer
 * can. What was written goes out before. */
void stream_refuse(struct stream **s);

/* Why the peer reset it; RESET_NONE: it did not, or the layer cannot tell. */
static inline uint16_t stream_reset_code(const struct stream *s)
{
    return s->reset_code;
}

void stream_facts(const struct stream *s, struct stream_facts *out);

/* ---- for implementations ---- */

/* level: 0 for a socket, one above the lower stream otherwise. */
void stream_init(struct stream *s, const struct stream_ops *ops, struct loop *loop, uint8_t level);
static inline uint8_t stream_level(const struct stream *s)
{
    return s->level;
}

/* Notes events for the user; they are told in the ready phase, if wanted. READABLE and WRITABLE
 * that are not wanted are forgotten (want asks has_input and room again). */
void stream_raise(struct stream *s, unsigned events);

/* Tells the user at once what was raised, instead of in the next round. Only for a layer that is
 * being told itself, as the last thing it does: the user may close the stream. */
void stream_tell(struct stream *s);

/* Asks for flush() at the end of this round. */
void stream_mark_dirty(struct stream *s);

/* Takes the stream off the loop's lists; call before freeing it (through loop_bury). */
void stream_deinit(struct stream *s);

/* stream_deinit, and ops->free at the end of the turn: for a stream without a grave of its own. */
void stream_free_soon(struct stream *s);
