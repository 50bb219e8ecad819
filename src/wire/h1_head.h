/* The head of an HTTP/1 message: found, parsed, judged, written (RFC 9112 sections 2 to 6).
 *
 *      h1_scan_feed        each piece of input once: where does the head end?
 *      h1_request_parse    the whole head in one piece -> views into it
 *      h1_request_judge    -> whom it is for, how its body is framed, what the connection does next
 *
 * Strict: what one server reads in one way and the next one in another is refused, because a relay
 * stands between the two. Why it is refused is an h1_fault with its status. Pure; nothing is copied
 * and nothing allocated.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bufq.h"
#include "wire/http_field.h"

/* The status is what a visitor is told. A head of an origin that is refused is always 502. */
/*      name               status  sentence */
#define H1_FAULT_LIST(X)                                                                           \
    X(NONE, 0, "")                                                                                 \
    X(BARE_LF, 400, "line feed without carriage return")                                           \
    X(BARE_CR, 400, "carriage return inside a line")                                               \
    X(START_LINE, 400, "malformed start line")                                                     \
    X(METHOD, 400, "malformed method")                                                             \
    X(TARGET, 400, "malformed request target")                                                     \
    X(TARGET_LONG, 414, "request target too long")                                                 \
    X(HTTP_0_9, 400, "HTTP/0.9 is not spoken here")                                                \
    X(VERSION, 505, "HTTP version not supported")                                                  \
    X(STATUS, 502, "malformed status line")                                                        \
    X(HEAD_LONG, 431, "head too large")                                                            \
    X(FIELDS_MANY, 431, "too many header fields")                                                  \
    X(FOLDED, 400, "folded header line")                                                           \
    X(FIELD_NAME, 400, "malformed header name")                                                    \
    X(BLANK_BEFORE_COLON, 400, "blank before the colon of a header")                               \
    X(FIELD_VALUE, 400, "control character in a header value")                                     \
    X(HOST_MISSING, 400, "no Host header")                                                         \
    X(HOST_TWICE, 400, "more than one Host header")                                                \
    X(HOST_BAD, 400, "malformed host")                                                             \
    X(HOST_DIFFERS, 400, "Host header differs from the request target")                            \
    X(LENGTH_BAD, 400, "malformed Content-Length")                                                 \
    X(LENGTH_TWICE, 400, "more than one Content-Length")                                           \
    X(LENGTH_AND_CODING, 400, "both Content-Length and Transfer-Encoding")                         \
    X(CODING_TWICE, 400, "more than one Transfer-Encoding")                                        \
    X(CODING_UNKNOWN, 501, "transfer coding other than chunked")                                   \
    X(CODING_IN_1_0, 400, "Transfer-Encoding in HTTP/1.0")                                         \
    X(LENGTH_FORBIDDEN, 400, "body announced where none may follow")                               \
    X(CONNECTION_MANY, 400, "too many connection options")                                         \
    X(CHUNK, 400, "malformed chunk")                                                               \
    X(CHUNK_LONG, 400, "chunk size or extension too long")

enum h1_fault {
#define X(name, status, sentence) H1_FAULT_##name,
    H1_FAULT_LIST(X)
#undef X
};

unsigned h1_fault_status(enum h1_fault fault);
const char *h1_fault_text(enum h1_fault fault);

/* ---- finding the end ---- */

struct h1_scan_limits {
    uint32_t bytes;        /* of the whole head */
    uint32_t target_bytes; /* of the request target */
    uint32_t fields;
};

/* How far we looked. Zeroed to begin. */
struct h1_scan {
    uint32_t bytes;      /* looked at so far; in the end: of the head with its empty line */
    uint32_t start_line; /* bytes of the first line with its CRLF; 0: not complete yet */
    uint32_t lines;      /* complete lines, the empty one not counted */
    uint32_t line_bytes; /* of the line that is not complete yet */
    char last;           /* last byte of the piece before */
};

/* Looks at the next piece. 0: the head ended within it, scan->bytes says where; ERR_MORE: it did
 * not. ERR_PROTOCOL or ERR_TOO_LARGE with *fault_out. A lone empty line is a head of no lines (as
 * after the last chunk); in front of a request the caller drops it. */
MUST_USE int h1_scan_feed(struct h1_scan *scan, struct slice piece,
                          const struct h1_scan_limits *limits, enum h1_fault *fault_out);

/* ---- parsing ---- */

struct h1_head {
    struct slice method; /* requests */
    struct slice target;
    unsigned status; /* responses */
    struct slice reason;
    unsigned minor; /* HTTP/1.minor */

    struct http_field *fields; /* the caller's, with room for scan->lines of them */
    uint32_t field_count;
    uint32_t field_cap;
    uint64_t known; /* set of the ids that occur */
};

/* The whole head, as the scan measured it. ERR_PROTOCOL with *fault_out. */
MUST_USE int h1_request_parse(struct slice bytes, struct h1_head *head, enum h1_fault *fault_out);
MUST_USE int h1_response_parse(struct slice bytes, struct h1_head *head, enum h1_fault *fault_out);

/* Only the first line of a request (with its CRLF): refuses early what will be refused anyway. */
MUST_USE int h1_request_line_check(struct slice line, enum h1_fault *fault_out);

/* Lines of fields alone: trailers. The empty line at the end is part of it. */
MUST_USE int h1_fields_parse(struct slice bytes, struct h1_head *head, enum h1_fault *fault_out);

/* ---- writing ---- */

/* A start line, the fields but those whose id is in `skip`, then `extra` ones, then the empty line.
 * ERR_INVALID, and nothing written, if some part would break the framing. */
struct h1_lines {
    const struct http_field *fields;
    uint32_t field_count;
    uint64_t skip; /* http_name_bit of known names */
    const struct http_field *extra;
    uint32_t extra_count;
};

MUST_USE int h1_request_write(struct bufq *out, struct slice method, struct slice target,
                              const struct h1_lines *lines);
MUST_USE int h1_response_write(struct bufq *out, unsigned status, struct slice reason,
                               const struct h1_lines *lines);
MUST_USE int h1_fields_write(struct bufq *out, const struct h1_lines *lines);
