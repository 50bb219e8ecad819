/* Whose DATA is next.
 *
 *     fresh ----> streams that speak after a round trip of silence: their first 16 KiB, and at
 *                 most half of a batch while others wait
 *     turns ----> tunnel A ----> stream, stream          deficit round robin, of one quantum for a
 *                 tunnel B ----> stream                  tunnel, and for a stream within it
 *
 * The quantum is what the carrier takes in a millisecond: small frames let others in soon, and cost
 * the receiver a system call each, so a fast carrier gets large ones.
 *
 * Knows no frames: it says which stream may send how much, tx_emit sends. A stream is in one line
 * exactly while it has DATA it may send.
 */
#include "mux/mux_priv.h"

static struct mux_stream *stream_of(struct list *turn)
{
    return turn ? LIST_ENTRY(turn, struct mux_stream, turn) : NULL;
}

static struct mux_tunnel *tunnel_of(struct list *turn)
{
    return turn ? LIST_ENTRY(turn, struct mux_tunnel, turn) : NULL;
}

static uint32_t quantum(const struct mux *m)
{
    uint64_t bytes = m->flight.bytes_per_ms;

    bytes = bytes > MUX_QUANTUM_MIN_BYTES ? bytes : MUX_QUANTUM_MIN_BYTES;
    return (uint32_t)(bytes < MUX_QUANTUM_MAX_BYTES ? bytes : MUX_QUANTUM_MAX_BYTES);
}

static bool was_silent(const struct mux *m, const struct mux_stream *s)
{
    return (uint32_t)m->now_ms - s->sent_at >= m->ping.rtt_ms;
}

static void add(struct mux_stream *s)
{
    struct mux_tunnel *t = s->tunnel;

    if (s->fresh_left > 0) {
        list_push_back(&t->mux->fresh, &s->turn);
        return;
    }
    list_push_back(&t->waiting, &s->turn);
    if (!list_is_linked(&t->turn)) {
        t->turn_left = quantum(t->mux);
        list_push_back(&t->mux->turns, &t->turn);
    }
}

void sched_remove(struct mux_stream *s)
{
    list_remove(&s->turn);
    if (list_is_empty(&s->tunnel->waiting)) {
        list_remove(&s->tunnel->turn);
    }
}

/* Silence has ended, and with it what the stream said before: who says little each time talks. */
static void end_burst(struct mux_stream *s)
{
    bool was_little = MUX_FRESH_BYTES - s->fresh_left <= MUX_TALK_BYTES;

    if (!was_little) {
        s->talk_bursts = 0;
    } else if (s->talk_bursts < MUX_TALK_BURSTS) {
        s->talk_bursts++;
    }
    if (s->talk_bursts == MUX_TALK_BURSTS) {
        flight_hear_talk(mux_of(s));
    }
    s->fresh_left = MUX_FRESH_BYTES;
}

void sched_update(struct mux_stream *s)
{
    struct mux *m = mux_of(s);

    if (!tx_is_sendable(s)) {
        sched_remove(s);
        return;
    }
    if (s != m->control && !list_is_linked(&s->turn)) {
        if (was_silent(m, s)) {
            end_burst(s);
        }
        add(s);
    }
    mux_note_output(m);
}

bool sched_has_any(const struct mux *m)
{
    return !list_is_empty(&m->fresh) || (!list_is_empty(&m->turns) && flight_has_room(m));
}

/* Back to the end of its line, or out of it; then its owner may hear of new room. */
static void put_back(struct mux_stream *s)
{
    list_remove(&s->turn);
    if (tx_is_sendable(s)) {
        add(s);
    } else if (list_is_empty(&s->tunnel->waiting)) {
        list_remove(&s->tunnel->turn);
    }
    tx_tell_writable(s);
}

static void emit_fresh(struct mux *m, struct bufq *out, size_t enough)
{
    while (!list_is_empty(&m->fresh) && out->bytes < enough) {
        struct mux_stream *s = stream_of(list_first(&m->fresh));
        size_t n = tx_emit(s, out, s->fresh_left);

        s->fresh_left = (uint16_t)(s->fresh_left - n);
        put_back(s);
    }
}

/* A stream alone sends full frames: smaller ones would buy nobody anything. */
static bool is_alone(const struct mux *m, const struct mux_tunnel *t)
{
    return m->turns.next == m->turns.prev && t->waiting.next == t->waiting.prev &&
           list_is_empty(&m->fresh);
}

static void end_round(struct mux *m, struct mux_tunnel *t)
{
    if (t->turn_left == 0 && list_is_linked(&t->turn)) {
        t->turn_left = quantum(m);
        list_remove(&t->turn);
        list_push_back(&m->turns, &t->turn);
    }
}

static void emit_turns(struct mux *m, struct bufq *out, size_t enough)
{
    /* The last few bytes of a batch are not worth a frame of their own. */
    for (bool is_first = true; !list_is_empty(&m->turns) && flight_has_room(m); is_first = false) {
        size_t left = enough > out->bytes ? enough - out->bytes : 0;
        if (left < (is_first ? 1 : MUX_FRAME_FIT_MIN)) {
            return;
        }
        struct mux_tunnel *t = tunnel_of(list_first(&m->turns));
        struct mux_stream *s = stream_of(list_first(&t->waiting));
        size_t most = t->turn_left;

        if (is_alone(m, t)) {
            most = left > t->turn_left ? left : t->turn_left;
        }
        size_t n = tx_emit(s, out, most);
        t->turn_left -= (uint32_t)(n < t->turn_left ? n : t->turn_left);
        put_back(s);
        end_round(m, t); /* the tunnel is there: records are buried later */
    }
}

void sched_emit(struct mux *m, struct bufq *out, size_t enough)
{
    size_t half = out->bytes + (enough - out->bytes) / 2;

    emit_fresh(m, out, list_is_empty(&m->turns) ? enough : half);
    emit_turns(m, out, enough);
    emit_fresh(m, out, enough);
}
