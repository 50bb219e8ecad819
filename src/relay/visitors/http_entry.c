#include "relay/visitors/http_entry.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "http/h1_server.h"
#include "net/addr.h"
#include "relay/sessions/link_door.h"
#include "relay/visitors/access_log.h"
#include "relay/visitors/http_proxy.h"
#include "relay/visitors/pages.h"
#include "relay/workers/shared.h"
#include "tls/digest.h"
#include "wire/ws_handshake.h"

#define LINK_PATH   "/_adit/link"
#define HEALTH_PATH "/_adit/health"

/* One connection of a visitor. */
struct http_entry {
    struct list node; /* worker.visitors */
    struct http_visitor visitor;
    struct h1_server *server;
    bool has_fixed_route;
    struct route fixed_route;
    uint64_t started_at_ms;
    struct grave grave;
};

/* ---- life ---- */

static void bury(struct grave *grave)
{
    mem_free(CONTAINER_OF(grave, struct http_entry, grave));
}

static void end(struct http_entry *e, const char *reason)
{
    const struct http_visitor *v = &e->visitor;

    log_debug(&v->log, "visitor left", LOG_STR("address", v->address_text),
              LOG_U64("exchanges", v->exchange_count), LOG_U64("in", v->in_bytes),
              LOG_U64("out", v->out_bytes), LOG_U64("ms", clock_now_ms() - e->started_at_ms),
              LOG_STR("reason", reason));
    metric_add(METRIC_VISITORS_OPEN, -1);
    http_proxies_cut(&e->visitor);
    list_remove(&e->node);
    loop_bury(v->worker->loop, &e->grave, bury);
}

static void on_end(void *ctx, struct h1_server *server, int reason)
{
    (void)server;
    end(ctx, reason ? err_text(reason) : "done");
}

/* ---- the relay's own hosts ---- */

static bool is_address(struct slice host)
{
    struct addr addr;
    return addr_parse_host(host, 0, &addr) == 0;
}

/* Hosts no tunnel can have, and no wildcard matches. */
static bool is_relay_host(const struct http_entry *e, struct slice host)
{
    struct slice domain = slice_str(e->visitor.worker->relay->config->domain);

    return host.len == 0 || slice_equal_nocase(host, domain) ||
           slice_equal_nocase(host, SLICE("localhost")) || is_address(host);
}

/* Ends an exchange that was answered here, with the result of answering. */
static void finish_own(struct http_entry *e, struct exchange *x, const struct http_head *request,
                       uint16_t status, const char *reason, int err)
{
    const struct control_exchange facts = {
        .status = status, .in_bytes = x->in_bytes, .out_bytes = x->out_bytes};

    http_visitor_book(&e->visitor, request, &facts, reason);
    if (err < 0) {
        exchange_abort(&x);
    } else {
        exchange_close(&x);
    }
}

static void answer_page(struct http_entry *e, struct exchange *x, const struct http_head *request,
                        enum page page)
{
    int err = page_answer(x, request, page);
    finish_own(e, x, request, page_status(page), page_code(page), err);
}

static void answer_health(struct http_entry *e, struct exchange *x, const struct http_head *request)
{
    int err = exchange_answer_status(x, 200);
    finish_own(e, x, request, 200, "HEALTH", err);
}

static enum page page_for_upgrade(unsigned status)
{
    if (status == 405) {
        return PAGE_LINK_NOT_GET;
    }
    return status == 426 ? PAGE_LINK_NO_UPGRADE : PAGE_LINK_BAD;
}

/* The 101 for a proper upgrade; otherwise a page that says no. The engine has taken Connection and
 * Upgrade out of the head. */
static bool check_link(const struct http_head *request, struct text *answer_out, enum page *no_out)
{
    struct ws_fields fields = {.has_connection = request->upgrade.len > 0};
    struct errinfo why = {0};
    unsigned status;

    HTTP_HEAD_EACH (request, field) {
        ws_fields_add(&fields, field->name, field->value);
    }
    fields.has_upgrade = slice_equal_nocase(request->upgrade, SLICE("websocket"));
    if (fields.origin.ptr) {
        *no_out = PAGE_LINK_FROM_WEB;
        return false;
    }
    if (ws_request_check(&fields, request->method, &status, &why) < 0) {
        *no_out = page_for_upgrade(status);
        return false;
    }
    ws_answer_write(fields.key, SLICE_NONE, sha1, answer_out);
    return true;
}

/* HTTP is over on this connection: an agent's link begins, and it is no visitor any more. */
static void hand_to_link_door(struct http_entry *e, struct slice answer)
{
    const char *carrier = slice_is(e->visitor.scheme, "https") ? "wss" : "ws";
    struct worker *w = e->visitor.worker;
    struct bufq leftover = {0};
    struct stream *s = h1_server_detach(&e->server, &leftover);

    if (stream_write_bytes(s, answer.ptr, answer.len) < 0) {
        stream_abort(&s);
    } else {
        link_door_accept(w, s, &leftover, carrier);
    }
    bufq_clear(&leftover);
    end(e, "became a link");
}

static void enter_link(struct http_entry *e, struct exchange *x, const struct http_head *request)
{
    struct text answer = {0};
    enum page no = PAGE_LINK_BAD;

    if (check_link(request, &answer, &no)) {
        hand_to_link_door(e, text_slice(&answer));
    } else {
        answer_page(e, x, request, no);
    }
    text_deinit(&answer);
}

/* host: the relay's own, or one nobody has. */
static void serve_own_path(struct http_entry *e, struct exchange *x,
                           const struct http_head *request, enum page otherwise)
{
    struct slice path = http_head_path_only(request);

    if (slice_is(path, LINK_PATH)) {
        enter_link(e, x, request);
    } else if (slice_is(path, HEALTH_PATH)) {
        answer_health(e, x, request);
    } else {
        answer_page(e, x, request, otherwise);
    }
}

static void serve_relay_host(struct http_entry *e, struct exchange *x,
                             const struct http_head *request)
{
    bool is_front_page = slice_is(http_head_path_only(request), "/");

    serve_own_path(e, x, request, is_front_page ? PAGE_RELAY : PAGE_NOT_HERE);
}

/* ---- routing ---- */

/* "blog.example.com." is the same host as without the dot. */
static struct slice host_of(const struct http_head *request)
{
    struct slice host = http_head_host(request);
    return slice_ends(host, SLICE(".")) ? slice_sub(host, 0, host.len - 1) : host;
}

static bool find_route(const struct http_visitor *v, const struct http_head *request,
                       struct route *route_out)
{
    return router_find(&v->worker->router, host_of(request), http_head_path_only(request),
                       route_out) == ROUTER_FOUND;
}

/* Agents may dial the relay by a name it does not know as its own. A tunnel for "*" must not get to
 * see their logins. */
static bool is_link_of_relay(const struct http_entry *e, struct slice host,
                             const struct http_head *request)
{
    return slice_is(http_head_path_only(request), LINK_PATH) &&
           slice_equal_nocase(request->upgrade, SLICE("websocket")) &&
           !router_is_claimed(&e->visitor.worker->router, host);
}

static void route_by_host(struct http_entry *e, struct exchange *x, struct http_head *request)
{
    struct slice host = host_of(request);
    struct route route;

    if (is_relay_host(e, host)) {
        serve_relay_host(e, x, request);
        return;
    }
    if (is_link_of_relay(e, host, request)) {
        enter_link(e, x, request);
        return;
    }
    switch (router_find(&e->visitor.worker->router, host, http_head_path_only(request), &route)) {
    case ROUTER_FOUND:
        http_proxy_start(&e->visitor, x, request, route);
        return;
    case ROUTER_AWAY:
        answer_page(e, x, request, PAGE_AGENT_AWAY);
        return;
    case ROUTER_NO_PATH:
        answer_page(e, x, request, PAGE_NO_PATH);
        return;
    case ROUTER_NO_HOST:
        serve_own_path(e, x, request, PAGE_NO_TUNNEL);
        return;
    }
    UNREACHABLE();
}

static void on_exchange(void *ctx, struct h1_server *server, struct exchange *x)
{
    struct http_entry *e = ctx;
    struct http_head *request = NULL;

    (void)server;
    if (exchange_read_head(x, &request) < 0) {
        exchange_abort(&x);
    } else if (e->has_fixed_route) {
        http_proxy_start(&e->visitor, x, request, e->fixed_route);
    } else {
        route_by_host(e, x, request);
    }
}

/* Not read as far as to know what it asked for. */
static void on_refused(void *ctx, struct h1_server *server, uint16_t status, const char *why)
{
    const struct http_entry *e = ctx;
    const struct http_head unread = {0};
    const struct control_exchange facts = {.status = status};

    (void)server;
    access_log_add(&e->visitor, &unread, &facts, why);
}

static const struct h1_server_user server_user = {
    .on_exchange = on_exchange, .on_end = on_end, .on_refused = on_refused};

/* ---- doors ---- */

static struct h1_limits limits_of(const struct worker *w)
{
    const struct limits *limits = &w->relay->config->limits;
    struct h1_limits h1 = H1_LIMITS_DEFAULT;

    h1.head_bytes = (uint32_t)limits->head_size;
    h1.head_ms = (uint32_t)limits->request_head;
    h1.idle_ms = (uint32_t)limits->keep_alive;
    h1.stall_ms = (uint32_t)limits->body_stall;
    return h1;
}

void http_entry_start(struct worker *w, struct stream *stream_take, struct bufq *input_take,
                      const struct http_entry_facts *facts)
{
    struct http_entry *e = NEW(struct http_entry);
    struct h1_limits limits = limits_of(w);

    http_visitor_init(&e->visitor, w, stream_take, facts->scheme);
    if (facts->fixed_route) {
        e->has_fixed_route = true;
        e->fixed_route = *facts->fixed_route;
    } else {
        e->visitor.find_route = find_route;
    }
    e->started_at_ms = clock_now_ms();
    list_push_back(&w->visitors, &e->node);
    metric_add(METRIC_VISITORS_OPEN, 1);
    e->server =
        h1_server_attach(stream_take, input_take, &limits, &e->visitor.log, &server_user, e);
}

void http_entries_drain(struct worker *w)
{
    LIST_EACH (&w->visitors, node) {
        h1_server_drain(LIST_ENTRY(node, struct http_entry, node)->server);
    }
}

void http_entries_send_away(struct worker *w)
{
    LIST_EACH (&w->visitors, node) {
        struct http_entry *e = LIST_ENTRY(node, struct http_entry, node);
        http_proxies_cut(&e->visitor);
        h1_server_abort(&e->server);
        end(e, "the relay stops");
    }
}
