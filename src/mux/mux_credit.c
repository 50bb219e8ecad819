/* Credit is memory promised: who may get how much, and who loses it when memory is short.
 *
 * A stream's whole window is charged, not what is left of it, so that renewing never fails.
 *
 *     at first             small, the smaller the less is free: thousands of idle streams fit
 *     once it is used      MUX_FIRST_WINDOW
 *     each time it is      doubled, if its reader keeps up: to MUX_BULK_WINDOW in any time, so that
 *     used up              many bulk streams at once need not cut all into small frames; beyond
 *                          that only if the sender took at most two round trips
 *
 * Only a part of each budget is open to doubling: the rest is kept for the first windows of others.
 */
#include "base/least.h"
#include "mux/mux_priv.h"

static bool has_room(const struct mux_budget *b, size_t bytes)
{
    return !b ||
           (b->promised_bytes <= b->limit_bytes && bytes <= b->limit_bytes - b->promised_bytes);
}

static void charge_anyway(struct mux *m, size_t bytes)
{
    m->link_budget.promised_bytes += bytes;
    if (m->process_budget) {
        m->process_budget->promised_bytes += bytes;
    }
}

bool credit_charge(struct mux *m, size_t bytes)
{
    if (!has_room(&m->link_budget, bytes) || !has_room(m->process_budget, bytes)) {
        return false;
    }
    charge_anyway(m, bytes);
    return true;
}

void credit_return(struct mux *m, size_t bytes)
{
    ASSERT(bytes <= m->link_budget.promised_bytes);
    m->link_budget.promised_bytes -= bytes;
    if (m->process_budget) {
        m->process_budget->promised_bytes -= bytes;
    }
}

/* ---- windows ---- */

static size_t free_bytes(const struct mux_budget *b)
{
    if (!b) {
        return SIZE_MAX;
    }
    return b->limit_bytes > b->promised_bytes ? b->limit_bytes - b->promised_bytes : 0;
}

static size_t free_everywhere(const struct mux *m)
{
    return least_size(free_bytes(&m->link_budget), free_bytes(m->process_budget));
}

uint32_t credit_first_window(const struct mux *m)
{
    size_t most = m->initial_window > MUX_FIRST_WINDOW ? m->initial_window : MUX_FIRST_WINDOW;
    size_t share = free_everywhere(m) / MUX_FIRST_DIVISOR;

    return (uint32_t)least_size(most, share > MUX_FIRST_WINDOW_MIN ? share : MUX_FIRST_WINDOW_MIN);
}

/* A stream that began with less has shown that it uses its window. */
static void catch_up(struct mux *m, struct mux_stream *s)
{
    size_t extra = MUX_FIRST_WINDOW - s->rx.window;

    if (extra <= free_everywhere(m) / MUX_CATCH_UP_DIVISOR && credit_charge(m, extra)) {
        s->rx.window = MUX_FIRST_WINDOW;
    }
}

/* What one growth may take: a part of what is left of the share for growth. */
static bool may_grow(const struct mux_budget *b, size_t extra)
{
    if (!b) {
        return true;
    }
    size_t open_to_growth = b->limit_bytes / MUX_GROWTH_SHARE_DIVISOR;
    return b->promised_bytes < open_to_growth &&
           extra <= (open_to_growth - b->promised_bytes) / MUX_GROWTH_DIVISOR;
}

static bool reader_keeps_up(const struct mux_stream *s)
{
    return s->rx.ready.bytes <= s->rx.window / 4;
}

/* All that may come has come, but for what is too little for a frame. */
static bool is_used_up(const struct mux_stream *s)
{
    return s->rx.limit - s->rx.received < MUX_FRAME_FIT_MIN;
}

static bool sender_waits_for_credit(const struct mux *m, const struct mux_stream *s)
{
    uint32_t elapsed_ms = (uint32_t)m->now_ms - s->renewed_at;

    return elapsed_ms <= 2 * m->ping.rtt_ms || (is_used_up(s) && s->rx.window < MUX_BULK_WINDOW);
}

static void grow(struct mux *m, struct mux_stream *s)
{
    size_t extra = s->rx.window;

    if (s->rx.window > MUX_STREAM_WINDOW_MAX / 2 || !may_grow(&m->link_budget, extra) ||
        !may_grow(m->process_budget, extra)) {
        return;
    }
    if (credit_charge(m, extra)) {
        s->rx.window *= 2;
    }
}

void credit_renew(struct mux_stream *s)
{
    struct mux *m = mux_of(s);
    uint64_t consumed = rx_consumed(s);

    if (s->rx_state != RX_OPEN || s->rx.limit - consumed > s->rx.window / 2) {
        return;
    }
    if (reader_keeps_up(s) && s->rx.window < MUX_FIRST_WINDOW) {
        catch_up(m, s);
    } else if (reader_keeps_up(s) && sender_waits_for_credit(m, s)) {
        grow(m, s);
    }
    s->rx.limit = consumed + s->rx.window;
    s->renewed_at = (uint32_t)m->now_ms;
    stream_due_add(s, DUE_WINDOW);
}

void credit_renew_control(struct mux *m, size_t needed)
{
    struct mux_rx *rx = &m->control->rx;
    uint64_t consumed = rx_consumed(m->control);
    uint32_t window = needed > MUX_CONTROL_WINDOW ? (uint32_t)needed : MUX_CONTROL_WINDOW;
    uint64_t left = rx->limit - consumed;

    if (left < needed || left <= window / 2) {
        rx->limit = consumed + window;
        left = window;
        stream_due_add(m->control, DUE_WINDOW);
    }
    credit_return(m, rx->window);
    rx->window = left > MUX_CONTROL_WINDOW ? (uint32_t)left : MUX_CONTROL_WINDOW;
    charge_anyway(m, rx->window);
}

void credit_settle(struct mux_stream *s)
{
    ASSERT(s->rx.window >= s->rx.ready.bytes);
    credit_return(mux_of(s), s->rx.window - s->rx.ready.bytes);
    s->rx.window = (uint32_t)s->rx.ready.bytes;
}

/* ---- slow readers ---- */

static bool is_short(const struct mux_budget *b)
{
    return b && b->promised_bytes > b->limit_bytes / 100 * MUX_SLOW_PERCENT;
}

bool credit_is_short(const struct mux *m)
{
    return is_short(&m->link_budget) || is_short(m->process_budget);
}

static bool is_stalled(const struct mux *m, const struct mux_stream *s)
{
    return s->life == LIFE_OPEN && s->rx.ready.bytes > 0 &&
           (uint32_t)m->now_ms - s->read_at >= MUX_SLOW_MS;
}

void credit_reset_slowest(struct mux *m)
{
    struct mux_stream *slowest = NULL;

    TABLE_EACH (&m->streams, node) {
        struct mux_stream *s = CONTAINER_OF(node, struct mux_stream, node);
        if (is_stalled(m, s) && (!slowest || s->rx.ready.bytes > slowest->rx.ready.bytes)) {
            slowest = s;
        }
    }
    if (!slowest) {
        return;
    }
    m->counters.slow_resets++;
    stream_cut(slowest, LIFE_RESETTING, RESET_SLOW);
    if (stream_has_owner(slowest)) {
        m->events->on_reset(m->ctx, slowest, RESET_SLOW);
    }
}
