/* Frames out, chosen late: what is produced now is what matters now.
 *
 *     lane 0:  PING PONG RESET_ACK GOAWAY | OPEN OPENED WINDOW STOP RESET | ACK | CONTROL | DATA
 *     others:                                                                          | DATA
 *
 * And the sending half of a stream: what is kept for the peer, up to which byte it was sent.
 */
#include "mux/mux_priv.h"

#include "base/least.h"

/* ---- the sending half ---- */

uint64_t tx_written(const struct mux_stream *s)
{
    return s->tx.acked + s->tx.kept.bytes;
}

uint64_t tx_unsent(const struct mux_stream *s)
{
    return tx_written(s) - s->tx.sent;
}

static uint64_t credit_left(const struct mux_stream *s)
{
    return s->tx.limit > s->tx.sent ? s->tx.limit - s->tx.sent : 0;
}

static bool is_fin_next(const struct mux_stream *s, uint64_t unsent)
{
    return s->tx_state == TX_FINISHED && unsent == 0;
}

bool tx_is_sendable(const struct mux_stream *s)
{
    uint64_t unsent = tx_unsent(s);

    if (s->life != LIFE_OPEN || stream_is(s, STREAM_RETIRED)) {
        return false;
    }
    return least_u64(unsent, credit_left(s)) > 0 || is_fin_next(s, unsent);
}

/* A frame that holds the beginning of an exchange starts with it. */
static uint64_t cut_at_begin(const struct mux_tx *tx, uint64_t n, uint8_t *flags)
{
    if (tx->begin_at == tx->sent && n > 0) {
        *flags |= DATA_BEGIN;
    } else if (tx->begin_at > tx->sent && tx->begin_at - tx->sent < n) {
        n = tx->begin_at - tx->sent;
    }
    return n;
}

/* The offset is told first on a carrier, and always where lanes may overtake each other. */
static uint8_t place(struct mux_stream *s)
{
    bool is_told = stream_is(s, STREAM_TX_PLACED) && mux_of(s)->lane_count == 1;

    stream_flag(s, STREAM_TX_PLACED);
    return is_told ? 0 : DATA_OFFSET;
}

size_t tx_emit(struct mux_stream *s, struct bufq *out, size_t max)
{
    struct mux *m = mux_of(s);
    struct mux_tx *tx = &s->tx;
    uint64_t n =
        least_u64(least_u64(tx_unsent(s), credit_left(s)), least_u64(max, MUX_FRAME_DATA_MAX));
    uint8_t flags = 0;

    n = cut_at_begin(tx, n, &flags);
    if (is_fin_next(s, tx_unsent(s) - n)) {
        flags |= DATA_FIN;
        tx_set(s, TX_FIN_SENT);
    }
    flags |= place(s);
    frame_put_data(out, s->id, flags, tx->sent, (size_t)n);
    bufq_share(out, &tx->kept, &tx->mark, (size_t)n);
    tx->sent += n;
    flight_add(s, n);
    s->sent_at = (uint32_t)m->now_ms;
    m->counters.sent_bytes += n;
    return (size_t)n;
}

void tx_truncate(struct mux_stream *s)
{
    struct mux_tx *tx = &s->tx;
    struct bufq sent = {0}, passed = {0};
    size_t n = (size_t)(tx->sent - tx->acked);

    bufq_move(&sent, &tx->kept, n);
    bufq_clear(&tx->kept);
    tx->kept = sent;
    tx->mark = (struct bufq_mark){0};
    bufq_share(&passed, &tx->kept, &tx->mark, n); /* only to bring the mark to the end again */
    bufq_clear(&passed);
}

void tx_rewind(struct mux_stream *s)
{
    struct mux_tx *tx = &s->tx;

    mux_of(s)->counters.repeated_bytes += tx->sent - tx->acked;
    flight_remove(s, tx->sent - tx->acked);
    tx->sent = tx->acked;
    tx->mark = (struct bufq_mark){0};
    if (s->tx_state == TX_FIN_SENT) {
        tx_set(s, TX_FINISHED);
    }
}

void tx_tell_writable(struct mux_stream *s)
{
    struct mux *m = mux_of(s);
    size_t room = mux_stream_room(s);

    if (!stream_is(s, STREAM_BLOCKED) || !stream_has_owner(s) || room == 0) {
        return;
    }
    if (tx_unsent(s) <= MUX_UNSENT_LOW_BYTES) {
        stream_unflag(s, STREAM_BLOCKED);
        m->events->on_writable(m->ctx, s);
    }
}

/* ---- frames of the streams' own ---- */

static void emit_open(struct mux_stream *s, struct bufq *out)
{
    struct frame_open open = {s->tunnel->id, s->rx.limit, stream_facts_of(s)};

    frame_put_open(out, s->id, &open);
}

static void emit_opened(struct mux_stream *s, struct bufq *out)
{
    frame_put_opened(out, s->id, stream_facts_of(s));
}

static void emit_window(struct mux_stream *s, struct bufq *out)
{
    struct frame_window window = {rx_acknowledges(s), s->rx.limit};

    frame_put_window(out, s->id, &window);
    ack_told(s);
}

static void emit_stop(struct mux_stream *s, struct bufq *out)
{
    frame_put_stop(out, s->id, s->code);
}

static void emit_reset(struct mux_stream *s, struct bufq *out)
{
    struct frame_reset reset = {s->code, s->tx.sent};

    frame_put_reset(out, s->id, &reset);
}

struct due_rule {
    enum stream_due due;
    void (*emit)(struct mux_stream *s, struct bufq *out);
};

static const struct due_rule due_rules[] = {
    {DUE_OPEN, emit_open}, {DUE_OPENED, emit_opened}, {DUE_WINDOW, emit_window},
    {DUE_STOP, emit_stop}, {DUE_RESET, emit_reset},
};

static void emit_due(struct mux_stream *s, struct bufq *out)
{
    for (size_t i = 0; i < COUNT_OF(due_rules); i++) {
        if (s->due & due_rules[i].due) {
            due_rules[i].emit(s, out);
        }
    }
    s->due = 0;
    list_remove(&s->due_node);
}

/* ---- a batch ---- */

static void emit_own_frames(struct mux *m, struct bufq *out, size_t enough)
{
    bufq_pack(out, &m->urgent, m->urgent.bytes);
    while (!list_is_empty(&m->due) && out->bytes < enough) {
        emit_due(LIST_ENTRY(list_first(&m->due), struct mux_stream, due_node), out);
    }
    if (ack_is_due(m)) {
        ack_emit(m, out);
    }
    while (tx_is_sendable(m->control) && out->bytes < enough) {
        tx_emit(m->control, out, MUX_FRAME_DATA_MAX);
    }
}

bool mux_wants_output(const struct mux *m, unsigned lane)
{
    if (lane >= m->lane_count) {
        return false;
    }
    if (sched_has_any(m)) {
        return true;
    }
    return lane == 0 && (!bufq_is_empty(&m->urgent) || !list_is_empty(&m->due) || ack_is_due(m) ||
                         tx_is_sendable(m->control));
}

size_t mux_produce(struct mux *m, unsigned lane, struct bufq *out, size_t max_bytes,
                   uint64_t now_ms)
{
    size_t before = out->bytes;
    size_t enough = before + max_bytes;

    if (lane >= m->lane_count) {
        return 0;
    }
    mux_enter(m, now_ms);

    if (lane == 0) {
        emit_own_frames(m, out, enough);
    }
    if (out->bytes < enough) {
        sched_emit(m, out, enough);
    }
    mux_leave(m);

    return out->bytes - before;
}
