/* Functions that pass something on return false when the exchange is over: the caller returns and
 * does not look at the proxy again. */
#include "relay/http_proxy.h"

#include "base/mem.h"
#include "base/metrics.h"
#include "http/forwarded.h"
#include "relay/body_flow.h"
#include "relay/cookie_domain.h"
#include "relay/exchange_log.h"
#include "relay/exchange_rules.h"
#include "relay/far_origin.h"
#include "relay/origin_pool.h"
#include "relay/pages.h"
#include "relay/relay.h"

enum {
    AGAIN_MAX = 2, /* an exchange is sent at most so often once more */
    PROXY_SPARES_MAX = 256,
};

enum request_state {
    REQUEST_WAITING, /* no origin is lent yet */
    REQUEST_PASSING, /* its body is on the way */
    REQUEST_PASSED,  /* all of it was given to the origin */
    REQUEST_STOPPED, /* the origin wants no more of it */
};

enum response_state {
    RESPONSE_DUE,
    RESPONSE_PASSING, /* its final head was sent */
    RESPONSE_PASSED,  /* tunnel: that direction has ended */
};

struct http_proxy {
    struct list node; /* visitor.exchanges */
    struct http_visitor *visitor;
    struct route route;
    struct exchange *front;
    struct http_head *request;  /* the front's */
    struct origin_conn *origin; /* lent; NULL while waiting */
    struct exchange *back;      /* origin.exchange */
    enum request_state request_state;
    enum response_state response_state;
    struct body_flow to_origin;
    struct body_flow to_visitor;
    struct session_waiter waiter;
    struct task cutting; /* in the next round: what was written goes out before */
    const char *failure; /* why */
    bool is_waiting;     /* for the agent */
    bool is_tunnel;      /* upgraded: plain bytes both ways */
    uint8_t again_count;
    uint16_t status; /* the visitor's answer; 0: none yet */
    uint64_t started_at_ms;
    struct grave grave;
};

static _Thread_local struct mem_pool spares = MEM_POOL(struct http_proxy, PROXY_SPARES_MAX);

static bool start(struct http_proxy *p);
static bool pass_response(struct http_proxy *p);

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

/* The visitor has all it will get. failure: NULL, or why that is a page of ours. */
static bool end(struct http_proxy *p, const char *failure)
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

/* Both sides learn that it is not complete. */
static bool cut(struct http_proxy *p, const char *failure)
{
    wind_up(p, failure);
    origin_cut(&p->origin);
    exchange_abort(&p->front);
    return false;
}

static void on_cutting(struct task *task)
{
    struct http_proxy *p = CONTAINER_OF(task, struct http_proxy, cutting);
    (void)cut(p, p->failure);
}

/* The visitor still gets what came before. */
static bool cut_soon(struct http_proxy *p, const char *failure)
{
    origin_cut(&p->origin);
    p->back = NULL;
    p->request_state = REQUEST_STOPPED;
    p->response_state = RESPONSE_PASSED;
    p->failure = failure;
    p->cutting.run = on_cutting;
    loop_schedule(p->visitor->worker->loop, &p->cutting);
    return false;
}

void http_proxies_cut(struct http_visitor *v)
{
    LIST_EACH (&v->exchanges, node) {
        (void)cut(LIST_ENTRY(node, struct http_proxy, node), "the relay stops");
    }
    origin_cut(&v->own);
}

/* ---- failures ---- */

static bool answer_page(struct http_proxy *p, enum page page)
{
    origin_cut(&p->origin);
    p->status = page_status(page);
    return page_answer(p->front, p->request, page) == 0 ? end(p, page_code(page))
                                                        : cut(p, page_code(page));
}

/* Of a head or body that broke the rules: the response half still works. */
static bool visitor_failed(struct http_proxy *p, int err)
{
    uint16_t status = p->status == 0 ? exchange_status_of(err) : 0;

    if (status == 0) {
        return cut(p, err_text(err));
    }
    p->status = status;
    return exchange_answer_status(p->front, status) == 0 ? end(p, err_text(err))
                                                         : cut(p, err_text(err));
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

static bool start_again(struct http_proxy *p)
{
    origin_cut(&p->origin);
    p->back = NULL;
    p->again_count++;
    p->request_state = REQUEST_WAITING;
    return start(p);
}

static bool origin_failed(struct http_proxy *p, int err)
{
    uint16_t reset_code = stream_reset_code(h1_client_stream(p->origin->client));

    if (p->status != 0) {
        return cut_soon(p, reset_code ? reset_meaning(reset_code)->sentence : err_text(err));
    }
    if (may_start_again(p, err, reset_code)) {
        return start_again(p);
    }
    return answer_page(p, reset_code ? page_for_reset(reset_code) : page_for_error(p, err));
}

/* ---- the request ---- */

/* Of a tunnel: the other direction may go on. */
static bool end_direction(struct http_proxy *p, struct stream *to)
{
    bool are_both_over = p->request_state != REQUEST_PASSING &&
                         p->response_state == RESPONSE_PASSED;

    return stream_shutdown(to) < 0 || are_both_over ? end(p, NULL) : true;
}

static bool request_done(struct http_proxy *p)
{
    const struct http_head *trailers = p->is_tunnel ? NULL : exchange_trailers(p->front);
    int err = 0;

    p->request_state = REQUEST_PASSED;
    if (p->is_tunnel) {
        return end_direction(p, &p->back->body);
    }
    if (trailers) {
        err = exchange_send_trailers(p->back, trailers);
    }
    if (err == 0) {
        err = stream_shutdown(&p->back->body);
    }
    return err < 0 ? pass_response(p) : true; /* the response says why */
}

/* The origin reads no more; its answer may still come. */
static bool stop_request(struct http_proxy *p)
{
    p->request_state = REQUEST_STOPPED;
    body_flow_stop(&p->to_origin);
    return p->response_state == RESPONSE_PASSED ? end(p, NULL) : pass_response(p);
}

static bool pass_request(struct http_proxy *p)
{
    int err = 0;

    if (p->request_state != REQUEST_PASSING) {
        return true;
    }
    switch (body_flow_move(&p->to_origin, &err)) {
    case BODY_WAITS:
        return true;
    case BODY_DONE:
        return request_done(p);
    case BODY_FROM_FAILED:
        return visitor_failed(p, err);
    case BODY_TO_FAILED:
        return stop_request(p);
    }
    UNREACHABLE();
}

/* ---- the response ---- */

static bool start_tunnel(struct http_proxy *p)
{
    p->is_tunnel = true;
    body_flow_forget(&p->to_origin);
    body_flow_begin(&p->to_origin, &p->front->body, &p->back->body, false);
    p->request_state = REQUEST_PASSING;
    return pass_request(p);
}

static bool send_final_head(struct http_proxy *p, struct http_head *head)
{
    cookie_domain_strip(head, slice_str(p->visitor->worker->relay->config->domain));
    p->origin->is_private |= exchange_binds_connection(head, HTTP_WWW_AUTHENTICATE);
    int err = exchange_send_head(p->front, head);
    if (err == ERR_INVALID) {
        return answer_page(p, PAGE_BAD_ANSWER);
    }
    if (err < 0) {
        return cut(p, err_text(err));
    }
    p->status = head->status;
    p->response_state = RESPONSE_PASSING;
    body_flow_begin(&p->to_visitor, &p->back->body, &p->front->body, false);
    return head->is_tunnel ? start_tunnel(p) : true;
}

/* Heads that are there; the final one starts the body. */
static bool pass_heads(struct http_proxy *p)
{
    struct http_head *head = NULL;

    while (p->response_state == RESPONSE_DUE) {
        int err = exchange_read_head(p->back, &head);
        if (err == ERR_AGAIN) {
            return true;
        }
        if (err < 0) {
            return origin_failed(p, err);
        }
        if (!http_head_is_informational(head)) {
            return send_final_head(p, head);
        }
        err = exchange_send_head(p->front, head);
        if (err < 0) {
            return cut(p, err_text(err));
        }
    }
    return true;
}

static bool response_done(struct http_proxy *p)
{
    const struct http_head *trailers = p->is_tunnel ? NULL : exchange_trailers(p->back);
    int err = 0;

    p->response_state = RESPONSE_PASSED;
    if (p->is_tunnel) {
        return end_direction(p, &p->front->body);
    }
    if (trailers) {
        err = exchange_send_trailers(p->front, trailers);
    }
    if (err == 0) {
        err = stream_shutdown(&p->front->body);
    }
    return err < 0 ? cut(p, err_text(err)) : end(p, NULL);
}

static bool pass_body(struct http_proxy *p)
{
    int err = 0;

    switch (body_flow_move(&p->to_visitor, &err)) {
    case BODY_WAITS:
        return true;
    case BODY_DONE:
        return response_done(p);
    case BODY_FROM_FAILED:
        return origin_failed(p, err);
    case BODY_TO_FAILED:
        return cut(p, err_text(err));
    }
    UNREACHABLE();
}

static bool pass_response(struct http_proxy *p)
{
    if (p->back->has_heard) {
        body_flow_forget(&p->to_origin);
    }
    if (!pass_heads(p)) {
        return false;
    }
    return p->response_state == RESPONSE_PASSING ? pass_body(p) : true;
}

/* ---- events ---- */

static void on_front(void *ctx, struct stream *s, unsigned events)
{
    struct http_proxy *p = ctx;

    (void)s;
    if (events & STREAM_BROKEN) {
        (void)cut(p, "the visitor went away");
        return;
    }
    if ((events & STREAM_WRITABLE) && p->back && !pass_response(p)) {
        return;
    }
    if (events & STREAM_READABLE) {
        (void)pass_request(p);
    }
}

/* A broken origin may have said something before: reading finds out. */
static void on_back(void *ctx, struct stream *s, unsigned events)
{
    struct http_proxy *p = ctx;

    (void)s;
    if ((events & (STREAM_READABLE | STREAM_BROKEN)) && !pass_response(p)) {
        return;
    }
    if (events & STREAM_WRITABLE) {
        (void)pass_request(p);
    }
}

/* ---- starting ---- */

static void on_waited(struct session_waiter *waiter, bool is_attached)
{
    struct http_proxy *p = CONTAINER_OF(waiter, struct http_proxy, waiter);

    stop_waiting(p);
    (void)(is_attached ? start(p) : answer_page(p, PAGE_AGENT_AWAY));
}

static bool wait_for_agent(struct http_proxy *p, struct tunnel *t)
{
    const struct limits *limits = &p->visitor->worker->relay->config->limits;

    p->waiter.done = on_waited;
    if (origin_wait(t, &p->waiter, limits->agent_wait) < 0) {
        return answer_page(p, PAGE_AGENT_BUSY);
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
    stream_set_user(&p->back->body, on_back, p);
    stream_want(&p->back->body, STREAM_READABLE);
    return 0;
}

static bool send_request(struct http_proxy *p)
{
    int err = exchange_send_head(p->back, p->request);

    p->origin->is_private |= exchange_binds_connection(p->request, HTTP_AUTHORIZATION);
    if (err == ERR_INVALID) {
        return visitor_failed(p, ERR_PROTOCOL);
    }
    if (err < 0) {
        return origin_failed(p, err);
    }
    if (p->request->upgrade.len) {
        exchange_hold_deadlines(p->back, true); /* it may be asked for long before it is granted */
    }
    p->request_state = REQUEST_PASSING;
    body_flow_replay(&p->to_origin, &p->back->body);
    return pass_request(p);
}

static bool start(struct http_proxy *p)
{
    struct worker *w = p->visitor->worker;
    struct tunnel *t = NULL;
    int err = far_origin_is(w, p->route) ? 0 : origin_find_tunnel(w, p->route, &t);

    if (err == ERR_AGAIN) {
        return wait_for_agent(p, t);
    }
    if (err == 0) {
        err = borrow_origin(p, t);
    }
    if (err < 0) {
        return answer_page(p, err == ERR_NOT_FOUND ? PAGE_NO_TUNNEL : PAGE_OUT_OF_BUDGET);
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
    stream_set_user(&p->front->body, on_front, p);
    body_flow_begin(&p->to_origin, &p->front->body, NULL, true);
    (void)start(p);
}
