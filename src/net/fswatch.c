#include "net/fswatch.h"

#include <string.h>

#include "base/mem.h"
#include "net/loop_priv.h"

struct fswatch {
    uv_fs_event_t uv;
    struct loop *loop;
    fswatch_fn *fn;
    void *ctx;
    struct task wait;
    struct timer settle;
    struct task tell;
    char *folder;
    char *name;
};

static void on_event(uv_fs_event_t *uv, const char *name, int events, int status)
{
    struct fswatch *w = CONTAINER_OF(uv, struct fswatch, uv);

    (void)events;
    if (status < 0 || !name || strcmp(name, w->name) == 0) { /* no name: it may be ours */
        loop_schedule(w->loop, &w->wait);
    }
}

static void wait(struct task *t)
{
    struct fswatch *w = CONTAINER_OF(t, struct fswatch, wait);
    timer_arm(w->loop, &w->settle, FSWATCH_SETTLE_MS);
}

static void on_settled(struct timer *t)
{
    struct fswatch *w = CONTAINER_OF(t, struct fswatch, settle);
    loop_schedule(w->loop, &w->tell);
}

static void tell(struct task *t)
{
    struct fswatch *w = CONTAINER_OF(t, struct fswatch, tell);
    w->fn(w->ctx);
}

static void split(struct fswatch *w, const char *path)
{
    const char *slash = strrchr(path, '/');

    w->name = mem_strdup(slash ? slash + 1 : path);
    if (!slash) {
        w->folder = mem_strdup(".");
    } else {
        w->folder = slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
    }
}

static void on_closed(uv_handle_t *uv)
{
    struct fswatch *w = CONTAINER_OF((uv_fs_event_t *)uv, struct fswatch, uv);

    mem_free(w->folder);
    mem_free(w->name);
    mem_free(w);
}

int fswatch_open(struct fswatch **out, struct loop *loop, const char *path, fswatch_fn *fn,
                 void *ctx)
{
    struct fswatch *w = NEW(struct fswatch);

    w->loop = loop;
    w->fn = fn;
    w->ctx = ctx;
    w->wait.run = wait;
    w->settle.expired = on_settled;
    w->tell.run = tell;
    split(w, path);
    ASSERT(uv_fs_event_init(&loop->uv, &w->uv) == 0);
    int status = uv_fs_event_start(&w->uv, on_event, w->folder, 0);
    *out = w;
    if (status < 0) {
        fswatch_close(out);
        return err_from_errno(status);
    }
    return 0;
}

void fswatch_close(struct fswatch **w_ref)
{
    struct fswatch *w = *w_ref;

    if (!w) {
        return;
    }
    *w_ref = NULL;
    timer_disarm(w->loop, &w->settle);
    loop_unschedule(&w->wait);
    loop_unschedule(&w->tell);
    uv_close((uv_handle_t *)&w->uv, on_closed);
}
