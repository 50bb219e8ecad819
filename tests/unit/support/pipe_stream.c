#include "support/pipe_stream.h"

#include "base/mem.h"

/* What arrives at one end. Belongs to the reader, so that it outlives a writer that closed. */
struct lane {
    struct bufq flight;  /* sent, on the way */
    struct list parcels; /* of flight: how much arrives when */
    struct timer arrival;
    struct bufq arrived;
    int end; /* after `arrived`: 0 (more to come) or what read says */
    bool is_stalled;
    bool is_spent; /* read_max was given out this turn */
};

struct parcel {
    struct list node;
    uint64_t at_ms;
    size_t bytes;
    bool is_fin;
};

struct pipe_end {
    struct stream stream;
    struct pipe_options options;
    struct pipe_end *peer; /* NULL: gone */
    struct bufq tx;
    struct lane in;
    struct task next_turn;
    struct grave grave;
    uint64_t sent_bytes;
    bool has_shut; /* no more writes */
    bool fin_is_sent;
    bool is_closed; /* freed as soon as tx is sent */
};

static struct pipe_end *of_stream(const struct stream *s)
{
    return CONTAINER_OF(s, struct pipe_end, stream);
}

static size_t room(const struct stream *s)
{
    const struct pipe_end *e = of_stream(s);
    size_t used = e->tx.bytes;

    if (e->has_shut || e->in.end == ERR_RESET || e->in.end == ERR_TRUNCATED) {
        return 0;
    }
    if (e->peer) {
        used += e->peer->in.flight.bytes + e->peer->in.arrived.bytes;
    }
    return used < e->options.room ? e->options.room - used : 0;
}

static bool has_input(const struct stream *s)
{
    const struct pipe_end *e = of_stream(s);

    if (e->in.arrived.bytes == 0) {
        return e->in.end != 0;
    }
    return !e->in.is_spent;
}

static bool is_dead(const struct pipe_end *e)
{
    return e->in.end != 0 && e->in.end != ERR_EOF;
}

/* ---- the way ---- */

static void arrive(struct pipe_end *e)
{
    struct lane *in = &e->in;
    uint64_t now = loop_now_ms(e->stream.loop);

    while (!in->is_stalled && !list_is_empty(&in->parcels)) {
        struct parcel *p = LIST_ENTRY(list_first(&in->parcels), struct parcel, node);
        if (p->at_ms > now) {
            timer_arm(e->stream.loop, &in->arrival, p->at_ms - now);
            break;
        }
        bufq_move(&in->arrived, &in->flight, p->bytes);
        if (p->is_fin) {
            in->end = ERR_EOF;
        }
        list_remove(&p->node);
        mem_free(p);
    }
    if (has_input(&e->stream)) {
        stream_raise(&e->stream, STREAM_READABLE);
    }
}

static void on_arrival(struct timer *t)
{
    arrive(CONTAINER_OF(t, struct pipe_end, in.arrival));
}

static void send_parcel(struct pipe_end *to, struct bufq *bytes, bool is_fin)
{
    struct parcel *p = NEW(struct parcel);

    p->at_ms = loop_now_ms(to->stream.loop) + to->options.delay_ms;
    p->bytes = bytes->bytes;
    p->is_fin = is_fin;
    bufq_move(&to->in.flight, bytes, bytes->bytes);
    list_push_back(&to->in.parcels, &p->node);
    arrive(to);
}

static void lose_flight(struct pipe_end *e)
{
    while (!list_is_empty(&e->in.parcels)) {
        mem_free(LIST_ENTRY(list_pop_front(&e->in.parcels), struct parcel, node));
    }
    bufq_clear(&e->in.flight);
    timer_disarm(e->stream.loop, &e->in.arrival);
}

static void break_end(struct pipe_end *e, int err)
{
    lose_flight(e);
    bufq_clear(&e->tx);
    if (!is_dead(e)) {
        e->in.end = err;
        stream_raise(&e->stream, STREAM_BROKEN | STREAM_READABLE | STREAM_WRITABLE);
    }
}

/* ---- life ---- */

static void free_end(struct grave *g)
{
    mem_free(CONTAINER_OF(g, struct pipe_end, grave));
}

static void leave(struct pipe_end *e)
{
    if (e->peer) {
        e->peer->peer = NULL;
    }
    lose_flight(e);
    bufq_clear(&e->tx);
    bufq_clear(&e->in.arrived);
    loop_unschedule(&e->next_turn);
    stream_deinit(&e->stream);
    loop_bury(e->stream.loop, &e->grave, free_end);
}

/* ---- the stream ---- */

static void on_next_turn(struct task *t)
{
    struct pipe_end *e = CONTAINER_OF(t, struct pipe_end, next_turn);

    e->in.is_spent = false;
    if (has_input(&e->stream)) {
        stream_raise(&e->stream, STREAM_READABLE);
    }
}

static int do_read(struct stream *s, struct bufq *into, size_t max)
{
    struct pipe_end *e = of_stream(s);
    size_t limit = e->options.read_max ? e->options.read_max : SIZE_MAX;

    if (e->in.arrived.bytes == 0) {
        return e->in.end ? e->in.end : ERR_AGAIN;
    }
    if (e->in.is_spent) {
        return ERR_AGAIN;
    }
    bufq_move(into, &e->in.arrived, max < limit ? max : limit);
    if (e->options.read_max) {
        e->in.is_spent = true;
        loop_schedule(s->loop, &e->next_turn);
    }
    if (e->peer) {
        stream_raise(&e->peer->stream, STREAM_WRITABLE);
    }
    return 0;
}

static int do_write(struct stream *s, struct bufq *from)
{
    struct pipe_end *e = of_stream(s);

    if (is_dead(e)) {
        return e->in.end;
    }
    if (e->has_shut) {
        return ERR_CLOSED;
    }
    if (bufq_move(&e->tx, from, room(s)) > 0) {
        stream_mark_dirty(s);
    }
    return bufq_is_empty(from) ? 0 : ERR_AGAIN;
}

static void do_flush(struct stream *s)
{
    struct pipe_end *e = of_stream(s);
    bool sends_fin = e->has_shut && !e->fin_is_sent;

    e->sent_bytes += e->tx.bytes;
    e->fin_is_sent = e->has_shut;
    if (e->peer && !is_dead(e->peer) && (e->tx.bytes > 0 || sends_fin)) {
        send_parcel(e->peer, &e->tx, sends_fin);
    }
    bufq_clear(&e->tx); /* a peer that is gone swallows everything */
    if (e->is_closed) {
        leave(e);
    }
}

static int do_shutdown(struct stream *s)
{
    struct pipe_end *e = of_stream(s);

    if (is_dead(e)) {
        return e->in.end;
    }
    if (e->options.no_half_close) {
        return ERR_UNSUPPORTED;
    }
    e->has_shut = true;
    stream_mark_dirty(s);
    return 0;
}

static void do_want(struct stream *s, unsigned added, unsigned removed)
{
    (void)s, (void)added, (void)removed; /* nothing to tell anybody */
}

static void do_close(struct stream *s, bool is_abort)
{
    struct pipe_end *e = of_stream(s);

    if (is_abort) {
        if (e->peer) {
            break_end(e->peer, ERR_RESET);
        }
        leave(e);
        return;
    }
    e->has_shut = true;
    e->is_closed = true;
    stream_mark_dirty(s);
}

static void do_facts(const struct stream *s, struct stream_facts *out)
{
    const struct pipe_end *e = of_stream(s);

    out->transport = "pipe";
    out->can_half_close = !e->options.no_half_close;
    out->eof_is_authentic = e->options.is_authentic;
}

static const struct stream_ops ops = {
    .read = do_read,
    .write = do_write,
    .room = room,
    .shutdown = do_shutdown,
    .want = do_want,
    .has_input = has_input,
    .flush = do_flush,
    .close = do_close,
    .facts = do_facts,
};

static struct pipe_end *new_end(struct loop *loop, const struct pipe_options *options)
{
    struct pipe_end *e = NEW(struct pipe_end);

    stream_init(&e->stream, &ops, loop, 0);
    e->options = *options;
    if (e->options.room == 0) {
        e->options.room = STREAM_TX_BYTES;
    }
    list_init(&e->in.parcels);
    e->in.arrival.expired = on_arrival;
    e->next_turn.run = on_next_turn;
    return e;
}

void pipe_open(struct loop *loop, const struct pipe_options *options, struct stream **a_out,
               struct stream **b_out)
{
    struct pipe_end *a = new_end(loop, options);
    struct pipe_end *b = new_end(loop, options);

    a->peer = b;
    b->peer = a;
    *a_out = &a->stream;
    *b_out = &b->stream;
}

void pipe_cut(struct stream *end, int err)
{
    struct pipe_end *e = of_stream(end);

    if (e->peer) {
        break_end(e->peer, err);
    }
    break_end(e, err);
}

void pipe_stall(struct stream *end, bool is_stalled)
{
    struct pipe_end *e = of_stream(end);

    e->in.is_stalled = is_stalled;
    arrive(e);
}

uint64_t pipe_sent(const struct stream *end)
{
    return of_stream(end)->sent_bytes;
}
