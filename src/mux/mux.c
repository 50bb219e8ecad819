/* The session object: its life, its carriers, its clock, its CONTROL stream.
 *
 *     mux --+-- streams   table of records by id       --> mux_stream --> mux_tunnel
 *           +-- control   stream 0, always there
 *           +-- urgent    encoded frames that jump the queue; lost with the carrier
 *           +-- due       streams with frames of their own to send
 *           +-- fresh, turns                            whose DATA is next
 *           +-- acks      receipts to be told
 *           +-- graves    retired records, freed when the outermost call ends
 */
#include "mux/mux_priv.h"

#include "wire/control.h"

enum { CONTROL_LENGTH_BYTES = 4 };

static size_t or_default(size_t value, size_t otherwise)
{
    return value ? value : otherwise;
}

/* ---- life ---- */

static void init_lists(struct mux *m)
{
    list_init(&m->due);
    list_init(&m->fresh);
    list_init(&m->turns);
    list_init(&m->graves);
    m->nowhere.mux = m;
    list_init(&m->nowhere.waiting);
    list_init(&m->nowhere.turn);
}

static void open_control(struct mux *m)
{
    struct mux_stream *s = mux_record_new(m, 0);

    s->life = LIFE_OPEN;
    s->flags = STREAM_LOCAL | STREAM_KNOWN | STREAM_ACCEPTED | STREAM_RELEASED; /* for good */
    s->rx.limit = s->rx.window = MUX_CONTROL_WINDOW;
    s->tx.limit = MUX_CONTROL_WINDOW;
    m->control = s;
}

int mux_new(const struct mux_config *config, const struct mux_events *events, void *ctx,
            struct mux **mux_out)
{
    struct mux *m = NEW(struct mux);

    m->events = events;
    m->ctx = ctx;
    m->initial_window = (uint32_t)or_default(config->initial_window, MUX_INITIAL_WINDOW);
    m->peer_initial_window = (uint32_t)or_default(config->peer_initial_window, MUX_INITIAL_WINDOW);
    m->streams_max = (uint32_t)or_default(config->streams_max, MUX_STREAMS_MAX);
    m->refuses_streams = config->refuses_streams;
    m->link_budget.limit_bytes = or_default(config->link_budget_bytes, MUX_LINK_BUDGET);
    m->process_budget = config->process_budget;
    m->local_next = config->role == MUX_ROLE_AGENT ? 1 : 2;
    m->peer_next = config->role == MUX_ROLE_AGENT ? 2 : 1;
    m->ping.rtt_ms = MUX_RTT_GUESS_MS;
    init_lists(m);
    if (!credit_charge(m, MUX_CONTROL_WINDOW)) {
        mem_free(m);
        return ERR_FULL;
    }
    open_control(m);
    *mux_out = m;
    return 0;
}

struct mux_stream **mux_snapshot(struct mux *m, size_t *count_out)
{
    struct mux_stream **all = mem_alloc_array(m->streams.count, sizeof(struct mux_stream *));
    size_t count = 0;

    TABLE_EACH (&m->streams, node) {
        all[count++] = CONTAINER_OF(node, struct mux_stream, node);
    }
    *count_out = count;
    return all;
}

void mux_free(struct mux **mux)
{
    struct mux *m = *mux;
    struct mux_stream **all;
    size_t count;

    *mux = NULL;
    if (!m) {
        return;
    }
    ASSERT(m->depth == 0);
    all = mux_snapshot(m, &count);
    for (size_t i = 0; i < count; i++) {
        sched_remove(all[i]);
        stream_bury(all[i]);
    }
    mem_free(all);
    bufq_clear(&m->urgent);
    table_deinit(&m->streams);
    table_deinit(&m->tunnels);
    credit_return(m, m->link_budget.promised_bytes);
    mem_free(m);
}

void mux_abandon(struct mux *m, uint16_t code)
{
    struct mux_stream **all;
    size_t count;

    mux_detach(m);
    m->is_abandoned = true;
    mux_enter(m, m->now_ms);
    all = mux_snapshot(m, &count);
    for (size_t i = 0; i < count; i++) {
        struct mux_stream *s = all[i];
        if (s == m->control || stream_is(s, STREAM_RETIRED)) {
            continue;
        }
        if (s->life == LIFE_RESETTING) {
            life_set(s, LIFE_OVER);
            stream_retire_if_done(s);
        } else if (s->life != LIFE_OVER) {
            stream_cut_by_peer(s, code);
        }
    }
    mem_free(all);
    mux_leave(m);
}

/* ---- calls that raise events ---- */

void mux_enter(struct mux *m, uint64_t now_ms)
{
    ASSERT(m->depth == 0);
    m->depth++;
    m->now_ms = now_ms;
}

void mux_leave(struct mux *m)
{
    m->depth--;
    if (ack_is_due(m)) {
        mux_note_output(m);
    }
    while (!list_is_empty(&m->graves)) {
        stream_bury(LIST_ENTRY(list_first(&m->graves), struct mux_stream, due_node));
    }
}

void mux_note_output(struct mux *m)
{
    if (m->lane_count > 0) {
        m->events->on_output(m->ctx);
    }
}

/* ---- carriers ---- */

void mux_attach(struct mux *m, unsigned lane_count, uint64_t now_ms)
{
    ASSERT(m->lane_count == 0 && lane_count > 0 && lane_count <= MUX_LANES_MAX);
    ASSERT(!m->is_abandoned);
    m->now_ms = now_ms;
    m->received_ms = now_ms;
    m->lane_count = lane_count;
    m->ping.answers = 0;
    flight_start(m);
    if (m->goaway) {
        frame_put_goaway(&m->urgent, m->goaway);
    }
    mux_ping(m, now_ms);
}

void mux_detach(struct mux *m)
{
    if (m->lane_count == 0) {
        return;
    }
    m->lane_count = 0;
    m->ping.is_unanswered = false;
    bufq_clear(&m->urgent);
    ack_forget_all(m);
    TABLE_EACH (&m->streams, node) {
        struct mux_stream *s = CONTAINER_OF(node, struct mux_stream, node);
        stream_unflag(s, STREAM_TX_PLACED);
        stream_due_remove(s, DUE_WINDOW); /* the table will say it */
        rx_leave_carrier(s);
    }
}

bool mux_is_attached(const struct mux *m)
{
    return m->lane_count > 0;
}

/* ---- time ---- */

uint64_t mux_deadline_ms(const struct mux *m)
{
    uint64_t at = UINT64_MAX;

    if (m->acks.first) {
        at = m->acks.oldest_ms + MUX_ACK_DELAY_MS;
    }
    if (credit_is_short(m) && m->slow_check_ms < at) {
        at = m->slow_check_ms;
    }
    return at;
}

void mux_tick(struct mux *m, uint64_t now_ms)
{
    mux_enter(m, now_ms);
    ack_drop_told(m);
    if (credit_is_short(m) && now_ms >= m->slow_check_ms) {
        m->slow_check_ms = now_ms + MUX_SLOW_CHECK_MS;
        credit_reset_slowest(m);
    }
    mux_leave(m);
}

/* ---- liveness ---- */

void mux_ping(struct mux *m, uint64_t now_ms)
{
    if (m->lane_count == 0) {
        return;
    }
    m->ping.asked_ms = now_ms;
    m->ping.is_unanswered = true;
    frame_put_ping(&m->urgent, FRAME_PING, now_ms);
    mux_note_output(m);
}

/* A peer that asks and asks and reads no answers is cut. */
static int check_urgent(const struct mux *m, struct errinfo *info)
{
    if (m->urgent.bytes > MUX_URGENT_BYTES) {
        return errinfo_set(info, ERR_PROTOCOL, "too many answers wait to be read");
    }
    return 0;
}

int mux_answer_ping(struct mux *m, uint64_t timestamp, struct errinfo *info)
{
    frame_put_ping(&m->urgent, FRAME_PONG, timestamp);
    mux_note_output(m);
    return check_urgent(m, info);
}

int mux_answer_reset(struct mux *m, uint32_t id, struct errinfo *info)
{
    frame_put_reset_ack(&m->urgent, id);
    mux_note_output(m);
    return check_urgent(m, info);
}

void mux_take_pong(struct mux *m, uint64_t timestamp)
{
    struct mux_ping_state *p = &m->ping;

    if (!p->is_unanswered || timestamp != p->asked_ms || m->now_ms < timestamp) {
        return;
    }
    uint64_t elapsed_ms = m->now_ms - timestamp;
    uint32_t sample = elapsed_ms < UINT16_MAX ? (uint32_t)elapsed_ms : UINT16_MAX;
    p->is_unanswered = false;
    p->rtt_ms = p->is_measured ? (7 * p->rtt_ms + sample) / 8 : sample;
    p->is_measured = true;
    if (p->rtt_ms == 0) {
        p->rtt_ms = 1;
    }
    if (p->answers++ == 0 || sample < p->rtt_min_ms) {
        p->rtt_min_ms = sample;
    }
    /* A short one is asked for again: it may be shorter than a tick of the clock. */
    if (sample > 0 && sample <= MUX_FLIGHT_FINE_MS && p->answers < MUX_FLIGHT_PINGS) {
        mux_ping(m, m->now_ms);
    }
}

bool mux_is_ping_unanswered(const struct mux *m)
{
    return m->ping.is_unanswered;
}

uint64_t mux_last_ping_ms(const struct mux *m)
{
    return m->ping.asked_ms;
}

uint64_t mux_last_received_ms(const struct mux *m)
{
    return m->received_ms;
}

void mux_hint_rtt(struct mux *m, uint32_t shortest_us)
{
    m->ping.hint_us = shortest_us;
}

uint32_t mux_rtt_ms(const struct mux *m)
{
    return m->ping.rtt_ms;
}

void mux_goaway(struct mux *m, uint16_t reason)
{
    bool is_news = m->goaway != reason;

    m->goaway = reason;
    if (is_news && m->lane_count > 0) {
        frame_put_goaway(&m->urgent, reason);
        mux_note_output(m);
    }
}

/* ---- control ---- */

int mux_control_send(struct mux *m, struct slice message)
{
    uint8_t length[CONTROL_LENGTH_BYTES];
    struct writer w = writer_of(length, sizeof length);
    struct mux_stream *s = m->control;

    if (message.len == 0 || message.len > CONTROL_MESSAGE_MAX) {
        return ERR_TOO_LARGE;
    }
    if (s->tx.kept.bytes + sizeof length + message.len > MUX_CONTROL_QUEUE_BYTES) {
        return ERR_FULL;
    }
    write_u32(&w, (uint32_t)message.len);
    bufq_push(&s->tx.kept, length, sizeof length);
    bufq_push_slice(&s->tx.kept, message);
    sched_update(s);
    return 0;
}

size_t mux_control_waiting(const struct mux *m)
{
    return m->control->tx.kept.bytes;
}

/* How many bytes the next message has with its length; that of the length alone before it is
 * known. */
static int peek_size(const struct bufq *ready, size_t *size_out, struct errinfo *info)
{
    uint8_t bytes[CONTROL_LENGTH_BYTES];

    *size_out = sizeof bytes;
    if (ready->bytes < sizeof bytes) {
        return 0;
    }
    bufq_peek(ready, bytes, sizeof bytes);
    struct reader r = reader_of(slice_of(bytes, sizeof bytes));
    uint32_t length = read_u32(&r);
    if (length == 0 || length > CONTROL_MESSAGE_MAX) {
        return errinfo_set(info, ERR_PROTOCOL, "CONTROL message of %u bytes", length);
    }
    *size_out += length;
    return 0;
}

int mux_control_input(struct mux *m, struct errinfo *info)
{
    struct bufq *ready = &m->control->rx.ready;
    size_t size;

    TRY(peek_size(ready, &size, info));
    while (ready->bytes >= size) {
        struct slice whole = bufq_pullup(ready, size);
        m->events->on_control(m->ctx, slice_sub(whole, CONTROL_LENGTH_BYTES, size));
        bufq_drop(ready, size);
        TRY(peek_size(ready, &size, info));
    }
    credit_renew_control(m, size);
    return 0;
}

/* ---- questions ---- */

void mux_counters(const struct mux *m, struct mux_counters *out)
{
    *out = m->counters;
    out->streams = (uint32_t)m->streams.count - 1; /* CONTROL is none */
    out->promised_bytes = m->link_budget.promised_bytes;
    TABLE_EACH (&m->streams, node) {
        const struct mux_stream *s = CONTAINER_OF(node, struct mux_stream, node);
        out->unread_bytes += s->rx.ready.bytes;
        out->retained_bytes += s->tx.kept.bytes;
    }
}
