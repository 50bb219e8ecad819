#include "relay/visitors/body_flow.h"

void body_flow_begin(struct body_flow *f, struct stream *from, struct stream *to, bool keeps)
{
    f->from = from;
    f->to = to;
    f->is_keeping = keeps;
    f->has_ended = false;
}

void body_flow_forget(struct body_flow *f)
{
    f->is_keeping = false;
    bufq_clear(&f->kept);
    f->mark = (struct bufq_mark){0};
}

/* ---- replay ---- */

bool body_flow_can_replay(const struct body_flow *f)
{
    return f->is_keeping || f->bytes == 0;
}

void body_flow_replay(struct body_flow *f, struct stream *to)
{
    f->to = to;
    f->mark = (struct bufq_mark){0};
    bufq_clear(&f->held);
    if (f->is_keeping) {
        bufq_share(&f->held, &f->kept, &f->mark, f->kept.bytes);
    }
}

static int read_kept(struct body_flow *f, size_t max)
{
    size_t before = f->kept.bytes;

    TRY(stream_read(f->from, &f->kept, max));
    size_t n = f->kept.bytes - before;
    f->bytes += n;
    bufq_share(&f->held, &f->kept, &f->mark, n);
    if (f->kept.bytes > BODY_KEPT_BYTES) {
        body_flow_forget(f);
    }
    return 0;
}

/* ---- moving ---- */

static int read_body(struct body_flow *f, size_t max)
{
    if (f->is_keeping) {
        return read_kept(f, max);
    }
    size_t before = f->held.bytes;
    TRY(stream_read(f->from, &f->held, max));
    f->bytes += f->held.bytes - before;
    return 0;
}

static enum body_moved wait_for_input(struct body_flow *f)
{
    stream_want(f->from, STREAM_READABLE);
    return BODY_WAITS;
}

static enum body_moved wait_for_room(struct body_flow *f)
{
    stream_unwant(f->from, STREAM_READABLE);
    stream_want(f->to, STREAM_WRITABLE);
    return BODY_WAITS;
}

static enum body_moved fail(enum body_moved side, int err, int *err_out)
{
    *err_out = err;
    return side;
}

enum body_moved body_flow_move(struct body_flow *f, int *err_out)
{
    size_t budget = STREAM_ROUND_BYTES;

    for (;;) {
        int err = stream_write(f->to, &f->held);
        if (err == ERR_AGAIN) {
            return wait_for_room(f);
        }
        if (err < 0) {
            return fail(BODY_TO_FAILED, err, err_out);
        }
        if (f->has_ended) {
            stream_unwant(f->from, STREAM_READABLE);
            return BODY_DONE;
        }
        size_t room = stream_room(f->to);
        if (room == 0) {
            return wait_for_room(f);
        }
        if (budget == 0) {
            return wait_for_input(f);
        }
        err = read_body(f, room < budget ? room : budget);
        if (err == ERR_AGAIN) {
            return wait_for_input(f);
        }
        if (err < 0 && err != ERR_EOF) {
            return fail(BODY_FROM_FAILED, err, err_out);
        }
        f->has_ended = err == ERR_EOF;
        budget -= f->held.bytes < budget ? f->held.bytes : budget;
    }
}

void body_flow_stop(struct body_flow *f)
{
    stream_unwant(f->from, STREAM_READABLE);
    stream_unwant(f->to, STREAM_WRITABLE);
    bufq_clear(&f->held);
    body_flow_forget(f);
}

void body_flow_deinit(struct body_flow *f)
{
    bufq_clear(&f->held);
    body_flow_forget(f);
}
