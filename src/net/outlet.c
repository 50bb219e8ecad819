#include "net/outlet.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "base/mem.h"

/* A descriptor that polls writable takes this much without blocking (POSIX says so of pipes). */
enum { PIECE_BYTES = PIPE_BUF };

static bool waits(const struct outlet *o)
{
    return o->written < o->queue.len;
}

static bool takes_more(const struct outlet *o, int wait_ms)
{
    struct pollfd p = {.fd = o->fd, .events = POLLOUT};
    return poll(&p, 1, wait_ms) == 1;
}

/* Up to the last line's end that fits, so that lines of several outlets do not mix. */
static struct slice next_piece(const struct outlet *o)
{
    size_t left = o->queue.len - o->written;
    size_t most = left < PIECE_BYTES ? left : PIECE_BYTES;
    size_t whole = most;

    while (whole > 0 && o->queue.ptr[o->written + whole - 1] != '\n') {
        whole--;
    }
    return slice_of(o->queue.ptr + o->written, whole > 0 ? whole : most);
}

static bool is_for_now(int error)
{
    return error == EAGAIN || error == EINTR || error == ENOSPC || error == EDQUOT;
}

static bool write_piece(struct outlet *o)
{
    struct slice piece = next_piece(o);
    ssize_t n = write(o->fd, piece.ptr, piece.len);

    if (n < 0) {
        o->is_gone = !is_for_now(errno);
        return false;
    }
    o->written += (size_t)n;
    return true;
}

static void write_queue(struct outlet *o, int wait_ms)
{
    while (!o->is_gone && waits(o) && takes_more(o, wait_ms) && write_piece(o)) {
    }
    if (o->is_gone || !waits(o)) {
        text_clear(&o->queue);
        o->written = 0;
    }
}

static void tell_skipped(struct outlet *o)
{
    if (o->skipped && !waits(o) && !o->is_gone) {
        o->tell_skipped(&o->queue, o->skipped);
        o->skipped = 0;
    }
}

static void work(struct outlet *o)
{
    write_queue(o, 0);
    tell_skipped(o);
    write_queue(o, 0);
    if (waits(o)) {
        timer_arm(o->loop, &o->retry, OUTLET_RETRY_MS);
    }
}

static void on_task(struct task *task)
{
    work(CONTAINER_OF(task, struct outlet, task));
}

static void on_retry(struct timer *timer)
{
    work(CONTAINER_OF(timer, struct outlet, retry));
}

void outlet_init(struct outlet *o, struct loop *loop, int fd,
                 void (*tell)(struct text *line, uint64_t skipped))
{
    *o = (struct outlet){
        .loop = loop,
        .fd = fd,
        .tell_skipped = tell,
        .task.run = on_task,
        .retry.expired = on_retry,
    };
}

void outlet_deinit(struct outlet *o)
{
    write_queue(o, OUTLET_LAST_MS);
    tell_skipped(o);
    write_queue(o, OUTLET_LAST_MS);
    loop_unschedule(&o->task);
    timer_disarm(o->loop, &o->retry);
    text_deinit(&o->queue);
}

/* Gives back the memory of what is out, so that the queue's length is what waits. */
static void close_up(struct outlet *o)
{
    memmove(o->queue.ptr, o->queue.ptr + o->written, o->queue.len - o->written);
    o->queue.len -= o->written;
    o->written = 0;
}

void outlet_add(struct outlet *o, struct slice line, bool is_important)
{
    if (o->is_gone) {
        return;
    }
    if (o->queue.len - o->written > OUTLET_QUEUE_BYTES && !is_important) {
        o->skipped++;
        return;
    }
    if (o->written > OUTLET_QUEUE_BYTES) {
        close_up(o);
    }
    text_add(&o->queue, line);
    text_add_char(&o->queue, '\n');
    if (!timer_is_armed(&o->retry)) {
        loop_schedule(o->loop, &o->task);
    }
}

void outlet_flush(struct outlet *o)
{
    write_queue(o, 0);
}
