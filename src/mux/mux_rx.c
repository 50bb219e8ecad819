/* Frames in: one table says what each may look like, one short function per frame says what it
 * means. DATA has a room of its own (mux_data.c).
 *
 * A frame about a stream that is gone means nothing: it was on its way when the stream ended. A
 * frame about a stream that never was breaks the protocol.
 */
#include "mux/mux_priv.h"

static int refuse(const struct frame_header *h, struct errinfo *info, const char *what)
{
    return errinfo_set(info, ERR_PROTOCOL, "%s for stream %u: %s", frame_type_name(h->type), h->id,
                       what);
}

/* ---- opening ---- */

/* What came before the OPEN is told after it. */
static void tell_blind_data(struct mux *m, struct mux_stream *s)
{
    ack_add(s, 0);
    rx_end_if_complete(s);
    if (stream_is(s, STREAM_BEGINS)) {
        m->events->on_begin(m->ctx, s, 0);
    }
    bool has_input = !bufq_is_empty(&s->rx.ready) || s->rx_state == RX_ENDED;
    if (has_input && s->life == LIFE_OPEN && stream_has_owner(s)) {
        m->events->on_readable(m->ctx, s);
    }
}

static int on_open(struct mux *m, const struct frame_header *h, struct slice payload,
                   struct errinfo *info)
{
    struct frame_open open;
    struct mux_stream *s;

    TRY(frame_read_open(payload, &open));
    if (mux_id_is_local(m, h->id)) {
        return refuse(h, info, "an id of the wrong side");
    }
    TRY(mux_find_or_reserve(m, h->id, true, &s, info));
    if (!s || stream_is(s, STREAM_KNOWN)) {
        return refuse(h, info, "the id was used before");
    }
    stream_flag(s, STREAM_KNOWN);
    if (s->life != LIFE_RESERVED) {
        return 0; /* refused when it was reserved, and RESET is on its way */
    }
    life_set(s, LIFE_OPEN);
    stream_join_tunnel(s, open.tunnel_id);
    stream_unflag(s, STREAM_RELEASED);
    s->tx.limit = open.limit < MUX_OFFSET_MAX ? open.limit : MUX_OFFSET_MAX;
    m->counters.opened++;
    m->events->on_open(m->ctx, s, open.tunnel_id, open.facts);
    if (s->life == LIFE_OPEN && stream_has_owner(s)) {
        tell_blind_data(m, s);
    }
    return 0;
}

static int on_opened(struct mux *m, const struct frame_header *h, struct slice payload,
                     struct errinfo *info)
{
    struct mux_stream *s;

    if (!mux_id_is_local(m, h->id)) {
        return refuse(h, info, "an id of the wrong side");
    }
    TRY(mux_find_or_reserve(m, h->id, false, &s, info));
    if (!s || s->life != LIFE_OPEN || stream_is(s, STREAM_ACCEPTED)) {
        return 0; /* gone, or told again after a resume */
    }
    stream_is_known(s);
    stream_flag(s, STREAM_ACCEPTED);
    if (stream_has_owner(s)) {
        m->events->on_opened(m->ctx, s, payload);
    }
    return 0;
}

/* ---- credit and receipts ---- */

/* Whatever the peer told about our sending half: what may be sent or forgotten now. */
static void after_receipt(struct mux_stream *s)
{
    sched_update(s);
    tx_tell_writable(s);
    stream_retire_if_done(s);
}

static int on_window(struct mux *m, const struct frame_header *h, struct slice payload,
                     struct errinfo *info)
{
    struct frame_window window;
    struct mux_stream *s;

    TRY(frame_read_window(payload, &window));
    TRY(mux_find_or_reserve(m, h->id, false, &s, info));
    if (!s) {
        return 0;
    }
    if (s->life == LIFE_RESERVED || window.limit > MUX_OFFSET_MAX) {
        return refuse(h, info, "credit that cannot be");
    }
    TRY(ack_take(s, window.received, info));
    if (window.limit > s->tx.limit) {
        s->tx.limit = window.limit;
    }
    after_receipt(s);
    return 0;
}

static int on_ack(struct mux *m, const struct frame_header *h, struct slice payload,
                  struct errinfo *info)
{
    struct frame_ack_row rows[FRAME_ACK_ROWS_MAX];
    size_t count;

    (void)h;
    TRY(frame_read_ack(payload, rows, &count));
    for (size_t i = 0; i < count; i++) {
        struct mux_stream *s;
        TRY(mux_find_or_reserve(m, rows[i].id, false, &s, info));
        if (s) {
            TRY(ack_take(s, rows[i].received, info));
            after_receipt(s);
        }
    }
    return 0;
}

/* ---- ending ---- */

static int on_stop(struct mux *m, const struct frame_header *h, struct slice payload,
                   struct errinfo *info)
{
    struct mux_stream *s;
    uint16_t code;

    TRY(frame_read_code(payload, &code));
    TRY(mux_find_or_reserve(m, h->id, false, &s, info));
    if (!s || s->life != LIFE_OPEN) {
        return 0;
    }
    if (stream_is(s, STREAM_LOCAL)) {
        stream_is_known(s);
    }
    if (s->tx_state > TX_FINISHED || (s->tx_state == TX_FINISHED && tx_unsent(s) == 0)) {
        return 0; /* all is said already */
    }
    tx_truncate(s);
    if (s->tx_state == TX_OPEN) {
        tx_set(s, TX_FINISHED);
    }
    sched_update(s);
    if (stream_has_owner(s) && !stream_is(s, STREAM_STOPPED)) {
        stream_flag(s, STREAM_STOPPED);
        m->events->on_stop(m->ctx, s, code);
    }
    return 0;
}

static int on_reset(struct mux *m, const struct frame_header *h, struct slice payload,
                    struct errinfo *info)
{
    struct frame_reset reset;
    struct mux_stream *s;

    TRY(frame_read_reset(payload, &reset));
    TRY(mux_find_or_reserve(m, h->id, true, &s, info));
    TRY(mux_answer_reset(m, h->id, info));
    if (!s || s->life >= LIFE_RESETTING || stream_is_complete(s)) {
        return 0;
    }
    if (reset.final_offset < s->rx.received || reset.final_offset > s->rx.limit) {
        return refuse(h, info, "a final offset that cannot be");
    }
    stream_cut_by_peer(s, reset.code);
    return 0;
}

static int on_reset_ack(struct mux *m, const struct frame_header *h, struct slice payload,
                        struct errinfo *info)
{
    struct mux_stream *s;

    (void)payload;
    TRY(mux_find_or_reserve(m, h->id, false, &s, info));
    if (!s || s->life == LIFE_OVER) {
        return 0;
    }
    if (s->life != LIFE_RESETTING) {
        return refuse(h, info, "nothing was reset");
    }
    life_set(s, LIFE_OVER);
    stream_retire_if_done(s);
    return 0;
}

/* ---- the link ---- */

static int on_ping(struct mux *m, const struct frame_header *h, struct slice payload,
                   struct errinfo *info)
{
    uint64_t timestamp;

    (void)h;
    TRY(frame_read_ping(payload, &timestamp));
    return mux_answer_ping(m, timestamp, info);
}

static int on_pong(struct mux *m, const struct frame_header *h, struct slice payload,
                   struct errinfo *info)
{
    uint64_t timestamp;

    (void)h;
    (void)info;
    TRY(frame_read_ping(payload, &timestamp));
    mux_take_pong(m, timestamp);
    return 0;
}

static int on_goaway(struct mux *m, const struct frame_header *h, struct slice payload,
                     struct errinfo *info)
{
    uint16_t reason;

    (void)h;
    (void)info;
    TRY(frame_read_code(payload, &reason));
    m->events->on_goaway(m->ctx, reason);
    return 0;
}

/* ---- dispatch ---- */

enum id_rule {
    ID_NONE,   /* of the link: 0 */
    ID_STREAM, /* of a stream, not 0 */
    ID_ANY,    /* of a stream or of CONTROL */
};

struct frame_rule {
    int (*handler)(struct mux *m, const struct frame_header *h, struct slice payload,
                   struct errinfo *info); /* NULL: not for the engine, or DATA */
    uint16_t min, max;                    /* bytes of payload */
    uint8_t flags;                        /* allowed */
    enum id_rule id;
};

enum {
    OPEN_MAX = FRAME_OPEN_MIN + MUX_OPEN_FACTS_MAX,
    ACK_MIN = FRAME_ACK_ROW_BYTES,
    ACK_MAX = FRAME_ACK_ROW_BYTES * FRAME_ACK_ROWS_MAX,
    DATA_FLAGS = DATA_FIN | DATA_BEGIN | DATA_OFFSET,
};

static const struct frame_rule rules[FRAME_TYPE_COUNT] = {
    [FRAME_OPEN] = {on_open, FRAME_OPEN_MIN, OPEN_MAX, 0, ID_STREAM},
    [FRAME_OPENED] = {on_opened, 0, MUX_OPEN_FACTS_MAX, 0, ID_STREAM},
    [FRAME_DATA] = {NULL, 0, FRAME_PAYLOAD_MAX, DATA_FLAGS, ID_ANY},
    [FRAME_WINDOW] = {on_window, 16, 16, 0, ID_ANY},
    [FRAME_ACK] = {on_ack, ACK_MIN, ACK_MAX, 0, ID_NONE},
    [FRAME_STOP] = {on_stop, 2, 2, 0, ID_STREAM},
    [FRAME_RESET] = {on_reset, 10, 10, 0, ID_STREAM},
    [FRAME_RESET_ACK] = {on_reset_ack, 0, 0, 0, ID_STREAM},
    [FRAME_PING] = {on_ping, 8, 8, 0, ID_NONE},
    [FRAME_PONG] = {on_pong, 8, 8, 0, ID_NONE},
    [FRAME_GOAWAY] = {on_goaway, 2, 2, 0, ID_NONE},
};

static const struct frame_rule *find_rule(uint8_t type)
{
    if (type >= FRAME_TYPE_COUNT || (!rules[type].handler && type != FRAME_DATA)) {
        return NULL;
    }
    return &rules[type];
}

static int check(const struct frame_rule *rule, const struct frame_header *h, struct errinfo *info)
{
    if (h->flags & ~rule->flags) {
        return refuse(h, info, "reserved flags are set");
    }
    if (h->length < rule->min || h->length > rule->max) {
        return refuse(h, info, "a length that cannot be");
    }
    if ((rule->id == ID_NONE && h->id != 0) || (rule->id == ID_STREAM && h->id == 0)) {
        return refuse(h, info, "a stream it cannot be about");
    }
    return 0;
}

static int skip_unknown(const struct frame_header *h, struct bufq *in, struct errinfo *info)
{
    if (!(h->flags & FRAME_SKIPPABLE)) {
        return errinfo_set(info, ERR_PROTOCOL, "frame type 0x%02x is not known here", h->type);
    }
    bufq_drop(in, (size_t)FRAME_HEADER_BYTES + h->length);
    return 0;
}

static int take_frame(struct mux *m, const struct frame_header *h, struct bufq *in,
                      struct errinfo *info)
{
    const struct frame_rule *rule = find_rule(h->type);

    if (!rule) {
        return skip_unknown(h, in, info);
    }
    TRY(check(rule, h, info));
    if (h->type == FRAME_DATA) {
        return mux_take_data(m, h, in, info);
    }
    bufq_drop(in, FRAME_HEADER_BYTES);
    int err = rule->handler(m, h, bufq_pullup(in, h->length), info);
    bufq_drop(in, h->length);
    return err < 0 ? errinfo_set(info, err, "%s for stream %u is malformed",
                                 frame_type_name(h->type), h->id)
                   : 0;
}

static int take_frames(struct mux *m, struct bufq *in, struct errinfo *info)
{
    struct frame_header h;
    int err;

    for (err = frame_peek(in, &h); err == 0; err = frame_peek(in, &h)) {
        if (in->bytes < (size_t)FRAME_HEADER_BYTES + h.length) {
            return 0;
        }
        TRY(take_frame(m, &h, in, info));
    }
    return err == ERR_MORE ? 0 : errinfo_set(info, err, "a frame header that cannot be");
}

int mux_feed(struct mux *m, unsigned lane, struct bufq *in, uint64_t now_ms, struct errinfo *info)
{
    ASSERT(lane < m->lane_count);
    mux_enter(m, now_ms);
    m->received_ms = now_ms;
    int err = take_frames(m, in, info);
    mux_leave(m);
    return err;
}
