#include "relay/entries/route_change.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "relay/workers/shared.h"

/* One change of every worker's router. Counted down by the workers that have done it. */
struct route_change {
    struct bind_entries entries;
    struct route route;
    enum route_change_kind kind;
    _Atomic uint32_t pending;
    route_change_fn *done; /* on whichever worker is the last */
    void *ctx;
};

struct route_post {
    struct route_change *change;
    struct worker *worker;
};

static void finish_change(struct route_change *c)
{
    if (c->done) {
        c->done(c->ctx);
    }
    bind_entries_deinit(&c->entries);
    mem_free(c);
}

static void change_on_worker(void *arg)
{
    struct route_post *post = arg;
    struct route_change *c = post->change;

    for (uint32_t i = 0; i < c->entries.count; i++) {
        const struct bind_entry *e = &c->entries.items[i];
        if (e->host && c->kind == ROUTE_REMOVE) {
            router_remove(&post->worker->router, slice_str(e->host), slice_str(e->path), c->route);
        } else if (e->host) {
            router_add(&post->worker->router, slice_str(e->host), slice_str(e->path), c->route);
        }
    }
    if (atomic_fetch_sub(&c->pending, 1) == 1) {
        finish_change(c);
    }
    mem_free(post);
}

void route_change(struct relay *relay, enum route_change_kind kind,
                  const struct bind_entries *entries, struct route route, route_change_fn *done,
                  void *ctx)
{
    if (relay->has_stopped) {
        return;
    }
    struct route_change *c = NEW(struct route_change);
    bind_entries_copy(&c->entries, entries);
    c->route = route;
    c->kind = kind;
    c->done = done;
    c->ctx = ctx;
    c->pending = relay->worker_count;
    for (uint32_t i = 0; i < relay->worker_count; i++) {
        struct route_post *post = NEW(struct route_post);
        *post = (struct route_post){.change = c, .worker = &relay->workers[i]};
        loop_post(relay->workers[i].loop, change_on_worker, post);
    }
}
