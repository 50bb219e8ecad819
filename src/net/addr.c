#include "net/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>

static const struct sockaddr_in *v4(const struct addr *a)
{
    return (const struct sockaddr_in *)&a->storage;
}

static const struct sockaddr_in6 *v6(const struct addr *a)
{
    return (const struct sockaddr_in6 *)&a->storage;
}

static const struct sockaddr_un *un(const struct addr *a)
{
    return (const struct sockaddr_un *)&a->storage;
}

/* ---- in ---- */

static int parse_unix(struct slice path, struct addr *out)
{
    struct sockaddr_un *to = (struct sockaddr_un *)&out->storage;

    if (path.len == 0 || path.len >= sizeof to->sun_path || slice_index(path, '\0') < path.len) {
        return ERR_INVALID;
    }
    to->sun_family = AF_UNIX;
    memcpy(to->sun_path, path.ptr, path.len);
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
    return 0;
}

static int parse_v4(const char *host, uint16_t port, struct addr *out)
{
    struct sockaddr_in *to = (struct sockaddr_in *)&out->storage;

    if (inet_pton(AF_INET, host, &to->sin_addr) != 1) {
        return ERR_INVALID;
    }
    to->sin_family = AF_INET;
    to->sin_port = htons(port);
    out->len = sizeof *to;
    return 0;
}

/* "fe80::1%eth0": the part behind the percent sign is an interface's name or number. */
static int parse_scope(struct slice scope, uint32_t *scope_out)
{
    char name[IF_NAMESIZE];
    uint64_t number;

    if (slice_to_u64(scope, UINT32_MAX, &number) == 0) {
        *scope_out = (uint32_t)number;
        return 0;
    }
    if (scope.len >= sizeof name) {
        return ERR_INVALID;
    }
    memcpy(name, scope.ptr, scope.len);
    name[scope.len] = '\0';
    *scope_out = if_nametoindex(name);
    return *scope_out ? 0 : ERR_INVALID;
}

static int parse_v6(struct slice host, uint16_t port, struct addr *out)
{
    struct sockaddr_in6 *to = (struct sockaddr_in6 *)&out->storage;
    struct slice scope = host;
    char text[INET6_ADDRSTRLEN];
    struct slice digits = slice_cut(&scope, '%');

    if (digits.len >= sizeof text) {
        return ERR_INVALID;
    }
    memcpy(text, digits.ptr, digits.len);
    text[digits.len] = '\0';
    if (inet_pton(AF_INET6, text, &to->sin6_addr) != 1) {
        return ERR_INVALID;
    }
    if (scope.ptr) {
        TRY(parse_scope(scope, &to->sin6_scope_id));
    }
    to->sin6_family = AF_INET6;
    to->sin6_port = htons(port);
    out->len = sizeof *to;
    return 0;
}

int addr_parse_host(struct slice text, uint16_t port, struct addr *out)
{
    char host[INET_ADDRSTRLEN];

    *out = (struct addr){0};
    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']') {
        return parse_v6(slice_sub(text, 1, text.len - 2), port, out);
    }
    if (slice_index(text, '\0') < text.len) {
        return ERR_INVALID;
    }
    if (slice_index(text, ':') < text.len) {
        return parse_v6(text, port, out);
    }
    if (text.len == 0 || text.len >= sizeof host) {
        return ERR_INVALID;
    }
    memcpy(host, text.ptr, text.len);
    host[text.len] = '\0';
    return parse_v4(host, port, out);
}

/* Where the colon before the port stands, or text.len. */
static size_t find_port_colon(struct slice text)
{
    if (text.len > 0 && text.ptr[0] == '[') {
        size_t end = slice_index(text, ']');
        return end + 1 < text.len && text.ptr[end + 1] == ':' ? end + 1 : text.len;
    }
    size_t colon = slice_index(text, ':');
    struct slice behind = slice_sub(text, colon + 1, text.len);
    return slice_index(behind, ':') == behind.len ? colon : text.len; /* bare v6: ambiguous */
}

int addr_split(struct slice text, struct slice *host_out, uint16_t *port_out)
{
    size_t colon = find_port_colon(text);
    uint64_t port;

    if (colon >= text.len || slice_to_u64(slice_sub(text, colon + 1, text.len), 65535, &port) < 0) {
        return ERR_INVALID;
    }
    *host_out = slice_sub(text, 0, colon);
    if (colon > 0 && text.ptr[0] == '[') {
        *host_out = slice_sub(text, 1, colon - 2);
        if (host_out->len == 0) {
            return ERR_INVALID;
        }
    }
    *port_out = (uint16_t)port;
    return 0;
}

int addr_parse(struct slice text, struct addr *out)
{
    struct slice host;
    uint16_t port;

    *out = (struct addr){0};
    if (slice_starts(text, SLICE("unix:"))) {
        return parse_unix(slice_sub(text, 5, text.len), out);
    }
    TRY(addr_split(text, &host, &port));
    return addr_parse_host(host.len ? host : SLICE("::"), port, out);
}

static void unmap_v4(struct addr *a)
{
    struct sockaddr_in6 mapped = *v6(a);
    struct sockaddr_in plain = {.sin_family = AF_INET, .sin_port = mapped.sin6_port};

    memcpy(&plain.sin_addr, mapped.sin6_addr.s6_addr + 12, sizeof plain.sin_addr);
    *a = (struct addr){.len = sizeof plain};
    memcpy(&a->storage, &plain, sizeof plain);
}

struct addr addr_of(const struct sockaddr_storage *storage, socklen_t len)
{
    struct addr a = {.storage = *storage, .len = len};

    if (storage->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6(&a)->sin6_addr)) {
        unmap_v4(&a);
    }
    return a;
}

static struct addr_brief brief_of(uint16_t port, const void *bytes, uint8_t length)
{
    struct addr_brief b = {.port = port, .length = length};

    memcpy(b.bytes, bytes, length);
    return b;
}

struct addr_brief addr_shorten(const struct addr *a)
{
    if (a->storage.ss_family == AF_INET) {
        return brief_of(addr_port(a), &v4(a)->sin_addr, sizeof v4(a)->sin_addr);
    }
    if (a->storage.ss_family == AF_INET6) {
        return brief_of(addr_port(a), &v6(a)->sin6_addr, sizeof v6(a)->sin6_addr);
    }
    return (struct addr_brief){0};
}

struct addr addr_lengthen(const struct addr_brief *b)
{
    struct addr a = {0};
    struct sockaddr_in *in4 = (struct sockaddr_in *)&a.storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a.storage;

    if (b->length == sizeof in4->sin_addr) {
        *in4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(b->port)};
        memcpy(&in4->sin_addr, b->bytes, sizeof in4->sin_addr);
        a.len = sizeof *in4;
    } else if (b->length == sizeof in6->sin6_addr) {
        *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(b->port)};
        memcpy(&in6->sin6_addr, b->bytes, sizeof in6->sin6_addr);
        a.len = sizeof *in6;
    }
    return a;
}

struct addr addr_of_peer(int fd)
{
    struct sockaddr_storage storage = {0};
    socklen_t len = sizeof storage;

    if (getpeername(fd, (struct sockaddr *)&storage, &len) < 0) {
        return (struct addr){0};
    }
    return addr_of(&storage, len);
}

struct addr addr_of_local(int fd)
{
    struct sockaddr_storage storage = {0};
    socklen_t len = sizeof storage;

    if (getsockname(fd, (struct sockaddr *)&storage, &len) < 0) {
        return (struct addr){0};
    }
    return addr_of(&storage, len);
}

/* ---- out ---- */

static int path_len(const struct addr *a)
{
    size_t start = offsetof(struct sockaddr_un, sun_path);
    return a->len > start ? (int)strnlen(un(a)->sun_path, a->len - start) : 0;
}

const char *addr_show_host(const struct addr *a, char out[ADDR_TEXT_BYTES])
{
    switch (a->storage.ss_family) {
    case AF_INET:
        return inet_ntop(AF_INET, &v4(a)->sin_addr, out, ADDR_TEXT_BYTES);
    case AF_INET6:
        inet_ntop(AF_INET6, &v6(a)->sin6_addr, out, ADDR_TEXT_BYTES);
        if (v6(a)->sin6_scope_id) {
            size_t len = strlen(out);
            snprintf(out + len, ADDR_TEXT_BYTES - len, "%%%u", v6(a)->sin6_scope_id);
        }
        return out;
    case AF_UNIX:
        snprintf(out, ADDR_TEXT_BYTES, "unix:%.*s", path_len(a), un(a)->sun_path);
        return out;
    default:
        snprintf(out, ADDR_TEXT_BYTES, "-");
        return out;
    }
}

const char *addr_show(const struct addr *a, char out[ADDR_TEXT_BYTES])
{
    char host[ADDR_TEXT_BYTES];

    addr_show_host(a, host);
    if (a->storage.ss_family == AF_INET) {
        snprintf(out, ADDR_TEXT_BYTES, "%.80s:%u", host, addr_port(a));
    } else if (a->storage.ss_family == AF_INET6) {
        snprintf(out, ADDR_TEXT_BYTES, "[%.80s]:%u", host, addr_port(a));
    } else {
        memcpy(out, host, sizeof host);
    }
    return out;
}

/* ---- questions ---- */

uint16_t addr_port(const struct addr *a)
{
    switch (a->storage.ss_family) {
    case AF_INET:
        return ntohs(v4(a)->sin_port);
    case AF_INET6:
        return ntohs(v6(a)->sin6_port);
    default:
        return 0;
    }
}

void addr_set_port(struct addr *a, uint16_t port)
{
    if (a->storage.ss_family == AF_INET) {
        ((struct sockaddr_in *)&a->storage)->sin_port = htons(port);
    } else if (a->storage.ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)&a->storage)->sin6_port = htons(port);
    }
}

bool addr_is_loopback(const struct addr *a)
{
    switch (a->storage.ss_family) {
    case AF_INET:
        return ntohl(v4(a)->sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&v6(a)->sin6_addr);
    default:
        return a->storage.ss_family == AF_UNIX;
    }
}

bool addr_is_localhost(struct slice host)
{
    return slice_equal_nocase(host, SLICE("localhost")) ||
           slice_ends_nocase(host, SLICE(".localhost"));
}

bool addr_is_loopback_host(struct slice host)
{
    struct addr literal;

    return addr_is_localhost(host) ||
           (addr_parse_host(host, 0, &literal) == 0 && addr_is_loopback(&literal));
}

bool addr_is_any(const struct addr *a)
{
    switch (a->storage.ss_family) {
    case AF_INET:
        return v4(a)->sin_addr.s_addr == htonl(INADDR_ANY);
    case AF_INET6:
        return IN6_IS_ADDR_UNSPECIFIED(&v6(a)->sin6_addr);
    default:
        return false;
    }
}

bool addr_equal_host(const struct addr *a, const struct addr *b)
{
    if (a->storage.ss_family != b->storage.ss_family) {
        return false;
    }
    switch (a->storage.ss_family) {
    case AF_INET:
        return v4(a)->sin_addr.s_addr == v4(b)->sin_addr.s_addr;
    case AF_INET6:
        return IN6_ARE_ADDR_EQUAL(&v6(a)->sin6_addr, &v6(b)->sin6_addr) &&
               v6(a)->sin6_scope_id == v6(b)->sin6_scope_id;
    case AF_UNIX:
        return slice_equal(slice_of(un(a)->sun_path, (size_t)path_len(a)),
                           slice_of(un(b)->sun_path, (size_t)path_len(b)));
    default:
        return true;
    }
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return addr_equal_host(a, b) && addr_port(a) == addr_port(b);
}
