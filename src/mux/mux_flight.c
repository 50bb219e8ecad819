/* How much DATA may be on its way: enough to keep the carrier busy, and no more.
 *
 *     limit = 2 x (best rate seen) x (shortest round trip), at least MUX_FLIGHT_MIN_BYTES
 *             or, while somebody talks on a short line, MUX_FLIGHT_TALK_BYTES
 *
 * What is on its way beyond that waits in the kernels' queues, where nothing can overtake it: a
 * keystroke beside a download would wait behind megabytes. Receipts count, not readers: a slow
 * reader holds back nobody (its own credit does that). Bulk waits for the limit; what is fresh does
 * not, and CONTROL does not count.
 *
 * The least that is allowed saves system calls on a short fast line, where it is most of the queue.
 * It is for bulk that has nobody beside it: next to a stream that says little again and again it
 * shrinks, and a keystroke's way with it. Not on a line that the clock can measure: that one may
 * become longer than it was when it was measured, and bulk would get a part of what it needs.
 *
 * The rate is measured in rounds. It rises at once and falls slowly, and only when the limit was in
 * the way: who has little to send says nothing about the carrier.
 */
#include "mux/mux_priv.h"

static uint64_t shortest_rtt_us(const struct mux *m, bool makes_room)
{
    const struct mux_ping_state *p = &m->ping;
    bool is_hinted = p->hint_us > 0 && p->hint_us < 1000; /* the clock says so too */

    if (p->rtt_min_ms) {
        return p->rtt_min_ms * UINT64_C(1000);
    }
    return makes_room && is_hinted ? p->hint_us : MUX_FLIGHT_RTT_MIN_US;
}

static void update_limit(struct mux *m)
{
    struct mux_flight *f = &m->flight;
    bool makes_room = m->now_ms < f->talk_until_ms && m->ping.rtt_min_ms == 0;
    uint64_t least = makes_room ? MUX_FLIGHT_TALK_BYTES : MUX_FLIGHT_MIN_BYTES;
    uint64_t twice = 2 * f->bytes_per_ms * shortest_rtt_us(m, makes_room) / 1000;

    f->limit = twice > least ? twice : least;
}

static void end_round(struct mux *m, uint64_t elapsed_ms)
{
    struct mux_flight *f = &m->flight;
    uint64_t rate = f->round_bytes / elapsed_ms;

    if (rate > f->bytes_per_ms) {
        f->bytes_per_ms = rate;
    } else if (f->was_limited) {
        f->bytes_per_ms -= (f->bytes_per_ms - rate) / MUX_FLIGHT_DECAY;
    }
    f->round_at_ms = m->now_ms;
    f->round_bytes = 0;
    f->was_limited = false;
    update_limit(m);
}

void flight_start(struct mux *m)
{
    m->flight = (struct mux_flight){.bytes = m->flight.bytes, .round_at_ms = m->now_ms};
    update_limit(m);
}

void flight_add(struct mux_stream *s, uint64_t bytes)
{
    struct mux_flight *f = &mux_of(s)->flight;

    if (s->id != 0) {
        f->bytes += bytes;
        f->was_limited |= f->bytes >= f->limit;
    }
}

void flight_remove(struct mux_stream *s, uint64_t bytes)
{
    struct mux *m = mux_of(s);

    if (s->id != 0) {
        ASSERT(bytes <= m->flight.bytes);
        m->flight.bytes -= bytes;
        mux_note_output(m);
    }
}

void flight_arrived(struct mux_stream *s, uint64_t bytes)
{
    struct mux *m = mux_of(s);
    uint64_t elapsed_ms = m->now_ms - m->flight.round_at_ms;
    uint64_t round_ms = m->ping.rtt_min_ms > MUX_FLIGHT_ROUND_MS ? m->ping.rtt_min_ms
                                                                 : MUX_FLIGHT_ROUND_MS;

    flight_remove(s, bytes);
    m->flight.round_bytes += bytes;
    if (elapsed_ms >= round_ms) {
        end_round(m, elapsed_ms);
    }
}

void flight_hear_talk(struct mux *m)
{
    bool is_news = m->now_ms >= m->flight.talk_until_ms;

    m->flight.talk_until_ms = m->now_ms + MUX_TALK_HOLD_MS;
    if (is_news) {
        update_limit(m);
    }
}

bool flight_has_room(const struct mux *m)
{
    return m->flight.bytes < m->flight.limit;
}
