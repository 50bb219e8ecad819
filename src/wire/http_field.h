/* Names HTTP gives a meaning to, and one header field.
 *
 * A known name is recognised once, while its head is parsed, and carried as a number from then on:
 * nobody compares header names a second time. The bytes of name and value stay as they came (case
 * is kept). Views: whoever owns the head owns the bytes.
 */
#pragma once
#include <stdint.h>

#include "base/slice.h"

/*      id                   name on the wire when we write it ourselves */
#define HTTP_NAME_LIST(X)                                                                          \
    X(ACCEPT, "Accept")                                                                            \
    X(ACCEPT_ENCODING, "Accept-Encoding")                                                          \
    X(ACCEPT_RANGES, "Accept-Ranges")                                                              \
    X(AUTHORIZATION, "Authorization")                                                              \
    X(CACHE_CONTROL, "Cache-Control")                                                              \
    X(CONNECTION, "Connection")                                                                    \
    X(CONTENT_ENCODING, "Content-Encoding")                                                        \
    X(CONTENT_LENGTH, "Content-Length")                                                            \
    X(CONTENT_RANGE, "Content-Range")                                                              \
    X(CONTENT_TYPE, "Content-Type")                                                                \
    X(COOKIE, "Cookie")                                                                            \
    X(DATE, "Date")                                                                                \
    X(ETAG, "ETag")                                                                                \
    X(EXPECT, "Expect")                                                                            \
    X(FORWARDED, "Forwarded")                                                                      \
    X(HOST, "Host")                                                                                \
    X(HTTP2_SETTINGS, "HTTP2-Settings")                                                            \
    X(IF_MATCH, "If-Match")                                                                        \
    X(IF_MODIFIED_SINCE, "If-Modified-Since")                                                      \
    X(IF_NONE_MATCH, "If-None-Match")                                                              \
    X(IF_RANGE, "If-Range")                                                                        \
    X(IF_UNMODIFIED_SINCE, "If-Unmodified-Since")                                                  \
    X(KEEP_ALIVE, "Keep-Alive")                                                                    \
    X(LAST_MODIFIED, "Last-Modified")                                                              \
    X(LOCATION, "Location")                                                                        \
    X(ORIGIN, "Origin")                                                                            \
    X(PROXY_AUTHENTICATE, "Proxy-Authenticate")                                                    \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization")                                                  \
    X(PROXY_CONNECTION, "Proxy-Connection")                                                        \
    X(RANGE, "Range")                                                                              \
    X(REFERER, "Referer")                                                                          \
    X(RETRY_AFTER, "Retry-After")                                                                  \
    X(SERVER, "Server")                                                                            \
    X(SET_COOKIE, "Set-Cookie")                                                                    \
    X(TE, "TE")                                                                                    \
    X(TRAILER, "Trailer")                                                                          \
    X(TRANSFER_ENCODING, "Transfer-Encoding")                                                      \
    X(UPGRADE, "Upgrade")                                                                          \
    X(USER_AGENT, "User-Agent")                                                                    \
    X(VARY, "Vary")                                                                                \
    X(VIA, "Via")                                                                                  \
    X(WWW_AUTHENTICATE, "WWW-Authenticate")                                                        \
    X(X_FORWARDED_FOR, "X-Forwarded-For")                                                          \
    X(X_FORWARDED_HOST, "X-Forwarded-Host")                                                        \
    X(X_FORWARDED_PORT, "X-Forwarded-Port")                                                        \
    X(X_FORWARDED_PROTO, "X-Forwarded-Proto")                                                      \
    X(X_REAL_IP, "X-Real-IP")

enum http_name {
    HTTP_OTHER, /* a name without meaning for us */
#define X(id, text) HTTP_##id,
    HTTP_NAME_LIST(X)
#undef X
        HTTP_NAME_COUNT
};
_Static_assert(HTTP_NAME_COUNT <= 64, "a set of names fits in a uint64_t");

static inline uint64_t http_name_bit(enum http_name id)
{
    return (uint64_t)1 << id;
}

struct http_field {
    struct slice name;
    struct slice value;
    enum http_name id;
};

/* The known name this is (any case), or HTTP_OTHER. */
enum http_name http_name_of(struct slice name);

/* As we write it: "Content-Length". Empty for HTTP_OTHER. */
struct slice http_name_text(enum http_name id);
