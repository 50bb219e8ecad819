/* The head of an HTTP message (or its trailers), the same for every HTTP version.
 *
 * Fields are an ordered list that keeps case, order and duplicates. Slices point into `bytes`: the
 * bytes the head came in as, then whatever was added. Nothing is allocated per field; removing a
 * field or replacing a value leaves its old bytes where they are until the head is cleared.
 *
 * A head is free of what belongs to one connection only: engines take Connection, Keep-Alive, TE,
 * Transfer-Encoding, Upgrade and the like out when they read, and write their own when they send.
 * What these said is in the struct: body, upgrade, is_tunnel, takes_trailers.
 *
 *      HTTP/1                      here                        HTTP/2
 *      GET /a HTTP/1.1, Host: b    method, path, authority     :method :path :authority
 *      Content-Length              body, body_bytes            content-length
 *      chunked, or until EOF       body                        END_STREAM
 *      Upgrade: websocket          upgrade                     CONNECT with :protocol
 *      101, or 2xx to CONNECT      is_tunnel                   200
 *
 * Zeroed memory is an empty head; an empty head owns nothing.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bufq.h"
#include "wire/http_field.h"

enum http_version { HTTP_1_0, HTTP_1_1, HTTP_2, HTTP_3 };

enum http_body {
    HTTP_BODY_NONE,  /* the message ends with its head */
    HTTP_BODY_SIZED, /* exactly body_bytes */
    HTTP_BODY_OPEN,  /* until its end is told */
};

struct http_head {
    /* requests */
    struct slice method;    /* case matters: "GET" */
    struct slice scheme;    /* "http", "https" */
    struct slice authority; /* host or host:port; the truth, whatever a Host field says */
    struct slice path;      /* with the query; "*" for OPTIONS *; empty for CONNECT */

    /* responses */
    uint16_t status;     /* 0: a request, or trailers */
    struct slice reason; /* may be empty: then the sender writes the usual one */

    /* both */
    enum http_version version; /* of the one who sent it */
    enum http_body body;
    uint64_t body_bytes;  /* with HTTP_BODY_SIZED */
    struct slice upgrade; /* protocol asked for, agreed on or (426) required; empty: none */
    bool is_tunnel;       /* request: CONNECT; response: what follows is a plain stream */
    bool takes_trailers;  /* request: TE: trailers */

    struct http_field *fields;
    uint32_t field_count;
    uint32_t field_cap;
    uint64_t known; /* set of ids that may be present: a quick no for http_head_find */
    struct bufq bytes;
};

/* Forgets everything and gives the memory back. */
void http_head_clear(struct http_head *h);

/* ---- asking ---- */

/* 1xx other than the answer to an Upgrade: another head follows. */
static inline bool http_head_is_informational(const struct http_head *h)
{
    return h->status >= 100 && h->status < 200 && !h->is_tunnel;
}

/* First field of a known name, or NULL. _next: the one after `field` of the same name. */
struct http_field *http_head_find(const struct http_head *h, enum http_name id);
struct http_field *http_head_next(const struct http_head *h, const struct http_field *field);

/* The same for any name, without regard to case. */
struct http_field *http_head_find_name(const struct http_head *h, struct slice name);

/* Value of the first field of that name, or an empty slice. */
struct slice http_head_value(const struct http_head *h, enum http_name id);

/* authority without its port ("[::1]:80" -> "[::1]"); path without its query. */
struct slice http_head_host(const struct http_head *h);
struct slice http_head_path_only(const struct http_head *h);

#define HTTP_HEAD_EACH(head, field)                                                                \
    for (struct http_field *field = (head)->fields,                                                \
                           *field##_end = field ? field + (head)->field_count : NULL;              \
         field != field##_end; field++)

/* ---- changing ---- */

/* Copies bytes into the head's own memory and returns where they are now. */
struct slice http_head_keep(struct http_head *h, struct slice bytes);
struct slice http_head_keepf(struct http_head *h, const char *fmt, ...) PRINTF_LIKE(2, 3);

struct slice http_head_keep_joined(struct http_head *h, const struct slice *parts, size_t count);

/* Makes room for so many fields at once. Fields move. */
void http_head_reserve_fields(struct http_head *h, uint32_t count);

/* Appends a field. Name and value are copied unless said so: add_kept takes views that live at
 * least as long as the head (literals, http_head_keep). */
void http_head_add(struct http_head *h, enum http_name id, struct slice value);
void http_head_add_name(struct http_head *h, struct slice name, struct slice value);
void http_head_add_kept(struct http_head *h, enum http_name id, struct slice name,
                        struct slice value);

/* Removes all fields of that name; true if there was one. */
bool http_head_remove(struct http_head *h, enum http_name id);
void http_head_remove_field(struct http_head *h, struct http_field *field);

/* Changes authority and the Host field, if there is one. */
void http_head_set_authority(struct http_head *h, struct slice authority);

/* Turns an empty head into a response with the usual reason. */
void http_head_make_response(struct http_head *h, uint16_t status);

/* A deep copy (retry, inspector); `to` is empty. */
void http_head_copy(struct http_head *to, const struct http_head *from);

/* The usual reason phrase ("Not Found"), or "". */
struct slice http_status_reason(unsigned status);
