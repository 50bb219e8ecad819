/* A visitor's HTTP connection, as its exchanges see it: who it is, and what it has done so far.
 *
 * Embedded in http_entry, which outlives the exchanges.
 */
#pragma once
#include "base/list.h"
#include "base/log.h"
#include "http/head.h"
#include "net/addr.h"
#include "relay/workers/router.h"
#include "relay/workers/worker.h"
#include "wire/control.h"

struct stream;

struct http_visitor {
    struct worker *worker;
    struct addr address;
    char address_text[ADDR_TEXT_BYTES]; /* without port */
    uint16_t relay_port;                /* it came to */
    struct slice scheme;                /* "http" or "https"; a literal */
    struct list exchanges;              /* struct http_proxy */
    struct log_scope log;

    /* Where a request leads now; NULL: all lead to the tunnel whose own port this is. */
    bool (*find_route)(const struct http_visitor *v, const struct http_head *request,
                       struct route *route_out);

    struct origin_conn *own; /* knows this visitor (NTLM); waits for its next exchange */
    struct route own_route;

    uint64_t exchange_count;
    uint64_t in_bytes; /* of request bodies */
    uint64_t out_bytes;
};

void http_visitor_init(struct http_visitor *v, struct worker *w, const struct stream *s,
                       struct slice scheme);

/* Books an exchange that is over: counters, metrics, the closing line of the log and that of the
 * access log. reason: "done", or why it failed. */
void http_visitor_book(struct http_visitor *v, const struct http_head *request,
                       const struct control_exchange *facts, const char *reason);
