#include "support/stream_end.h"

enum { PATIENCE_MS = 5000 };

static void write_more(struct stream_end *e)
{
    if (bufq_is_empty(&e->out)) {
        return;
    }
    if (stream_write(e->stream, &e->out) == ERR_AGAIN) {
        stream_want(e->stream, STREAM_WRITABLE);
    } else if (e->shuts && bufq_is_empty(&e->out)) {
        ASSERT(stream_shutdown(e->stream) == 0);
    }
}

static void read_more(struct stream_end *e)
{
    size_t before = e->in.bytes;
    int err = stream_read(e->stream, &e->in, e->read_max ? e->read_max : STREAM_ROUND_BYTES);

    e->received += e->in.bytes - before;
    if (err == ERR_AGAIN) {
        e->has_false_alarm = true;
    } else if (err < 0) {
        e->end = err;
        stream_unwant(e->stream, STREAM_READABLE);
    }
}

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    struct stream_end *e = ctx;

    (void)s;
    if (events & STREAM_BROKEN) {
        ASSERT(!e->is_broken); /* told once */
        e->is_broken = true;
    }
    if (events & STREAM_READABLE) {
        read_more(e);
    }
    if (events & STREAM_WRITABLE) {
        write_more(e);
    }
}

void stream_end_init(struct stream_end *e, struct stream *s)
{
    *e = (struct stream_end){.stream = s};
    stream_set_user(s, on_ready, e);
    stream_want(s, STREAM_READABLE);
}

void stream_end_send(struct stream_end *e, const void *bytes, size_t n)
{
    bufq_push(&e->out, bytes, n);
    write_more(e);
}

void stream_end_close(struct stream_end *e)
{
    stream_close(&e->stream);
    bufq_clear(&e->in);
    bufq_clear(&e->out);
}

bool run_until(struct loop *loop, const bool *flag)
{
    for (int ms = 0; !*flag && ms < PATIENCE_MS; ms++) {
        loop_run_for(loop, 1);
    }
    return *flag;
}

bool run_until_bytes(struct loop *loop, const struct stream_end *e, uint64_t n)
{
    for (int ms = 0; e->received < n && ms < PATIENCE_MS; ms++) {
        loop_run_for(loop, 1);
    }
    return e->received == n;
}

bool run_until_end(struct loop *loop, const struct stream_end *e)
{
    for (int ms = 0; !e->end && ms < PATIENCE_MS; ms++) {
        loop_run_for(loop, 1);
    }
    return e->end != 0;
}
