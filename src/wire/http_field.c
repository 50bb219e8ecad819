#include "wire/http_field.h"

#include <stdbool.h>

static const struct slice texts[HTTP_NAME_COUNT] = {
#define X(id, text) [HTTP_##id] = {text, sizeof(text) - 1},
    HTTP_NAME_LIST(X)
#undef X
};

enum { LENGTH_MAX = 19, SAME_LENGTH_MAX = 6 };

/* The length leaves at most a handful of candidates; most are told apart by their first letter. */
static const uint8_t names_of_length[LENGTH_MAX + 1][SAME_LENGTH_MAX] = {
    [2] = {HTTP_TE},
    [3] = {HTTP_VIA},
    [4] = {HTTP_HOST, HTTP_DATE, HTTP_ETAG, HTTP_VARY},
    [5] = {HTTP_RANGE},
    [6] = {HTTP_ACCEPT, HTTP_COOKIE, HTTP_SERVER, HTTP_ORIGIN, HTTP_EXPECT},
    [7] = {HTTP_REFERER, HTTP_UPGRADE, HTTP_TRAILER},
    [8] = {HTTP_LOCATION, HTTP_IF_RANGE, HTTP_IF_MATCH},
    [9] = {HTTP_FORWARDED, HTTP_X_REAL_IP},
    [10] = {HTTP_USER_AGENT, HTTP_CONNECTION, HTTP_KEEP_ALIVE, HTTP_SET_COOKIE},
    [11] = {HTTP_RETRY_AFTER},
    [12] = {HTTP_CONTENT_TYPE},
    [13] = {HTTP_CACHE_CONTROL, HTTP_LAST_MODIFIED, HTTP_IF_NONE_MATCH, HTTP_ACCEPT_RANGES,
            HTTP_AUTHORIZATION, HTTP_CONTENT_RANGE},
    [14] = {HTTP_CONTENT_LENGTH, HTTP_HTTP2_SETTINGS},
    [15] = {HTTP_ACCEPT_ENCODING, HTTP_X_FORWARDED_FOR},
    [16] = {HTTP_CONTENT_ENCODING, HTTP_X_FORWARDED_HOST, HTTP_X_FORWARDED_PORT,
            HTTP_WWW_AUTHENTICATE, HTTP_PROXY_CONNECTION},
    [17] = {HTTP_TRANSFER_ENCODING, HTTP_IF_MODIFIED_SINCE, HTTP_X_FORWARDED_PROTO},
    [18] = {HTTP_PROXY_AUTHENTICATE},
    [19] = {HTTP_IF_UNMODIFIED_SINCE, HTTP_PROXY_AUTHORIZATION},
};

/* Bits in which a and b differ beyond the case of b's letters. */
static uint64_t differ(const char *a, const char *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x ^ y) & ~((y & 0x4040404040404040u) >> 1);
}

static bool is_name(const char *name, struct slice text)
{
    size_t n = 0;
    uint64_t differing = 0;

    if (text.len < sizeof(differing)) {
        return slice_equal_nocase(slice_of(name, text.len), text);
    }
    for (; n + sizeof(differing) < text.len; n += sizeof(differing)) {
        differing |= differ(name + n, text.ptr + n);
    }
    n = text.len - sizeof(differing); /* the last eight may overlap the ones before */
    return (differing | differ(name + n, text.ptr + n)) == 0;
}

enum http_name http_name_of(struct slice name)
{
    if (name.len > LENGTH_MAX) {
        return HTTP_OTHER;
    }
    const uint8_t *candidates = names_of_length[name.len];
    for (size_t i = 0; i < SAME_LENGTH_MAX && candidates[i] != HTTP_OTHER; i++) {
        struct slice text = texts[candidates[i]];
        if ((name.ptr[0] | 0x20) == (text.ptr[0] | 0x20) && is_name(name.ptr, text)) {
            return (enum http_name)candidates[i];
        }
    }
    return HTTP_OTHER;
}

struct slice http_name_text(enum http_name id)
{
    return id > HTTP_OTHER && id < HTTP_NAME_COUNT ? texts[id] : SLICE("");
}
