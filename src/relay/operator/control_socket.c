#include "relay/operator/control_socket.h"

#include "base/bufq.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/listen.h"
#include "net/tcp.h"
#include "relay/operator/control_request.h"
#include "relay/workers/shared.h"

enum {
    CONNECTIONS_MAX = 32, /* more wait in the listening socket */
    LINE_BYTES = 16 * 1024,
    QUIET_MS = 30 * 1000, /* without a line, or without reading the answer */
    SETTLE_MS = 5000,     /* at the end: for requests that are open */
};

struct control_socket {
    struct relay *relay;
    struct loop *loop;
    struct listener *listener;
    struct list conns;
    unsigned conn_count;
};

/* One operator: reads a line, waits for its answer, writes it, reads the next.
 *
 *      in --line--> request --answer--> out
 *
 * While a request is open or its answer is on its way nothing more is read. An operator who leaves
 * meanwhile (stream NULL) is kept until the answer has come. */
struct conn {
    struct list node;
    struct control_socket *socket; /* NULL: it is gone */
    struct stream *stream;
    struct bufq in;
    struct bufq out;
    struct timer quiet;
    bool is_asking; /* a request is open */
    bool has_ended; /* nothing more comes, or is wanted */
    struct grave grave;
};

/* ---- the end of a connection ---- */

static void free_conn(struct grave *grave)
{
    mem_free(CONTAINER_OF(grave, struct conn, grave));
}

static void bury(struct conn *c)
{
    list_remove(&c->node);
    c->socket->conn_count--;
    loop_bury(c->socket->loop, &c->grave, free_conn);
    if (c->socket->listener) {
        listener_resume(c->socket->listener);
    }
}

static void close_conn(struct conn *c)
{
    timer_disarm(c->socket->loop, &c->quiet);
    stream_close(&c->stream);
    bufq_clear(&c->in);
    bufq_clear(&c->out);
    if (!c->is_asking) {
        bury(c);
    }
}

static void on_quiet(struct timer *timer)
{
    close_conn(CONTAINER_OF(timer, struct conn, quiet));
}

/* ---- lines in, answers out ---- */

static void go_on(struct conn *c);

static void on_answered(void *ctx, struct slice answer)
{
    struct conn *c = ctx;

    c->is_asking = false;
    if (!c->socket) {
        mem_free(c);
        return;
    }
    if (!c->stream) {
        bury(c);
        return;
    }
    bufq_push_slice(&c->out, answer);
    bufq_push_str(&c->out, "\n");
    timer_arm(c->socket->loop, &c->quiet, QUIET_MS);
    go_on(c);
}

/* The first line of what has come, or what was left at the end. False: it is not complete. */
static bool find_line(struct conn *c, struct slice *line_out, size_t *used_out)
{
    struct slice in = bufq_pullup(&c->in, c->in.bytes);
    size_t end = slice_index(in, '\n');
    bool is_complete = end < in.len || (c->has_ended && in.len > 0);

    *line_out = slice_sub(in, 0, end);
    *used_out = end < in.len ? end + 1 : end;
    return is_complete;
}

static void refuse_long_line(struct conn *c)
{
    bufq_clear(&c->in);
    bufq_push_str(&c->out, "{\"ok\":false,\"error\":\"the line is too long\"}\n");
    c->has_ended = true;
}

/* Takes the next step that is possible now; false: there is none, or the connection is closed. */
static bool step(struct conn *c)
{
    struct slice line;
    size_t used;

    if (c->is_asking) {
        return false;
    }
    if (!bufq_is_empty(&c->out)) {
        int err = stream_write(c->stream, &c->out);
        if (err == ERR_AGAIN) {
            stream_want(c->stream, STREAM_WRITABLE);
        } else if (err < 0) {
            close_conn(c);
        }
        return err == 0;
    }
    if (find_line(c, &line, &used)) {
        timer_disarm(c->socket->loop, &c->quiet);
        c->is_asking = true;
        control_request_start(c->socket->relay, line, on_answered, c);
        bufq_drop(&c->in, used);
        return false;
    }
    if (c->has_ended) {
        close_conn(c);
        return false;
    }
    if (c->in.bytes >= LINE_BYTES) {
        refuse_long_line(c);
        return true;
    }
    stream_want(c->stream, STREAM_READABLE);
    return false;
}

static void go_on(struct conn *c)
{
    stream_unwant(c->stream, STREAM_READABLE);
    while (step(c)) {
    }
}

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    struct conn *c = ctx;

    if (events & STREAM_BROKEN) {
        close_conn(c);
        return;
    }
    if (events & STREAM_READABLE) {
        int err = stream_read(s, &c->in, LINE_BYTES - c->in.bytes);
        c->has_ended = c->has_ended || (err < 0 && err != ERR_AGAIN);
    }
    if (events & STREAM_WRITABLE) {
        timer_arm(c->socket->loop, &c->quiet, QUIET_MS);
    }
    go_on(c);
}

/* ---- life ---- */

static void on_accept(void *ctx, int fd_take, const struct addr *peer)
{
    struct control_socket *socket = ctx;
    struct stream *stream;

    (void)peer;
    if (tcp_open(&stream, socket->loop, fd_take) < 0) {
        return;
    }
    struct conn *c = NEW(struct conn);
    c->socket = socket;
    c->stream = stream;
    c->quiet.expired = on_quiet;
    list_push_back(&socket->conns, &c->node);
    socket->conn_count++;
    if (socket->conn_count == CONNECTIONS_MAX) {
        listener_pause(socket->listener);
    }
    stream_set_user(stream, on_ready, c);
    timer_arm(socket->loop, &c->quiet, QUIET_MS);
    go_on(c);
}

static int listen_in(struct control_socket *c, struct errinfo *why)
{
    struct errinfo detail = {0};
    struct text path = {0};
    struct addr at;

    text_addf(&path, "unix:%s/%s", c->relay->data, CONTROL_SOCKET_NAME);
    int err = addr_parse(text_slice(&path), &at);
    text_deinit(&path);
    if (err < 0) {
        return errinfo_set(why, err,
                           "the path of the data folder is too long for a socket in it: "
                           "%s; choose another one with --data",
                           c->relay->data);
    }
    err = listener_open(&c->listener, c->loop, &at, NULL, on_accept, c, &detail);
    if (err == ERR_BUSY) {
        return errinfo_set(why, err, "another relay runs on %s", c->relay->data);
    }
    return err < 0 ? errinfo_set(why, err, "%s", errinfo_text(&detail, err)) : 0;
}

int control_socket_open(struct control_socket **out, struct relay *relay, struct errinfo *why)
{
    struct control_socket *c = NEW(struct control_socket);

    c->relay = relay;
    c->loop = relay->workers[0].loop;
    list_init(&c->conns);
    int err = listen_in(c, why);
    if (err < 0) {
        mem_free(c);
        return err;
    }
    *out = c;
    return 0;
}

/* Leaves only those whose requests are open. */
static void close_idle(struct control_socket *c)
{
    LIST_EACH (&c->conns, n) {
        struct conn *conn = LIST_ENTRY(n, struct conn, node);
        if (!conn->is_asking) {
            close_conn(conn);
        }
    }
}

void control_socket_close(struct control_socket **socket)
{
    struct control_socket *c = *socket;

    if (!c) {
        return;
    }
    *socket = NULL;
    listener_close(&c->listener);
    close_idle(c);
    for (int i = 0; i < SETTLE_MS && !list_is_empty(&c->conns); i++) {
        loop_run_for(c->loop, 1);
        close_idle(c);
    }
    LIST_EACH (&c->conns, n) {
        struct conn *conn = LIST_ENTRY(n, struct conn, node);
        list_remove(n);
        conn->socket = NULL;
        timer_disarm(c->loop, &conn->quiet);
        stream_close(&conn->stream);
        bufq_clear(&conn->in);
    }
    mem_free(c);
}
