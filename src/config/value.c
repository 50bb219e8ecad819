#include "config/value.h"

#include <arpa/inet.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first: the shortest exact form is the first that divides. */
static const struct unit duration_units[] = {
    {"d", 24 * 60 * 60 * 1000u}, {"h", 60 * 60 * 1000u}, {"m", 60 * 1000u}, {"s", 1000u}, {"ms", 1},
};
static const struct unit size_units[] = {
    {"T", 1ull << 40}, {"G", 1ull << 30}, {"M", 1ull << 20}, {"K", 1ull << 10}, {"", 1},
};
enum { UNITS = 5 };

int value_bool(struct slice s, bool *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (slice_equal_nocase(s, slice_str(words[i]))) {
            *out = i % 2;
            return 0;
        }
    }
    return ERR_INVALID;
}

/* A number followed by the name of a unit. */
static int with_unit(struct slice s, const struct unit *units, uint64_t *out)
{
    size_t digits = 0;
    uint64_t n;

    while (digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9') {
        digits++;
    }
    TRY(slice_to_u64(slice_sub(s, 0, digits), UINT64_MAX, &n));
    for (int i = 0; i < UNITS; i++) {
        if (!slice_is(slice_sub(s, digits, s.len), units[i].name)) {
            continue;
        }
        if (n > UINT64_MAX / units[i].factor) {
            return ERR_TOO_LARGE;
        }
        *out = n * units[i].factor;
        return 0;
    }
    return ERR_INVALID;
}

int value_duration_ms(struct slice s, uint64_t *out)
{
    if (slice_is(s, "0")) {
        *out = 0;
        return 0;
    }
    return with_unit(s, duration_units, out);
}

int value_size_bytes(struct slice s, uint64_t *out)
{
    return with_unit(s, size_units, out);
}

int value_port(struct slice s, uint16_t *out)
{
    uint64_t port;

    TRY(slice_to_u64(s, UINT16_MAX, &port));
    if (port == 0) {
        return ERR_INVALID;
    }
    *out = (uint16_t)port;
    return 0;
}

int value_port_range(struct slice s, struct port_range *out)
{
    struct slice last = s;
    struct slice first = slice_cut(&last, '-');
    struct port_range range;

    TRY(value_port(first, &range.first));
    range.last = range.first;
    if (last.ptr) {
        TRY(value_port(last, &range.last));
    }
    if (range.last < range.first) {
        return ERR_INVALID;
    }
    *out = range;
    return 0;
}

static bool is_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return false;
        }
    }
    return s.len > 0;
}

static bool is_host_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        bool is_dot = c == '.' && i > 0 && s.ptr[i - 1] != '.';
        if (!is_plain && !is_dot) {
            return false;
        }
    }
    return s.len <= 253;
}

static int set_host(struct slice host, bool is_v6, struct address *out)
{
    struct in6_addr v6;

    if (host.len >= sizeof out->host || (!is_v6 && !is_host_name(host))) {
        return ERR_INVALID;
    }
    memset(out->host, 0, sizeof out->host);
    if (host.len) {
        memcpy(out->host, host.ptr, host.len);
    }
    return is_v6 && inet_pton(AF_INET6, out->host, &v6) != 1 ? ERR_INVALID : 0;
}

int value_address(struct slice s, uint16_t default_port, struct address *out)
{
    struct address address = {.port = default_port};
    struct slice port = s;

    if (is_digits(s)) {
        TRY(value_port(s, &address.port));
        *out = address;
        return 0;
    }
    bool is_v6 = slice_starts(s, SLICE("["));
    if (is_v6) {
        port = slice_sub(s, 1, s.len);
        TRY(set_host(slice_cut(&port, ']'), true, &address));
        if (!port.ptr || (port.len && port.ptr[0] != ':')) {
            return ERR_INVALID;
        }
        port = port.len ? slice_sub(port, 1, port.len) : SLICE_NONE;
    } else {
        TRY(set_host(slice_cut(&port, ':'), false, &address));
    }
    if (port.ptr) {
        TRY(value_port(port, &address.port));
    }
    if (address.port == 0 || (!port.ptr && s.len == 0)) {
        return ERR_INVALID;
    }
    *out = address;
    return 0;
}

void value_show_address(struct text *out, const struct address *address)
{
    bool is_v6 = strchr(address->host, ':') != NULL;

    text_addf(out, is_v6 ? "[%s]:%u" : "%s:%u", address->host, address->port);
}
