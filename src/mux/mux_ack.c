/* Acknowledgements: what we owe, collected until it is worth a frame, and what the peer tells.
 *
 * Due once 64 KiB wait on the link, or 50 ms after the oldest byte that waits. A WINDOW tells the
 * same for its stream.
 */
#include "mux/mux_priv.h"

/* ---- ours ---- */

static void join(struct mux *m, struct mux_stream *s)
{
    struct mux_acks *a = &m->acks;

    if (a->last) {
        a->last->ack_next = s;
    } else {
        a->first = s;
        a->oldest_ms = m->now_ms;
    }
    a->last = s;
    stream_flag(s, STREAM_ACK_WAITS);
}

static struct mux_stream *leave(struct mux *m)
{
    struct mux_acks *a = &m->acks;
    struct mux_stream *s = a->first;

    a->first = s->ack_next;
    if (!a->first) {
        a->last = NULL;
    }
    s->ack_next = NULL;
    stream_unflag(s, STREAM_ACK_WAITS);
    return s;
}

void ack_add(struct mux_stream *s, uint32_t bytes)
{
    struct mux *m = mux_of(s);

    s->rx.unacked += bytes;
    /* A reserved id is not acknowledged: its OPEN must be told again after a lost carrier. */
    if (s->life != LIFE_OPEN || s->rx.unacked == 0 || m->lane_count == 0) {
        return;
    }
    if (stream_is(s, STREAM_ACK_WAITS)) {
        m->acks.bytes += bytes;
    } else {
        join(m, s);
        m->acks.bytes += s->rx.unacked;
    }
}

void ack_told(struct mux_stream *s)
{
    if (stream_is(s, STREAM_ACK_WAITS)) {
        mux_of(s)->acks.bytes -= s->rx.unacked;
    }
    s->rx.unacked = 0;
}

bool ack_is_due(const struct mux *m)
{
    const struct mux_acks *a = &m->acks;

    return a->bytes >= MUX_ACK_BYTES ||
           (a->bytes > 0 && m->now_ms >= a->oldest_ms + MUX_ACK_DELAY_MS);
}

/* The next rows of one frame; 0: no more. */
static size_t take_rows(struct mux *m, struct frame_ack_row *rows)
{
    size_t count = 0;

    while (m->acks.first && count < FRAME_ACK_ROWS_MAX) {
        struct mux_stream *s = leave(m);
        if (s->rx.unacked > 0) {
            rows[count++] = (struct frame_ack_row){s->id, rx_acknowledges(s)};
            m->acks.bytes -= s->rx.unacked;
            s->rx.unacked = 0;
        }
        stream_retire_if_done(s);
    }
    return count;
}

void ack_emit(struct mux *m, struct bufq *out)
{
    struct frame_ack_row rows[FRAME_ACK_ROWS_MAX];

    while (m->acks.first) {
        size_t count = take_rows(m, rows);
        if (count > 0) {
            frame_put_ack(out, rows, count);
        }
    }
}

void ack_forget_all(struct mux *m)
{
    while (m->acks.first) {
        struct mux_stream *s = leave(m);
        s->rx.unacked = 0;
        stream_retire_if_done(s);
    }
    m->acks.bytes = 0;
}

void ack_drop_told(struct mux *m)
{
    if (m->acks.bytes == 0) {
        ack_forget_all(m);
    }
}

/* ---- theirs ---- */

static int refuse(const struct mux_stream *s, uint64_t received, struct errinfo *info)
{
    return errinfo_set(info, ERR_PROTOCOL,
                       "stream %u: %llu bytes acknowledged, only %llu were sent", s->id,
                       (unsigned long long)received, (unsigned long long)s->tx.sent);
}

int ack_take(struct mux_stream *s, uint64_t received, struct errinfo *info)
{
    struct mux_tx *tx = &s->tx;
    bool has_fin = s->tx_state == TX_FIN_SENT && received == tx->sent + 1;

    if (s->life != LIFE_OPEN || s->tx_state == TX_DONE) {
        return 0;
    }
    if (received > tx->sent && !has_fin) {
        return refuse(s, received, info);
    }
    stream_is_known(s);
    uint64_t acked = has_fin ? tx->sent : received;
    if (acked > tx->acked) {
        bufq_drop_marked(&tx->kept, &tx->mark, (size_t)(acked - tx->acked));
        flight_arrived(s, acked - tx->acked);
        tx->acked = acked;
    }
    if (has_fin) {
        tx_set(s, TX_DONE);
    }
    return 0;
}
