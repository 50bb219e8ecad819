/* Waits for one descriptor to become readable or writable. The only user of uv_poll; what is odd
 * about uv_poll and epoll is kept in here:
 *
 *  - Interest reaches the kernel once a turn, and only what was added: interest that is gone stays
 *    armed until the kernel tells about it for the first time. A reader that pauses and resumes,
 *    or a writer that blocks again and again, costs no system call.
 *  - A watch that wants nothing still learns of a reset.
 *  - A reset (or an ICMP error of a datagram socket) stops everything and is told as BROKEN, once.
 *    Bytes that came before it can still be read. Setting interest again starts anew.
 *
 * One watch per descriptor. Callbacks come in the events phase: note what happened, schedule a
 * task, nothing else. The descriptor belongs to the caller.
 */
#pragma once
#include "base/err.h"
#include "net/loop.h"

enum watch_events { WATCH_READABLE = 1, WATCH_WRITABLE = 2, WATCH_BROKEN = 4 };

struct watch;

typedef void watch_fn(void *ctx, unsigned events);

/* The descriptor becomes non-blocking. Nothing is wanted yet. */
MUST_USE int watch_open(struct watch **out, struct loop *loop, int fd, watch_fn *fn, void *ctx);

/* Stops at once: after it the descriptor may be closed, or watched by another loop. Accepts NULL
 * inside. */
void watch_close(struct watch **w);

void watch_set_user(struct watch *w, watch_fn *fn, void *ctx);

/* What is wanted from now on: WATCH_READABLE | WATCH_WRITABLE, or 0. */
void watch_set(struct watch *w, unsigned events);
