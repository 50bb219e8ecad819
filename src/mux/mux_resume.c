/* A new carrier for an old session: what each side tells the other, and what follows from it.
 *
 *     row there                      the peer has the stream: go on from its `received`
 *     none, and it never knew it     OPEN again, bytes from 0
 *     none, and our FIN was out      it had everything: done
 *     none otherwise                 it is gone: reset here, GONE
 *
 * A RESET without its RESET_ACK is sent again whatever the rows say.
 */
#include "mux/mux_priv.h"

#include "wire/link_hello.h"

/* ---- our table ---- */

static void put_row(const struct mux_stream *s, struct bufq *out)
{
    uint8_t bytes[LINK_ROW_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct link_row row = {
        .id = s->id,
        .state = stream_is(s, STREAM_ACCEPTED) ? LINK_ROW_OPENED : 0,
        .received = s->life == LIFE_OPEN ? rx_acknowledges(s) : s->rx.received,
        .limit = s->rx.limit,
    };

    link_row_write(&w, &row);
    bufq_push(out, bytes, sizeof bytes);
}

void mux_resume_table(struct mux *m, struct bufq *rows_out)
{
    ASSERT(m->lane_count == 0);
    TABLE_EACH (&m->streams, node) {
        const struct mux_stream *s = CONTAINER_OF(node, struct mux_stream, node);
        /* Reserved: the peer is to OPEN it again. Reset while reserved: it may not have one. */
        if (s->life == LIFE_OPEN || s->life == LIFE_RESETTING) {
            put_row(s, rows_out);
        }
    }
}

/* ---- the peer's table ---- */

static int refuse(const struct link_row *row, struct errinfo *info, const char *what)
{
    return errinfo_set(info, ERR_PROTOCOL, "the table's row for stream %u %s", row->id, what);
}

static int take_row(struct mux *m, const struct link_row *row, struct errinfo *info)
{
    struct mux_stream *s;

    if (row->id >> 31 || row->limit > MUX_OFFSET_MAX) {
        return refuse(row, info, "cannot be");
    }
    s = mux_find(m, row->id);
    if (!s) {
        bool is_future = mux_id_is_local(m, row->id) && row->id >= m->local_next;
        return is_future ? refuse(row, info, "was never opened") : 0;
    }
    if (stream_is(s, STREAM_LISTED)) {
        return refuse(row, info, "appears twice");
    }
    stream_flag(s, STREAM_LISTED);
    if (s->life != LIFE_OPEN) {
        return 0;
    }
    if (s->tx_state != TX_DONE && row->received < s->tx.acked) {
        return refuse(row, info, "takes back what was acknowledged");
    }
    stream_is_known(s);
    TRY(ack_take(s, row->received, info));
    if (row->limit > s->tx.limit) {
        s->tx.limit = row->limit;
    }
    if (!stream_is(s, STREAM_LOCAL) && stream_is(s, STREAM_ACCEPTED) &&
        !(row->state & LINK_ROW_OPENED)) {
        stream_due_add(s, DUE_OPENED);
    }
    return 0;
}

static int take_rows(struct mux *m, struct bufq *rows, struct errinfo *info)
{
    if (rows->bytes % LINK_ROW_BYTES != 0) {
        return errinfo_set(info, ERR_PROTOCOL, "the table ends inside a row");
    }
    while (!bufq_is_empty(rows)) {
        struct reader r = reader_of(bufq_pullup(rows, LINK_ROW_BYTES));
        struct link_row row;

        link_row_read(&r, &row);
        bufq_drop(rows, LINK_ROW_BYTES);
        TRY(take_row(m, &row, info));
    }
    if (!stream_is(m->control, STREAM_LISTED)) {
        return errinfo_set(info, ERR_PROTOCOL, "the table has no row for stream 0");
    }
    return 0;
}

/* The peer has no record of an open stream of ours. */
static void settle_unlisted(struct mux_stream *s)
{
    if (stream_is(s, STREAM_LOCAL) && !stream_is(s, STREAM_KNOWN)) {
        stream_due_add(s, DUE_OPEN);
        return;
    }
    if (s->rx_state == RX_ENDED && s->tx_state == TX_FIN_SENT && tx_unsent(s) == 0) {
        bufq_clear(&s->tx.kept);
        s->tx.mark = (struct bufq_mark){0};
        flight_remove(s, s->tx.sent - s->tx.acked);
        s->tx.acked = s->tx.sent;
        tx_set(s, TX_DONE);
        return;
    }
    if (!stream_is_complete(s)) {
        stream_cut_by_peer(s, RESET_GONE);
    }
}

static void settle(struct mux_stream *s)
{
    bool is_listed = stream_is(s, STREAM_LISTED);

    stream_unflag(s, STREAM_LISTED);
    if (s->life == LIFE_RESETTING) {
        stream_due_add(s, DUE_RESET);
    }
    if (s->life != LIFE_OPEN) {
        return;
    }
    if (!is_listed) {
        settle_unlisted(s);
    }
    if (s->life != LIFE_OPEN) {
        return;
    }
    if (s->tx_state != TX_DONE) {
        tx_rewind(s);
    }
    if (s->rx_state == RX_DRAINING) {
        stream_due_add(s, DUE_STOP);
    }
    sched_update(s);
    tx_tell_writable(s);
    stream_retire_if_done(s);
}

static void settle_all(struct mux *m)
{
    size_t count;
    struct mux_stream **all = mux_snapshot(m, &count);

    for (size_t i = 0; i < count; i++) {
        if (!stream_is(all[i], STREAM_RETIRED)) {
            settle(all[i]);
        }
    }
    mem_free(all);
}

int mux_resume_apply(struct mux *m, struct bufq *rows, struct errinfo *info)
{
    ASSERT(m->lane_count == 0);
    mux_enter(m, m->now_ms);
    int err = take_rows(m, rows, info);
    if (err == 0) {
        settle_all(m);
    }
    mux_leave(m);
    return err;
}
