/* One exchange passed on: from a visitor's front to an origin's back, and back again.
 *
 *      front --request--> [ http_proxy ] --request--> back
 *      front <-response-- [            ] <-response-- back
 *
 *      request    WAITING --origin lent--> PASSING --end--> PASSED
 *                    |  ^                     +--origin wants no more--> STOPPED
 *                    |  +-- again, on a fresh origin
 *      response   DUE --final head--> PASSING --end--> (the exchange is over)
 *
 * The two halves know nothing of each other: an answer may come, and end, before the request does.
 * After an Upgrade both are plain bytes. What is lost on one side is cut on the other, so that a
 * visitor can always tell a broken answer from a complete one.
 *
 * Again: as long as not one byte of an answer was heard, an exchange whose origin connection turns
 * out to be stale is sent once more: always when the agent says UNSENT, otherwise only if it is
 * idempotent and the connection was a used one. It then goes where its name leads now: the agent
 * may have logged in anew.
 *
 * The proxy owns front and back, and frees itself when the exchange is over.
 */
#pragma once
#include "http/exchange.h"
#include "relay/visitors/http_visitor.h"

/* Takes the front; `request` is its head, already read. */
void http_proxy_start(struct http_visitor *v, struct exchange *front_take,
                      struct http_head *request, struct route route);

/* Cuts all exchanges of a visitor, and what is kept for it. */
void http_proxies_cut(struct http_visitor *v);
