#include "session/link_stream.h"

#include "base/bufq.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "session/link.h"
#include "wire/reset_code.h"

struct link_stream {
    struct stream base;
    struct mux_stream *mux; /* NULL: reset; the engine may be gone */
    bool is_stopped;        /* the peer reads no more */
    bool has_ended;         /* and sends no more: its end was read */
};

enum { LINK_STREAM_SPARES_MAX = 256 };

static _Thread_local struct mem_pool pool = MEM_POOL(struct link_stream, LINK_STREAM_SPARES_MAX);

static struct link_stream *self(const struct stream *s)
{
    return CONTAINER_OF(s, struct link_stream, base);
}

static void on_free(struct stream *s)
{
    metric_add(METRIC_STREAMS_OPEN, -1);
    mem_pool_put(&pool, self(s));
}

/* A peer that has ended and reads no more has let go: nothing is left to wait for. */
static void tell_if_let_go(struct link_stream *ls)
{
    if (ls->is_stopped && ls->has_ended) {
        stream_raise(&ls->base, STREAM_BROKEN);
    }
}

static int on_read(struct stream *s, struct bufq *into, size_t max)
{
    struct link_stream *ls = self(s);
    size_t had = into->bytes;
    int err = ls->mux ? mux_stream_read(ls->mux, into, max) : ERR_RESET;

    metric_add(METRIC_STREAM_BYTES_IN, (int64_t)(into->bytes - had));
    if (err == ERR_EOF && !ls->has_ended) {
        ls->has_ended = true;
        tell_if_let_go(ls);
    }
    return err;
}

static int on_write(struct stream *s, struct bufq *from)
{
    size_t had = from->bytes;
    int err = self(s)->mux ? mux_stream_write(self(s)->mux, from) : ERR_RESET;

    metric_add(METRIC_STREAM_BYTES_OUT, (int64_t)(had - from->bytes));
    return err;
}

static size_t on_room(const struct stream *s)
{
    return self(s)->mux ? mux_stream_room(self(s)->mux) : STREAM_TX_BYTES;
}

static int on_shutdown(struct stream *s)
{
    if (!self(s)->mux) {
        return ERR_RESET;
    }
    mux_stream_finish(self(s)->mux);
    return 0;
}

/* Input is asked for by stream.c and told by the engine; so is room, if the engine knows that
 * somebody waits for it. */
static void on_want(struct stream *s, unsigned added, unsigned removed)
{
    (void)removed;
    if (self(s)->mux && (added & STREAM_WRITABLE)) {
        mux_stream_want_room(self(s)->mux);
    }
}

static bool on_has_input(const struct stream *s)
{
    return !self(s)->mux || mux_stream_has_input(self(s)->mux);
}

/* The link flushes for all its streams. */
static void on_flush(struct stream *s)
{
    (void)s;
}

static void on_close(struct stream *s, bool is_abort)
{
    struct link_stream *ls = self(s);

    if (ls->mux && is_abort) {
        metric_add(METRIC_STREAMS_RESET, 1);
        mux_stream_reset(ls->mux, s->reset_code ? s->reset_code : RESET_CANCEL);
    } else if (ls->mux) {
        mux_stream_finish(ls->mux);
    }
    mux_stream_release(&ls->mux);
    stream_free_soon(s);
}

static void on_facts(const struct stream *s, struct stream_facts *out)
{
    (void)s;
    out->transport = "link";
    out->can_half_close = true;
    out->eof_is_authentic = true;
}

static const struct stream_ops ops = {
    .read = on_read,
    .write = on_write,
    .room = on_room,
    .shutdown = on_shutdown,
    .want = on_want,
    .has_input = on_has_input,
    .flush = on_flush,
    .close = on_close,
    .facts = on_facts,
    .free = on_free,
};

struct stream *link_stream_new(struct loop *loop, struct mux_stream *mux_stream_take)
{
    struct link_stream *ls = mem_pool_get(&pool);

    stream_init(&ls->base, &ops, loop, LINK_STREAM_LEVEL);
    ls->mux = mux_stream_take;
    mux_stream_set_user(ls->mux, ls);
    metric_add(METRIC_STREAMS_OPENED, 1);
    metric_add(METRIC_STREAMS_OPEN, 1);
    return &ls->base;
}

struct mux_stream *link_stream_mux(struct stream *s)
{
    return s->ops == &ops ? self(s)->mux : NULL;
}

static void raise(struct mux_stream *ms, unsigned events)
{
    struct link_stream *ls = mux_stream_user(ms);

    if (ls) {
        stream_raise(&ls->base, events);
    }
}

void link_stream_on_readable(void *ctx, struct mux_stream *ms)
{
    (void)ctx;
    raise(ms, STREAM_READABLE);
}

void link_stream_on_writable(void *ctx, struct mux_stream *ms)
{
    (void)ctx;
    raise(ms, STREAM_WRITABLE);
}

/* The next write says ERR_CLOSED. */
void link_stream_on_stop(void *ctx, struct mux_stream *ms, uint16_t code)
{
    struct link_stream *ls = mux_stream_user(ms);

    (void)ctx;
    (void)code;
    if (ls) {
        ls->is_stopped = true;
        stream_raise(&ls->base, STREAM_WRITABLE);
        tell_if_let_go(ls);
    }
}

/* The engine may be freed before our user has closed: the stream is let go at once. */
void link_stream_on_reset(void *ctx, struct mux_stream *ms, uint16_t code)
{
    struct link_stream *ls = mux_stream_user(ms);

    (void)ctx;
    if (ls) {
        metric_add(METRIC_STREAMS_RESET, 1);
        ls->base.reset_code = code;
        mux_stream_release(&ls->mux);
        stream_raise(&ls->base, STREAM_READABLE | STREAM_WRITABLE | STREAM_BROKEN);
    }
}
