/* The receiving half of a stream: DATA in, put in order, read by the owner.
 *
 * One rule for duplicates, striping and changed carriers: what lies below `received` is dropped,
 * what lies beyond waits in segments, what goes past `limit` breaks the protocol. Payload is never
 * copied when it is large.
 */
#include "mux/mux_priv.h"

static _Thread_local struct mem_pool segments = MEM_POOL(struct mux_segment, 64);

uint64_t rx_consumed(const struct mux_stream *s)
{
    return s->rx.received - s->rx.ready.bytes;
}

uint64_t rx_acknowledges(const struct mux_stream *s)
{
    return s->rx.received + (s->rx_state == RX_ENDED ? 1 : 0);
}

/* ---- segments ---- */

static uint64_t segment_end(const struct mux_segment *g)
{
    return g->offset + g->bytes.bytes;
}

static void drop_first_segment(struct mux_stream *s)
{
    struct mux_segment *g = s->rx.segments;

    s->rx.segments = g->next;
    bufq_clear(&g->bytes);
    mem_pool_put(&segments, g);
    mux_of(s)->segment_count--;
}

void rx_forget_segments(struct mux_stream *s)
{
    while (s->rx.segments) {
        drop_first_segment(s);
    }
    if (s->rx_state != RX_ENDED) {
        s->rx.final = MUX_NO_OFFSET;
    }
}

void rx_leave_carrier(struct mux_stream *s)
{
    stream_unflag(s, STREAM_RX_PLACED);
    rx_forget_segments(s);
    if (s->life == LIFE_RESERVED) {
        bufq_clear(&s->rx.ready);
        s->rx.received = 0;
        s->rx.unacked = 0;
        stream_unflag(s, STREAM_BEGINS);
    }
}

static struct mux_segment *insert_segment(struct mux *m, struct mux_segment **at, uint64_t offset)
{
    struct mux_segment *g = mem_pool_get(&segments);

    m->segment_count++;
    g->offset = offset;
    g->next = *at;
    *at = g;
    return g;
}

/* Fills the gaps between the segments with the bytes of `from` that lie in them. A segment costs a
 * chunk, however few bytes it has: all streams together may have so many. */
static int keep_segments(struct mux_stream *s, uint64_t offset, struct bufq *from)
{
    struct mux *m = mux_of(s);
    struct mux_segment **at = &s->rx.segments;
    struct mux_segment *before = NULL;

    while (!bufq_is_empty(from)) {
        struct mux_segment *g = *at;
        if (!g || offset < g->offset) {
            size_t gap = g && g->offset - offset < from->bytes ? (size_t)(g->offset - offset)
                                                               : from->bytes;
            bool touches = before && segment_end(before) == offset;
            if (!touches && m->segment_count == MUX_SEGMENTS_MAX) {
                return ERR_PROTOCOL;
            }
            g = touches ? before : insert_segment(m, at, offset);
            offset += bufq_pack(&g->bytes, from, gap);
        } else if (offset < segment_end(g)) {
            uint64_t covered = segment_end(g) - offset;
            size_t n = covered < from->bytes ? (size_t)covered : from->bytes;
            bufq_drop(from, n);
            offset += n;
        }
        before = g;
        at = &g->next;
    }
    return 0;
}

/* Moves the segments that follow without a gap to the end of ready. */
static void take_segments(struct mux_stream *s)
{
    struct mux_rx *rx = &s->rx;

    while (rx->segments && rx->segments->offset <= rx->received) {
        struct mux_segment *g = rx->segments;
        if (segment_end(g) > rx->received) {
            bufq_drop(&g->bytes, (size_t)(rx->received - g->offset));
            rx->received += bufq_pack(&rx->ready, &g->bytes, g->bytes.bytes);
        }
        drop_first_segment(s);
    }
}

static bool has_beyond(const struct mux_rx *rx, uint64_t end)
{
    for (const struct mux_segment *g = rx->segments; g; g = g->next) {
        if (segment_end(g) > end) {
            return true;
        }
    }
    return rx->received > end;
}

/* ---- arriving ---- */

/* One DATA frame, read. */
struct arrival {
    uint64_t offset;
    uint64_t end;
    uint8_t flags;
};

static int refuse(const struct mux_stream *s, struct errinfo *info, int err, const char *what)
{
    return errinfo_set(info, err, "DATA on stream %u: %s", s->id, what);
}

/* Where the bytes lie: told, or, on a carrier of one lane, after the last ones. */
static int place(struct mux_stream *s, size_t n, struct arrival *a, struct errinfo *info)
{
    if (!(a->flags & DATA_OFFSET)) {
        if (!stream_is(s, STREAM_RX_PLACED) || mux_of(s)->lane_count > 1) {
            return refuse(s, info, ERR_PROTOCOL, "an offset is missing");
        }
        a->offset = s->rx.next;
    }
    if (a->offset > MUX_OFFSET_MAX) {
        return refuse(s, info, ERR_PROTOCOL, "an offset that cannot be");
    }
    a->end = a->offset + n;
    stream_flag(s, STREAM_RX_PLACED);
    s->rx.next = a->end;
    return 0;
}

static int check_bounds(const struct mux_stream *s, const struct arrival *a, struct errinfo *info)
{
    const struct mux_rx *rx = &s->rx;

    if (a->end > rx->limit) {
        return refuse(s, info, ERR_FLOW, "more than its credit");
    }
    if (rx->final != MUX_NO_OFFSET && a->end > rx->final) {
        return refuse(s, info, ERR_PROTOCOL, "bytes after the end");
    }
    if (!(a->flags & DATA_FIN)) {
        return a->end > a->offset ? 0 : refuse(s, info, ERR_PROTOCOL, "nothing in it");
    }
    if (s->id == 0) {
        return refuse(s, info, ERR_PROTOCOL, "the control stream has no end");
    }
    if ((rx->final != MUX_NO_OFFSET && a->end != rx->final) || has_beyond(rx, a->end)) {
        return refuse(s, info, ERR_PROTOCOL, "another end than before");
    }
    return 0;
}

/* Takes n bytes off the front of `in` and puts them where they belong. */
static int put_in_order(struct mux_stream *s, uint64_t offset, struct bufq *in, size_t n,
                        struct errinfo *info)
{
    struct mux_rx *rx = &s->rx;

    if (offset > rx->received) {
        if (mux_of(s)->lane_count == 1) {
            return refuse(s, info, ERR_PROTOCOL, "a gap, where nothing can be overtaken");
        }
        struct bufq early = {0};
        bufq_move(&early, in, n);
        int err = keep_segments(s, offset, &early);
        bufq_clear(&early);
        return err < 0 ? refuse(s, info, err, "too many pieces out of order") : 0;
    }
    uint64_t old = rx->received - offset;
    size_t known = old < n ? (size_t)old : n;
    bufq_drop(in, known);
    rx->received += bufq_pack(&rx->ready, in, n - known);
    take_segments(s);
    return 0;
}

void rx_end_if_complete(struct mux_stream *s)
{
    if (s->life == LIFE_OPEN && s->rx_state != RX_ENDED && s->rx.received == s->rx.final) {
        rx_set(s, RX_ENDED);
        stream_due_remove(s, DUE_STOP);
        credit_settle(s);
        ack_add(s, 1);
    }
}

static void tell_arrival(struct mux_stream *s, const struct arrival *a, bool was_empty,
                         uint64_t received_before)
{
    struct mux *m = mux_of(s);
    bool has_news = s->rx.received > received_before || s->rx_state == RX_ENDED;

    if (s->life == LIFE_RESERVED && a->flags & DATA_BEGIN && a->offset == 0) {
        stream_flag(s, STREAM_BEGINS);
    }
    if (s->life != LIFE_OPEN || !stream_has_owner(s)) {
        return;
    }
    if (a->flags & DATA_BEGIN && a->offset >= received_before) {
        m->events->on_begin(m->ctx, s, a->offset);
    }
    if (was_empty && has_news && s->life == LIFE_OPEN && stream_has_owner(s)) {
        m->events->on_readable(m->ctx, s);
    }
}

static int arrive(struct mux_stream *s, const struct arrival *a, struct bufq *in,
                  struct errinfo *info)
{
    struct mux *m = mux_of(s);
    struct mux_rx *rx = &s->rx;
    uint64_t before = rx->received;
    bool was_empty = bufq_is_empty(&rx->ready);
    bool is_wanted = s->rx_state == RX_OPEN;

    if (a->flags & DATA_FIN) {
        rx->final = a->end;
    }
    TRY(put_in_order(s, a->offset, in, (size_t)(a->end - a->offset), info));
    if (rx->received > before) {
        if (was_empty) {
            s->read_at = (uint32_t)m->now_ms;
        }
        ack_add(s, (uint32_t)(rx->received - before));
    }
    if (s->rx_state == RX_DRAINING) {
        bufq_clear(&rx->ready);
    }
    rx_end_if_complete(s);
    if (s == m->control) {
        return mux_control_input(m, info);
    }
    if (is_wanted) {
        tell_arrival(s, a, was_empty, before);
    }
    stream_retire_if_done(s);
    return 0;
}

int mux_take_data(struct mux *m, const struct frame_header *h, struct bufq *in,
                  struct errinfo *info)
{
    uint8_t bytes[FRAME_HEADER_BYTES + FRAME_OFFSET_BYTES] = {0};
    size_t head = h->flags & DATA_OFFSET ? sizeof bytes : FRAME_HEADER_BYTES;
    struct mux_stream *s;

    if (h->length < head - FRAME_HEADER_BYTES) {
        return errinfo_set(info, ERR_PROTOCOL, "DATA too short for its offset");
    }
    TRY(mux_find_or_reserve(m, h->id, true, &s, info));
    bufq_peek(in, bytes, head);
    bufq_drop(in, head);
    size_t n = h->length - (head - FRAME_HEADER_BYTES);
    m->counters.received_bytes += n;
    if (!s || s->life >= LIFE_RESETTING) {
        bufq_drop(in, n); /* on its way when the stream ended */
        return 0;
    }
    struct reader r = reader_of(slice_of(bytes + FRAME_HEADER_BYTES, FRAME_OFFSET_BYTES));
    struct arrival a = {.offset = read_u64(&r), .flags = h->flags};
    TRY(place(s, n, &a, info));
    TRY(check_bounds(s, &a, info));
    if (stream_is(s, STREAM_LOCAL)) {
        stream_is_known(s);
    }
    return arrive(s, &a, in, info);
}

/* ---- reading ---- */

int mux_stream_read(struct mux_stream *s, struct bufq *into, size_t max)
{
    struct mux_rx *rx = &s->rx;

    if (s->life != LIFE_OPEN) {
        return ERR_RESET;
    }
    if (s->rx_state == RX_DRAINING) {
        return ERR_CLOSED;
    }
    if (bufq_is_empty(&rx->ready)) {
        return s->rx_state == RX_ENDED ? ERR_EOF : ERR_AGAIN;
    }
    bufq_move(into, &rx->ready, max);
    s->read_at = (uint32_t)mux_of(s)->now_ms;
    if (s->rx_state == RX_ENDED) {
        credit_settle(s);
    } else {
        credit_renew(s);
    }
    return 0;
}

bool mux_stream_has_input(const struct mux_stream *s)
{
    return s->life != LIFE_OPEN || s->rx_state != RX_OPEN || !bufq_is_empty(&s->rx.ready);
}

void mux_stream_stop(struct mux_stream *s, uint16_t code)
{
    if (s->life != LIFE_OPEN || s->rx_state == RX_DRAINING) {
        return;
    }
    bufq_clear(&s->rx.ready);
    if (s->rx_state == RX_ENDED) {
        credit_settle(s);
        return;
    }
    rx_set(s, RX_DRAINING);
    s->code = code;
    stream_due_add(s, DUE_STOP);
}

uint64_t mux_stream_read_offset(const struct mux_stream *s)
{
    return rx_consumed(s);
}
