#include "relay/entries/reserved.h"

#include "base/mem.h"
#include "relay/workers/shared.h"
#include "store/store.h"

/* One change on its way to one worker. */
struct notice {
    struct worker *worker;
    bool is_reserved;
    size_t len;
    char entry[]; /* "blog.t.example.com" or "blog.t.example.com/api" */
};

static void change_on_worker(void *arg)
{
    struct notice *n = arg;
    struct slice entry = slice_of(n->entry, n->len);
    size_t slash = slice_index(entry, '/');
    struct slice host = slice_sub(entry, 0, slash);
    struct slice path = slash < n->len ? slice_sub(entry, slash, n->len) : SLICE("/");

    if (n->is_reserved) {
        router_reserve(&n->worker->router, host, path);
    } else {
        router_release(&n->worker->router, host, path);
    }
    mem_free(n);
}

static void on_reserved(void *ctx, struct slice entry, bool is_reserved)
{
    struct relay *relay = ctx;

    if (relay->has_stopped || slice_starts(entry, SLICE(":"))) {
        return; /* a port that nobody serves is closed, which says enough */
    }
    for (uint32_t i = 0; i < relay->worker_count; i++) {
        struct notice *n = mem_alloc(sizeof *n + entry.len);
        n->worker = &relay->workers[i];
        n->is_reserved = is_reserved;
        n->len = entry.len;
        memcpy(n->entry, entry.ptr, entry.len);
        loop_post(n->worker->loop, change_on_worker, n);
    }
}

void reserved_watch(struct relay *relay)
{
    store_on_reserved(relay->store, on_reserved, relay);
}
