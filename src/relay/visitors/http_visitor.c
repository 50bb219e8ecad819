#include "relay/visitors/http_visitor.h"

#include "base/metrics.h"
#include "net/tcp.h"
#include "relay/visitors/access_log.h"

void http_visitor_init(struct http_visitor *v, struct worker *w, const struct stream *s,
                       struct slice scheme)
{
    struct stream_facts facts;

    stream_facts(s, &facts);
    struct addr local = tcp_local(facts.socket);
    v->worker = w;
    v->scheme = scheme;
    v->log = (struct log_scope){.parent = &w->log,
                                .kind = "visitor",
                                .id = ++w->next_visitor_id,
                                .source = v->address_text};
    v->address = tcp_peer(facts.socket);
    addr_show_host(&v->address, v->address_text);
    v->relay_port = addr_port(&local);
    list_init(&v->exchanges);
}

void http_visitor_book(struct http_visitor *v, const struct http_head *request,
                       const struct control_exchange *facts, const char *reason)
{
    v->exchange_count++;
    v->in_bytes += facts->in_bytes;
    v->out_bytes += facts->out_bytes;
    metric_add(METRIC_EXCHANGES, 1);
    log_debug(&v->log, "exchange over", LOG_SLICE("method", request->method),
              LOG_SLICE("host", request->authority), LOG_SLICE("path", request->path),
              LOG_U64("status", facts->status), LOG_U64("in", facts->in_bytes),
              LOG_U64("out", facts->out_bytes), LOG_U64("ms", facts->ms),
              LOG_STR("reason", reason));
    access_log_add(v, request, facts, reason);
}
