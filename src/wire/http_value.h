/* What header values are made of: tokens, text, lists, lengths, authorities (RFC 9110 section 5).
 *
 * Pure questions about bytes, used by every HTTP version and by the WebSocket handshake.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Leading bytes of s that are token characters; that may stand in a field value (text, blanks,
 * tabs, bytes above 127); that may stand in a request target. */
size_t http_token_run(struct slice s);
size_t http_text_run(struct slice s);
size_t http_target_run(struct slice s);

static inline bool http_is_token(struct slice s)
{
    return s.len > 0 && http_token_run(s) == s.len;
}

static inline bool http_is_text(struct slice s)
{
    return http_text_run(s) == s.len;
}

static inline bool http_is_target(struct slice s)
{
    return s.len > 0 && http_target_run(s) == s.len;
}

/* Takes the next element off a comma-separated list, without blanks around it; empty elements are
 * passed over, commas inside quotes belong to their element. False: no more. */
bool http_list_next(struct slice *rest, struct slice *element_out);

/* The list has that token, without regard to case. */
bool http_list_has(struct slice list, struct slice token);

/* host or host:port or [v6] or [v6]:port; the empty host counts. Nothing that could be taken for a
 * path, a user or a second header. */
bool http_is_authority(struct slice s);

/* The two parts; the port is empty if there is none. */
void http_authority_split(struct slice authority, struct slice *host_out, struct slice *port_out);

/* Content-Length: digits only, at most 2^63 - 1. ERR_PROTOCOL otherwise. */
MUST_USE int http_length_parse(struct slice value, uint64_t *length_out);
