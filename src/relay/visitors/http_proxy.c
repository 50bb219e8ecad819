/* How an exchange begins, is begun again, fails and ends. What is passed on between is
 * http_proxy_pass.c. */
#include "base/mem.h"
#include "base/metrics.h"
#include "http/forwarded.h"
#include "relay/tunnels/exchange_log.h"
#include "relay/visitors/exchange_rules.h"
#include "relay/visitors/http_proxy_priv.h"
#include "relay/workers/shared.h"

enum {
    AGAIN_MAX = 2, /* an exchange is sent at most so often once more */
    PROXY_SPARES_MAX = 256,
};

static _Thread_local struct mem_pool spares = MEM_POOL(struct http_proxy, PROXY_SPARES_MAX);

static bool start(struct http_proxy *p);

/* ---- states ---- */

static const uint8_t request_may_follow[] = {
    [REQUEST_WAITING] = 1 << REQUEST_PASSING | 1 << REQUEST_STOPPED,
    [REQUEST_PASSING] = 1 << REQUEST_PASSED | 1 << REQUEST_STOPPED | 1 << REQUEST_WAITING |
                        1 << REQUEST_PASSING, /* a tunnel is granted meanwhile */
    [REQUEST_PASSED] = 1 << REQUEST_PASSING | 1 << REQUEST_STOPPED | 1 << REQUEST_WAITING,
    [REQUEST_STOPPED] = 1 << REQUEST_PASSING | 1 << REQUEST_STOPPED | 1 << REQUEST_WAITING,
};

static const uint8_t response_may_follow[] = {
    [RESPONSE_DUE] = 1 << RESPONSE_PASSING,
    [RESPONSE_PASSING] = 1 << RESPONSE_PASSED,
    [RESPONSE_PASSED] = 0,
};

void proxy_set_request(struct http_proxy *p, enum request_state next)
{
    ASSERT(request_may_follow[p->request_state] & 1 << next);
    p->request_state = next;
}

void proxy_set_response(struct http_proxy *p, enum response_state next)
{
    ASSERT(response_may_follow[p->response_state] & 1 << next);
    p->response_state = next;
}

/* ---- the end ---- */

static void bury(struct grave *grave)
{
    mem_pool_put(&spares, CONTAINER_OF(grave, struct http_proxy, grave));
}

static void account(const struct http_proxy *p, const char *failure)
{
    struct http_visitor *v = p->visitor;
    struct control_exchange e = {
        .tunnel = p->route.tunnel,
        .status = p->status,
        .ms = loop_now_ms(v->worker->loop) - p->started_at_ms,
        .in_bytes = p->front->in_bytes,
        .out_bytes = p->front->out_bytes,
        .method = p->request->method,
        .path = p->request->path,
        .visitor = slice_str(v->address_text),
    };

    if (failure) {
        metric_add(METRIC_EXCHANGES_FAILED, 1);
    }
    http_visitor_book(v, p->request, &e, failure ? failure : "done");
    exchange_log_book(v->worker, p->route, &e);
}

static void stop_waiting(struct http_proxy *p)
{
    if (p->is_waiting) {
        p->is_waiting = false;
        origin_unwait(p->visitor->worker, p->route, &p->waiter);
    }
}

static void wind_up(struct http_proxy *p, const char *failure)
{
    account(p, failure);
    stop_waiting(p);
    loop_unschedule(&p->cutting);
    body_flow_deinit(&p->to_origin);
    body_flow_deinit(&p->to_visitor);
    list_remove(&p->node);
    loop_bury(p->visitor->worker->loop, &p->grave, bury);
}

bool proxy_end(struct http_proxy *p, const char *failure)
{
    wind_up(p, failure);
    if (p->origin && p->origin->is_private) {
        p->visitor->own_route = p->route;
        origin_set_aside(&p->origin, &p->visitor->own);
    } else {
        origin_give_back(&p->origin);
    }
    exchange_close(&p->front);
    return false;
}

bool proxy_cut(struct http_proxy *p, const char *failure)
{
    wind_up(p, failure);
    origin_cut(&p->origin);
    exchange_abort(&p->front);
    return false;
}

static void on_cutting(struct task *task)
{
    struct http_proxy *p = CONTAINER_OF(task, struct http_proxy, cutting);
    (void)proxy_cut(p, p->failure);
}

static bool cut_soon(struct http_proxy *p, const char *failure)
{
    origin_cut(&p->origin);
    p->back = NULL;
    proxy_set_request(p, REQUEST_STOPPED);
    proxy_set_response(p, RESPONSE_PASSED);
    p->failure = failure;
    p->cutting.run = on_cutting;
    loop_schedule(p->visitor->worker->loop, &p->cutting);
    return false;
}

void http_proxies_cut(struct http_visitor *v)
{
    LIST_EACH (&v->exchanges, node) {
        (void)proxy_cut(LIST_ENTRY(node, struct http_proxy, node), "the relay stops");
    }
    origin_cut(&v->own);
}

/* ---- failures ---- */

bool proxy_answer_page(struct http_proxy *p, enum page page)
{
    origin_cut(&p->origin);
    p->status = page_status(page);
    return page_answer(p->front, p->request, page) == 0 ? proxy_end(p, page_code(page))
                                                        : proxy_cut(p, page_code(page));
}

bool proxy_visitor_failed(struct http_proxy *p, int err)
{
    uint16_t status = p->status == 0 ? exchange_status_of(err) : 0;

    if (status == 0) {
        return proxy_cut(p, err_text(err));
    }
    p->status = status;
    return exchange_answer_status(p->front, status) == 0 ? proxy_end(p, err_text(err))
                                                         : proxy_cut(p, err_text(err));
}

static enum page page_for_error(const struct http_proxy *p, int err)
{
    if (err == ERR_TIMEOUT) {
        return PAGE_ANSWER_TIMEOUT;
    }
    return p->back->has_heard ? PAGE_BAD_ANSWER : PAGE_NO_ANSWER;
}

static bool may_start_again(const struct http_proxy *p, int err, uint16_t reset_code)
{
    if (p->back->has_heard || p->again_count == AGAIN_MAX || !body_flow_can_replay(&p->to_origin)) {
        return false;
    }
    return reset_code == RESET_UNSENT ||
           (p->origin->is_reused && p->again_count == 0 && exchange_is_idempotent(p->request) &&
            exchange_was_stale(err, reset_code));
}

/* The agent may have logged in anew instead of coming back to its session. */
static bool find_later_route(struct http_proxy *p)
{
    const struct http_visitor *v = p->visitor;
    struct route route;

    if (!v->find_route || !v->find_route(v, p->request, &route) || route_equal(route, p->route)) {
        return false;
    }
    p->route = route;
    return true;
}

static bool start_again(struct http_proxy *p)
{
    origin_cut(&p->origin);
    p->back = NULL;
    p->again_count++;
    proxy_set_request(p, REQUEST_WAITING);
    (void)find_later_route(p);
    return start(p);
}

bool proxy_origin_failed(struct http_proxy *p, int err)
{
    uint16_t reset_code = stream_reset_code(h1_client_stream(p->origin->client));

    if (p->status != 0) {
        return cut_soon(p, reset_code ? reset_meaning(reset_code)->sentence : err_text(err));
    }
    if (may_start_again(p, err, reset_code)) {
        return start_again(p);
    }
    return proxy_answer_page(p, reset_code ? page_for_reset(reset_code) : page_for_error(p, err));
}

/* ---- starting ---- */

static void on_waited(struct session_waiter *waiter, bool is_attached)
{
    struct http_proxy *p = CONTAINER_OF(waiter, struct http_proxy, waiter);

    stop_waiting(p);
    (void)(is_attached || find_later_route(p) ? start(p) : proxy_answer_page(p, PAGE_AGENT_AWAY));
}

static bool wait_for_agent(struct http_proxy *p, struct tunnel *t)
{
    const struct limits *limits = &p->visitor->worker->relay->config->limits;

    p->waiter.done = on_waited;
    if (origin_wait(t, &p->waiter, limits->agent_wait) < 0) {
        return proxy_answer_page(p, PAGE_AGENT_BUSY);
    }
    p->is_waiting = true;
    return true;
}

static bool has_own(const struct http_proxy *p)
{
    const struct http_visitor *v = p->visitor;

    return v->own && route_equal(v->own_route, p->route) && p->again_count == 0;
}

/* t: NULL when its session is on another worker. */
static int lend_origin(struct http_proxy *p, struct tunnel *t)
{
    struct http_visitor *v = p->visitor;
    struct origin_caller caller = {
        .visitor = &v->address,
        .scheme = v->scheme,
        .host = http_head_host(p->request),
        .port = v->relay_port,
    };

    if (has_own(p)) {
        p->origin = origin_take_aside(&v->own);
        return 0;
    }
    if (t) {
        return origin_pool_get(t, &caller, p->again_count > 0, &p->origin);
    }
    p->origin = origin_pool_get_far(v->worker, p->route, &caller);
    return 0;
}

static int borrow_origin(struct http_proxy *p, struct tunnel *t)
{
    TRY(lend_origin(p, t));
    p->back = p->origin->exchange;
    proxy_watch_back(p);
    return 0;
}

static bool send_request(struct http_proxy *p)
{
    int err = exchange_send_head(p->back, p->request);

    p->origin->is_private |= exchange_binds_connection(p->request, HTTP_AUTHORIZATION);
    if (err == ERR_INVALID) {
        return proxy_visitor_failed(p, ERR_PROTOCOL);
    }
    if (err < 0) {
        return proxy_origin_failed(p, err);
    }
    if (p->request->upgrade.len) {
        exchange_hold_deadlines(p->back, true); /* it may be asked for long before it is granted */
    }
    proxy_set_request(p, REQUEST_PASSING);
    body_flow_replay(&p->to_origin, &p->back->body);
    return proxy_pass_request(p);
}

static bool start(struct http_proxy *p)
{
    struct worker *w = p->visitor->worker;
    struct tunnel *t = NULL;
    int err = worker_has(w, p->route) ? origin_find_tunnel(w, p->route, &t) : 0;

    if (err == ERR_AGAIN) {
        return wait_for_agent(p, t);
    }
    if (err == 0) {
        err = borrow_origin(p, t);
    }
    if (err < 0) {
        return proxy_answer_page(p, err == ERR_NOT_FOUND ? PAGE_NO_TUNNEL : PAGE_OUT_OF_BUDGET);
    }
    return send_request(p);
}

/* Host and path stay as they are. */
static void tell_who_visits(const struct http_visitor *v, struct http_head *request)
{
    struct forwarded_facts facts = {.address = slice_str(v->address_text), .proto = v->scheme};

    forwarded_add(request, &facts);
}

void http_proxy_start(struct http_visitor *v, struct exchange *front_take,
                      struct http_head *request, struct route route)
{
    struct http_proxy *p = mem_pool_get(&spares);

    p->visitor = v;
    p->route = route;
    p->front = front_take;
    p->request = request;
    p->started_at_ms = loop_now_ms(v->worker->loop);
    tell_who_visits(v, request);
    list_push_back(&v->exchanges, &p->node);
    proxy_watch_front(p);
    body_flow_begin(&p->to_origin, &p->front->body, NULL, true);
    (void)start(p);
}
