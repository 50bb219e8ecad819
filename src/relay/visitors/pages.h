/* What a visitor reads when the relay itself has to answer.
 *
 * Each page says what happened, where on the way, and what to do about it. A browser gets HTML
 * (assets/), a program that asks for JSON gets JSON, everybody else a few lines of text. The field
 * `Adit-Error: CODE` tells a page of ours from the origin's own answer of the same status. Nothing
 * here is cached, and nothing tells what lies behind the tunnel.
 */
#pragma once
#include "http/exchange.h"
#include "wire/reset_code.h"

enum page {
    PAGE_RELAY,           /* 200: the relay's own host */
    PAGE_NOT_HERE,        /* the relay's own host has no such path */
    PAGE_NO_TUNNEL,       /* nobody has this host */
    PAGE_NO_PATH,         /* the host is known, the path is not */
    PAGE_AGENT_AWAY,      /* the agent lost its link and did not come back in time */
    PAGE_AGENT_BUSY,      /* too many wait for the agent already */
    PAGE_OUT_OF_BUDGET,   /* no memory left for one more stream */
    PAGE_REFUSED,         /* the agent could not connect ... */
    PAGE_CONNECT_TIMEOUT, /* ... nobody accepted */
    PAGE_NAME_NOT_FOUND,  /* ... the target's name is unknown */
    PAGE_TLS_FAILED,      /* ... no TLS with the target */
    PAGE_DENIED,          /* the agent does not allow it */
    PAGE_CUT,             /* lost before an answer came */
    PAGE_NO_ANSWER,       /* the origin closed without an answer */
    PAGE_BAD_ANSWER,      /* the origin spoke no HTTP */
    PAGE_ANSWER_TIMEOUT,  /* no answer within the limit */
    PAGE_LINK_FROM_WEB,   /* a web page tried to open a link */
    PAGE_LINK_NOT_GET,    /* the link's path, asked by another method */
    PAGE_LINK_NO_UPGRADE, /* the link's path, without the upgrade of a WebSocket */
    PAGE_LINK_BAD,        /* a link upgrade that is broken */
    PAGE_COUNT,
};

/* The page for an agent's reason. */
enum page page_for_reset(uint16_t code);

uint16_t page_status(enum page page);
const char *page_code(enum page page); /* "NO_TUNNEL" */

/* Answers the request completely; the caller still closes the exchange. */
MUST_USE int page_answer(struct exchange *front, const struct http_head *request, enum page page);
