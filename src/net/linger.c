#include "net/linger.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/loop_priv.h"
#include "net/socket.h"
#include "net/stream.h"

enum {
    DISCARD_BYTES = 16 * 1024,
    DISCARDS_PER_TURN = 16,
};

struct lingerer {
    struct loop *loop;
    struct watch *watch;
    int fd;
    int unacked_bytes; /* in the kernel, when last asked */
    bool has_shut;
    struct bufq tx;
    struct timer patience;
    struct task step;
    struct background background;
    struct grave grave;
};

static void free_lingerer(struct grave *g)
{
    mem_free(CONTAINER_OF(g, struct lingerer, grave));
}

static void finish(struct lingerer *l)
{
    watch_close(&l->watch);
    close(l->fd);
    bufq_clear(&l->tx);
    timer_disarm(l->loop, &l->patience);
    loop_unschedule(&l->step);
    list_remove(&l->background.node);
    loop_bury(l->loop, &l->grave, free_lingerer);
}

static void cut(struct background *b)
{
    finish(CONTAINER_OF(b, struct lingerer, background));
}

/* Bytes that have left us but that the peer has not acknowledged. */
static int unacked_bytes(int fd)
{
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

static void on_patience_end(struct timer *t)
{
    struct lingerer *l = CONTAINER_OF(t, struct lingerer, patience);
    int unacked = unacked_bytes(l->fd);

    if (unacked == 0 || unacked == l->unacked_bytes) {
        finish(l);
        return;
    }
    l->unacked_bytes = unacked;
    timer_arm(l->loop, &l->patience, STREAM_LINGER_MS);
}

/* 0 once all is sent and our direction is ended, ERR_AGAIN, or a failure. */
static int send_rest(struct lingerer *l)
{
    if (l->has_shut) {
        return 0;
    }
    size_t before = l->tx.bytes;
    int err = socket_send(l->fd, &l->tx);
    if (l->tx.bytes < before) {
        timer_arm(l->loop, &l->patience, STREAM_LINGER_MS);
    }
    if (err == 0) {
        l->has_shut = true;
        shutdown(l->fd, SHUT_WR);
    }
    return err;
}

/* 0: there is more. ERR_AGAIN: the peer may send more. Anything else is the end. */
static int discard_input(struct lingerer *l)
{
    char waste[DISCARD_BYTES];

    for (int i = 0; i < DISCARDS_PER_TURN; i++) {
        ssize_t n = recv(l->fd, waste, sizeof waste, MSG_DONTWAIT);
        if (n <= 0) {
            return n == 0 ? ERR_EOF : err_from_errno(errno);
        }
    }
    return 0;
}

static void step(struct task *t)
{
    struct lingerer *l = CONTAINER_OF(t, struct lingerer, step);
    int sent = send_rest(l);
    int input = discard_input(l);

    if ((sent < 0 && sent != ERR_AGAIN) || (input < 0 && input != ERR_AGAIN && input != ERR_EOF) ||
        (sent == 0 && input == ERR_EOF)) {
        finish(l);
        return;
    }
    if (input == 0) {
        loop_schedule(l->loop, &l->step);
    }
    unsigned wanted = sent == ERR_AGAIN ? WATCH_WRITABLE : 0;
    wanted |= input == ERR_EOF ? 0 : WATCH_READABLE;
    watch_set(l->watch, wanted);
}

static void on_watch(void *ctx, unsigned events)
{
    struct lingerer *l = ctx;

    if (events & WATCH_BROKEN) {
        finish(l);
    } else {
        loop_schedule(l->loop, &l->step);
    }
}

void linger_start(struct loop *loop, int fd_take, struct watch *watch_take, struct bufq *tx_take)
{
    struct lingerer *l = NEW(struct lingerer);

    l->loop = loop;
    l->fd = fd_take;
    l->watch = watch_take;
    bufq_move(&l->tx, tx_take, tx_take->bytes);
    l->patience.expired = on_patience_end;
    l->step.run = step;
    loop_add_background(loop, &l->background, cut);
    watch_set_user(l->watch, on_watch, l);
    timer_arm(loop, &l->patience, STREAM_LINGER_MS);
    step(&l->step);
}
