#include "support/fake_exchange.h"

#include "base/mem.h"

enum { HEADS_MAX = 8 };

struct fake {
    struct exchange x;
    struct fake *peer; /* NULL: gone */
    size_t room_bytes;
    struct grave grave;

    /* what has come */
    struct http_head heads[HEADS_MAX];
    unsigned heads_in;
    unsigned heads_read;
    bool has_read_final;
    struct bufq in;
    struct http_head trailers;
    bool is_complete;
    int broken; /* 0, or what reading says behind what has come */

    bool has_finished; /* our own direction */
};

static struct fake *of_stream(const struct stream *s)
{
    return CONTAINER_OF(s, struct fake, x.body);
}

static struct fake *of_exchange(const struct exchange *x)
{
    return CONTAINER_OF(x, struct fake, x);
}

static int do_read(struct stream *s, struct bufq *into, size_t max)
{
    struct fake *e = of_stream(s);

    if (!e->has_read_final) {
        return e->broken ? e->broken : ERR_AGAIN;
    }
    size_t n = bufq_move(into, &e->in, max);
    if (n > 0) {
        e->x.in_bytes += n;
        if (e->peer) {
            stream_raise(&e->peer->x.body, STREAM_WRITABLE);
        }
        return 0;
    }
    return e->is_complete ? ERR_EOF : e->broken ? e->broken : ERR_AGAIN;
}

static size_t room(const struct stream *s)
{
    const struct fake *e = of_stream(s);

    if (!e->peer || e->has_finished) {
        return 0;
    }
    return e->peer->in.bytes < e->room_bytes ? e->room_bytes - e->peer->in.bytes : 0;
}

static int do_write(struct stream *s, struct bufq *from)
{
    struct fake *e = of_stream(s);

    if (!e->peer) {
        return e->broken ? e->broken : ERR_CLOSED;
    }
    ASSERT(!e->has_finished);
    e->x.out_bytes += bufq_move(&e->peer->in, from, room(s));
    stream_raise(&e->peer->x.body, STREAM_READABLE);
    return bufq_is_empty(from) ? 0 : ERR_AGAIN;
}

static int do_shutdown(struct stream *s)
{
    struct fake *e = of_stream(s);

    e->has_finished = true;
    if (e->peer) {
        e->peer->is_complete = true;
        stream_raise(&e->peer->x.body, STREAM_READABLE);
    }
    return 0;
}

static void do_want(struct stream *s, unsigned added, unsigned removed)
{
    (void)s, (void)added, (void)removed;
}

static bool has_input(const struct stream *s)
{
    const struct fake *e = of_stream(s);
    return e->heads_read < e->heads_in || e->in.bytes > 0 || e->is_complete || e->broken;
}

static void do_flush(struct stream *s)
{
    (void)s; /* never marked dirty */
}

static void do_facts(const struct stream *s, struct stream_facts *out)
{
    (void)s;
    out->transport = "fake";
    out->can_half_close = true;
    out->eof_is_authentic = true;
}

static void free_fake(struct grave *g)
{
    mem_free(CONTAINER_OF(g, struct fake, grave));
}

static void do_close(struct stream *s, bool is_abort)
{
    struct fake *e = of_stream(s);

    if (e->peer) {
        e->peer->peer = NULL;
        if (is_abort || !e->has_finished || !e->is_complete) {
            e->peer->broken = ERR_RESET;
            stream_raise(&e->peer->x.body, STREAM_BROKEN | STREAM_READABLE);
        }
    }
    for (unsigned i = 0; i < HEADS_MAX; i++) {
        http_head_clear(&e->heads[i]);
    }
    http_head_clear(&e->trailers);
    bufq_clear(&e->in);
    stream_deinit(s);
    loop_bury(s->loop, &e->grave, free_fake);
}

static int read_head(struct exchange *x, struct http_head **head_out)
{
    struct fake *e = of_exchange(x);

    if (e->has_read_final && e->heads[e->heads_read - 1].method.len > 0) {
        *head_out = &e->heads[e->heads_read - 1];
        return 0;
    }
    if (e->heads_read == e->heads_in) {
        return e->broken ? e->broken : ERR_AGAIN;
    }
    *head_out = &e->heads[e->heads_read++];
    e->has_read_final = !http_head_is_informational(*head_out);
    return 0;
}

static int send_head(struct exchange *x, const struct http_head *head)
{
    struct fake *e = of_exchange(x);

    if (!e->peer) {
        return ERR_CLOSED;
    }
    struct fake *to = e->peer;
    ASSERT(to->heads_in < HEADS_MAX);
    http_head_copy(&to->heads[to->heads_in++], head);
    if (!http_head_is_informational(head) && head->body == HTTP_BODY_NONE && !head->is_tunnel &&
        head->upgrade.len == 0) {
        (void)do_shutdown(&x->body);
    }
    to->x.has_heard = true;
    stream_raise(&to->x.body, STREAM_READABLE);
    return 0;
}

static int send_trailers(struct exchange *x, const struct http_head *trailers)
{
    struct fake *e = of_exchange(x);

    if (e->peer) {
        http_head_copy(&e->peer->trailers, trailers);
    }
    return 0;
}

static const struct http_head *trailers(const struct exchange *x)
{
    const struct fake *e = of_exchange(x);
    return e->trailers.field_count > 0 ? &e->trailers : NULL;
}

static void hold_deadlines(struct exchange *x, bool is_held)
{
    (void)x, (void)is_held; /* it has none */
}

static const struct stream_ops stream_ops = {
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

static const struct exchange_ops exchange_ops = {
    .read_head = read_head,
    .send_head = send_head,
    .send_trailers = send_trailers,
    .trailers = trailers,
    .hold_deadlines = hold_deadlines,
};

static struct fake *new_end(struct loop *loop, size_t room_bytes)
{
    struct fake *e = NEW(struct fake);

    stream_init(&e->x.body, &stream_ops, loop, 1);
    e->x.ops = &exchange_ops;
    e->room_bytes = room_bytes;
    return e;
}

void fake_exchange_open(struct loop *loop, size_t room_bytes, struct exchange **visitor_out,
                        struct exchange **front_out)
{
    struct fake *visitor = new_end(loop, room_bytes);
    struct fake *front = new_end(loop, room_bytes);

    visitor->peer = front;
    front->peer = visitor;
    *visitor_out = &visitor->x;
    *front_out = &front->x;
}
