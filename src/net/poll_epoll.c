/* Linux: waits with epoll, libuv being a guest.
 *
 *     epoll  <-- watches    edge triggered: told at the beginning and at the end (and once more
 *                           when a stream is full for the first time); STEADY ones level triggered
 *            <-- bell       an eventfd, edge triggered: never read
 *            <-- alarm      a timerfd, edge triggered: never read
 *            <-- libuv      its own epoll, level triggered: uv_run when it has something
 *
 * The alarm stays set while waits come and go, and is changed only to ring earlier: a timeout of
 * epoll_wait would set and take back a timer of the kernel's each time (docs/architecture.md). It
 * may ring for nothing.
 *
 * Memory of a closed watch stays until the end of the turn: its event may have been fetched. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/loop_priv.h"
#include "net/watch.h"

enum { BATCH = 128 }; /* events fetched at once */

struct watch {
    watch_fn *fn; /* NULL: closed */
    union {
        struct {
            struct loop *loop;
            void *ctx;
        };
        struct grave grave; /* when closed */
    };
    int fd;
    uint8_t wanted; /* enum watch_events */
    bool is_steady;
    bool is_broken;  /* told; silent until interest is set anew */
    bool knows_room; /* the kernel tells when there is room */
};

struct poller {
    int epoll_fd;
    int bell_fd;
    int alarm_fd;
    uint64_t alarm_at_ms; /* when it rings; UINT64_MAX: it is not set */
    uint32_t watch_count;
    uv_async_t guest_stays; /* never sent: a libuv without handles would want to be run at once */
};

/* ---- watches ---- */

static uint32_t mask_of(const struct watch *w)
{
    uint32_t mask = 0;

    if (!w->is_steady) {
        mask = EPOLLET | EPOLLIN | EPOLLRDHUP | EPOLLPRI;
        return w->knows_room ? mask | EPOLLOUT : mask;
    }
    mask |= w->wanted & WATCH_READABLE ? EPOLLIN : 0;
    mask |= w->wanted & WATCH_WRITABLE ? EPOLLOUT : 0;
    return mask ? mask : EPOLLET; /* errors are told whatever is asked for: once is enough */
}

/* Also asks the kernel what is so now, and has it told. Only ADD may fail. */
static int control(struct watch *w, int operation)
{
    struct epoll_event event = {.events = mask_of(w), .data.ptr = w};
    int failed = epoll_ctl(w->loop->poller->epoll_fd, operation, w->fd, &event);

    if (failed && errno == ENOSPC) {
        return ERR_FULL; /* fs.epoll.max_user_watches */
    }
    return failed ? err_from_errno(errno) : 0;
}

static void break_watch(struct watch *w)
{
    w->is_broken = true;
    w->wanted = 0;
    if (w->is_steady) {
        ASSERT(control(w, EPOLL_CTL_MOD) == 0);
    }
    w->fn(w->ctx, WATCH_BROKEN);
}

static unsigned what_happened(uint32_t mask)
{
    unsigned happened = 0;

    happened |= mask & (EPOLLIN | EPOLLRDHUP | EPOLLHUP) ? WATCH_READABLE : 0;
    happened |= mask & EPOLLOUT ? WATCH_WRITABLE : 0;
    if ((happened & WATCH_READABLE) && (mask & (EPOLLRDHUP | EPOLLHUP | EPOLLPRI))) {
        happened |= WATCH_SHORT;
    }
    return happened;
}

static void tell(struct watch *w, uint32_t mask)
{
    unsigned happened = what_happened(mask);

    if (!w->fn || w->is_broken) {
        return;
    }
    if (mask & EPOLLERR) {
        break_watch(w);
        return;
    }
    if (w->is_steady) {
        happened &= w->wanted;
    }
    if (happened) {
        w->fn(w->ctx, happened);
    }
}

int watch_open(struct watch **out, struct loop *loop, int fd, unsigned events, watch_fn *fn,
               void *ctx)
{
    struct watch *w = NEW(struct watch);

    w->fn = fn;
    w->ctx = ctx;
    w->loop = loop;
    w->fd = fd;
    w->is_steady = events & WATCH_STEADY;
    w->knows_room = events & WATCH_WRITABLE;
    w->wanted = (uint8_t)(events & (WATCH_READABLE | WATCH_WRITABLE));
    int err = control(w, EPOLL_CTL_ADD);
    if (err < 0) {
        mem_free(w);
        return err;
    }
    loop->poller->watch_count++;
    *out = w;
    return 0;
}

static void free_watch(struct grave *g)
{
    mem_free(CONTAINER_OF(g, struct watch, grave));
}

/* Closing the descriptor is not enough: epoll forgets a file when nobody holds it any more, and who
 * reads /proc/PID/fdinfo holds it for a moment. What it told then would find a freed watch. */
void watch_close(struct watch **w_ref)
{
    struct watch *w = *w_ref;

    if (!w) {
        return;
    }
    struct loop *loop = w->loop;
    *w_ref = NULL;
    ASSERT(control(w, EPOLL_CTL_DEL) == 0);
    loop->poller->watch_count--;
    w->fn = NULL;
    w->grave = (struct grave){0};
    loop_bury(loop, &w->grave, free_watch);
}

void watch_set_user(struct watch *w, watch_fn *fn, void *ctx)
{
    w->fn = fn;
    w->ctx = ctx;
}

void watch_set(struct watch *w, unsigned events)
{
    unsigned changed = events ^ w->wanted;
    unsigned added = events & changed;
    bool is_new_to_kernel = (w->is_steady && changed) || (w->is_broken && added) ||
                            ((added & WATCH_WRITABLE) && !w->knows_room);

    w->wanted = (uint8_t)events;
    w->is_broken = w->is_broken && !added;
    w->knows_room |= (added & WATCH_WRITABLE) != 0;
    if (is_new_to_kernel) {
        ASSERT(control(w, EPOLL_CTL_MOD) == 0);
    }
}

/* ---- the poller ---- */

static void add_own(struct poller *p, int fd, uint32_t mask, void *what)
{
    struct epoll_event event = {.events = mask, .data.ptr = what};
    ASSERT(epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

void poller_init(struct loop *loop)
{
    struct poller *p = NEW(struct poller);

    loop->poller = p;
    p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    p->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    p->alarm_at_ms = UINT64_MAX;
    ASSERT(p->epoll_fd >= 0 && p->bell_fd >= 0 && p->alarm_fd >= 0);
    ASSERT(uv_async_init(&loop->uv, &p->guest_stays, NULL) == 0);
    add_own(p, p->bell_fd, EPOLLIN | EPOLLET, &p->bell_fd);
    add_own(p, p->alarm_fd, EPOLLIN | EPOLLET, &p->alarm_fd);
    add_own(p, uv_backend_fd(&loop->uv), EPOLLIN, &loop->uv);
}

void poller_deinit(struct loop *loop)
{
    struct poller *p = loop->poller;

    ASSERT(p->watch_count == 0);
    uv_close((uv_handle_t *)&p->guest_stays, NULL);
    close(p->alarm_fd);
    close(p->bell_fd);
    close(p->epoll_fd);
}

/* Each ring is an event of its own, so nobody needs to read the count. */
void poller_wake(struct loop *loop)
{
    uint64_t one = 1;
    ASSERT(write(loop->poller->bell_fd, &one, sizeof one) == sizeof one);
}

/* It rings at that time, or earlier. */
static void set_alarm(struct poller *p, uint64_t at_ms)
{
    const struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at_ms / 1000),
                                                 .tv_nsec = (long)(at_ms % 1000) * 1000000}};

    if (at_ms < p->alarm_at_ms) {
        ASSERT(timerfd_settime(p->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0);
        p->alarm_at_ms = at_ms;
    }
}

void poller_wait(struct loop *loop, int timeout_ms)
{
    struct poller *p = loop->poller;
    struct epoll_event events[BATCH];
    bool guest_is_due = uv_backend_timeout(&loop->uv) == 0;

    if (timeout_ms > 0) {
        set_alarm(p, loop->now_ms + (uint64_t)timeout_ms);
    }
    int count = epoll_wait(p->epoll_fd, events, BATCH, guest_is_due || timeout_ms == 0 ? 0 : -1);
    ASSERT(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &p->bell_fd) {
            loop_on_wake(loop);
        } else if (events[i].data.ptr == &p->alarm_fd) {
            p->alarm_at_ms = UINT64_MAX;
        } else if (events[i].data.ptr == &loop->uv) {
            guest_is_due = true;
        } else {
            tell(events[i].data.ptr, events[i].events);
        }
    }
    if (guest_is_due) {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    }
}
