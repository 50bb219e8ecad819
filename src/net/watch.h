/* Waits for one descriptor to become readable or writable. What lies below, epoll (poll_epoll.c) or
 * uv_poll (poll_uv.c), keeps this contract:
 *
 *  - An arrival (bytes, an end, room) is told at least once, and at the latest when it is wanted.
 *    It may be told early, while nobody wants it, and never again: so a user remembers what it was
 *    told until it has found the descriptor dry, that is until a call said AGAIN, or took or gave
 *    less than it might have (see SHORT). It may be told twice: who then hears AGAIN waits on.
 *  - A STEADY watch is told in every turn in which what it wants is so, and nothing else. It is for
 *    users that take a part and come back: a queue of connections.
 *  - A reset (or an error of a datagram socket) is told as BROKEN, also to who wants nothing, once,
 *    and then nothing more. Bytes that came before it can still be read. Setting interest again
 *    starts anew.
 *
 * One watch per descriptor, which belongs to the caller. Callbacks come in the events phase: they
 * note what happened and schedule a task; any watch may be closed.
 */
#pragma once
#include "base/err.h"
#include "net/loop.h"

enum watch_events {
    WATCH_READABLE = 1,
    WATCH_WRITABLE = 2,
    WATCH_BROKEN = 4, /* told only */
    WATCH_SHORT = 8,  /* told with READABLE: the peer has ended, or sent urgent bytes; from now on a
                         short read does not mean that nothing is left */
    WATCH_STEADY = 16 /* for watch_open only */
};

struct watch;

typedef void watch_fn(void *ctx, unsigned events);

/* The descriptor is non-blocking. `events`: what is wanted, as for watch_set, and STEADY. */
MUST_USE int watch_open(struct watch **out, struct loop *loop, int fd, unsigned events,
                        watch_fn *fn, void *ctx);

/* Stops at once, before the descriptor is closed or watched by another loop. Accepts NULL inside.
 */
void watch_close(struct watch **w);

void watch_set_user(struct watch *w, watch_fn *fn, void *ctx);

/* What is wanted from now on: WATCH_READABLE | WATCH_WRITABLE, or 0. */
void watch_set(struct watch *w, unsigned events);
