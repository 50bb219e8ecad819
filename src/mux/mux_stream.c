/* Records of streams: how they come and go, and what their owners ask for.
 *
 * A record leaves the table when nobody needs it: its owner has released it, both halves have ended
 * and were acknowledged (or RESET was), and nothing about it waits to be sent. Its memory goes when
 * no call that raises events is running.
 */
#include "mux/mux_priv.h"

static _Thread_local struct mem_pool records = MEM_POOL(struct mux_stream, 1024);
static _Thread_local struct mem_pool tunnels = MEM_POOL(struct mux_tunnel, 64);

/* ---- ids ---- */

bool mux_id_is_local(const struct mux *m, uint32_t id)
{
    return id % 2 == m->local_next % 2;
}

struct mux_stream *mux_find(const struct mux *m, uint32_t id)
{
    TABLE_EACH_MATCH (&m->streams, table_hash_u64(id), node) {
        struct mux_stream *s = CONTAINER_OF(node, struct mux_stream, node);
        if (s->id == id) {
            return s;
        }
    }
    return NULL;
}

/* What is not wanted, or there is no room for, is refused at once. */
static uint16_t refusal_of(struct mux *m)
{
    if (m->refuses_streams) {
        return RESET_DENIED;
    }
    bool has_room = m->streams.count <= m->streams_max && credit_charge(m, m->initial_window);
    return has_room ? RESET_NONE : RESET_LIMIT;
}

static struct mux_stream *reserve(struct mux *m, uint32_t id)
{
    struct mux_stream *s = mux_record_new(m, id);

    s->rx.limit = m->initial_window;
    stream_flag(s, STREAM_RELEASED);
    m->reserved_count++;
    m->peer_count++;
    uint16_t refusal = refusal_of(m);
    if (refusal != RESET_NONE) {
        stream_cut(s, LIFE_RESETTING, refusal);
        return s;
    }
    s->rx.window = m->initial_window;
    return s;
}

/* How many of the peer's ids there may be: a thousand unanswered refusals more than streams. */
static uint32_t peer_max(const struct mux *m)
{
    return (m->refuses_streams ? 0 : m->streams_max) + MUX_RESERVED_MAX;
}

static int reserve_up_to(struct mux *m, uint32_t id, struct mux_stream **out, struct errinfo *info)
{
    uint32_t skipped = (id - m->peer_next) / 2;

    if (id > FRAME_ID_MAX || skipped + m->reserved_count > MUX_RESERVED_MAX) {
        return errinfo_set(info, ERR_PROTOCOL, "stream %u skips too many ids", id);
    }
    if (m->peer_count + skipped > peer_max(m)) {
        return errinfo_set(info, ERR_PROTOCOL, "more streams than were ever allowed");
    }
    while (m->peer_next <= id) {
        *out = reserve(m, m->peer_next);
        m->peer_next += 2;
    }
    return 0;
}

int mux_find_or_reserve(struct mux *m, uint32_t id, bool may_reserve, struct mux_stream **out,
                        struct errinfo *info)
{
    *out = mux_find(m, id);
    if (*out) {
        return 0;
    }
    bool is_local = mux_id_is_local(m, id);
    if (id < (is_local ? m->local_next : m->peer_next)) {
        return 0; /* gone */
    }
    if (is_local || !may_reserve) {
        return errinfo_set(info, ERR_PROTOCOL, "stream %u was never opened", id);
    }
    return reserve_up_to(m, id, out, info);
}

/* How many mux_open may still use. */
static uint32_t ids_left(const struct mux *m)
{
    return m->local_next > FRAME_ID_MAX ? 0 : (FRAME_ID_MAX - m->local_next) / 2 + 1;
}

/* ---- tunnels ---- */

static struct mux_tunnel *find_tunnel(const struct mux *m, uint32_t id)
{
    TABLE_EACH_MATCH (&m->tunnels, table_hash_u64(id), node) {
        struct mux_tunnel *t = CONTAINER_OF(node, struct mux_tunnel, node);
        if (t->id == id) {
            return t;
        }
    }
    return NULL;
}

void stream_join_tunnel(struct mux_stream *s, uint32_t tunnel_id)
{
    struct mux *m = mux_of(s);
    struct mux_tunnel *t = find_tunnel(m, tunnel_id);

    if (!t) {
        t = mem_pool_get(&tunnels);
        t->mux = m;
        t->id = tunnel_id;
        list_init(&t->waiting);
        list_init(&t->turn);
        table_add(&m->tunnels, &t->node, table_hash_u64(tunnel_id));
    }
    t->stream_count++;
    s->tunnel = t;
}

static void leave_tunnel(struct mux_stream *s)
{
    struct mux_tunnel *t = s->tunnel;

    if (t == &t->mux->nowhere || --t->stream_count > 0) {
        return;
    }
    table_remove(&t->mux->tunnels, &t->node);
    mem_pool_put(&tunnels, t);
}

/* ---- records ---- */

struct mux_stream *mux_record_new(struct mux *m, uint32_t id)
{
    struct mux_stream *s = mem_pool_get(&records);

    s->tunnel = &m->nowhere;
    s->id = id;
    s->tx.begin_at = MUX_NO_OFFSET;
    s->rx.final = MUX_NO_OFFSET;
    s->renewed_at = (uint32_t)m->now_ms;
    s->sent_at = (uint32_t)m->now_ms - MUX_SLOW_MS; /* silent so far */
    list_init(&s->turn);
    list_init(&s->due_node);
    table_add(&m->streams, &s->node, table_hash_u64(id));
    return s;
}

static void drop_facts(struct mux_stream *s)
{
    mem_free(s->facts);
    s->facts = NULL;
}

static void set_facts(struct mux_stream *s, struct slice facts)
{
    drop_facts(s);
    if (facts.len > 0) {
        s->facts = mem_alloc(sizeof *s->facts + facts.len);
        s->facts->length = (uint16_t)facts.len;
        memcpy(s->facts->bytes, facts.ptr, facts.len);
    }
}

struct slice stream_facts_of(const struct mux_stream *s)
{
    return s->facts ? slice_of(s->facts->bytes, s->facts->length) : SLICE_NONE;
}

void stream_is_known(struct mux_stream *s)
{
    if (!stream_is(s, STREAM_KNOWN)) {
        stream_flag(s, STREAM_KNOWN);
        stream_due_remove(s, DUE_OPEN);
        drop_facts(s);
    }
}

void stream_due_add(struct mux_stream *s, enum stream_due due)
{
    s->due = (uint8_t)(s->due | due);
    if (!list_is_linked(&s->due_node)) {
        list_push_back(&mux_of(s)->due, &s->due_node);
    }
    mux_note_output(mux_of(s));
}

void stream_due_remove(struct mux_stream *s, enum stream_due due)
{
    s->due = (uint8_t)(s->due & ~due);
    if (s->due == 0 && !stream_is(s, STREAM_RETIRED)) {
        list_remove(&s->due_node);
    }
}

/* Both queues and everything promised go back. */
static void drop_everything(struct mux_stream *s)
{
    bufq_clear(&s->tx.kept);
    s->tx.mark = (struct bufq_mark){0};
    flight_remove(s, s->tx.sent - s->tx.acked);
    s->tx.acked = s->tx.sent;
    bufq_clear(&s->rx.ready);
    tx_set(s, TX_DONE);
    rx_set(s, RX_ENDED);
    rx_forget_segments(s);
    credit_settle(s);
    ack_told(s);
    sched_remove(s);
    drop_facts(s);
    list_remove(&s->due_node);
    s->due = 0;
}

void stream_cut(struct mux_stream *s, enum life next, uint16_t code)
{
    drop_everything(s);
    life_set(s, next);
    s->code = code;
    if (next == LIFE_RESETTING) {
        stream_due_add(s, DUE_RESET);
    }
}

void stream_cut_by_peer(struct mux_stream *s, uint16_t code)
{
    struct mux *m = mux_of(s);

    stream_cut(s, LIFE_OVER, code);
    if (stream_has_owner(s)) {
        m->events->on_reset(m->ctx, s, code);
    }
    stream_retire_if_done(s);
}

static bool is_done(const struct mux_stream *s)
{
    if (stream_has_owner(s) || stream_is(s, STREAM_ACK_WAITS)) {
        return false;
    }
    return s->life == LIFE_OVER || (s->life == LIFE_OPEN && stream_is_complete(s));
}

void stream_retire_if_done(struct mux_stream *s)
{
    struct mux *m = mux_of(s);

    if (!is_done(s) || stream_is(s, STREAM_RETIRED)) {
        return;
    }
    sched_remove(s);
    list_remove(&s->due_node);
    table_remove(&m->streams, &s->node);
    stream_flag(s, STREAM_RETIRED);
    if (!stream_is(s, STREAM_LOCAL)) {
        m->peer_count--;
    }
    list_push_back(&m->graves, &s->due_node);
    if (m->depth == 0) {
        stream_bury(s);
    }
}

void stream_bury(struct mux_stream *s)
{
    list_remove(&s->due_node);
    bufq_clear(&s->rx.ready);
    credit_settle(s);
    bufq_clear(&s->tx.kept);
    rx_forget_segments(s);
    drop_facts(s);
    leave_tunnel(s);
    mem_pool_put(&records, s);
}

/* ---- life ---- */

int mux_open(struct mux *m, uint32_t tunnel_id, struct slice facts, struct mux_stream **stream_out)
{
    if (facts.len > MUX_OPEN_FACTS_MAX) {
        return ERR_TOO_LARGE;
    }
    uint32_t window = credit_first_window(m);
    if (m->is_abandoned || ids_left(m) == 0 || m->streams.count > m->streams_max ||
        !credit_charge(m, window)) {
        return ERR_FULL;
    }
    struct mux_stream *s = mux_record_new(m, m->local_next);
    m->local_next += 2;
    stream_join_tunnel(s, tunnel_id);
    stream_flag(s, STREAM_LOCAL);
    set_facts(s, facts);
    s->life = LIFE_OPEN; /* born so: ours are never reserved */
    s->rx.limit = s->rx.window = window;
    s->tx.limit = m->peer_initial_window;
    m->counters.opened++;
    stream_due_add(s, DUE_OPEN);
    *stream_out = s;
    return 0;
}

void mux_stream_accept(struct mux_stream *s, struct slice facts)
{
    ASSERT(!stream_is(s, STREAM_LOCAL) && facts.len <= MUX_OPEN_FACTS_MAX);
    if (s->life != LIFE_OPEN || stream_is(s, STREAM_ACCEPTED)) {
        return;
    }
    stream_flag(s, STREAM_ACCEPTED);
    set_facts(s, facts);
    stream_due_add(s, DUE_OPENED);
}

void mux_stream_reset(struct mux_stream *s, uint16_t code)
{
    if (s->life == LIFE_OPEN && !stream_is_complete(s)) {
        stream_cut(s, LIFE_RESETTING, code);
    }
}

void mux_stream_release(struct mux_stream **stream)
{
    struct mux_stream *s = *stream;

    *stream = NULL;
    if (!s) {
        return;
    }
    stream_flag(s, STREAM_RELEASED);
    s->user = NULL;
    if (s->tx_state == TX_OPEN) {
        mux_stream_reset(s, RESET_CANCEL);
    } else {
        mux_stream_stop(s, RESET_CANCEL);
    }
    stream_retire_if_done(s);
}

void mux_stream_set_user(struct mux_stream *s, void *user)
{
    s->user = user;
}

void *mux_stream_user(const struct mux_stream *s)
{
    return s->user;
}

/* ---- writing ---- */

size_t mux_stream_room(const struct mux_stream *s)
{
    uint64_t written = tx_written(s);
    uint64_t unsent = tx_unsent(s);

    if (s->life != LIFE_OPEN || s->tx_state != TX_OPEN) {
        return MUX_UNSENT_BYTES; /* so that who waits for room writes, and hears why not */
    }
    if (unsent >= MUX_UNSENT_BYTES || written >= s->tx.limit + MUX_BEYOND_CREDIT_BYTES) {
        return 0;
    }
    uint64_t by_credit = s->tx.limit + MUX_BEYOND_CREDIT_BYTES - written;
    uint64_t by_queue = MUX_UNSENT_BYTES - unsent;
    return (size_t)(by_credit < by_queue ? by_credit : by_queue);
}

int mux_stream_write(struct mux_stream *s, struct bufq *from)
{
    if (s->life != LIFE_OPEN) {
        return ERR_RESET;
    }
    if (s->tx_state != TX_OPEN) {
        return ERR_CLOSED;
    }
    if (bufq_pack(&s->tx.kept, from, mux_stream_room(s)) > 0) {
        sched_update(s);
    }
    if (!bufq_is_empty(from)) {
        stream_flag(s, STREAM_BLOCKED);
        return ERR_AGAIN;
    }
    return 0;
}

void mux_stream_want_room(struct mux_stream *s)
{
    if (mux_stream_room(s) == 0) {
        stream_flag(s, STREAM_BLOCKED);
    }
}

void mux_stream_begin(struct mux_stream *s)
{
    s->tx.begin_at = tx_written(s);
}

void mux_stream_finish(struct mux_stream *s)
{
    if (s->life == LIFE_OPEN && s->tx_state == TX_OPEN) {
        tx_set(s, TX_FINISHED);
        sched_update(s);
    }
}

/* ---- questions ---- */

uint32_t mux_stream_id(const struct mux_stream *s)
{
    return s->id;
}
