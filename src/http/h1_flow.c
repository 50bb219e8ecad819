#include "http/h1_flow.h"

#include "base/metrics.h"

enum {
    PULL_BYTES = 64 * 1024,   /* taken from the lower stream at a time, ahead of its reader */
    ANSWER_BYTES = 16 * 1024, /* a small answer always finds room, behind a slow one too */
};

static struct h1_flow *of_stream(const struct stream *s)
{
    return CONTAINER_OF(s, struct h1_flow, x.body);
}

void h1_flow_init(struct h1_flow *f, struct stream *lower_take, const struct h1_limits *limits,
                  const struct log_scope *log, const struct stream_ops *ops,
                  const struct exchange_ops *exchange_ops)
{
    static const struct h1_limits defaults = H1_LIMITS_DEFAULT;

    stream_init(&f->x.body, ops, lower_take->loop, (uint8_t)(stream_level(lower_take) + 1));
    f->x.ops = exchange_ops;
    f->lower = lower_take;
    f->limits = limits ? *limits : defaults;
    f->log = log;
}

void h1_flow_deinit(struct h1_flow *f)
{
    ASSERT(!f->lower);
    deadline_deinit(&f->deadline);
    stream_deinit(&f->x.body);
    h1_reader_deinit(&f->reader);
    bufq_clear(&f->in);
    bufq_clear(&f->writer.out);
}

void h1_flow_begin(struct h1_flow *f)
{
    h1_reader_begin(&f->reader);
    h1_writer_begin(&f->writer);
    f->x.in_bytes = 0;
    f->x.out_bytes = 0;
    f->x.has_heard = false;
    f->has_noted = false;
}

void h1_flow_note_fault(struct h1_flow *f)
{
    enum h1_fault fault = f->reader.fault;

    if (f->reader.state != H1_READER_FAILED || fault == H1_FAULT_NONE || f->has_noted) {
        return;
    }
    f->has_noted = true;
    log_info(f->log, f->is_back ? "response refused" : "request refused",
             LOG_U64("status", f->is_back ? 502 : h1_fault_status(fault)),
             LOG_STR("reason", h1_fault_text(fault)));
    metric_add(METRIC_HTTP_REFUSED, 1);
}

/* ---- deadlines ---- */

static bool waits_for_body(const struct h1_flow *f)
{
    return !f->is_back && (f->x.body.wanted & STREAM_READABLE) &&
           f->reader.state != H1_READER_DONE && f->reader.state != H1_READER_FAILED;
}

static bool waits_for_room(const struct h1_flow *f)
{
    return !bufq_is_empty(&f->writer.out) || (f->x.body.wanted & STREAM_WRITABLE);
}

static bool waits_for_answer(const struct h1_flow *f)
{
    return f->is_back && f->writer.state == H1_WRITER_DONE && f->reader.state == H1_READER_HEAD;
}

/* An answer that may go on for ever, like a stream of events. */
static bool is_endless(const struct h1_flow *f)
{
    return f->writer.state == H1_WRITER_CHUNKED || f->writer.state == H1_WRITER_UNTIL_CLOSE;
}

void h1_flow_watch(struct h1_flow *f)
{
    uint64_t delay_ms = 0;

    if (!f->is_open) {
        return;
    }
    if (!f->is_tunnel && !f->broken) {
        if (f->has_left) {
            delay_ms = is_endless(f) ? f->limits.left_ms : f->limits.stall_ms;
        } else if (waits_for_body(f) || waits_for_room(f)) {
            delay_ms = f->limits.stall_ms;
        } else if (waits_for_answer(f)) {
            delay_ms = f->limits.answer_ms;
        }
    }
    deadline_set(&f->deadline, delay_ms);
}

void h1_flow_hold_deadlines(struct exchange *x, bool is_held)
{
    deadline_hold(&h1_flow_of(x)->deadline, is_held);
}

/* ---- reading ---- */

int h1_flow_pull(struct h1_flow *f)
{
    int err = stream_read(f->lower, &f->in, PULL_BYTES);

    if (err == 0) {
        f->x.has_heard = true;
    }
    return err;
}

/* Body bytes from what is there, or straight from the lower stream when nothing lies between. */
static int read_some(struct h1_flow *f, struct bufq *into, size_t max)
{
    size_t direct = bufq_is_empty(&f->in) ? h1_reader_direct(&f->reader) : 0;
    int err;

    if (direct > 0) {
        size_t before = into->bytes;
        err = stream_read(f->lower, into, direct < max ? direct : max);
        if (err == 0) {
            h1_reader_passed(&f->reader, into->bytes - before);
        }
    } else {
        err = h1_reader_body(&f->reader, &f->in, into, max, &f->limits);
        if (err != ERR_MORE) {
            return err;
        }
        err = h1_flow_pull(f);
        if (err == 0) {
            return ERR_MORE;
        }
    }
    return err == 0 || err == ERR_AGAIN ? err : h1_reader_ended(&f->reader, err);
}

int h1_flow_read(struct stream *s, struct bufq *into, size_t max)
{
    struct h1_flow *f = of_stream(s);
    size_t before = into->bytes;
    int err;

    if (f->reader.state == H1_READER_HEAD) {
        return ERR_AGAIN;
    }
    do {
        err = read_some(f, into, max);
    } while (err == ERR_MORE);

    f->x.in_bytes += into->bytes - before;
    if (err == 0) {
        h1_flow_watch(f);
    } else {
        h1_flow_note_fault(f);
    }
    if (f->is_back && f->reader.state == H1_READER_DONE) {
        stream_raise(s, STREAM_WRITABLE); /* who waits to write learns that it is over */
    }
    return err;
}

bool h1_flow_has_input(const struct stream *s)
{
    const struct h1_flow *f = of_stream(s);
    return f->has_head || h1_reader_has_input(&f->reader, &f->in);
}

const struct http_head *h1_flow_trailers(const struct exchange *x)
{
    const struct h1_flow *f = CONTAINER_OF(x, struct h1_flow, x);
    return f->reader.trailers.field_count > 0 ? &f->reader.trailers : NULL;
}

/* ---- writing ---- */

/* An answer that is complete ends the question too. */
static bool is_over_for_writing(const struct h1_flow *f)
{
    return f->is_stopped || (f->is_back && f->reader.state == H1_READER_DONE && !f->is_tunnel);
}

size_t h1_flow_room(const struct stream *s)
{
    const struct h1_flow *f = of_stream(s);

    if (!f->lower || f->broken || is_over_for_writing(f)) {
        return 0;
    }
    size_t room = stream_room(f->lower);
    if (!f->is_back && !f->is_tunnel && room < ANSWER_BYTES) {
        room = ANSWER_BYTES;
    }
    return room > f->writer.out.bytes ? room - f->writer.out.bytes : 0;
}

int h1_flow_write(struct stream *s, struct bufq *from)
{
    struct h1_flow *f = of_stream(s);

    if (f->broken) {
        return f->broken;
    }
    if (is_over_for_writing(f)) {
        return ERR_CLOSED;
    }
    size_t room = h1_flow_room(s);
    size_t n = from->bytes < room ? from->bytes : room;
    if (n > 0) {
        TRY(h1_writer_body(&f->writer, from, n));
        f->x.out_bytes += n;
        stream_mark_dirty(s);
    }
    return bufq_is_empty(from) ? 0 : ERR_AGAIN;
}

int h1_flow_send_trailers(struct exchange *x, const struct http_head *trailers)
{
    struct h1_flow *f = h1_flow_of(x);

    if (f->broken || is_over_for_writing(f)) {
        return f->broken ? f->broken : ERR_CLOSED;
    }
    stream_mark_dirty(&x->body);
    return h1_writer_trailers(&f->writer, trailers);
}

static bool can_half_close(const struct h1_flow *f)
{
    struct stream_facts facts;

    stream_facts(f->lower, &facts);
    return facts.can_half_close;
}

int h1_flow_shutdown(struct stream *s)
{
    struct h1_flow *f = of_stream(s);

    if (f->broken || f->is_stopped) {
        return f->broken ? f->broken : ERR_CLOSED;
    }
    if (f->writer.state == H1_WRITER_DONE) {
        return 0;
    }
    if (f->is_tunnel && !can_half_close(f)) {
        return ERR_UNSUPPORTED;
    }
    stream_mark_dirty(s);
    return h1_writer_end(&f->writer);
}

/* The lower stream refuses bytes for good: this half is over, the other one may go on. */
static void stop_writing(struct h1_flow *f)
{
    bufq_clear(&f->writer.out);
    f->is_stopped = true;
    stream_raise(&f->x.body, STREAM_WRITABLE);
}

bool h1_flow_push(struct h1_flow *f)
{
    if (!f->lower || bufq_is_empty(&f->writer.out)) {
        return true;
    }
    int err = stream_write(f->lower, &f->writer.out);
    if (err == ERR_AGAIN) {
        stream_want(f->lower, STREAM_WRITABLE);
        return false;
    }
    if (err < 0) {
        stop_writing(f);
    }
    return true;
}

/* The end of our half of a tunnel is the end of our half of the stream. */
static void push_end(struct h1_flow *f)
{
    if (f->is_tunnel && f->writer.state == H1_WRITER_DONE && !f->has_shut && !f->is_stopped) {
        f->has_shut = true;
        if (stream_shutdown(f->lower) < 0) {
            stop_writing(f);
        }
    }
}

void h1_flow_flush(struct stream *s)
{
    struct h1_flow *f = of_stream(s);

    if (h1_flow_push(f) && f->lower) {
        push_end(f);
    }
    h1_flow_watch(f);
}

/* ---- events ---- */

void h1_flow_want(struct stream *s, unsigned added, unsigned removed)
{
    struct h1_flow *f = of_stream(s);

    (void)removed; /* noticed when something comes that nobody wants */
    if (!f->lower) {
        return;
    }
    if ((added & STREAM_READABLE) && f->reader.state != H1_READER_DONE) {
        stream_want(f->lower, STREAM_READABLE);
    }
    if ((added & STREAM_WRITABLE) && h1_flow_room(s) == 0) {
        stream_want(f->lower, STREAM_WRITABLE);
    }
    h1_flow_watch(f);
}

/* Behind a whole request: the next one (a byte of it is enough, the rest stays with its sender), or
 * the visitor's end. A process that died and one that only has no more to say look the same (FIN);
 * the answer gets a little time to find out. */
static void look_behind(struct h1_flow *f)
{
    int err = stream_read(f->lower, &f->in, 1);

    if (err == ERR_AGAIN) {
        return;
    }
    stream_unwant(f->lower, STREAM_READABLE);
    if (err < 0) {
        f->has_left = true;
        h1_flow_watch(f);
    }
}

static void tell_readable(struct h1_flow *f)
{
    if (f->reader.state != H1_READER_DONE && (f->x.body.wanted & STREAM_READABLE)) {
        stream_raise(&f->x.body, STREAM_READABLE);
    } else if (f->reader.state == H1_READER_DONE && !f->is_back && bufq_is_empty(&f->in)) {
        look_behind(f);
    } else {
        stream_unwant(f->lower, STREAM_READABLE);
    }
}

static void tell_writable(struct h1_flow *f)
{
    h1_flow_flush(&f->x.body);
    if (!(f->x.body.wanted & STREAM_WRITABLE)) {
        return;
    }
    if (h1_flow_room(&f->x.body) > 0) {
        stream_raise(&f->x.body, STREAM_WRITABLE);
    } else if (!f->is_stopped) {
        stream_want(f->lower, STREAM_WRITABLE);
    }
}

void h1_flow_tell(struct h1_flow *f, unsigned events)
{
    if (events & STREAM_BROKEN) {
        f->broken = ERR_RESET;
        deadline_clear(&f->deadline);
        stream_raise(&f->x.body, STREAM_BROKEN | STREAM_READABLE | STREAM_WRITABLE);
    }
    if ((events & STREAM_READABLE) && !f->broken) {
        tell_readable(f);
    }
    if ((events & STREAM_WRITABLE) && !f->broken) {
        tell_writable(f);
    }
    stream_tell(&f->x.body);
}

void h1_flow_expire(struct h1_flow *f)
{
    if (f->has_left) {
        f->broken = ERR_RESET;
        stream_raise(&f->x.body, STREAM_BROKEN | STREAM_READABLE | STREAM_WRITABLE);
        return;
    }
    if (f->reader.state != H1_READER_DONE) {
        h1_reader_fail(&f->reader, ERR_TIMEOUT);
    }
    if (!f->is_back && !waits_for_room(f)) {
        stream_raise(&f->x.body, STREAM_READABLE);
        return;
    }
    f->broken = ERR_TIMEOUT;
    stream_raise(&f->x.body, STREAM_BROKEN | STREAM_READABLE | STREAM_WRITABLE);
}

void h1_flow_start_tunnel(struct h1_flow *f)
{
    f->is_tunnel = true;
    h1_reader_start_tunnel(&f->reader);
    h1_writer_start_tunnel(&f->writer);
    stream_want(f->lower, STREAM_READABLE);
    h1_flow_watch(f);
}

void h1_flow_facts(const struct stream *s, struct stream_facts *out)
{
    const struct h1_flow *f = of_stream(s);

    if (f->lower) {
        stream_facts(f->lower, out);
    }
}
