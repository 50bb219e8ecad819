/* The kernel's routing socket: what its messages say does not matter, only that they come. */
#include "net/netwatch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/watch.h"

struct netwatch {
    struct loop *loop;
    struct watch *watch;
    int fd;
    netwatch_fn *fn;
    void *ctx;
    struct task empty; /* the socket */
    struct timer settle;
    struct task tell;
    uint64_t told_at_ms; /* 0: never */
};

static void on_watch(void *ctx, unsigned events)
{
    struct netwatch *w = ctx;

    (void)events;
    loop_schedule(w->loop, &w->empty);
}

static uint64_t delay_ms(const struct netwatch *w)
{
    uint64_t now = loop_now_ms(w->loop);
    uint64_t rested_at = w->told_at_ms ? w->told_at_ms + NETWATCH_REST_MS : 0;

    return rested_at > now + NETWATCH_SETTLE_MS ? rested_at - now : NETWATCH_SETTLE_MS;
}

/* More changes than the socket holds (ENOBUFS) are changes too. */
static void empty_socket(struct task *task)
{
    struct netwatch *w = CONTAINER_OF(task, struct netwatch, empty);
    char message[8192];
    ssize_t n;

    do {
        n = recv(w->fd, message, sizeof message, MSG_DONTWAIT);
    } while (n > 0 || (n < 0 && errno == ENOBUFS));
    watch_set(w->watch, WATCH_READABLE); /* it was broken, if it was more */
    if (!timer_is_armed(&w->settle)) {
        timer_arm(w->loop, &w->settle, delay_ms(w));
    }
}

static void on_settled(struct timer *timer)
{
    struct netwatch *w = CONTAINER_OF(timer, struct netwatch, settle);

    w->told_at_ms = loop_now_ms(w->loop);
    loop_schedule(w->loop, &w->tell);
}

static void tell(struct task *task)
{
    struct netwatch *w = CONTAINER_OF(task, struct netwatch, tell);
    w->fn(w->ctx);
}

static int open_socket(int *fd_out)
{
    struct sockaddr_nl at = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR |
                     RTMGRP_IPV6_ROUTE,
    };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd < 0) {
        return err_from_errno(errno);
    }
    if (bind(fd, (const struct sockaddr *)&at, sizeof at) < 0) {
        int err = err_from_errno(errno);
        close(fd);
        return err;
    }
    *fd_out = fd;
    return 0;
}

int netwatch_open(struct netwatch **out, struct loop *loop, netwatch_fn *fn, void *ctx)
{
    struct netwatch *w = NEW(struct netwatch);
    int err = open_socket(&w->fd);

    if (err < 0) {
        mem_free(w);
        return err;
    }
    w->loop = loop;
    w->fn = fn;
    w->ctx = ctx;
    w->empty.run = empty_socket;
    w->settle.expired = on_settled;
    w->tell.run = tell;
    err = watch_open(&w->watch, loop, w->fd, WATCH_READABLE, on_watch, w);
    if (err < 0) {
        close(w->fd);
        mem_free(w);
        return err;
    }
    *out = w;
    return 0;
}

void netwatch_close(struct netwatch **w_ref)
{
    struct netwatch *w = *w_ref;

    if (!w) {
        return;
    }
    *w_ref = NULL;
    watch_close(&w->watch);
    timer_disarm(w->loop, &w->settle);
    loop_unschedule(&w->empty);
    loop_unschedule(&w->tell);
    close(w->fd);
    mem_free(w);
}
