/* What an HTTP/1 head means: whom it is for, where its body ends, what becomes of the connection.
 *
 * Each of these questions is decided in one function here and nowhere else:
 *
 *      h1_target_judge       request target against Host (RFC 9112 section 3.2)
 *      h1_request_body       where the request ends      (RFC 9112 section 6)
 *      h1_response_body      where the response ends
 *      h1_connection_judge   keep-alive, close, upgrade, and which fields are for this hop only
 *
 * Pure. Views point into the head.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "wire/h1_head.h"

/* ---- target ---- */

struct h1_target {
    struct slice scheme;    /* of an absolute target; else empty */
    struct slice authority; /* empty: HTTP/1.0 without Host */
    struct slice path;      /* "" for CONNECT; may begin with '?' after an absolute target */
};

MUST_USE int h1_target_judge(const struct h1_head *head, struct h1_target *target_out,
                             enum h1_fault *fault_out);

/* ---- body ---- */

enum h1_body {
    H1_BODY_NONE,
    H1_BODY_SIZED,
    H1_BODY_CHUNKED,
    H1_BODY_UNTIL_CLOSE, /* responses only */
};

struct h1_framing {
    enum h1_body body;
    uint64_t bytes; /* with H1_BODY_SIZED */
};

MUST_USE int h1_request_body(const struct h1_head *head, struct h1_framing *framing_out,
                             enum h1_fault *fault_out);

/* What was asked decides too: no body after HEAD, a tunnel after 2xx to CONNECT. */
struct h1_asked {
    bool is_head;
    bool is_connect;
};

MUST_USE int h1_response_body(const struct h1_head *head, struct h1_asked asked,
                              struct h1_framing *framing_out, enum h1_fault *fault_out);

/* ---- connection ---- */

struct h1_connection {
    bool is_kept;          /* the sender goes on after this message */
    bool takes_trailers;   /* TE: trailers */
    struct slice upgrade;  /* first protocol of Upgrade, if Connection names it; never h2c */
    uint32_t keep_alive_s; /* Keep-Alive: timeout=; 0: not said */
};

/* Fails for more connection options than anybody needs. */
MUST_USE int h1_connection_judge(const struct h1_head *head, struct h1_connection *connection_out,
                                 enum h1_fault *fault_out);

/* Takes out every field that belongs to this connection only, those named by Connection included.
 * What carries the message itself (Host, Content-Length, Expect) cannot be named away. */
void h1_hop_fields_remove(struct h1_head *head);

/* Takes out of trailers what may not come that late: framing, routing, credentials, cookies. */
void h1_trailer_fields_remove(struct h1_head *trailers);
