/* Accepts connections on an address: TCP (one family or both on one socket) or unix (mode 0600).
 *
 * At most LISTEN_BATCH connections a turn, so that a flood of visitors does not stop those who are
 * there. Out of descriptors it rests for LISTEN_REST_MS and gets rid of one waiting connection
 * through a spare descriptor, instead of spinning. The callback runs in the ready phase.
 */
#pragma once
#include "net/addr.h"
#include "net/loop.h"

enum {
    LISTEN_BATCH = 64,
    LISTEN_REST_MS = 100,
    LISTEN_BACKLOG = 4096,            /* the kernel's somaxconn may be lower */
    LISTEN_UNSENT_BYTES = 128 * 1024, /* the kernel holds for one reader, instead of megabytes */
};

struct listener;

/* The descriptor is non-blocking and the callee's: tcp_open it, or close it. */
typedef void listener_fn(void *ctx, int fd_take, const struct addr *peer);

struct listen_options {
    bool reuse_port; /* one socket per worker on the same address */
};

/* "[::]:PORT" accepts IPv4 too, and falls back to 0.0.0.0 on a machine without IPv6. Port 0: the
 * kernel chooses, listener_addr tells. A unix path left behind by a dead process is taken over; a
 * living one is ERR_BUSY. ERR_DENIED, ERR_UNREACHABLE (not an address of this machine), ... */
MUST_USE int listener_open(struct listener **out, struct loop *loop, const struct addr *at,
                           const struct listen_options *options, listener_fn *fn, void *ctx,
                           struct errinfo *info);

/* Takes a socket that listens already, also when it fails. */
MUST_USE int listener_adopt(struct listener **out, struct loop *loop, int fd_take, listener_fn *fn,
                            void *ctx);

/* Stops; waiting connections are lost. A unix path is removed. Accepts NULL inside. */
void listener_close(struct listener **l);

/* Gives up the listener, not the socket: connections go on waiting in it. Nulls *l. */
int listener_detach_fd(struct listener **l);

/* Leaves new connections waiting, and takes them again. */
void listener_pause(struct listener *l);
void listener_resume(struct listener *l);

const struct addr *listener_addr(const struct listener *l);
