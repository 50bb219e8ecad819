/* The proxy from inside: http_proxy.c (beginning, again, failures, end) and http_proxy_pass.c (what
 * is passed on) share it.
 *
 * Functions of type bool return false when the exchange is over: the caller returns and does not
 * look at the proxy again.
 */
#pragma once
#include "relay/tunnels/origin_pool.h"
#include "relay/visitors/body_flow.h"
#include "relay/visitors/http_proxy.h"
#include "relay/visitors/pages.h"

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

/* ---- http_proxy.c ---- */

void proxy_set_request(struct http_proxy *p, enum request_state next);
void proxy_set_response(struct http_proxy *p, enum response_state next);

/* The visitor has all it will get. failure: NULL, or why that is a page of ours. */
bool proxy_end(struct http_proxy *p, const char *failure);

/* Both sides learn that it is not complete. */
bool proxy_cut(struct http_proxy *p, const char *failure);

bool proxy_answer_page(struct http_proxy *p, enum page page);

/* Its head or body broke the rules: the response half still works. */
bool proxy_visitor_failed(struct http_proxy *p, int err);

/* Again, a page, or a cut: as far as the exchange has come. */
bool proxy_origin_failed(struct http_proxy *p, int err);

/* ---- http_proxy_pass.c ---- */

/* Passes on what is there of the request's body. */
bool proxy_pass_request(struct http_proxy *p);

/* From now on events of that side are heard. */
void proxy_watch_front(struct http_proxy *p);
void proxy_watch_back(struct http_proxy *p);
