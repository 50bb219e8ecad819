#include "support/mux_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mux/mux_priv.h"
#include "wire/control.h"

enum { BATCH_BYTES = 64 * 1024, READ_BYTES = 64 * 1024, WRITE_BYTES = 256 * 1024 };

uint64_t pair_random(struct mux_pair *p, uint64_t bound)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return p->random % bound;
}

/* ---- the pattern ---- */

static uint8_t pattern(uint32_t flow, int sender, uint64_t offset)
{
    return (uint8_t)((offset * 2654435761u >> 11) ^ (offset >> 8) ^ (flow * 37u) ^
                     ((unsigned)sender * 101u));
}

static void fill(struct bufq *q, uint32_t flow, int sender, uint64_t offset, uint64_t n)
{
    while (n > 0) {
        uint8_t bytes[1024];
        size_t part = n < sizeof bytes ? (size_t)n : sizeof bytes;
        for (size_t i = 0; i < part; i++) {
            bytes[i] = pattern(flow, sender, offset + i);
        }
        bufq_push(q, bytes, part);
        offset += part;
        n -= part;
    }
}

static void check(struct bufq *q, uint32_t flow, int sender, uint64_t offset)
{
    while (!bufq_is_empty(q)) {
        struct slice front = bufq_front(q);
        for (size_t i = 0; i < front.len; i++) {
            if ((uint8_t)front.ptr[i] != pattern(flow, sender, offset + i)) {
                fail_msg("flow %u from side %d is wrong at offset %llu", flow, sender,
                         (unsigned long long)(offset + i));
            }
        }
        offset += front.len;
        bufq_drop(q, front.len);
    }
}

/* ---- events ---- */

static struct pair_end *end_of(struct pair_side *side, struct mux_stream *s)
{
    struct pair_end *e = mux_stream_user(s);

    assert_int_equal((e - &side->pair->flow[0][0]) % PAIR_SIDES, side->index);
    assert_ptr_equal(e->stream, s);
    return e;
}

static void on_output(void *ctx)
{
    ((struct pair_side *)ctx)->is_told = true;
}

static void on_open(void *ctx, struct mux_stream *s, uint32_t tunnel_id, struct slice facts)
{
    struct pair_side *side = ctx;
    struct mux_pair *p = side->pair;
    struct pair_end *e = &p->flow[tunnel_id][side->index];

    assert_true(slice_is(facts, "facts"));
    assert_null(e->stream);
    assert_false(e->is_released); /* nothing is opened twice */
    e->stream = s;
    mux_stream_set_user(s, e);
    if (p->refuses) {
        mux_stream_reset(s, 5);
        mux_stream_release(&e->stream);
        e->is_released = true;
    } else if (!p->no_accept) {
        mux_stream_accept(s, SLICE("alpn"));
    }
}

static void on_opened(void *ctx, struct mux_stream *s, struct slice facts)
{
    assert_true(slice_is(facts, "alpn"));
    assert_int_equal(end_of(ctx, s)->opened++, 0);
}

static void on_readable(void *ctx, struct mux_stream *s)
{
    assert_true(mux_stream_has_input(s));
    end_of(ctx, s)->readable++;
}

static void on_writable(void *ctx, struct mux_stream *s)
{
    assert_true(mux_stream_room(s) > 0);
    end_of(ctx, s)->writable++;
}

static void on_begin(void *ctx, struct mux_stream *s, uint64_t offset)
{
    struct pair_end *e = end_of(ctx, s);

    assert_true(e->begins == 0 || offset > e->begin_seen); /* never told twice */
    e->begins++;
    e->begin_seen = offset;
}

static void on_stop(void *ctx, struct mux_stream *s, uint16_t code)
{
    struct pair_end *e = end_of(ctx, s);

    assert_int_equal(e->stops++, 0);
    e->code = code;
    e->is_finished = true;
}

static void on_reset(void *ctx, struct mux_stream *s, uint16_t code)
{
    struct pair_end *e = end_of(ctx, s);

    assert_int_equal(e->resets++, 0);
    e->code = code;
}

static void on_control(void *ctx, struct slice message)
{
    struct pair_side *side = ctx;

    if (message.ptr[0] == '#') {
        assert_int_equal(strtoul(message.ptr + 1, NULL, 10), side->controls);
    }
    side->controls++;
    side->control_bytes += message.len;
    size_t n = message.len < PAIR_CONTROL_MAX - 1 ? message.len : PAIR_CONTROL_MAX - 1;
    memcpy(side->control_text, message.ptr, n);
    side->control_text[n] = 0;
}

static void on_goaway(void *ctx, uint16_t reason)
{
    struct pair_side *side = ctx;

    side->goaway = reason;
    side->goaways++;
}

static const struct mux_events events = {
    on_output, on_open, on_opened, on_readable, on_writable,
    on_begin,  on_stop, on_reset,  on_control,  on_goaway,
};

/* ---- life ---- */

void pair_init(struct mux_pair *p, const struct mux_config *configs, unsigned lanes, uint64_t seed)
{
    static const struct mux_config defaults[] = {{.role = MUX_ROLE_AGENT},
                                                 {.role = MUX_ROLE_RELAY}};

    memset(p, 0, sizeof *p);
    p->now_ms = 1000;
    p->random = seed * 0x9e3779b97f4a7c15u + 1;
    p->lanes = lanes;
    for (int i = 0; i < PAIR_SIDES; i++) {
        p->side[i].pair = p;
        p->side[i].index = i;
        assert_int_equal(
            mux_new(configs ? &configs[i] : &defaults[i], &events, &p->side[i], &p->side[i].mux),
            0);
        mux_attach(p->side[i].mux, lanes, p->now_ms);
    }
}

void pair_init_wide(struct mux_pair *p)
{
    static const struct mux_config configs[] = {
        {.role = MUX_ROLE_AGENT, .initial_window = 1 << 20},
        {.role = MUX_ROLE_RELAY, .peer_initial_window = 1 << 20}};

    pair_init(p, configs, 1, 1);
}

void pair_deinit(struct mux_pair *p)
{
    pair_cut(p);
    for (int i = 0; i < PAIR_SIDES; i++) {
        mux_free(&p->side[i].mux);
        assert_null(p->side[i].mux);
    }
    assert_int_equal(chunk_stats().in_use, 0);
    chunk_drain_spares();
}

/* ---- flows ---- */

struct mux_stream *pair_stream(struct mux_pair *p, int side, uint32_t flow)
{
    return p->flow[flow][side].stream;
}

int pair_open(struct mux_pair *p, int from, uint32_t flow, uint64_t total, uint64_t back)
{
    struct pair_end *e = &p->flow[flow][from];

    p->flow_end = flow < p->flow_end ? p->flow_end : flow + 1;
    e->total = total;
    p->flow[flow][!from].total = back;
    int err = mux_open(p->side[from].mux, flow, SLICE("facts"), &e->stream);
    if (err == 0) {
        mux_stream_set_user(e->stream, e);
    }
    return err;
}

int pair_write(struct mux_pair *p, int side, uint32_t flow, uint64_t max)
{
    struct pair_end *e = &p->flow[flow][side];
    uint64_t left = e->total - e->sent;
    struct bufq q = {0};

    fill(&q, flow, side, e->sent, left < max ? left : max);
    size_t offered = q.bytes;
    int err = mux_stream_write(e->stream, &q);
    assert_true(err != ERR_AGAIN || !bufq_is_empty(&q));
    e->sent += offered - q.bytes;
    bufq_clear(&q);
    return err;
}

int pair_read(struct mux_pair *p, int side, uint32_t flow, uint64_t max)
{
    struct pair_end *e = &p->flow[flow][side];
    struct bufq q = {0};
    int err = mux_stream_read(e->stream, &q, (size_t)max);
    size_t n = q.bytes;

    assert_true((err == 0) == (n > 0) && n <= max);
    check(&q, flow, !side, e->received);
    e->received += n;
    if (err == ERR_EOF) {
        e->is_eof = true;
    }
    return err;
}

void pair_finish(struct mux_pair *p, int side, uint32_t flow)
{
    mux_stream_finish(p->flow[flow][side].stream);
    p->flow[flow][side].is_finished = true;
}

void pair_release(struct mux_pair *p, int side, uint32_t flow)
{
    mux_stream_release(&p->flow[flow][side].stream);
    p->flow[flow][side].is_released = true;
}

void pair_control(struct mux_pair *p, int side, size_t size)
{
    static char message[CONTROL_MESSAGE_MAX];

    memset(message, ' ', sizeof message);
    snprintf(message, sizeof message, "#%u ", p->side[side].numbered);
    int err = mux_control_send(p->side[side].mux, slice_of(message, size));
    p->side[side].numbered += err == 0;
}

static void work_on(struct mux_pair *p, int side, uint32_t flow)
{
    struct pair_end *e = &p->flow[flow][side];

    if (!e->stream) {
        return;
    }
    if (!e->is_finished && !e->resets) {
        if (e->sent < e->total) {
            (void)!pair_write(p, side, flow, WRITE_BYTES);
        }
        if (e->sent == e->total) {
            pair_finish(p, side, flow);
        }
    }
    while (!e->is_eof && !e->has_stopped && pair_read(p, side, flow, READ_BYTES) == 0) {
    }
    if (e->resets || (e->is_finished && (e->is_eof || e->has_stopped))) {
        pair_release(p, side, flow);
    }
}

void pair_work(struct mux_pair *p)
{
    for (uint32_t flow = 0; flow < p->flow_end; flow++) {
        work_on(p, PAIR_AGENT, flow);
        work_on(p, PAIR_RELAY, flow);
    }
}

/* ---- the wire ---- */

void pair_produce(struct mux_pair *p, int side)
{
    struct pair_side *from = &p->side[side];

    for (unsigned lane = 0; lane < p->lanes; lane++) {
        if (mux_wants_output(from->mux, lane)) {
            assert_true(from->is_told); /* a driver would not have looked */
            size_t n = mux_produce(from->mux, lane, &from->wire[lane], BATCH_BYTES, p->now_ms);
            assert_true(n > 0); /* who wants to speak has something to say */
        }
    }
    from->is_told = mux_wants_output(from->mux, 0);
}

int pair_deliver(struct mux_pair *p, int from, unsigned lane, size_t n, struct errinfo *info)
{
    struct pair_side *to = &p->side[!from];

    bufq_move(&to->in[lane], &p->side[from].wire[lane], n);
    return mux_feed(to->mux, lane, &to->in[lane], p->now_ms, info);
}

static bool step(struct mux_pair *p)
{
    bool has_moved = false;

    for (int side = 0; side < PAIR_SIDES; side++) {
        pair_produce(p, side);
        for (unsigned lane = 0; lane < p->lanes; lane++) {
            struct errinfo info = {0};
            size_t n = p->side[side].wire[lane].bytes;
            if (n > 0 && pair_deliver(p, side, lane, n, &info) < 0) {
                fail_msg("%s", info.text);
            }
            has_moved |= n > 0;
        }
    }
    return has_moved;
}

void pair_settle(struct mux_pair *p)
{
    while (step(p)) {
    }
}

void pair_pass(struct mux_pair *p, uint64_t ms)
{
    for (uint64_t end = p->now_ms + ms; p->now_ms < end;) {
        p->now_ms += 10;
        for (int i = 0; i < PAIR_SIDES; i++) {
            mux_tick(p->side[i].mux, p->now_ms);
        }
        if (mux_is_attached(p->side[0].mux)) {
            pair_settle(p);
        }
    }
}

/* What a side believes to be on its way is what its streams have sent and kept. */
static void assert_flight(const struct mux *m)
{
    uint64_t bytes = 0;

    TABLE_EACH (&m->streams, node) {
        const struct mux_stream *s = CONTAINER_OF(node, struct mux_stream, node);
        bytes += s->id ? s->tx.sent - s->tx.acked : 0;
    }
    assert_int_equal(m->flight.bytes, bytes);
}

void pair_cut(struct mux_pair *p)
{
    for (int i = 0; i < PAIR_SIDES; i++) {
        mux_detach(p->side[i].mux);
        for (unsigned lane = 0; lane < p->lanes; lane++) {
            bufq_clear(&p->side[i].wire[lane]);
            bufq_clear(&p->side[i].in[lane]);
        }
    }
}

void pair_resume(struct mux_pair *p)
{
    struct bufq rows[PAIR_SIDES] = {{0}};

    for (int i = 0; i < PAIR_SIDES; i++) {
        mux_resume_table(p->side[i].mux, &rows[i]);
    }
    for (int i = 0; i < PAIR_SIDES; i++) {
        struct errinfo info = {0};
        assert_flight(p->side[i].mux);
        if (mux_resume_apply(p->side[i].mux, &rows[!i], &info) < 0) {
            fail_msg("resume at side %d: %s", i, info.text);
        }
        mux_attach(p->side[i].mux, p->lanes, p->now_ms);
    }
}

void pair_run(struct mux_pair *p)
{
    bool has_moved;

    do {
        pair_work(p);
        has_moved = step(p);
    } while (has_moved);
    pair_pass(p, 200);
    pair_work(p);
    pair_pass(p, 200);
}

int pair_inject(struct mux_pair *p, int side, struct bufq *frames, struct errinfo *info)
{
    bufq_move(&p->side[side].wire[0], frames, frames->bytes);
    return pair_deliver(p, side, 0, p->side[side].wire[0].bytes, info);
}

/* ---- what must hold ---- */

void pair_assert_whole(struct mux_pair *p, uint32_t flow)
{
    for (int i = 0; i < PAIR_SIDES; i++) {
        struct pair_end *e = &p->flow[flow][i];
        if (e->sent != e->total || p->flow[flow][!i].received != e->total || !e->is_eof ||
            !e->is_released || e->resets) {
            fail_msg("flow %u side %d: sent %llu of %llu, received there %llu, eof %d, released "
                     "%d, resets %u code %u",
                     flow, i, (unsigned long long)e->sent, (unsigned long long)e->total,
                     (unsigned long long)p->flow[flow][!i].received, e->is_eof, e->is_released,
                     e->resets, e->code);
        }
    }
}

void pair_assert_idle(struct mux_pair *p)
{
    for (int i = 0; i < PAIR_SIDES; i++) {
        struct mux_counters c;
        mux_counters(p->side[i].mux, &c);
        assert_int_equal(p->side[i].mux->flight.bytes, 0);
        assert_int_equal(c.streams, 0);
        assert_int_equal(c.promised_bytes, MUX_CONTROL_WINDOW);
        assert_int_equal(c.retained_bytes, 0);
        assert_int_equal(c.unread_bytes, 0);
        assert_int_equal(mux_deadline_ms(p->side[i].mux), UINT64_MAX);
    }
    assert_int_equal(chunk_stats().in_use, 0);
}
