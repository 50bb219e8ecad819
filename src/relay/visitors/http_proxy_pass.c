/* The two halves of an exchange on their way. Neither knows of the other, but for an origin that
 * says in its response why it takes no more of the request. */
#include "relay/visitors/cookie_domain.h"
#include "relay/visitors/exchange_rules.h"
#include "relay/visitors/http_proxy_priv.h"
#include "relay/workers/shared.h"

static bool pass_response(struct http_proxy *p);

/* ---- the request ---- */

/* Of a tunnel: the other direction may go on. */
static bool end_direction(struct http_proxy *p, struct stream *to)
{
    bool are_both_over = p->request_state != REQUEST_PASSING &&
                         p->response_state == RESPONSE_PASSED;

    return stream_shutdown(to) < 0 || are_both_over ? proxy_end(p, NULL) : true;
}

/* What comes behind a body: trailers, if there are some, and the end itself. */
static int send_end(struct exchange *from, struct exchange *to)
{
    const struct http_head *trailers = exchange_trailers(from);

    if (trailers) {
        TRY(exchange_send_trailers(to, trailers));
    }
    return stream_shutdown(&to->body);
}

static bool request_done(struct http_proxy *p)
{
    proxy_set_request(p, REQUEST_PASSED);
    if (p->is_tunnel) {
        return end_direction(p, &p->back->body);
    }
    return send_end(p->front, p->back) < 0 ? pass_response(p) : true; /* the response says why */
}

/* The origin reads no more; its answer may still come. */
static bool stop_request(struct http_proxy *p)
{
    proxy_set_request(p, REQUEST_STOPPED);
    body_flow_stop(&p->to_origin);
    return p->response_state == RESPONSE_PASSED ? proxy_end(p, NULL) : pass_response(p);
}

bool proxy_pass_request(struct http_proxy *p)
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
        return proxy_visitor_failed(p, err);
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
    proxy_set_request(p, REQUEST_PASSING);
    return proxy_pass_request(p);
}

static bool send_final_head(struct http_proxy *p, struct http_head *head)
{
    cookie_domain_strip(head, slice_str(p->visitor->worker->relay->config->domain));
    p->origin->is_private |= exchange_binds_connection(head, HTTP_WWW_AUTHENTICATE);
    int err = exchange_send_head(p->front, head);
    if (err == ERR_INVALID) {
        return proxy_answer_page(p, PAGE_BAD_ANSWER);
    }
    if (err < 0) {
        return proxy_cut(p, err_text(err));
    }
    p->status = head->status;
    proxy_set_response(p, RESPONSE_PASSING);
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
            return proxy_origin_failed(p, err);
        }
        if (!http_head_is_informational(head)) {
            return send_final_head(p, head);
        }
        err = exchange_send_head(p->front, head);
        if (err < 0) {
            return proxy_cut(p, err_text(err));
        }
    }
    return true;
}

static bool response_done(struct http_proxy *p)
{
    proxy_set_response(p, RESPONSE_PASSED);
    if (p->is_tunnel) {
        return end_direction(p, &p->front->body);
    }
    int err = send_end(p->back, p->front);
    return err < 0 ? proxy_cut(p, err_text(err)) : proxy_end(p, NULL);
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
        return proxy_origin_failed(p, err);
    case BODY_TO_FAILED:
        return proxy_cut(p, err_text(err));
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
        (void)proxy_cut(p, "the visitor went away");
        return;
    }
    if ((events & STREAM_WRITABLE) && p->back && !pass_response(p)) {
        return;
    }
    if (events & STREAM_READABLE) {
        (void)proxy_pass_request(p);
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
        (void)proxy_pass_request(p);
    }
}

void proxy_watch_front(struct http_proxy *p)
{
    stream_set_user(&p->front->body, on_front, p);
}

void proxy_watch_back(struct http_proxy *p)
{
    stream_set_user(&p->back->body, on_back, p);
    stream_want(&p->back->body, STREAM_READABLE);
}
