#include "relay/front_door.h"

#include "base/mem.h"
#include "base/metrics.h"
#include "net/listen.h"
#include "net/tcp.h"
#include "relay/move.h"
#include "relay/sessions/link_door.h"
#include "relay/visitors/http_entry.h"
#include "relay/workers/shared.h"
#include "tls/tls_stream.h"
#include "wire/client_hello.h"
#include "wire/link_hello.h"

#define ALPN_LINK "adit/1"
#define ALPN_HTTP "http/1.1"

static const char *const alpn[] = {ALPN_LINK, ALPN_HTTP, NULL};

struct front_door {
    struct list node; /* worker.doors */
    struct worker *worker;
    struct listener *listener;
    bool is_tls_only;
};

/* A connection whose protocol is not known yet. Its time runs until it is handed on. */
struct newcomer {
    struct list node; /* worker.newcomers */
    struct worker *worker;
    struct stream *stream;
    struct bufq input;
    struct timer timer;
    bool is_tls_only;
    bool has_moved;
    struct grave grave;
};

static void bury(struct grave *grave)
{
    mem_free(CONTAINER_OF(grave, struct newcomer, grave));
}

static void end(struct newcomer *n)
{
    list_remove(&n->node);
    timer_disarm(n->worker->loop, &n->timer);
    bufq_clear(&n->input);
    loop_bury(n->worker->loop, &n->grave, bury);
}

static void give_up(struct newcomer *n)
{
    stream_abort(&n->stream);
    end(n);
}

static void on_expired(struct timer *timer)
{
    give_up(CONTAINER_OF(timer, struct newcomer, timer));
}

/* ---- handing on ---- */

static void hand_to_http(struct newcomer *n, struct slice scheme)
{
    struct http_entry_facts facts = {.scheme = scheme};
    struct stream *s = n->stream;

    n->stream = NULL;
    http_entry_start(n->worker, s, &n->input, &facts);
    end(n);
}

static void hand_to_link_door(struct newcomer *n, const char *carrier)
{
    struct stream *s = n->stream;

    n->stream = NULL;
    link_door_accept(n->worker, s, &n->input, carrier);
    end(n);
}

static void on_tls_done(void *ctx, struct stream *s, int err, const struct errinfo *why)
{
    struct newcomer *n = ctx;
    struct stream_facts facts;

    if (err < 0) {
        log_debug(&n->worker->log, "TLS handshake failed",
                  LOG_STR("reason", errinfo_text(why, err)));
        stream_close(&n->stream); /* the alert goes out */
        end(n);
        return;
    }
    stream_facts(s, &facts);
    if (slice_is(facts.alpn, ALPN_LINK)) {
        hand_to_link_door(n, "tls");
    } else {
        hand_to_http(n, SLICE("https"));
    }
}

/* The handshake has a deadline of its own. */
static void start_tls(struct newcomer *n)
{
    struct relay *r = n->worker->relay;
    struct tls_identity *identity = relay_identity(r);
    struct tls_server_options options = {
        .identity = identity,
        .alpn = alpn,
        .tls13_alpn = ALPN_LINK,
        .limits.handshake_ms = (uint32_t)r->config->limits.handshake,
    };

    timer_disarm(n->worker->loop, &n->timer);
    n->stream = tls_server_attach(n->stream, &n->input, &options, on_tls_done, n);
    tls_identity_unref(&identity);
}

/* ---- sniffing ---- */

/* True when the bytes so far may still become the magic of a link. */
static bool may_be_link(const struct bufq *input, bool *is_complete_out)
{
    char first[LINK_MAGIC_BYTES];
    size_t n = input->bytes < sizeof first ? input->bytes : sizeof first;

    bufq_peek(input, first, n);
    *is_complete_out = n == sizeof first;
    return memcmp(first, LINK_MAGIC, n) == 0;
}

static moved_fn enter_moved;

static bool move_on(struct newcomer *n)
{
    return !n->has_moved &&
           move_to_session(n->worker, &n->stream, &n->input, n->is_tls_only, enter_moved);
}

/* False: the next bytes must tell. */
static bool decide(struct newcomer *n)
{
    uint8_t first;
    bool is_complete;

    bufq_peek(&n->input, &first, 1);
    if (move_on(n)) {
        end(n);
    } else if (first == CLIENT_HELLO_FIRST_BYTE) {
        start_tls(n);
    } else if (n->is_tls_only) {
        give_up(n);
    } else if (!may_be_link(&n->input, &is_complete)) {
        hand_to_http(n, SLICE("http"));
    } else if (is_complete) {
        hand_to_link_door(n, "tcp");
    } else {
        return false;
    }
    return true;
}

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    struct newcomer *n = ctx;
    int err = stream_read(s, &n->input, FIRST_BYTES_MAX);
    bool is_decided = !bufq_is_empty(&n->input) && decide(n);

    (void)events;
    if (!is_decided && err < 0 && err != ERR_AGAIN) {
        give_up(n);
    }
}

static struct newcomer *add_newcomer(struct worker *w, struct stream *stream_take, bool is_tls_only)
{
    struct newcomer *n = NEW(struct newcomer);

    n->worker = w;
    n->stream = stream_take;
    n->is_tls_only = is_tls_only;
    n->timer.expired = on_expired;
    list_push_back(&w->newcomers, &n->node);
    timer_arm(w->loop, &n->timer, w->relay->config->limits.handshake);
    stream_set_user(n->stream, on_ready, n);
    stream_want(n->stream, STREAM_READABLE);
    return n;
}

/* On the worker it was moved to. */
static void enter_moved(struct worker *w, struct stream *stream_take, struct bufq *input_take,
                        bool is_tls_only)
{
    struct newcomer *n = add_newcomer(w, stream_take, is_tls_only);

    n->has_moved = true;
    bufq_move(&n->input, input_take, input_take->bytes);
    decide(n);
}

/* ---- listening ---- */

static void on_accept(void *ctx, int fd_take, const struct addr *peer)
{
    struct front_door *door = ctx;
    struct stream *s = NULL;

    (void)peer;
    if (tcp_open(&s, door->worker->loop, fd_take) == 0) {
        metric_add(METRIC_VISITORS_ACCEPTED, 1);
        add_newcomer(door->worker, s, door->is_tls_only);
    }
}

int front_door_open(struct worker *w, const struct addr *at, bool is_tls_only,
                    struct addr *bound_out, struct errinfo *why)
{
    struct front_door *door = NEW(struct front_door);
    struct listen_options options = {.reuse_port = w->relay->worker_count > 1};
    int err;

    door->worker = w;
    door->is_tls_only = is_tls_only;
    err = listener_open(&door->listener, w->loop, at, &options, on_accept, door, why);
    if (err < 0) {
        mem_free(door);
        return err;
    }
    *bound_out = *listener_addr(door->listener);
    list_push_back(&w->doors, &door->node);
    return 0;
}

void front_doors_close(struct worker *w)
{
    LIST_EACH (&w->doors, node) {
        struct front_door *door = LIST_ENTRY(node, struct front_door, node);
        list_remove(&door->node);
        listener_close(&door->listener);
        mem_free(door);
    }
}

void front_doors_send_away(struct worker *w)
{
    LIST_EACH (&w->newcomers, node) {
        give_up(LIST_ENTRY(node, struct newcomer, node));
    }
}
