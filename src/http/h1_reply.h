/* What is written to a visitor: the heads that the user of an exchange gives, and short answers to
 * heads that never became one. Decides whether the connection may go on behind it. Internal to
 * http/; h1_server embeds it.
 */
#pragma once
#include "http/h1_flow.h"

struct h1_reply {
    bool is_last;       /* no further request on this connection */
    bool has_continued; /* the visitor need not wait before it sends its body */
};

/* An informational head, or the final one. ERR_CLOSED: nobody listens any more. ERR_INVALID: it
 * would switch protocols, and nobody was asked to. Others: see h1_writer_response. */
MUST_USE int h1_reply_send(struct h1_reply *r, struct h1_flow *f, const struct http_head *head);

/* A whole answer of our own. */
void h1_reply_refuse(struct h1_flow *f, unsigned status, const char *why);
