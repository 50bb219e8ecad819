#include "relay/visitors/port_visitor.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "net/pump.h"
#include "relay/tunnels/tunnel.h"
#include "relay/tunnels/tunnel_open.h"
#include "relay/visitors/http_entry.h"

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

static struct tcp_visitor *add_visitor(struct worker *w, struct route route,
                                       const struct addr *peer)
{
    struct tcp_visitor *v = NEW(struct tcp_visitor);

    v->worker = w;
    v->route = route;
    v->peer = addr_shorten(peer);
    v->id = (uint32_t)++w->next_visitor_id;
    v->started_at_ms = clock_now_ms();
    list_push_back(&w->tcp_visitors, &v->node);
    metric_add(METRIC_VISITORS_OPEN, 1);
    return v;
}

static void enter_tcp(struct worker *w, const struct port_visit *visit, struct stream *visitor,
                      const struct addr *peer)
{
    struct tunnel *t = tunnel_find_route(w, visit->route);
    struct tcp_visitor *v = add_visitor(w, visit->route, peer);
    struct open_facts facts = {.scheme = SLICE("tcp"), .relay_port = visit->port};
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

void port_visitor_enter(struct worker *w, const struct port_visit *visit,
                        struct stream *stream_take, const struct addr *peer)
{
    struct http_entry_facts facts = {.scheme = SLICE("http"), .fixed_route = &visit->route};

    if (visit->kind == BIND_TCP) {
        enter_tcp(w, visit, stream_take, peer);
    } else {
        http_entry_start(w, stream_take, NULL, &facts);
    }
}

void port_visitors_send_away(struct worker *w)
{
    LIST_EACH (&w->tcp_visitors, node) {
        struct tcp_visitor *v = LIST_ENTRY(node, struct tcp_visitor, node);
        pump_abort(&v->pump);
        end(v);
    }
}
