#include "net/stream.h"

#include "base/mem.h"
#include "wire/reset_code.h"

static struct stream *of_task(struct task *t)
{
    return CONTAINER_OF(t, struct stream, ready);
}

static struct stream *of_flusher(struct flusher *f)
{
    return CONTAINER_OF(f, struct stream, flusher);
}

/* A stream that holds input stays on the ready list while somebody wants it. */
static void raise_what_is_there(struct stream *s)
{
    unsigned there = 0;

    if ((s->wanted & STREAM_READABLE) && s->ops->has_input(s)) {
        there |= STREAM_READABLE;
    }
    if ((s->wanted & STREAM_WRITABLE) && s->ops->room(s) > 0) {
        there |= STREAM_WRITABLE;
    }
    if (there) {
        stream_raise(s, there);
    }
}

static void tell_user(struct stream *s)
{
    unsigned events = s->pending & (s->wanted | STREAM_BROKEN);

    s->pending = 0;
    if (!events || !s->on_ready) {
        return;
    }
    s->wanted &= (uint8_t) ~(events & STREAM_WRITABLE);
    s->on_ready(s->ctx, s, events);
    if (s->on_ready) { /* not closed meanwhile; closed streams are buried after the turn */
        raise_what_is_there(s);
    }
}

static void run_ready(struct task *t)
{
    struct stream *s = of_task(t);

    if (s->pending == 0) {
        raise_what_is_there(s);
    }
    if (s->pending) {
        tell_user(s);
    }
}

static void run_flush(struct flusher *f)
{
    struct stream *s = of_flusher(f);
    s->ops->flush(s);
}

void stream_init(struct stream *s, const struct stream_ops *ops, struct loop *loop, uint8_t level)
{
    ASSERT(level < LOOP_LEVELS);
    *s = (struct stream){.ops = ops, .loop = loop, .level = level};
    s->ready.run = run_ready;
    s->flusher.flush = run_flush;
}

void stream_deinit(struct stream *s)
{
    loop_unschedule(&s->ready);
    loop_unmark_dirty(&s->flusher);
    s->on_ready = NULL;
}

static void free_stream(struct grave *grave)
{
    struct stream *s = CONTAINER_OF(grave, struct stream, grave);
    s->ops->free(s);
}

void stream_free_soon(struct stream *s)
{
    stream_deinit(s);
    loop_bury(s->loop, &s->grave, free_stream);
}

void stream_raise(struct stream *s, unsigned events)
{
    events &= s->wanted | STREAM_BROKEN;
    if (events && s->on_ready) {
        s->pending |= (uint8_t)events;
        loop_schedule(s->loop, &s->ready);
    }
}

void stream_tell(struct stream *s)
{
    if (s->pending) {
        loop_unschedule(&s->ready);
        tell_user(s);
    }
}

void stream_mark_dirty(struct stream *s)
{
    loop_mark_dirty(s->loop, &s->flusher, s->level);
}

void stream_set_user(struct stream *s, stream_ready_fn *on_ready, void *ctx)
{
    stream_unwant(s, STREAM_READABLE | STREAM_WRITABLE);
    s->on_ready = on_ready;
    s->ctx = ctx;
}

void stream_want(struct stream *s, unsigned events)
{
    unsigned added = events & ~(unsigned)s->wanted;

    s->wanted |= (uint8_t)events;
    if (added) {
        s->ops->want(s, added, 0);
        raise_what_is_there(s);
    }
}

void stream_unwant(struct stream *s, unsigned events)
{
    unsigned removed = events & s->wanted;

    s->wanted &= (uint8_t)~events;
    s->pending &= (uint8_t)~events;
    if (removed) {
        s->ops->want(s, 0, removed);
    }
}

int stream_read(struct stream *s, struct bufq *into, size_t max)
{
    return s->ops->read(s, into, max);
}

int stream_write(struct stream *s, struct bufq *from)
{
    return bufq_is_empty(from) ? 0 : s->ops->write(s, from);
}

size_t stream_room(const struct stream *s)
{
    return s->ops->room(s);
}

int stream_write_bytes(struct stream *s, const void *bytes, size_t n)
{
    struct bufq copy = {0};

    if (stream_room(s) < n) {
        return ERR_AGAIN;
    }
    bufq_push(&copy, bytes, n);
    int err = stream_write(s, &copy);
    bufq_clear(&copy);
    return err;
}

int stream_shutdown(struct stream *s)
{
    return s->ops->shutdown(s);
}

static void give_up(struct stream **s, bool is_abort)
{
    struct stream *gone = *s;

    *s = NULL;
    if (gone) {
        gone->on_ready = NULL;
        gone->wanted = 0;
        gone->pending = 0;
        loop_unschedule(&gone->ready);
        gone->ops->close(gone, is_abort);
    }
}

void stream_close(struct stream **s)
{
    give_up(s, false);
}

void stream_abort(struct stream **s)
{
    give_up(s, true);
}

void stream_reset(struct stream **s, uint16_t code)
{
    if (*s) {
        (*s)->reset_code = code;
    }
    stream_abort(s);
}

void stream_refuse(struct stream **s)
{
    if (*s) {
        (*s)->reset_code = RESET_PROTOCOL;
    }
    stream_close(s);
}

void stream_facts(const struct stream *s, struct stream_facts *out)
{
    *out = (struct stream_facts){0};
    s->ops->facts(s, out);
}
