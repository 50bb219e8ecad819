#include "relay/port_entry.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/pump.h"
#include "net/tcp.h"
#include "relay/http_entry.h"
#include "relay/shared.h"
#include "relay/tunnel.h"
#include "relay/tunnel_open.h"

struct port_entry {
    struct worker *worker;
    struct route route;
    enum bind_kind kind;
    struct listener *listener;
    uint16_t port;
};

/* A TCP visitor joined with its stream of the link. */
struct tcp_visitor {
    struct list node; /* worker.tcp_visitors */
    struct worker *worker;
    struct route route;
    struct addr_brief peer;
    uint32_t id; /* for the log: cut to 32 bits */
    struct pump *pump;
    uint64_t started_at_ms;
    struct grave grave;
};

_Static_assert(sizeof(struct tcp_visitor) <= 104, "an idle visitor is small");

static void bury(struct grave *grave)
{
    mem_free(CONTAINER_OF(grave, struct tcp_visitor, grave));
}

static void end(struct tcp_visitor *v)
{
    list_remove(&v->node);
    metric_add(METRIC_VISITORS_OPEN, -1);
    loop_bury(v->worker->loop, &v->grave, bury);
}

/* The closing line. */
static void tell_end(const struct tcp_visitor *v, const char *reason, uint64_t in, uint64_t out)
{
    const struct addr peer = addr_lengthen(&v->peer);
    char address[ADDR_TEXT_BYTES];
    const struct log_scope log = {
        .parent = &v->worker->log, .kind = "visitor", .id = v->id, .source = address};

    addr_show_host(&peer, address); /* without port, as in all lines about visitors */
    log_info(&log, "visitor left", LOG_STR("address", address), LOG_U64("in", in),
             LOG_U64("out", out), LOG_U64("ms", clock_now_ms() - v->started_at_ms),
             LOG_STR("reason", reason));
}

static void on_pump_done(void *ctx, const struct pump_result *result)
{
    struct tcp_visitor *v = ctx;
    struct tunnel *t = tunnel_find_route(v->worker, v->route);

    v->pump = NULL;
    if (t) {
        t->open_count--;
        t->in_bytes += result->bytes[PUMP_A];
        t->out_bytes += result->bytes[PUMP_B];
    }
    tell_end(v, result->err ? err_text(result->err) : "done", result->bytes[PUMP_A],
             result->bytes[PUMP_B]);
    end(v);
}

static struct tcp_visitor *add_visitor(struct port_entry *p, const struct addr *peer)
{
    struct worker *w = p->worker;
    struct tcp_visitor *v = NEW(struct tcp_visitor);

    v->worker = w;
    v->route = p->route;
    v->peer = addr_shorten(peer);
    v->id = (uint32_t)++w->next_visitor_id;
    v->started_at_ms = clock_now_ms();
    list_push_back(&w->tcp_visitors, &v->node);
    metric_add(METRIC_VISITORS_OPEN, 1);
    return v;
}

static void enter_tcp(struct port_entry *p, struct stream *visitor, const struct addr *peer)
{
    struct tunnel *t = tunnel_find_route(p->worker, p->route);
    struct tcp_visitor *v = add_visitor(p, peer);
    struct open_facts facts = {.scheme = SLICE("tcp"), .relay_port = p->port};
    struct stream *link = NULL;
    int err = t ? tunnel_open_stream(t, &facts, peer, &link) : ERR_NOT_FOUND;

    if (err < 0) {
        tell_end(v, err_text(err), 0, 0);
        stream_abort(&visitor);
        end(v);
        return;
    }
    t->open_count++;
    v->pump = pump_start(visitor, link, NULL, NULL, on_pump_done, v);
}

static void enter_http(struct port_entry *p, struct stream *visitor)
{
    struct http_entry_facts facts = {.scheme = SLICE("http"), .fixed_route = &p->route};

    http_entry_start(p->worker, visitor, NULL, &facts);
}

static void on_accept(void *ctx, int fd_take, const struct addr *peer)
{
    struct port_entry *p = ctx;
    struct stream *s = NULL;

    if (tcp_open(&s, p->worker->loop, fd_take) < 0) {
        return;
    }
    metric_add(METRIC_VISITORS_ACCEPTED, 1);
    if (p->kind == BIND_TCP) {
        enter_tcp(p, s, peer);
    } else {
        enter_http(p, s);
    }
}

static int listen_at(struct port_entry *p, struct errinfo *why)
{
    const struct listen_options options = {0};
    struct addr at;

    TRY(relay_listen_addr(p->worker->relay, p->port, &at, why));
    return listener_open(&p->listener, p->worker->loop, &at, &options, on_accept, p, why);
}

int port_entry_open(struct port_entry **out, struct tunnel *t, uint16_t port, int fd_take,
                    struct errinfo *why)
{
    struct worker *w = t->session->worker;
    struct port_entry *p = NEW(struct port_entry);

    p->worker = w;
    p->route = (struct route){.worker = w->index, .session = t->session->handle, .tunnel = t->id};
    p->kind = t->kind;
    p->port = port;
    int err = fd_take < 0 ? listen_at(p, why)
                          : listener_adopt(&p->listener, w->loop, fd_take, on_accept, p);
    if (err < 0) {
        mem_free(p);
        return err;
    }
    *out = p;
    return 0;
}

void port_entry_close(struct port_entry **p)
{
    if (*p) {
        listener_close(&(*p)->listener);
        mem_free(*p);
        *p = NULL;
    }
}

int port_entry_detach_fd(struct port_entry **p)
{
    int fd = -1;

    if (*p) {
        fd = listener_detach_fd(&(*p)->listener);
        mem_free(*p);
        *p = NULL;
    }
    return fd;
}

void port_entries_send_away(struct worker *w)
{
    LIST_EACH (&w->tcp_visitors, node) {
        struct tcp_visitor *v = LIST_ENTRY(node, struct tcp_visitor, node);
        pump_abort(&v->pump);
        end(v);
    }
}
