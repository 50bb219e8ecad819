#include "net/watch.h"

#include "base/mem.h"
#include "net/loop_priv.h"

struct watch {
    uv_poll_t uv; /* its data is what fn is given */
    watch_fn *fn;
    struct list changed;   /* in loop->watches */
    uint8_t wanted;        /* enum watch_events */
    uint8_t armed;         /* enum uv_poll_event */
    bool is_broken;        /* told; nothing is armed until interest is set anew */
    bool cannot_be_silent; /* urgent bytes or a finished unix peer: see silent_mask */
};

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
    struct loop *loop = CONTAINER_OF(w->uv.loop, struct loop, uv);

    if (!list_is_linked(&w->changed)) {
        list_push_back(&loop->watches, &w->changed);
    }
}

/* UV_EBADF: uv_poll has stopped itself because of an error of the socket. */
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

void watches_apply(struct loop *loop)
{
    while (!list_is_empty(&loop->watches)) {
        apply(LIST_ENTRY(list_pop_front(&loop->watches), struct watch, changed));
    }
}

int watch_open(struct watch **out, struct loop *loop, int fd, watch_fn *fn, void *ctx)
{
    struct watch *w = NEW(struct watch);
    int status = uv_poll_init(&loop->uv, &w->uv, fd);

    if (status < 0) {
        mem_free(w);
        return err_from_errno(status);
    }
    watch_set_user(w, fn, ctx);
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
    uv_close((uv_handle_t *)&w->uv, on_closed); /* takes the descriptor out of epoll at once */
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
