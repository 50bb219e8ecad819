/* The driver of the two engines: bytes between the lower stream and ws_in / ws_out, control frames
 * answered, both directions ended.
 *
 * in_end says what reading ends with; `phase` how far our own direction has come.
 */
#include "ws/ws_stream.h"

#include "base/log.h"
#include "base/mem.h"
#include "wire/reset_code.h"
#include "ws/ws_in.h"
#include "ws/ws_out.h"

enum {
    FILL_BYTES = STREAM_TX_BYTES, /* asked of the lower stream at once */
    FILLS_MAX = 4,                /* without payload, in one read: a flood of empty frames waits */
};

enum ws_phase {
    WS_OPEN,
    WS_CLOSING, /* a close frame goes behind what is unsent; nothing more is taken */
    WS_CLOSED,  /* it is in tx, or will never be */
};

struct ws_stream {
    struct stream stream;
    struct stream *lower;
    struct ws_in in;
    struct ws_out out;
    enum ws_phase phase;
    int in_end;    /* what reading ends with; 0: more may come */
    int lower_end; /* the same of the lower stream */
    int failure;   /* what write says; 0: alive */

    bool has_pong; /* the newest ping is not yet answered */
    struct ws_control pong;

    unsigned close_code; /* theirs, or ours if we had to refuse something */
    char *close_reason;
    bool is_abandoned; /* closed by its user: goes on until the peer has closed too */
    struct timer timer;
    struct background background;
};

static struct ws_stream *of_stream(const struct stream *s)
{
    return CONTAINER_OF(s, struct ws_stream, stream);
}

/* ---- end ---- */

static void do_free(struct stream *s)
{
    struct ws_stream *w = CONTAINER_OF(s, struct ws_stream, stream);

    mem_free(w->close_reason);
    mem_free(w);
}

static void leave(struct ws_stream *w, bool is_abort)
{
    struct loop *loop = w->stream.loop;

    bufq_clear(&w->in.rx);
    bufq_clear(&w->out.unsent);
    bufq_clear(&w->out.tx);
    timer_disarm(loop, &w->timer);
    list_remove(&w->background.node);
    if (is_abort) {
        stream_abort(&w->lower);
    } else {
        stream_close(&w->lower);
    }
    stream_free_soon(&w->stream);
}

static void end_input(struct ws_stream *w, int err)
{
    w->in_end = err;
    bufq_clear(&w->in.rx);
    stream_unwant(w->lower, STREAM_READABLE);
}

static void note_close(struct ws_stream *w, unsigned code, struct slice reason)
{
    if (!w->close_reason) {
        w->close_code = code;
        w->close_reason = slice_dup(reason);
    }
}

static void start_closing(struct ws_stream *w)
{
    if (w->phase == WS_OPEN) {
        w->phase = WS_CLOSING;
        stream_mark_dirty(&w->stream);
    }
}

/* No more can be sent; what came before may still be read. */
static void fail_output(struct ws_stream *w, int err)
{
    w->phase = WS_CLOSED;
    bufq_clear(&w->out.unsent);
    bufq_clear(&w->out.tx);
    if (!w->failure) {
        w->failure = err;
        stream_raise(&w->stream, STREAM_BROKEN | (w->in_end ? STREAM_READABLE : 0));
    }
}

/* The peer breaks the rules: told with a close code, ended. The line in the log is its user's. */
static void refuse(struct ws_stream *w, unsigned code, const char *reason)
{
    log_debug(NULL, "websocket refused", LOG_U64("code", code), LOG_STR("reason", reason));
    note_close(w, code, slice_str(reason));
    end_input(w, ERR_PROTOCOL);
    bufq_clear(&w->out.unsent);
    start_closing(w);
    w->failure = ERR_PROTOCOL;
    stream_raise(&w->stream, STREAM_BROKEN | STREAM_READABLE);
}

/* ---- in ---- */

static void rcvd_close(struct ws_stream *w, struct slice payload)
{
    struct slice reason;
    unsigned code;

    if (ws_close_read(payload, &code, &reason) < 0) {
        refuse(w, WS_CLOSE_PROTOCOL, "bad close frame");
        return;
    }
    bool is_clean = code == WS_CLOSE_NONE || code == WS_CLOSE_NORMAL || code == WS_CLOSE_GOING_AWAY;
    note_close(w, code, reason);
    end_input(w, is_clean ? ERR_EOF : ERR_RESET);
    start_closing(w);
}

/* A pong answers nothing we have asked. */
static void rcvd_control(struct ws_stream *w, const struct ws_control *frame)
{
    if (frame->opcode == WS_CLOSE) {
        rcvd_close(w, slice_of(frame->bytes, frame->length));
    } else if (frame->opcode == WS_PING) {
        w->pong = *frame;
        w->has_pong = true;
        stream_mark_dirty(&w->stream);
    }
}

/* False: the lower stream has nothing now, or has ended. */
static bool fill(struct ws_stream *w)
{
    int err = stream_read(w->lower, &w->in.rx, FILL_BYTES);

    if (err == 0 || err == ERR_AGAIN) {
        return err == 0;
    }
    w->lower_end = err;
    end_input(w, err == ERR_EOF ? ERR_TRUNCATED : err);
    return false;
}

/* Works off what is no payload until payload is at the front. False: nothing for the reader now, or
 * the end. */
static bool settle(struct ws_stream *w)
{
    struct ws_control frame;
    enum ws_in_event event;
    int fills = 0;

    while (!w->in_end) {
        int err = ws_in_next(&w->in, &event, &frame);
        if (err == ERR_UNSUPPORTED) {
            refuse(w, WS_CLOSE_UNSUPPORTED, "text is not spoken here");
        } else if (err < 0) {
            refuse(w, WS_CLOSE_PROTOCOL, "protocol error");
        } else if (event == WS_IN_CONTROL) {
            rcvd_control(w, &frame);
        } else if (event == WS_IN_PAYLOAD) {
            return true;
        } else if (fills++ == FILLS_MAX || !fill(w)) {
            return false;
        }
    }
    return false;
}

static bool has_input(const struct stream *s)
{
    const struct ws_stream *w = of_stream(s);
    return w->in_end || ws_in_has_payload(&w->in);
}

static void look_ahead(struct ws_stream *w)
{
    settle(w);
    if (has_input(&w->stream)) {
        stream_raise(&w->stream, STREAM_READABLE);
    }
}

/* The user waits for more. After a read that stopped at its limit there may be a head or a control
 * frame in rx: looking ahead keeps it from being told as READABLE. */
static void want_more(struct ws_stream *w, bool is_limited)
{
    if (is_limited) {
        look_ahead(w);
    }
    if (!w->in_end) {
        stream_want(w->lower, STREAM_READABLE);
    }
}

static int do_read(struct stream *s, struct bufq *into, size_t max)
{
    struct ws_stream *w = of_stream(s);
    size_t got = 0;

    while (got < max && settle(w)) {
        got += ws_in_take(&w->in, into, max - got);
    }
    if (s->wanted & STREAM_READABLE) {
        want_more(w, got == max);
    }
    if (got > 0) {
        return 0;
    }
    return w->in_end ? w->in_end : ERR_AGAIN;
}

static void do_want(struct stream *s, unsigned added, unsigned removed)
{
    (void)removed; /* the lower stream is told when it says READABLE and nobody wants it */
    if (added & STREAM_READABLE) {
        want_more(of_stream(s), true);
    }
}

/* ---- out ---- */

/* The peer's code goes back to it; ours is told if we refused something. */
static void send_close(struct ws_stream *w)
{
    uint8_t payload[WS_CONTROL_MAX_BYTES];
    bool is_refusal = w->failure == ERR_PROTOCOL;
    unsigned code = w->close_reason ? w->close_code : WS_CLOSE_NORMAL;
    struct slice reason = is_refusal ? slice_str(w->close_reason) : SLICE_NONE;

    size_t length = ws_close_write(code, reason, payload);
    ws_out_control(&w->out, WS_CLOSE, slice_of(payload, length));
    w->phase = WS_CLOSED;
}

static void encode(struct ws_stream *w)
{
    if (w->has_pong && w->phase != WS_CLOSED && w->out.tx.bytes < STREAM_TX_BYTES) {
        w->has_pong = false;
        ws_out_control(&w->out, WS_PONG, slice_of(w->pong.bytes, w->pong.length));
    }
    ws_out_encode(&w->out, STREAM_TX_BYTES);
    if (w->phase == WS_CLOSING && bufq_is_empty(&w->out.unsent)) {
        send_close(w);
    }
}

static void push_down(struct ws_stream *w)
{
    size_t before = w->out.tx.bytes;
    int err = stream_write(w->lower, &w->out.tx);

    if (err == ERR_AGAIN) {
        stream_want(w->lower, STREAM_WRITABLE);
    } else if (err < 0) {
        fail_output(w, err);
    }
    if (w->is_abandoned && w->out.tx.bytes < before) {
        bool is_sent = w->phase == WS_CLOSED && bufq_is_empty(&w->out.tx);
        timer_arm(w->stream.loop, &w->timer, is_sent ? WS_CLOSE_WAIT_MS : STREAM_LINGER_MS);
    }
}

static size_t room(const struct stream *s)
{
    const struct ws_stream *w = of_stream(s);
    size_t held = w->out.unsent.bytes + w->out.tx.bytes;

    if (w->failure || w->phase != WS_OPEN) {
        return 0;
    }
    return held < STREAM_TX_BYTES ? STREAM_TX_BYTES - held : 0;
}

static int do_write(struct stream *s, struct bufq *from)
{
    struct ws_stream *w = of_stream(s);

    if (w->failure) {
        return w->failure;
    }
    if (w->phase != WS_OPEN) {
        return ERR_CLOSED;
    }
    if (bufq_move(&w->out.unsent, from, room(s)) > 0) {
        stream_mark_dirty(s);
    }
    return bufq_is_empty(from) ? 0 : ERR_AGAIN;
}

/* Both sides have closed, or nothing more can be said. */
static bool is_over(const struct ws_stream *w)
{
    return (w->in_end || w->failure) && w->phase == WS_CLOSED && bufq_is_empty(&w->out.tx);
}

static void do_flush(struct stream *s)
{
    struct ws_stream *w = of_stream(s);

    encode(w);
    push_down(w);
    if (w->is_abandoned && is_over(w)) {
        leave(w, w->lower_end && w->lower_end != ERR_EOF);
        return;
    }
    if (bufq_is_empty(&w->out.tx) && !bufq_is_empty(&w->out.unsent)) {
        stream_mark_dirty(s);
    }
    if (room(s) > 0) {
        stream_raise(s, STREAM_WRITABLE);
    }
}

static int do_shutdown(struct stream *s)
{
    (void)s;
    return ERR_UNSUPPORTED;
}

/* ---- what happens below ---- */

/* The user has gone: only the peer's close is still of interest. */
static void discard_input(struct ws_stream *w)
{
    size_t left = STREAM_ROUND_BYTES;

    while (left > 0 && settle(w)) {
        struct bufq gone = {0};
        left -= ws_in_take(&w->in, &gone, left);
        bufq_clear(&gone);
    }
    stream_mark_dirty(&w->stream); /* flush sees whether it is over */
}

static void rcvd_readable(struct ws_stream *w)
{
    if (has_input(&w->stream) || !(w->stream.wanted & STREAM_READABLE)) {
        stream_unwant(w->lower, STREAM_READABLE); /* until the user has read */
    } else {
        look_ahead(w);
    }
}

static void on_lower_ready(void *ctx, struct stream *lower, unsigned events)
{
    struct ws_stream *w = ctx;

    (void)lower;
    if (events & STREAM_WRITABLE) {
        stream_mark_dirty(&w->stream);
    }
    if (w->is_abandoned && (events & STREAM_BROKEN)) {
        leave(w, true);
        return;
    }
    if (w->is_abandoned) {
        discard_input(w);
        return;
    }
    if (events & STREAM_READABLE) {
        rcvd_readable(w);
    }
    if (events & STREAM_BROKEN) {
        fail_output(w, ERR_RESET);
    }
    stream_tell(&w->stream);
}

/* ---- close ---- */

/* The peer does not take our bytes any more, or does not answer our close. */
static void on_timer(struct timer *timer)
{
    struct ws_stream *w = CONTAINER_OF(timer, struct ws_stream, timer);
    leave(w, !bufq_is_empty(&w->out.unsent) || !bufq_is_empty(&w->out.tx));
}

static void cut(struct background *b)
{
    leave(CONTAINER_OF(b, struct ws_stream, background), true);
}

static void do_close(struct stream *s, bool is_abort)
{
    struct ws_stream *w = of_stream(s);

    if (is_abort) {
        leave(w, true);
        return;
    }
    w->is_abandoned = true;
    if (s->reset_code == RESET_PROTOCOL) {
        note_close(w, WS_CLOSE_PROTOCOL, SLICE_NONE);
    }
    start_closing(w);
    timer_arm(s->loop, &w->timer, STREAM_LINGER_MS);
    loop_add_background(s->loop, &w->background, cut);
    if (!w->in_end) {
        stream_want(w->lower, STREAM_READABLE);
    }
    stream_mark_dirty(s);
}

/* ---- questions ---- */

static void do_facts(const struct stream *s, struct stream_facts *out)
{
    stream_facts(of_stream(s)->lower, out);
    out->transport = "ws";
    out->can_half_close = false;
}

static const struct stream_ops ops = {
    .read = do_read,
    .write = do_write,
    .room = room,
    .shutdown = do_shutdown,
    .want = do_want,
    .has_input = has_input,
    .flush = do_flush,
    .close = do_close,
    .facts = do_facts,
    .free = do_free,
};

unsigned ws_stream_close_code(const struct stream *s, struct slice *reason_out)
{
    const struct ws_stream *w = of_stream(s);

    ASSERT(s->ops == &ops);
    *reason_out = slice_str(w->close_reason);
    return w->close_code;
}

/* ---- attach ---- */

struct stream *ws_stream_attach(struct stream *lower_take, struct bufq *leftover_take,
                                enum ws_role role)
{
    struct ws_stream *w = NEW(struct ws_stream);

    stream_init(&w->stream, &ops, lower_take->loop, (uint8_t)(stream_level(lower_take) + 1));
    w->lower = lower_take;
    w->in.sender = role == WS_CLIENT ? WS_SERVER : WS_CLIENT;
    w->out.role = role;
    w->timer.expired = on_timer;
    if (leftover_take) {
        bufq_move(&w->in.rx, leftover_take, leftover_take->bytes);
    }
    stream_set_user(lower_take, on_lower_ready, w);
    return &w->stream;
}
