/* Wherever libuv runs: waits with uv_run, watches by uv_poll. What is odd about uv_poll is kept in
 * here:
 *
 *  - Interest reaches the kernel once a turn, and only what was added: interest that is gone stays
 *    armed until the kernel tells about it for the first time. A reader that pauses and resumes,
 *    or a writer that blocks again and again, costs no system call.
 *  - A watch that wants nothing still learns of a reset (silent_mask).
 *  - An error of the socket stops the handle, and it is told as UV_EBADF.
 *
 * It is level triggered, so every watch is a STEADY one, and SHORT is never told: what a short read
 * has left is told in the next turn. */
#include "base/mem.h"
#include "net/loop_priv.h"
#include "net/watch.h"

struct watch {
    uv_poll_t uv; /* its data is what fn is given */
    watch_fn *fn;
    struct list changed;   /* in poller->changed */
    uint8_t wanted;        /* enum watch_events */
    uint8_t armed;         /* enum uv_poll_event */
    bool is_broken;        /* told; nothing is armed until interest is set anew */
    bool cannot_be_silent; /* urgent bytes or a finished unix peer: see silent_mask */
};

struct poller {
    struct list changed; /* watches whose interest changed */
    uv_async_t bell;
    uv_timer_t limit; /* of one wait */
};

static struct loop *loop_of(const uv_loop_t *uv)
{
    return CONTAINER_OF(uv, struct loop, uv);
}

/* ---- watches ---- */

/* A reset is told whatever the mask is, but uv_poll refuses an empty one. UV_PRIORITIZED stands for
 * nothing, unless the peer sends urgent bytes, or both directions have ended (EPOLLHUP): then it is
 * told in every turn, so it is given up at the first time. */
static int silent_mask(const struct watch *w)
{
    return w->cannot_be_silent ? 0 : UV_PRIORITIZED;
}

static int mask_of(const struct watch *w)
{
    int mask = 0;

    if (w->is_broken) {
        return 0;
    }
    if (w->wanted & WATCH_READABLE) {
        mask |= UV_READABLE;
    }
    if (w->wanted & WATCH_WRITABLE) {
        mask |= UV_WRITABLE;
    }
    return mask ? mask : silent_mask(w);
}

static void note_change(struct watch *w)
{
    if (!list_is_linked(&w->changed)) {
        list_push_back(&loop_of(w->uv.loop)->poller->changed, &w->changed);
    }
}

static void on_broken(struct watch *w)
{
    w->armed = 0;
    w->wanted = 0;
    w->is_broken = true;
    w->fn(w->uv.data, WATCH_BROKEN);
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
    struct watch *w = CONTAINER_OF(uv, struct watch, uv);
    unsigned happened = 0;

    if (status < 0) {
        on_broken(w);
        return;
    }
    if (events & UV_READABLE) {
        happened |= WATCH_READABLE;
    }
    if (events & UV_WRITABLE) {
        happened |= WATCH_WRITABLE;
    }
    if (events & UV_PRIORITIZED) {
        w->cannot_be_silent = true;
    }
    if (happened == 0 || (happened & ~(unsigned)w->wanted)) {
        note_change(w); /* nobody wants it any more: time to tell the kernel */
    }
    if (happened & w->wanted) {
        w->fn(w->uv.data, happened & w->wanted);
    }
}

static void apply(struct watch *w)
{
    int mask = mask_of(w);

    if (mask == w->armed) {
        return;
    }
    w->armed = (uint8_t)mask;
    if (mask == 0) {
        uv_poll_stop(&w->uv);
        return;
    }
    ASSERT(uv_poll_start(&w->uv, mask, on_poll) == 0);
}

int watch_open(struct watch **out, struct loop *loop, int fd, unsigned events, watch_fn *fn,
               void *ctx)
{
    struct watch *w = NEW(struct watch);
    int status = uv_poll_init(&loop->uv, &w->uv, fd);

    if (status < 0) {
        mem_free(w);
        return err_from_errno(status);
    }
    watch_set_user(w, fn, ctx);
    w->wanted = (uint8_t)(events & (WATCH_READABLE | WATCH_WRITABLE));
    note_change(w);
    *out = w;
    return 0;
}

static void on_closed(uv_handle_t *uv)
{
    mem_free(CONTAINER_OF((uv_poll_t *)uv, struct watch, uv));
}

void watch_close(struct watch **w_ref)
{
    struct watch *w = *w_ref;

    if (!w) {
        return;
    }
    *w_ref = NULL;
    list_remove(&w->changed);
    uv_close((uv_handle_t *)&w->uv, on_closed); /* takes the descriptor out of the kernel at once */
}

void watch_set_user(struct watch *w, watch_fn *fn, void *ctx)
{
    w->fn = fn;
    w->uv.data = ctx;
}

void watch_set(struct watch *w, unsigned events)
{
    unsigned added = events & ~(unsigned)w->wanted;

    w->wanted = (uint8_t)events;
    if (added) {
        w->is_broken = false;
        note_change(w);
    }
}

/* ---- the poller ---- */

static void on_bell(uv_async_t *uv)
{
    loop_on_wake(loop_of(uv->loop));
}

/* When it has expired before uv_run came to poll, that would wait for ever. */
static void on_limit(uv_timer_t *uv)
{
    uv_stop(uv->loop);
}

void poller_init(struct loop *loop)
{
    struct poller *p = NEW(struct poller);

    loop->poller = p;
    list_init(&p->changed);
    ASSERT(uv_async_init(&loop->uv, &p->bell, on_bell) == 0);
    ASSERT(uv_timer_init(&loop->uv, &p->limit) == 0);
}

static void count_watch(uv_handle_t *handle, void *count)
{
    *(int *)count += handle->type == UV_POLL && !uv_is_closing(handle);
}

void poller_deinit(struct loop *loop)
{
    struct poller *p = loop->poller;
    int watch_count = 0;

    uv_walk(&loop->uv, count_watch, &watch_count);
    ASSERT(watch_count == 0);
    uv_close((uv_handle_t *)&p->bell, NULL);
    uv_close((uv_handle_t *)&p->limit, NULL);
}

void poller_wake(struct loop *loop)
{
    uv_async_send(&loop->poller->bell);
}

void poller_wait(struct loop *loop, int timeout_ms)
{
    struct poller *p = loop->poller;

    while (!list_is_empty(&p->changed)) {
        apply(LIST_ENTRY(list_pop_front(&p->changed), struct watch, changed));
    }
    if (timeout_ms > 0) {
        uv_update_time(&loop->uv);
        uv_timer_start(&p->limit, on_limit, (uint64_t)timeout_ms, 0);
    }
    uv_run(&loop->uv, timeout_ms == 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    uv_timer_stop(&p->limit);
}
