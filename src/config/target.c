#include "config/target.h"

#include "base/mem.h"
#include "config/value.h"

struct scheme {
    const char *name;
    enum target_scheme scheme;
    uint16_t default_port; /* 0: must be written */
    bool is_path;          /* what follows is a path, not an address */
};

static const struct scheme schemes[] = {
    {"http", TARGET_HTTP, 80, false}, {"https", TARGET_HTTPS, 443, false},
    {"tcp", TARGET_TCP, 0, false},    {"unix", TARGET_UNIX, 0, true},
    {"file", TARGET_FILE, 0, true},
};

static const struct scheme *find_scheme(struct slice name)
{
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        if (slice_equal_nocase(name, slice_str(schemes[i].name))) {
            return &schemes[i];
        }
    }
    return NULL;
}

static const struct scheme *scheme_of(enum target_scheme scheme)
{
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        if (schemes[i].scheme == scheme) {
            return &schemes[i];
        }
    }
    return NULL;
}

static int set_path(struct target *t, struct slice path, struct errinfo *info)
{
    if (slice_starts(path, SLICE("///"))) {
        path = slice_sub(path, 2, path.len); /* file:///srv is file:/srv */
    }
    if (path.len == 0 || memchr(path.ptr, '\0', path.len)) {
        return errinfo_set(info, ERR_INVALID, "the target has no path; write %s:/some/path",
                           scheme_of(t->scheme)->name);
    }
    t->path = slice_dup(path);
    return 0;
}

static int set_address(struct target *t, struct slice text, uint16_t default_port,
                       struct errinfo *info)
{
    struct address address;

    if (value_address(text, default_port, &address) < 0) {
        return errinfo_set(info, ERR_INVALID,
                           "'%.*s' is no target; write a port (3000), host:port, or a URL with "
                           "http, https, tcp, unix or file",
                           SLICE_ARG(slice_sub(text, 0, 60)));
    }
    if (find_scheme(slice_str(address.host))) {
        return errinfo_set(info, ERR_INVALID, "'%s:' needs two slashes; write %s://HOST:%u",
                           address.host, address.host, address.port);
    }
    t->host = mem_strdup(address.host[0] ? address.host : "127.0.0.1");
    t->port = address.port;
    return 0;
}

static int set_url(struct target *t, const struct scheme *scheme, struct slice rest,
                   struct errinfo *info)
{
    t->scheme = scheme->scheme;
    if (scheme->is_path) {
        return set_path(t, rest, info);
    }
    struct slice path = slice_sub(rest, 2, rest.len);
    struct slice address = slice_cut(&path, '/');
    if (path.len) {
        return errinfo_set(info, ERR_INVALID,
                           "a target has no path: the origin sees the visitor's path unchanged; "
                           "write %s://%.*s",
                           scheme->name, SLICE_ARG(slice_sub(address, 0, 60)));
    }
    return set_address(t, address, scheme->default_port, info);
}

static int parse(struct slice text, struct target *t, struct errinfo *info)
{
    struct slice rest = text;
    struct slice name = slice_cut(&rest, ':');
    const struct scheme *scheme = rest.ptr ? find_scheme(name) : NULL;

    if (scheme && (scheme->is_path || slice_starts(rest, SLICE("//")))) {
        return set_url(t, scheme, rest, info);
    }
    if (slice_starts(rest, SLICE("//"))) {
        return errinfo_set(info, ERR_INVALID,
                           "unknown scheme '%.*s'; use http, https, tcp, unix or file",
                           SLICE_ARG(slice_sub(name, 0, 20)));
    }
    t->scheme = TARGET_PLAIN;
    return set_address(t, text, 0, info);
}

int target_parse(struct slice text, struct target *out, struct errinfo *info)
{
    *out = (struct target){0};
    int result = parse(text, out, info);
    if (result < 0) {
        target_deinit(out);
    }
    return result;
}

void target_deinit(struct target *t)
{
    mem_free(t->host);
    mem_free(t->path);
    *t = (struct target){0};
}

bool target_equal(const struct target *a, const struct target *b)
{
    return a->scheme == b->scheme && a->port == b->port &&
           slice_equal(slice_str(a->host), slice_str(b->host)) &&
           slice_equal(slice_str(a->path), slice_str(b->path));
}

void target_show(struct text *out, const struct target *t, bool is_http)
{
    const struct scheme *scheme = scheme_of(t->scheme);
    struct address address = {.port = t->port};

    if (t->scheme == TARGET_NONE) {
        return;
    }
    if (scheme && scheme->is_path) {
        text_addf(out, "%s:%s", scheme->name, t->path);
        return;
    }
    text_addf(out, "%s://", scheme ? scheme->name : is_http ? "http" : "tcp");
    memcpy(address.host, t->host, strlen(t->host));
    value_show_address(out, &address);
}
