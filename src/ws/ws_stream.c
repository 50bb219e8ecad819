/* Two half machines over frames.
 *
 *   in   heads and control frames are worked off until payload lies at the front of rx; payload is
 *        handed over as it is, or unmasked on the way into the reader's queue
 *   out  what was written this turn becomes one message at flush; pong and close frames go between
 *        messages
 *
 * in_end says what reading ends with; `out` says how far our direction has come.
 */
#include "ws/ws_stream.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"

enum {
    FILL_BYTES = STREAM_TX_BYTES, /* asked of the lower stream at once */
    FILLS_MAX = 4,                /* without payload, in one read: a flood of empty frames waits */
    RANDOM_MASKS = 64,            /* made with one system call */
};

enum ws_out {
    WS_OUT_OPEN,
    WS_OUT_CLOSING, /* a close frame goes behind what is unsent; nothing more is taken */
    WS_OUT_CLOSED,  /* it is in tx, or will never be */
};

struct ws_stream {
    struct stream stream;
    struct stream *lower;
    enum ws_role role;

    struct {
        struct bufq rx;
        struct ws_sequence sequence;
        struct ws_head head; /* of the data frame whose payload is being read */
        uint64_t at;         /* in its payload */
        int end;             /* 0: more may come */
        int lower_end;
    } in;

    struct {
        enum ws_out state;
        int failure;        /* what write says; 0: alive */
        struct bufq unsent; /* payload */
        struct bufq tx;     /* frames, for the lower stream */
        bool has_pong;
        uint8_t pong_bytes;
        uint8_t pong[WS_CONTROL_MAX_BYTES];
    } out;

    unsigned close_code; /* theirs, or ours if we had to refuse something */
    char *close_reason;
    bool is_abandoned; /* closed by its user: goes on until the peer has closed too */
    struct timer timer;
    struct background background;
    struct grave grave;
};

static struct ws_stream *of_stream(const struct stream *s)
{
    return CONTAINER_OF(s, struct ws_stream, stream);
}

static size_t min_size(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

/* ---- end ---- */

static void free_stream(struct grave *g)
{
    struct ws_stream *w = CONTAINER_OF(g, struct ws_stream, grave);

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
    stream_deinit(&w->stream);
    loop_bury(loop, &w->grave, free_stream);
}

static void end_input(struct ws_stream *w, int err)
{
    w->in.end = err;
    bufq_clear(&w->in.rx);
    stream_unwant(w->lower, STREAM_READABLE);
}

static void note_close(struct ws_stream *w, unsigned code, struct slice reason)
{
    if (!w->close_reason) {
        w->close_code = code;
        w->close_reason = mem_strndup(reason.ptr ? reason.ptr : "", reason.len);
    }
}

static void start_closing(struct ws_stream *w)
{
    if (w->out.state == WS_OUT_OPEN) {
        w->out.state = WS_OUT_CLOSING;
        stream_mark_dirty(&w->stream);
    }
}

/* No more can be sent; what came before may still be read. */
static void fail_output(struct ws_stream *w, int err)
{
    w->out.state = WS_OUT_CLOSED;
    bufq_clear(&w->out.unsent);
    bufq_clear(&w->out.tx);
    if (!w->out.failure) {
        w->out.failure = err;
        stream_raise(&w->stream, STREAM_BROKEN | (w->in.end ? STREAM_READABLE : 0));
    }
}

/* The peer breaks the rules: told with a close code, logged once, ended. */
static void refuse(struct ws_stream *w, unsigned code, const char *reason)
{
    log_warn(NULL, "websocket refused", LOG_U64("code", code), LOG_STR("reason", reason));
    note_close(w, code, slice_str(reason));
    end_input(w, ERR_PROTOCOL);
    bufq_clear(&w->out.unsent);
    start_closing(w);
    w->out.failure = ERR_PROTOCOL;
    stream_raise(&w->stream, STREAM_BROKEN | STREAM_READABLE);
}

/* ---- in ---- */

/* False: the lower stream has nothing now, or has ended. */
static bool fill(struct ws_stream *w)
{
    int err = stream_read(w->lower, &w->in.rx, FILL_BYTES);

    if (err == 0 || err == ERR_AGAIN) {
        return err == 0;
    }
    w->in.lower_end = err;
    end_input(w, err == ERR_EOF ? ERR_TRUNCATED : err);
    return false;
}

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

static void rcvd_ping(struct ws_stream *w, struct slice payload)
{
    memcpy(w->out.pong, payload.ptr, payload.len);
    w->out.pong_bytes = (uint8_t)payload.len;
    w->out.has_pong = true;
    stream_mark_dirty(&w->stream);
}

/* The whole payload of a control frame is at the front of rx. */
static void rcvd_control(struct ws_stream *w, const struct ws_head *head)
{
    uint8_t bytes[WS_CONTROL_MAX_BYTES];
    size_t n = (size_t)head->payload_bytes;
    struct slice payload = slice_of(bytes, n);

    bufq_peek(&w->in.rx, bytes, n);
    bufq_drop(&w->in.rx, n);
    ws_mask(bytes, bytes, n, head->mask, 0);
    if (head->opcode == WS_CLOSE) {
        rcvd_close(w, payload);
    } else if (head->opcode == WS_PING) {
        rcvd_ping(w, payload);
    } /* a pong answers nothing we asked */
}

static bool has_payload(const struct ws_stream *w)
{
    return w->in.at < w->in.head.payload_bytes && !bufq_is_empty(&w->in.rx);
}

/* Takes the next head off rx, with the payload of a control frame. ERR_MORE: not all there yet. */
static int next_frame(struct ws_stream *w)
{
    uint8_t bytes[WS_HEAD_MAX_BYTES];
    size_t n = min_size(w->in.rx.bytes, sizeof bytes);
    enum ws_role sender = w->role == WS_CLIENT ? WS_SERVER : WS_CLIENT;
    struct ws_head head;
    size_t length;

    bufq_peek(&w->in.rx, bytes, n);
    TRY(ws_head_read(slice_of(bytes, n), sender, &head, &length));
    if (ws_is_control(head.opcode) && w->in.rx.bytes - length < head.payload_bytes) {
        return ERR_MORE;
    }
    TRY(ws_sequence_add(&w->in.sequence, &head));
    bufq_drop(&w->in.rx, length);
    if (ws_is_control(head.opcode)) {
        rcvd_control(w, &head);
        return 0;
    }
    w->in.head = head;
    w->in.at = 0;
    if (w->in.sequence.opcode == WS_TEXT) {
        refuse(w, WS_CLOSE_UNSUPPORTED, "text is not spoken here");
    }
    return 0;
}

/* Works off heads and control frames until payload is at the front of rx. False: nothing for the
 * reader now, or the end. */
static bool settle(struct ws_stream *w)
{
    int fills = 0;

    while (!w->in.end && !has_payload(w)) {
        bool is_inside = w->in.at < w->in.head.payload_bytes;
        int err = is_inside ? ERR_MORE : next_frame(w);
        if (err == ERR_PROTOCOL) {
            refuse(w, WS_CLOSE_PROTOCOL, "protocol error");
        } else if (err == ERR_MORE && (fills++ == FILLS_MAX || !fill(w))) {
            return false;
        }
    }
    return !w->in.end;
}

/* Room for n bytes or as many as a chunk holds, masked bytes of rx into it. */
static void unmask(struct ws_stream *w, struct bufq *into, size_t n)
{
    while (n > 0) {
        struct slice piece = bufq_front(&w->in.rx);
        size_t room;
        uint8_t *to =
            bufq_reserve(into, min_size(min_size(piece.len, n), CHUNK_LARGE_BYTES), &room);
        size_t part = min_size(min_size(piece.len, n), room);

        ws_mask(to, (const uint8_t *)piece.ptr, part, w->in.head.mask, w->in.at);
        bufq_commit(into, part);
        bufq_drop(&w->in.rx, part);
        w->in.at += part;
        n -= part;
    }
}

static size_t take_payload(struct ws_stream *w, struct bufq *into, size_t max)
{
    size_t n = min_size(w->in.head.payload_bytes - w->in.at, min_size(w->in.rx.bytes, max));

    if (w->in.head.is_masked) {
        unmask(w, into, n);
    } else {
        w->in.at += bufq_move(into, &w->in.rx, n);
    }
    return n;
}

static bool has_input(const struct stream *s)
{
    const struct ws_stream *w = of_stream(s);
    return w->in.end || has_payload(w);
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
    if (!w->in.end) {
        stream_want(w->lower, STREAM_READABLE);
    }
}

static int do_read(struct stream *s, struct bufq *into, size_t max)
{
    struct ws_stream *w = of_stream(s);
    size_t got = 0;

    while (got < max && settle(w)) {
        got += take_payload(w, into, max - got);
    }
    if (s->wanted & STREAM_READABLE) {
        want_more(w, got == max);
    }
    if (got > 0) {
        return 0;
    }
    return w->in.end ? w->in.end : ERR_AGAIN;
}

static void do_want(struct stream *s, unsigned added, unsigned removed)
{
    struct ws_stream *w = of_stream(s);

    (void)removed; /* the lower stream is told when it says READABLE and nobody wants it */
    if (added & STREAM_READABLE) {
        want_more(w, true);
    }
}

/* ---- out ---- */

/* Masks must be unforeseeable (RFC 6455 section 10.3); a system call for each would cost more than
 * masking does. */
static void make_mask(uint8_t mask[WS_MASK_BYTES])
{
    static _Thread_local uint8_t masks[RANDOM_MASKS][WS_MASK_BYTES];
    static _Thread_local unsigned left;

    if (left == 0) {
        random_bytes(masks, sizeof masks);
        left = RANDOM_MASKS;
    }
    memcpy(mask, masks[--left], WS_MASK_BYTES);
}

static void put_head(struct ws_stream *w, struct ws_head *head)
{
    uint8_t bytes[WS_HEAD_MAX_BYTES];

    head->is_final = true;
    if (w->role == WS_CLIENT) {
        head->is_masked = true;
        make_mask(head->mask);
    }
    bufq_push(&w->out.tx, bytes, ws_head_write(head, bytes));
}

/* Masks n bytes of what is unsent into tx, in one pass. */
static void put_masked(struct ws_stream *w, const struct ws_head *head, size_t n)
{
    for (size_t at = 0; at < n;) {
        struct slice piece = bufq_front(&w->out.unsent);
        size_t room;
        uint8_t *to = bufq_reserve(&w->out.tx,
                                   min_size(min_size(piece.len, n - at), CHUNK_LARGE_BYTES), &room);
        size_t part = min_size(min_size(piece.len, n - at), room);

        ws_mask(to, (const uint8_t *)piece.ptr, part, head->mask, at);
        bufq_commit(&w->out.tx, part);
        bufq_drop(&w->out.unsent, part);
        at += part;
    }
}

static void put_message(struct ws_stream *w)
{
    size_t n = min_size(w->out.unsent.bytes, WS_MESSAGE_MAX_BYTES);
    struct ws_head head = {.opcode = WS_BINARY, .payload_bytes = n};

    put_head(w, &head);
    if (head.is_masked) {
        put_masked(w, &head, n);
    } else {
        bufq_pack(&w->out.tx, &w->out.unsent, n);
    }
}

static void put_control(struct ws_stream *w, enum ws_opcode opcode, uint8_t *payload, size_t n)
{
    struct ws_head head = {.opcode = opcode, .payload_bytes = n};

    put_head(w, &head);
    ws_mask(payload, payload, n, head.mask, 0);
    bufq_push(&w->out.tx, payload, n);
}

/* The peer's code comes back to it; ours is told if we refused something. */
static void put_close(struct ws_stream *w)
{
    uint8_t payload[WS_CONTROL_MAX_BYTES];
    bool is_refusal = w->out.failure == ERR_PROTOCOL;
    unsigned code = w->close_reason ? w->close_code : WS_CLOSE_NORMAL;
    struct slice reason = is_refusal ? slice_str(w->close_reason) : SLICE_NONE;

    put_control(w, WS_CLOSE, payload, ws_close_write(code, reason, payload));
    w->out.state = WS_OUT_CLOSED;
}

static void encode(struct ws_stream *w)
{
    if (w->out.has_pong && w->out.state != WS_OUT_CLOSED && w->out.tx.bytes < STREAM_TX_BYTES) {
        w->out.has_pong = false;
        put_control(w, WS_PONG, w->out.pong, w->out.pong_bytes);
    }
    while (!bufq_is_empty(&w->out.unsent) && w->out.tx.bytes < STREAM_TX_BYTES) {
        put_message(w);
    }
    if (w->out.state == WS_OUT_CLOSING && bufq_is_empty(&w->out.unsent)) {
        put_close(w);
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
        bool is_sent = w->out.state == WS_OUT_CLOSED && bufq_is_empty(&w->out.tx);
        timer_arm(w->stream.loop, &w->timer, is_sent ? WS_CLOSE_WAIT_MS : STREAM_LINGER_MS);
    }
}

static size_t room(const struct stream *s)
{
    const struct ws_stream *w = of_stream(s);
    size_t held = w->out.unsent.bytes + w->out.tx.bytes;

    if (w->out.failure || w->out.state != WS_OUT_OPEN) {
        return 0;
    }
    return held < STREAM_TX_BYTES ? STREAM_TX_BYTES - held : 0;
}

static int do_write(struct stream *s, struct bufq *from)
{
    struct ws_stream *w = of_stream(s);

    if (w->out.failure) {
        return w->out.failure;
    }
    if (w->out.state != WS_OUT_OPEN) {
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
    bool has_ended = w->in.end || w->out.failure;
    return has_ended && w->out.state == WS_OUT_CLOSED && bufq_is_empty(&w->out.tx);
}

static void do_flush(struct stream *s)
{
    struct ws_stream *w = of_stream(s);

    encode(w);
    push_down(w);
    if (w->is_abandoned && is_over(w)) {
        leave(w, w->in.lower_end && w->in.lower_end != ERR_EOF);
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
    size_t left = STREAM_TURN_BYTES;

    while (left > 0 && settle(w)) {
        struct bufq gone = {0};
        left -= take_payload(w, &gone, left);
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
    start_closing(w);
    timer_arm(s->loop, &w->timer, STREAM_LINGER_MS);
    loop_add_background(s->loop, &w->background, cut);
    if (!w->in.end) {
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
    w->role = role;
    w->timer.expired = on_timer;
    if (leftover_take) {
        bufq_move(&w->in.rx, leftover_take, leftover_take->bytes);
    }
    stream_set_user(lower_take, on_lower_ready, w);
    return &w->stream;
}
