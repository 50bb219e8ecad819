#include "relay/workers/router.h"

#include "base/list.h"
#include "base/mem.h"

enum { HOST_MAX_BYTES = 255 };

/* Routes of one path prefix: usually one, more with --share. */
struct place {
    struct list node; /* in host.places, longest prefix first */
    char *path;
    size_t path_len;
    struct route *routes;
    uint32_t route_count;
    uint32_t turn;
    bool is_reserved; /* stays without a route */
};

struct host {
    struct table_node node;
    struct list places;
    size_t name_len;
    char name[];
};

static struct host *host_of(struct table_node *n)
{
    return CONTAINER_OF(n, struct host, node);
}

static struct host *find_host(const struct router *r, struct slice name)
{
    TABLE_EACH_MATCH (&r->hosts, slice_hash_nocase(name), n) {
        struct host *h = host_of(n);
        if (slice_equal_nocase(slice_of(h->name, h->name_len), name)) {
            return h;
        }
    }
    return NULL;
}

static struct host *add_host(struct router *r, struct slice name)
{
    ASSERT(name.len <= HOST_MAX_BYTES);
    struct host *h = mem_alloc(sizeof *h + name.len + 1);

    memcpy(h->name, name.ptr, name.len);
    h->name_len = name.len;
    list_init(&h->places);
    table_add(&r->hosts, &h->node, slice_hash_nocase(name));
    return h;
}

static void free_place(struct place *p)
{
    list_remove(&p->node);
    mem_free(p->path);
    mem_free(p->routes);
    mem_free(p);
}

static void free_host(struct router *r, struct host *h)
{
    table_remove(&r->hosts, &h->node);
    LIST_EACH (&h->places, n) {
        free_place(LIST_ENTRY(n, struct place, node));
    }
    mem_free(h);
}

void router_deinit(struct router *r)
{
    TABLE_EACH (&r->hosts, n) {
        free_host(r, host_of(n));
    }
    table_deinit(&r->hosts);
}

static struct place *find_place(struct host *h, struct slice path)
{
    LIST_EACH (&h->places, n) {
        struct place *p = LIST_ENTRY(n, struct place, node);
        if (slice_equal(slice_of(p->path, p->path_len), path)) {
            return p;
        }
    }
    return NULL;
}

static struct place *add_place(struct host *h, struct slice path)
{
    struct place *p = NEW(struct place);
    struct list *before = &h->places;

    p->path = slice_dup(path);
    p->path_len = path.len;
    LIST_EACH (&h->places, n) {
        if (LIST_ENTRY(n, struct place, node)->path_len < path.len) {
            before = n;
            break;
        }
    }
    list_insert_before(before, &p->node);
    return p;
}

static struct place *find_or_add_place(struct router *r, struct slice host, struct slice path)
{
    struct host *h = find_host(r, host);
    if (!h) {
        h = add_host(r, host);
    }
    struct place *p = find_place(h, path);
    return p ? p : add_place(h, path);
}

static void free_if_unused(struct router *r, struct host *h, struct place *p)
{
    if (p->route_count == 0 && !p->is_reserved) {
        free_place(p);
    }
    if (list_is_empty(&h->places)) {
        free_host(r, h);
    }
}

void router_reserve(struct router *r, struct slice host, struct slice path)
{
    find_or_add_place(r, host, path)->is_reserved = true;
}

void router_release(struct router *r, struct slice host, struct slice path)
{
    struct host *h = find_host(r, host);
    struct place *p = h ? find_place(h, path) : NULL;

    if (p) {
        p->is_reserved = false;
        free_if_unused(r, h, p);
    }
}

void router_add(struct router *r, struct slice host, struct slice path, struct route route)
{
    struct place *p = find_or_add_place(r, host, path);

    p->routes = mem_resize(p->routes, (p->route_count + 1) * sizeof *p->routes);
    p->routes[p->route_count++] = route;
}

void router_remove(struct router *r, struct slice host, struct slice path, struct route route)
{
    struct host *h = find_host(r, host);
    struct place *p = h ? find_place(h, path) : NULL;

    for (uint32_t i = 0; p && i < p->route_count; i++) {
        if (route_equal(p->routes[i], route)) {
            p->routes[i] = p->routes[--p->route_count];
            break;
        }
    }
    if (p) {
        free_if_unused(r, h, p);
    }
}

static bool path_is_below(struct slice path, const struct place *p)
{
    struct slice prefix = slice_of(p->path, p->path_len);

    if (prefix.len == 1) {
        return true; /* "/" */
    }
    return slice_starts(path, prefix) && (path.len == prefix.len || path.ptr[prefix.len] == '/');
}

static enum router_miss find_in_host(struct host *h, struct slice path, struct route *route_out)
{
    LIST_EACH (&h->places, n) {
        struct place *p = LIST_ENTRY(n, struct place, node);
        if (!path_is_below(path, p)) {
            continue;
        }
        if (p->route_count == 0) {
            return ROUTER_AWAY;
        }
        *route_out = p->routes[p->turn++ % p->route_count];
        return ROUTER_FOUND;
    }
    return ROUTER_NO_PATH;
}

/* The wildcard hosts above a name, the nearest first: "*.b.c" and "*.c" for "a.b.c". */
static struct host *find_wildcard(const struct router *r, struct slice name)
{
    char pattern[HOST_MAX_BYTES + 2];

    while (name.len) {
        size_t dot = slice_index(name, '.');
        name = slice_sub(name, dot, name.len);
        if (name.len == 0 || name.len > HOST_MAX_BYTES) {
            return NULL;
        }
        pattern[0] = '*';
        memcpy(pattern + 1, name.ptr, name.len);
        struct host *h = find_host(r, slice_of(pattern, name.len + 1));
        if (h) {
            return h;
        }
        name = slice_sub(name, 1, name.len);
    }
    return NULL;
}

bool router_is_claimed(const struct router *r, struct slice host)
{
    return find_host(r, host) || find_wildcard(r, host);
}

enum router_miss router_find(struct router *r, struct slice host, struct slice target_path,
                             struct route *route_out)
{
    struct host *exact = find_host(r, host);
    enum router_miss miss = exact ? find_in_host(exact, target_path, route_out) : ROUTER_NO_PATH;

    if (miss != ROUTER_NO_PATH) {
        return miss;
    }
    struct host *wildcard = find_wildcard(r, host);
    struct host *others[] = {wildcard, find_host(r, SLICE("*"))};
    for (size_t i = 0; i < COUNT_OF(others) && miss == ROUTER_NO_PATH; i++) {
        miss = others[i] ? find_in_host(others[i], target_path, route_out) : ROUTER_NO_PATH;
    }
    return miss == ROUTER_NO_PATH && !exact && !wildcard ? ROUTER_NO_HOST : miss;
}
