#include "wire/http_value.h"

enum {
    IN_TOKEN = 1, /* tchar, RFC 9110 section 5.6.2 */
    IN_TARGET =
        2,       /* visible ASCII but '#': what browsers and curl send, nothing that ends a line */
    IN_NAME = 4, /* host names as they are, without what only RFC 3986 allows in them */

    EVERYWHERE = IN_TOKEN | IN_TARGET | IN_NAME,
    NO_NAME = IN_TOKEN | IN_TARGET,
};

static const uint8_t classes[256] = {
    ['0' ... '9'] = EVERYWHERE,
    ['A' ... 'Z'] = EVERYWHERE,
    ['a' ... 'z'] = EVERYWHERE,
    ['-'] = EVERYWHERE,
    ['.'] = EVERYWHERE,
    ['_'] = EVERYWHERE,

    ['!'] = NO_NAME,
    ['$' ... '\''] = NO_NAME,
    ['*' ... '+'] = NO_NAME,
    ['^'] = NO_NAME,
    ['`'] = NO_NAME,
    ['|'] = NO_NAME,
    ['~'] = NO_NAME,
    ['#'] = IN_TOKEN,

    ['"'] = IN_TARGET,
    ['(' ... ')'] = IN_TARGET,
    [','] = IN_TARGET,
    ['/'] = IN_TARGET,
    [':' ... '@'] = IN_TARGET,
    ['[' ... ']'] = IN_TARGET,
    ['{'] = IN_TARGET,
    ['}'] = IN_TARGET,
};

static size_t run_of(struct slice s, unsigned class)
{
    size_t n = 0;

    while (n < s.len && (classes[(uint8_t)s.ptr[n]] & class)) {
        n++;
    }
    return n;
}

size_t http_token_run(struct slice s)
{
    return run_of(s, IN_TOKEN);
}

size_t http_target_run(struct slice s)
{
    return run_of(s, IN_TARGET);
}

/* Eight bytes at a time: the top bit of each byte that is below 0x20 or 0x7f (a carry may mark the
 * byte above a marked one too; only "none" is relied on). */
static uint64_t odd_bytes(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t tops = 0x8080808080808080u;
    uint64_t below = (word - ones * 0x20) & ~word;
    uint64_t del = word ^ (ones * 0x7f);

    return (below | ((del - ones) & ~del)) & tops;
}

static bool is_text(char c)
{
    return ((uint8_t)c >= 0x20 && c != 0x7f) || c == '\t';
}

/* The same byte by byte, for a word with an odd byte and for the last few. */
static size_t text_run_of_few(const char *at, size_t len)
{
    size_t n = 0;

    while (n < len && is_text(at[n])) {
        n++;
    }
    return n;
}

size_t http_text_run(struct slice s)
{
    uint64_t word;
    size_t n = 0;

    while (s.len - n >= sizeof(word)) {
        memcpy(&word, s.ptr + n, sizeof(word));
        if (odd_bytes(word)) { /* a tab, or the end */
            size_t few = text_run_of_few(s.ptr + n, sizeof(word));
            if (few < sizeof(word)) {
                return n + few;
            }
        }
        n += sizeof(word);
    }
    return n + text_run_of_few(s.ptr + n, s.len - n);
}

/* ---- lists ---- */

/* Length of the list element at the front of s, up to its comma. */
static size_t element_run(struct slice s)
{
    bool is_quoted = false;

    for (size_t i = 0; i < s.len; i++) {
        if (is_quoted && s.ptr[i] == '\\') {
            i++;
        } else if (s.ptr[i] == '"') {
            is_quoted = !is_quoted;
        } else if (s.ptr[i] == ',' && !is_quoted) {
            return i;
        }
    }
    return s.len;
}

bool http_list_next(struct slice *rest, struct slice *element_out)
{
    while (rest->len > 0) {
        size_t n = element_run(*rest);
        struct slice element = slice_trim(slice_sub(*rest, 0, n));

        *rest = slice_sub(*rest, n + 1, rest->len);
        if (element.len > 0) {
            *element_out = element;
            return true;
        }
    }
    return false;
}

bool http_list_has(struct slice list, struct slice token)
{
    struct slice element;

    while (http_list_next(&list, &element)) {
        if (slice_equal_nocase(element, token)) {
            return true;
        }
    }
    return false;
}

/* ---- authorities ---- */

static bool is_port(struct slice port)
{
    uint64_t number;
    return port.len == 0 || slice_to_u64(port, UINT16_MAX, &number) == 0;
}

/* What stands between the brackets: hex digits, colons, and dots for the IPv4 part. */
static bool is_v6(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.')) {
            return false;
        }
    }
    return s.len >= 2;
}

void http_authority_split(struct slice authority, struct slice *host_out, struct slice *port_out)
{
    size_t host_end = 0;

    if (authority.len > 0 && authority.ptr[0] == '[') {
        host_end = slice_index(authority, ']');
    }
    struct slice tail = slice_sub(authority, host_end, authority.len);
    size_t colon = host_end + slice_index(tail, ':');

    *host_out = slice_sub(authority, 0, colon);
    *port_out = slice_sub(authority, colon + 1, authority.len);
}

bool http_is_authority(struct slice s)
{
    struct slice host;
    struct slice port;

    http_authority_split(s, &host, &port);
    if (!is_port(port)) {
        return false;
    }
    if (host.len > 0 && host.ptr[0] == '[') {
        return host.ptr[host.len - 1] == ']' && is_v6(slice_sub(host, 1, host.len - 2));
    }
    return run_of(host, IN_NAME) == host.len;
}

int http_length_parse(struct slice value, uint64_t *length_out)
{
    return slice_to_u64(value, INT64_MAX, length_out) == 0 ? 0 : ERR_PROTOCOL;
}
