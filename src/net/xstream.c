/* One block of memory for both ends. What belongs to one thread stands in struct end; what both
 * touch stands in struct lane and is atomic. A lane has one writer and one reader:
 *
 *     pieces, tail, end       the writer says: these bytes, and then this end
 *     head, taken_bytes       the reader says: so many slots, so many bytes are free again
 *     reset_code              why the end is ERR_RESET; written before it
 *     writer_waits            the writer found no room; whoever makes some rings
 *     reader_left             nobody reads any more
 *
 * A bell is a letter to the other loop: "look". It is sent only if none is under way. The block is
 * freed by the last of: end a, end b, letters under way. */
#include "net/xstream.h"

#include <stdatomic.h>

#include "base/mem.h"

enum { RING_SLOTS = 64 };

struct lane {
    struct bufq_piece pieces[RING_SLOTS];
    _Atomic uint32_t head;
    _Atomic uint32_t tail;
    _Atomic uint64_t taken_bytes;
    _Atomic int end; /* 0, ERR_EOF or ERR_RESET */
    _Atomic uint16_t reset_code;
    atomic_bool writer_waits;
    atomic_bool reader_left;
};

struct block;

struct end {
    struct stream stream;
    struct block *block;
    struct lane *out;
    struct lane *in;
    struct end *peer;
    struct bufq tx;
    struct bufq rx;
    uint64_t written_bytes;
    uint64_t read_bytes;
    int16_t tx_end;
    int16_t rx_end;
    bool is_shutting;
    bool is_closing;
    bool is_gone;
    struct background background; /* while it is closing */
    atomic_bool bell_is_ringing;
};

struct block {
    _Atomic uint32_t refs;
    struct stream_facts facts;
    char *alpn;
    char *server_name;
    struct lane lanes[2];
    struct end ends[2];
};

static struct end *of_stream(const struct stream *s)
{
    return CONTAINER_OF(s, struct end, stream);
}

/* ---- the block ---- */

static void drop_pieces(struct lane *l)
{
    uint32_t tail = atomic_load(&l->tail);

    for (uint32_t head = atomic_load(&l->head); head != tail; head++) {
        bufq_piece_free(&l->pieces[head % RING_SLOTS]);
    }
}

static void block_unref(struct block *b)
{
    if (atomic_fetch_sub(&b->refs, 1) > 1) {
        return;
    }
    drop_pieces(&b->lanes[0]);
    drop_pieces(&b->lanes[1]);
    mem_free(b->alpn);
    mem_free(b->server_name);
    mem_free(b);
}

/* ---- the bell ---- */

static void look(struct end *e);

static void on_bell(void *arg)
{
    struct end *e = arg;

    atomic_exchange(&e->bell_is_ringing, false); /* before looking: nothing may be missed */
    if (!e->is_gone) {
        look(e);
    }
    block_unref(e->block);
}

static void ring_peer(struct end *e)
{
    struct end *to = e->peer;

    if (atomic_load(&e->out->reader_left) || atomic_exchange(&to->bell_is_ringing, true)) {
        return;
    }
    atomic_fetch_add(&e->block->refs, 1);
    loop_post(to->stream.loop, on_bell, to);
}

/* ---- one lane ---- */

/* True: everything is in the ring. */
static bool push_pieces(struct lane *l, struct bufq *tx)
{
    uint32_t tail = atomic_load_explicit(&l->tail, memory_order_relaxed);

    while (tail - atomic_load(&l->head) < RING_SLOTS &&
           bufq_pop_piece(tx, &l->pieces[tail % RING_SLOTS])) {
        atomic_store(&l->tail, ++tail);
    }
    return bufq_is_empty(tx);
}

static bool pull_pieces(struct lane *l, struct bufq *rx)
{
    uint32_t head = atomic_load_explicit(&l->head, memory_order_relaxed);
    uint32_t tail = atomic_load(&l->tail);
    bool has_some = head != tail;

    while (head != tail) {
        bufq_push_piece(rx, &l->pieces[head % RING_SLOTS]);
        atomic_store(&l->head, ++head);
    }
    return has_some;
}

/* ---- ends ---- */

static void do_free(struct stream *s)
{
    block_unref(of_stream(s)->block);
}

static void leave(struct end *e)
{
    e->is_gone = true;
    atomic_store(&e->in->reader_left, true);
    ring_peer(e);
    bufq_clear(&e->tx);
    bufq_clear(&e->rx);
    list_remove(&e->background.node);
    stream_free_soon(&e->stream);
}

static void reset(struct end *e)
{
    atomic_store(&e->out->reset_code, e->stream.reset_code);
    atomic_store(&e->out->end, ERR_RESET);
    leave(e);
}

static void on_cut(struct background *b)
{
    reset(CONTAINER_OF(b, struct end, background));
}

static void break_tx(struct end *e, int err)
{
    if (e->tx_end == 0) {
        e->tx_end = (int16_t)err;
        e->stream.reset_code = atomic_load(&e->in->reset_code);
        bufq_clear(&e->tx);
        stream_raise(&e->stream, STREAM_BROKEN | STREAM_READABLE | STREAM_WRITABLE);
    }
}

/* ---- the stream ---- */

static size_t room(const struct stream *s)
{
    const struct end *e = of_stream(s);
    uint64_t held = e->written_bytes - atomic_load(&e->out->taken_bytes);

    if (e->tx_end || e->is_shutting || held >= XSTREAM_BYTES) {
        return 0;
    }
    return XSTREAM_BYTES - (size_t)held;
}

static bool has_input(const struct stream *s)
{
    const struct end *e = of_stream(s);
    return !bufq_is_empty(&e->rx) || e->rx_end;
}

static int do_read(struct stream *s, struct bufq *into, size_t max)
{
    struct end *e = of_stream(s);

    if (bufq_is_empty(&e->rx)) {
        return e->rx_end ? e->rx_end : ERR_AGAIN;
    }
    e->read_bytes += bufq_move(into, &e->rx, max);
    atomic_store(&e->in->taken_bytes, e->read_bytes);
    stream_mark_dirty(s);
    return 0;
}

static int do_write(struct stream *s, struct bufq *from)
{
    struct end *e = of_stream(s);

    if (e->tx_end || e->is_shutting) {
        return e->tx_end ? e->tx_end : ERR_CLOSED;
    }
    if (atomic_load(&e->out->reader_left)) {
        break_tx(e, ERR_RESET);
        return ERR_RESET;
    }
    e->written_bytes += bufq_pack(&e->tx, from, room(s));
    stream_mark_dirty(s);
    return bufq_is_empty(from) ? 0 : ERR_AGAIN;
}

static int do_shutdown(struct stream *s)
{
    struct end *e = of_stream(s);

    if (e->tx_end) {
        return e->tx_end;
    }
    e->is_shutting = true;
    stream_mark_dirty(s);
    return 0;
}

/* If there is no room, the reader will ring when it has made some. */
static bool has_room_or_waits(struct end *e)
{
    if (room(&e->stream) == 0) {
        atomic_store(&e->out->writer_waits, true);
    }
    return room(&e->stream) > 0; /* again: it may have been made before it saw that we wait */
}

static void do_want(struct stream *s, unsigned added, unsigned removed)
{
    (void)removed;
    if ((added & STREAM_WRITABLE) && has_room_or_waits(of_stream(s))) {
        stream_raise(s, STREAM_WRITABLE);
    }
}

/* Sends what fits. True: something for the other side to look at. */
static bool send_pieces(struct end *e)
{
    bool has_news = !bufq_is_empty(&e->tx);

    if (!push_pieces(e->out, &e->tx)) {
        atomic_store(&e->out->writer_waits, true);
        push_pieces(e->out, &e->tx); /* what was made free before that was seen */
    }
    if (e->is_shutting && bufq_is_empty(&e->tx) && atomic_load(&e->out->end) == 0) {
        atomic_store(&e->out->end, ERR_EOF);
        has_news = true;
    }
    return has_news;
}

static void do_flush(struct stream *s)
{
    struct end *e = of_stream(s);
    bool has_news = send_pieces(e);

    /* We took bytes or slots: a writer that waits for them must look, too. */
    if (atomic_exchange(&e->in->writer_waits, false) || has_news) {
        ring_peer(e);
    }
    if (e->is_closing && bufq_is_empty(&e->tx)) {
        leave(e);
    }
}

static void take_end(struct end *e, int end)
{
    if (end == 0 || e->rx_end) {
        return;
    }
    e->rx_end = (int16_t)end;
    stream_raise(&e->stream, STREAM_READABLE);
    if (end != ERR_EOF) {
        break_tx(e, end);
    }
}

/* The other side has been at work. */
static void look(struct end *e)
{
    int end = atomic_load(&e->in->end); /* before the pieces: they come before the end */

    if (pull_pieces(e->in, &e->rx)) {
        stream_raise(&e->stream, STREAM_READABLE);
    }
    take_end(e, end);
    if (atomic_load(&e->out->reader_left) && e->written_bytes > atomic_load(&e->out->taken_bytes)) {
        break_tx(e, ERR_RESET); /* bytes that nobody will read */
    }
    if ((e->stream.wanted & STREAM_WRITABLE) && has_room_or_waits(e)) {
        stream_raise(&e->stream, STREAM_WRITABLE);
    }
    stream_mark_dirty(&e->stream);
}

static void do_close(struct stream *s, bool is_abort)
{
    struct end *e = of_stream(s);

    if (is_abort || e->tx_end) {
        reset(e);
        return;
    }
    e->is_closing = true;
    e->is_shutting = true;
    loop_add_background(s->loop, &e->background, on_cut);
    stream_mark_dirty(s);
}

static void do_facts(const struct stream *s, struct stream_facts *out)
{
    *out = of_stream(s)->block->facts;
    out->transport = "xstream";
    out->can_half_close = true;
    out->eof_is_authentic = true;
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
    .free = do_free,
};

static void copy_facts(struct block *b, const struct stream_facts *facts)
{
    b->facts = *facts;
    b->facts.socket = NULL; /* a stream of one thread: not for the other */
    b->facts.tls_layer = NULL;
    b->alpn = slice_dup(facts->alpn);
    b->server_name = slice_dup(facts->server_name);
    b->facts.alpn = slice_of(b->alpn, facts->alpn.len);
    b->facts.server_name = slice_of(b->server_name, facts->server_name.len);
}

static struct stream *open_end(struct block *b, int side, struct loop *loop)
{
    struct end *e = &b->ends[side];

    stream_init(&e->stream, &ops, loop, 0);
    e->block = b;
    e->out = &b->lanes[side];
    e->in = &b->lanes[!side];
    e->peer = &b->ends[!side];
    return &e->stream;
}

void xstream_open(struct loop *loop_a, struct loop *loop_b, const struct stream_facts *facts,
                  struct stream **a_out, struct stream **b_out)
{
    struct block *b = NEW(struct block);

    atomic_store(&b->refs, 2);
    if (facts) {
        copy_facts(b, facts);
    }
    *a_out = open_end(b, 0, loop_a);
    *b_out = open_end(b, 1, loop_b);
}
