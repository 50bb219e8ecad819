#include "http/h1_client.h"

#include "http/h1_flow.h"

enum state {
    IDLE, /* may be opened */
    OPEN, /* the exchange has a user */
    LOST, /* only to be closed */
};
static const char *const state_names[] = {"idle", "open", "lost"};

struct h1_client {
    struct h1_flow flow; /* first */
    enum state state;
    struct h1_question question;
    uint64_t keep_alive_ms;
    const struct h1_client_user *user;
    void *ctx;
    struct grave grave;
};

static struct h1_client *of_exchange(struct exchange *x)
{
    return CONTAINER_OF(h1_flow_of(x), struct h1_client, flow);
}

static void set_state(struct h1_client *c, enum state next)
{
    log_trace(c->flow.log, "http client", LOG_STR("from", state_names[c->state]),
              LOG_STR("to", state_names[next]));
    ASSERT(c->state != LOST || next == LOST);
    c->state = next;
    c->flow.is_open = next == OPEN;
}

/* ---- the exchange ---- */

static int send_head(struct exchange *x, const struct http_head *head)
{
    struct h1_client *c = of_exchange(x);

    if (c->flow.broken || c->flow.is_stopped) {
        return ERR_CLOSED;
    }
    c->question = (struct h1_question){
        .asked = {.is_head = slice_is(head->method, "HEAD"), .is_connect = head->is_tunnel},
        .has_upgrade = head->upgrade.len > 0,
    };
    TRY(h1_writer_request(&c->flow.writer, head));
    stream_mark_dirty(&x->body);
    return 0;
}

static int read_response(struct h1_client *c)
{
    struct h1_flow *f = &c->flow;

    for (;;) {
        int err = h1_reader_response(&f->reader, &f->in, &f->limits, &c->question);
        if (err != ERR_MORE) {
            return err;
        }
        err = h1_flow_pull(f);
        if (err == ERR_AGAIN) {
            return err;
        }
        if (err < 0) {
            return h1_reader_ended(&f->reader, err);
        }
    }
}

static int read_head(struct exchange *x, struct http_head **head_out)
{
    struct h1_client *c = of_exchange(x);

    int err = read_response(c);
    if (err < 0) {
        h1_flow_note_fault(&c->flow);
        return err;
    }
    if (c->flow.reader.head.is_tunnel) {
        h1_flow_start_tunnel(&c->flow);
    }
    h1_flow_watch(&c->flow);
    *head_out = &c->flow.reader.head;
    return 0;
}

/* Both messages are complete, and nothing is left over. */
static bool is_clean(const struct h1_flow *f)
{
    return f->reader.state == H1_READER_DONE && f->writer.state == H1_WRITER_DONE && !f->broken &&
           !f->is_stopped;
}

static void on_exchange_close(struct stream *s, bool is_abort)
{
    struct h1_client *c = of_exchange(exchange_of(s));
    struct h1_flow *f = &c->flow;

    ASSERT(c->state == OPEN);
    deadline_clear(&f->deadline);
    if (is_abort || !is_clean(f) || !h1_flow_push(f)) {
        set_state(c, LOST);
        stream_abort(&f->lower);
        return;
    }
    c->keep_alive_ms = f->reader.keep_alive_s * UINT64_C(1000);
    if (f->is_tunnel || !f->reader.is_kept || !bufq_is_empty(&f->in)) {
        set_state(c, LOST);
        stream_close(&f->lower);
        return;
    }
    set_state(c, IDLE);
    h1_flow_begin(f); /* the head's memory goes back */
    stream_want(f->lower, STREAM_READABLE);
}

/* ---- events ---- */

/* Whatever comes while idle ends it: bytes nobody asked for, the origin's end, a reset. */
static void on_idle_event(struct h1_client *c, unsigned events)
{
    if (!(events & STREAM_BROKEN) && h1_flow_pull(&c->flow) == ERR_AGAIN) {
        return;
    }
    set_state(c, LOST);
    stream_abort(&c->flow.lower);
    if (c->user) {
        c->user->on_lost(c->ctx, c);
    }
}

static void on_ready(void *ctx, struct stream *lower, unsigned events)
{
    struct h1_client *c = ctx;

    (void)lower;
    if (c->state == OPEN) {
        h1_flow_tell(&c->flow, events);
    } else if (c->state == IDLE) {
        on_idle_event(c, events);
    }
}

static void on_deadline(struct deadline *d)
{
    struct h1_flow *f = CONTAINER_OF(d, struct h1_flow, deadline);

    if (f->is_open) {
        h1_flow_expire(f);
    }
}

/* ---- doors ---- */

static const struct stream_ops stream_ops = {H1_FLOW_STREAM_OPS, .close = on_exchange_close};

static const struct exchange_ops exchange_ops = {
    .read_head = read_head,
    .send_head = send_head,
    .send_trailers = h1_flow_send_trailers,
    .trailers = h1_flow_trailers,
    .hold_deadlines = h1_flow_hold_deadlines,
};

struct h1_client *h1_client_attach(struct stream *stream_take, const struct h1_limits *limits,
                                   const struct log_scope *log, const struct h1_client_user *user,
                                   void *ctx)
{
    struct h1_client *c = NEW(struct h1_client);

    h1_flow_init(&c->flow, stream_take, limits, log, &stream_ops, &exchange_ops);
    deadline_init(&c->flow.deadline, stream_take->loop, on_deadline);
    c->flow.is_back = true;
    c->user = user;
    c->ctx = ctx;
    stream_set_user(stream_take, on_ready, c);
    h1_flow_begin(&c->flow);
    return c;
}

struct exchange *h1_client_open(struct h1_client *c)
{
    ASSERT(c->state == IDLE);
    h1_flow_begin(&c->flow);
    set_state(c, OPEN);
    return &c->flow.x;
}

bool h1_client_is_reusable(const struct h1_client *c)
{
    return c->state == IDLE;
}

uint64_t h1_client_keep_alive_ms(const struct h1_client *c)
{
    return c->keep_alive_ms;
}

struct stream *h1_client_stream(const struct h1_client *c)
{
    return c->flow.lower;
}

static void free_client(struct grave *g)
{
    mem_free(CONTAINER_OF(g, struct h1_client, grave));
}

void h1_client_close(struct h1_client **client)
{
    struct h1_client *c = *client;

    *client = NULL;
    if (!c) {
        return;
    }
    struct loop *loop = c->flow.x.body.loop;
    if (c->state == OPEN) {
        stream_abort(&c->flow.lower);
    } else {
        stream_close(&c->flow.lower);
    }
    h1_flow_deinit(&c->flow);
    loop_bury(loop, &c->grave, free_client);
}
