#include "session/link.h"

#include "base/least.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "net/tcp.h"

struct link {
    struct loop *loop;
    struct mux *mux;
    struct stream *stream;
    const struct stream *socket; /* its lowest layer, if there is one */
    struct bufq in;
    struct bufq out;
    struct flusher flusher;
    struct timer timer;
    uint64_t acked_bytes;   /* as the kernel told it last */
    uint64_t alive_at_ms;   /* last sign of life: bytes, or our bytes acknowledged */
    uint64_t probed_at_ms;  /* when link_probe asked first, if its PING is unanswered */
    uint64_t probe_wait_ms; /* 0: nobody asked */
    struct log_scope log;
    const struct link_user *user;
    void *ctx;
    struct grave grave;
};

static void bury(struct grave *grave)
{
    mem_free(CONTAINER_OF(grave, struct link, grave));
}

/* The link ends; the stream was closed or aborted. */
static void end(struct link *l)
{
    timer_disarm(l->loop, &l->timer);
    loop_unmark_dirty(&l->flusher);
    bufq_clear(&l->in);
    bufq_clear(&l->out);
    if (mux_is_attached(l->mux)) {
        mux_detach(l->mux);
    }
    loop_bury(l->loop, &l->grave, bury);
}

static void lose(struct link *l, int err, const struct errinfo *why)
{
    const struct link_user *user = l->user;

    if (!l->stream) {
        return;
    }
    if (err_category(err) == ERR_CAT_PEER) {
        metric_add(METRIC_PROTOCOL_ERRORS, 1);
        stream_refuse(&l->stream);
    } else {
        stream_abort(&l->stream);
    }
    end(l);
    user->on_lost(l->ctx, l, err, why);
}

/* ---- time ---- */

static uint64_t silence_limit_ms(const struct link *l)
{
    uint64_t by_rtt = 4 * (uint64_t)mux_rtt_ms(l->mux) + 1000;
    return by_rtt > LINK_SILENT_MS ? by_rtt : LINK_SILENT_MS;
}

/* Whatever shows that the other end still takes part. */
static void look_for_life(struct link *l)
{
    uint64_t received_at = mux_last_received_ms(l->mux);
    struct tcp_stats stats;

    if (received_at > l->alive_at_ms) {
        l->alive_at_ms = received_at;
    }
    if (!l->socket || tcp_stats(l->socket, &stats) < 0) {
        return;
    }
    mux_hint_rtt(l->mux, stats.rtt_min_us);
    if (stats.acked_bytes > l->acked_bytes) {
        uint64_t acked_at = loop_now_ms(l->loop) - stats.ack_age_ms;
        l->acked_bytes = stats.acked_bytes;
        l->alive_at_ms = acked_at > l->alive_at_ms ? acked_at : l->alive_at_ms;
    }
}

/* When it will have been silent for so long, counted from that question or a later sign of life. */
static uint64_t silent_until_ms(const struct link *l, uint64_t asked_at_ms, uint64_t limit_ms)
{
    return (l->alive_at_ms > asked_at_ms ? l->alive_at_ms : asked_at_ms) + limit_ms;
}

/* When the carrier will have to be called dead if nothing comes. */
static uint64_t dead_at_ms(const struct link *l)
{
    uint64_t ping_at = mux_last_ping_ms(l->mux);
    uint64_t at =
        least_u64(silent_until_ms(l, ping_at, silence_limit_ms(l)), ping_at + LINK_PONG_MAX_MS);

    if (l->probe_wait_ms) {
        at = least_u64(at, silent_until_ms(l, l->probed_at_ms, l->probe_wait_ms));
    }
    return at;
}

static uint64_t next_liveness_ms(const struct link *l)
{
    return mux_is_ping_unanswered(l->mux) ? dead_at_ms(l)
                                          : mux_last_received_ms(l->mux) + LINK_PROBE_MS;
}

static void arm_timer(struct link *l)
{
    uint64_t now = loop_now_ms(l->loop);
    uint64_t at = next_liveness_ms(l);

    at = least_u64(at, mux_deadline_ms(l->mux));
    if (!timer_is_armed(&l->timer) || l->timer.at_ms > at) {
        timer_arm(l->loop, &l->timer, at > now ? at - now : 0);
    }
}

static void on_expired(struct timer *timer)
{
    struct link *l = CONTAINER_OF(timer, struct link, timer);
    struct errinfo why = {0};
    uint64_t now = loop_now_ms(l->loop);

    if (mux_deadline_ms(l->mux) <= now) {
        mux_tick(l->mux, now);
    }
    look_for_life(l);
    if (!mux_is_ping_unanswered(l->mux)) {
        l->probe_wait_ms = 0;
        if (now >= next_liveness_ms(l)) {
            mux_ping(l->mux, now);
        }
    } else if (now >= dead_at_ms(l)) {
        lose(l,
             errinfo_set(&why, ERR_TIMEOUT, "no sign of life for %u ms",
                         (unsigned)(now - l->alive_at_ms)),
             &why);
        return;
    }
    arm_timer(l);
}

/* ---- bytes ---- */

static void on_flush(struct flusher *flusher)
{
    struct link *l = CONTAINER_OF(flusher, struct link, flusher);
    uint64_t now = loop_now_ms(l->loop);
    int err = stream_write(l->stream, &l->out);

    while (err == 0 && mux_wants_output(l->mux, 0)) {
        size_t room = stream_room(l->stream);
        if (room == 0 || mux_produce(l->mux, 0, &l->out, room, now) == 0) {
            break;
        }
        err = stream_write(l->stream, &l->out);
    }
    if (err < 0 && err != ERR_AGAIN) {
        return; /* the ready phase tells: BROKEN, or the next read */
    }
    if (err == ERR_AGAIN || mux_wants_output(l->mux, 0)) {
        stream_want(l->stream, STREAM_WRITABLE);
    }
    arm_timer(l);
}

static void feed(struct link *l)
{
    struct errinfo why = {0};
    int err = mux_feed(l->mux, 0, &l->in, loop_now_ms(l->loop), &why);

    if (err < 0) {
        lose(l, err, &why);
        return;
    }
    arm_timer(l); /* what came is to be acknowledged, also if nothing goes out now */
}

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    struct link *l = ctx;

    if (events & STREAM_WRITABLE) {
        link_wake(l);
    }
    if (!(events & (STREAM_READABLE | STREAM_BROKEN))) {
        return;
    }
    int err = stream_read(s, &l->in, STREAM_ROUND_BYTES);
    if (!bufq_is_empty(&l->in)) {
        feed(l);
    }
    if (err < 0 && err != ERR_AGAIN) {
        lose(l, err, NULL);
    }
}

/* ---- life ---- */

struct link *link_attach(struct mux *mux, struct greeted *carrier_take, const struct log_scope *log,
                         const struct link_user *user, void *ctx)
{
    struct link *l = NEW(struct link);
    struct stream *s = carrier_take->stream;
    struct stream_facts facts;

    ASSERT(stream_level(s) + 1 < LINK_STREAM_LEVEL);
    l->loop = s->loop;
    l->mux = mux;
    l->stream = s;
    stream_facts(s, &facts);
    l->socket = facts.socket;
    l->in = carrier_take->in;
    l->out = carrier_take->out;
    *carrier_take = (struct greeted){0};
    l->flusher.flush = on_flush;
    l->timer.expired = on_expired;
    l->alive_at_ms = loop_now_ms(l->loop);
    l->log = (struct log_scope){.parent = log, .kind = "link"};
    l->user = user;
    l->ctx = ctx;
    stream_set_user(s, on_ready, l);
    mux_attach(mux, 1, loop_now_ms(l->loop));
    look_for_life(l);
    stream_want(s, STREAM_READABLE);
    if (!bufq_is_empty(&l->in)) {
        stream_raise(s, STREAM_READABLE);
    }
    link_wake(l);
    arm_timer(l);
    return l;
}

void link_close(struct link **link)
{
    struct link *l = *link;

    if (l) {
        *link = NULL;
        on_flush(&l->flusher);
        stream_close(&l->stream);
        end(l);
    }
}

void link_refuse(struct link **link)
{
    struct link *l = *link;

    if (l) {
        *link = NULL;
        stream_refuse(&l->stream);
        end(l);
    }
}

void link_abort(struct link **link)
{
    struct link *l = *link;

    if (l) {
        *link = NULL;
        stream_abort(&l->stream);
        end(l);
    }
}

void link_wake(struct link *link)
{
    loop_mark_dirty(link->loop, &link->flusher, stream_level(link->stream) + 1u);
}

void link_probe(struct link *link, uint64_t wait_ms)
{
    uint64_t now = loop_now_ms(link->loop);

    if (!mux_is_ping_unanswered(link->mux)) {
        link->probe_wait_ms = 0;
        mux_ping(link->mux, now);
    }
    if (link->probe_wait_ms == 0) {
        link->probed_at_ms = now;
        link->probe_wait_ms = wait_ms;
    }
    timer_disarm(link->loop, &link->timer);
    arm_timer(link);
}
