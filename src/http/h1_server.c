/*                           h1_server_attach
 *                                  |
 *            +------------------> IDLE ------ idle_ms, EOF --------------> OVER
 *            |                     | first byte
 *            |                    HEAD ------ head_ms, malformed: -------> LINGER
 *            |                     |          an answer of our own           ^
 *            |                    OPEN  its user answers                     |
 *            |    exchange_close   |                                         |
 *            +------ kept ------- REST ------ not kept, too much left -------+
 *                                                                            |
 *            OVER <----- visitor's FIN, linger_ms -------------------- LINGER
 *
 * REST     the exchange is closed; its last bytes go out, the rest of its request is read away.
 * LINGER   everything is said and our direction is closed; input is thrown away for a while, so
 *          that no RST overtakes the answer.
 * OVER     the stream is given up; on_end follows. Any state, when the stream breaks.
 */
#include "http/h1_server.h"

#include "base/metrics.h"
#include "http/h1_reply.h"

enum state { IDLE, HEAD, OPEN, REST, LINGER, OVER };
static const char *const state_names[] = {"idle", "head", "open", "rest", "linger", "over"};

static const char SLOW_HEAD[] = "head not complete in time";

struct h1_server {
    struct h1_flow flow; /* first */
    struct h1_reply reply;
    enum state state;
    const struct h1_server_user *user;
    void *ctx;
    struct task work; /* IDLE: input may hold a request; OVER: tell the user */
    struct grave grave;
    struct bufq trash;
    size_t trash_bytes; /* thrown away in REST or LINGER */
    int end_reason;
    bool is_encrypted;
    bool has_begun; /* a request has come before */
    bool has_half_closed;
};

static struct h1_server *of_flow(struct h1_flow *f)
{
    return CONTAINER_OF(f, struct h1_server, flow);
}

static bool may_follow(enum state from, enum state to)
{
    switch (to) {
    case IDLE:
        return from == IDLE || from == REST;
    case HEAD:
        return from == IDLE;
    case OPEN:
        return from == IDLE || from == HEAD; /* IDLE: it was read with the request before */
    case REST:
        return from == OPEN;
    case LINGER:
        return from == IDLE || from == HEAD || from == REST;
    case OVER:
        return from != OVER;
    }
    UNREACHABLE();
}

static void set_state(struct h1_server *c, enum state next)
{
    log_trace(c->flow.log, "http server", LOG_STR("from", state_names[c->state]),
              LOG_STR("to", state_names[next]));
    ASSERT(may_follow(c->state, next));
    c->state = next;
    c->flow.is_open = next == OPEN;
}

/* ---- the end ---- */

static void free_server(struct grave *g)
{
    mem_free(CONTAINER_OF(g, struct h1_server, grave));
}

static void bury(struct h1_server *c)
{
    struct loop *loop = c->flow.x.body.loop;

    loop_unschedule(&c->work);
    bufq_clear(&c->trash);
    h1_flow_deinit(&c->flow);
    loop_bury(loop, &c->grave, free_server);
}

/* The stream has been given up. The user is told from the ready phase. */
static void end(struct h1_server *c, int reason)
{
    set_state(c, OVER);
    c->end_reason = reason;
    deadline_clear(&c->flow.deadline);
    loop_schedule(c->flow.x.body.loop, &c->work);
}

static void close_now(struct h1_server *c, int reason)
{
    stream_close(&c->flow.lower);
    end(c, reason);
}

static void cut(struct h1_server *c, int reason)
{
    stream_abort(&c->flow.lower);
    end(c, reason);
}

/* ---- LINGER ---- */

static void half_close(struct h1_server *c)
{
    if (!h1_flow_push(&c->flow) || c->has_half_closed) {
        return;
    }
    c->has_half_closed = true;
    if (stream_shutdown(c->flow.lower) < 0) {
        close_now(c, 0);
    }
}

static void start_linger(struct h1_server *c)
{
    set_state(c, LINGER);
    c->trash_bytes = 0;
    bufq_clear(&c->flow.in);
    deadline_set(&c->flow.deadline, H1_LINGER_MS);
    stream_want(c->flow.lower, STREAM_READABLE);
    half_close(c);
}

static void read_away(struct h1_server *c)
{
    int err = stream_read(c->flow.lower, &c->trash, STREAM_ROUND_BYTES);

    c->trash_bytes += c->trash.bytes;
    bufq_clear(&c->trash);
    if ((err < 0 && err != ERR_AGAIN) || c->trash_bytes > H1_LINGER_BYTES) {
        close_now(c, 0);
    }
}

/* ---- REST ---- */

/* Reads the rest of the request away. 0: it is complete; ERR_AGAIN: not yet; others: it never will
 * be, or is not worth it. */
static int read_rest(struct h1_server *c)
{
    int err;

    do {
        err = stream_read(&c->flow.x.body, &c->trash, STREAM_ROUND_BYTES);
        c->trash_bytes += c->trash.bytes;
        bufq_clear(&c->trash);
    } while (err == 0 && c->trash_bytes <= c->flow.limits.drain_bytes);
    return err == ERR_EOF ? 0 : err == 0 ? ERR_TOO_LARGE : err;
}

static void start_idle(struct h1_server *c)
{
    h1_flow_begin(&c->flow);
    c->reply.has_continued = false;
    c->trash_bytes = 0;
    set_state(c, IDLE);
    deadline_set(&c->flow.deadline, c->has_begun ? c->flow.limits.idle_ms : c->flow.limits.head_ms);
    if (bufq_is_empty(&c->flow.in)) {
        stream_want(c->flow.lower, STREAM_READABLE);
    } else {
        loop_schedule(c->flow.x.body.loop, &c->work);
    }
}

/* Goes on as soon as the answer is out and the request is read. */
static void settle(struct h1_server *c)
{
    bool is_sent = h1_flow_push(&c->flow);
    int err = read_rest(c);

    if (c->flow.is_stopped) {
        cut(c, ERR_RESET);
    } else if (c->reply.is_last || (err < 0 && err != ERR_AGAIN)) {
        start_linger(c);
    } else if (err == 0 && is_sent) {
        start_idle(c);
    }
}

static bool is_nothing_left(const struct h1_server *c)
{
    return c->flow.reader.state == H1_READER_DONE && bufq_is_empty(&c->flow.in);
}

static void on_exchange_close(struct stream *s, bool is_abort)
{
    struct h1_server *c = of_flow(h1_flow_of(exchange_of(s)));
    struct h1_flow *f = &c->flow;
    bool is_answered = f->writer.state == H1_WRITER_DONE && !f->broken && !f->is_stopped;

    ASSERT(c->state == OPEN);
    if (is_abort || !is_answered || (f->is_tunnel && f->reader.state != H1_READER_DONE)) {
        cut(c, f->broken ? f->broken : ERR_CLOSED);
        return;
    }
    bool is_sent = h1_flow_push(f);
    if (f->is_tunnel && !is_sent) {
        cut(c, ERR_CLOSED); /* cannot be told apart from an end otherwise */
        return;
    }
    if (f->is_tunnel || (c->reply.is_last && is_sent && is_nothing_left(c))) {
        close_now(c, 0);
        return;
    }
    set_state(c, REST);
    deadline_set(&f->deadline, f->limits.stall_ms);
    stream_want(f->lower, STREAM_READABLE);
    settle(c);
}

/* ---- HEAD: heads we refuse ourselves ---- */

static void refuse(struct h1_server *c, unsigned status, const char *why)
{
    h1_reply_refuse(&c->flow, status, why);
    if (c->user->on_refused) {
        c->user->on_refused(c->ctx, c, (uint16_t)status, why);
    }
    start_linger(c);
}

static void refuse_fault(struct h1_server *c)
{
    enum h1_fault fault = c->flow.reader.fault;

    h1_flow_note_fault(&c->flow);
    refuse(c, h1_fault_status(fault), h1_fault_text(fault));
}

/* ---- IDLE, HEAD: the next request ---- */

static void start_exchange(struct h1_server *c)
{
    struct http_head *head = &c->flow.reader.head;

    head->scheme = c->is_encrypted ? SLICE("https") : SLICE("http");
    c->reply.is_last |= !c->flow.reader.is_kept;
    c->has_begun = true;
    c->flow.x.has_heard = true;
    c->flow.has_head = true;
    set_state(c, OPEN);
    deadline_clear(&c->flow.deadline);
    stream_want(c->flow.lower, STREAM_READABLE); /* its end must not go unnoticed */
    c->user->on_exchange(c->ctx, c, &c->flow.x);
}

/* The first byte of a head starts the clock for its last. */
static void note_first_byte(struct h1_server *c)
{
    if (c->state == IDLE && !bufq_is_empty(&c->flow.in)) {
        set_state(c, HEAD);
        deadline_set(&c->flow.deadline, c->flow.limits.head_ms);
    }
}

static void on_input_end(struct h1_server *c, int err)
{
    if (err == ERR_EOF) {
        close_now(c, c->state == IDLE ? 0 : ERR_TRUNCATED);
    } else {
        cut(c, err);
    }
}

static void read_request(struct h1_server *c)
{
    int err = bufq_is_empty(&c->flow.in) ? ERR_MORE : 0;

    for (;;) {
        if (err == 0) {
            err = h1_reader_request(&c->flow.reader, &c->flow.in, &c->flow.limits);
        }
        if (err == 0) {
            start_exchange(c);
            return;
        }
        if (err != ERR_MORE) {
            refuse_fault(c);
            return;
        }
        err = h1_flow_pull(&c->flow);
        if (err < 0 && err != ERR_AGAIN) {
            on_input_end(c, err);
            return;
        }
        note_first_byte(c);
        if (err == ERR_AGAIN) {
            stream_want(c->flow.lower, STREAM_READABLE);
            return;
        }
    }
}

/* ---- OPEN: heads ---- */

static int read_head(struct exchange *x, struct http_head **head_out)
{
    struct h1_flow *f = h1_flow_of(x);

    f->has_head = false;
    *head_out = &f->reader.head;
    return 0;
}

static int send_head(struct exchange *x, const struct http_head *head)
{
    struct h1_flow *f = h1_flow_of(x);

    return h1_reply_send(&of_flow(f)->reply, f, head);
}

/* ---- events ---- */

static void on_ready(void *ctx, struct stream *lower, unsigned events)
{
    struct h1_server *c = ctx;

    (void)lower;
    if (c->state == OPEN) {
        h1_flow_tell(&c->flow, events);
        return;
    }
    if (events & STREAM_BROKEN) {
        cut(c, ERR_RESET);
        return;
    }
    switch (c->state) {
    case IDLE:
    case HEAD:
        read_request(c);
        return;
    case REST:
        settle(c);
        return;
    case LINGER:
        half_close(c);
        if (c->state == LINGER && (events & STREAM_READABLE)) {
            read_away(c);
        }
        return;
    case OPEN:
    case OVER:
        return;
    }
    UNREACHABLE();
}

static void on_deadline(struct deadline *d)
{
    struct h1_server *c = of_flow(CONTAINER_OF(d, struct h1_flow, deadline));

    switch (c->state) {
    case IDLE:
        close_now(c, c->has_begun ? 0 : ERR_TIMEOUT);
        return;
    case HEAD:
        log_info(c->flow.log, "request refused", LOG_U64("status", 408),
                 LOG_STR("reason", SLOW_HEAD));
        metric_add(METRIC_HTTP_REFUSED, 1);
        refuse(c, 408, SLOW_HEAD);
        return;
    case OPEN:
        h1_flow_expire(&c->flow);
        return;
    case REST:
        cut(c, ERR_TIMEOUT);
        return;
    case LINGER:
        close_now(c, 0);
        return;
    case OVER:
        return;
    }
    UNREACHABLE();
}

static void run_work(struct task *t)
{
    struct h1_server *c = CONTAINER_OF(t, struct h1_server, work);

    if (c->state == OVER) {
        bury(c);
        c->user->on_end(c->ctx, c, c->end_reason);
    } else if (c->state == IDLE) {
        read_request(c);
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

struct h1_server *h1_server_attach(struct stream *stream_take, struct bufq *input,
                                   const struct h1_limits *limits, const struct log_scope *log,
                                   const struct h1_server_user *user, void *ctx)
{
    struct h1_server *c = NEW(struct h1_server);
    struct stream_facts facts;

    stream_facts(stream_take, &facts);
    h1_flow_init(&c->flow, stream_take, limits, log, &stream_ops, &exchange_ops);
    deadline_init(&c->flow.deadline, stream_take->loop, on_deadline);
    c->is_encrypted = facts.is_encrypted;
    c->user = user;
    c->ctx = ctx;
    c->work.run = run_work;
    if (input) {
        bufq_move(&c->flow.in, input, input->bytes);
    }
    stream_set_user(stream_take, on_ready, c);
    start_idle(c);
    return c;
}

void h1_server_drain(struct h1_server *c)
{
    c->reply.is_last = true;
    if (c->state == IDLE) {
        close_now(c, 0);
    }
}

void h1_server_abort(struct h1_server **server)
{
    struct h1_server *c = *server;

    *server = NULL;
    if (c) {
        stream_abort(&c->flow.lower);
        bury(c);
    }
}

struct stream *h1_server_detach(struct h1_server **server, struct bufq *leftover_out)
{
    struct h1_server *c = *server;
    struct stream *lower = c->flow.lower;

    ASSERT(c->state == OPEN && c->flow.writer.state == H1_WRITER_HEAD);
    *server = NULL;
    c->flow.lower = NULL;
    bufq_move(leftover_out, &c->flow.in, c->flow.in.bytes);
    bury(c);
    return lower;
}
