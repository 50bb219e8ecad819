/* What the other files of net/ see of a loop. Nobody outside net/ includes this. */
#pragma once
#include <uv.h>

#include "net/loop.h"

/* Armed timers, soonest first (timer.c). */
struct timers {
    struct timer **heap;
    uint32_t count;
    uint32_t cap;
    bool is_expiring;
};

/* Functions that came from other threads (loop.c). */
struct mailbox {
    uv_mutex_t lock;
    struct list letters; /* under lock */
    struct task deliver;
};

/* Name look-ups (dns.c). */
struct dns_desk {
    struct list waiting;
    uint32_t waiting_count;
    uint32_t running_count;
};

struct poller; /* poll_epoll.c or poll_uv.c, as CMake chose */

struct loop {
    struct poller *poller;
    uint64_t now_ms;
    bool is_stopped;
    unsigned dirty_levels; /* a bit for each that may hold somebody */
    struct list tasks;
    struct list dirty[LOOP_LEVELS];
    struct list graves;
    struct list background;
    struct timers timers;
    struct mailbox mailbox;
    struct dns_desk dns;
    uv_loop_t uv; /* serves names, signals and folders; its timers are not used: nobody waits for
                     them */
};

/* ---- timers ---- */

uint64_t timers_next_ms(const struct loop *loop); /* the soonest; UINT64_MAX: there is none */
void timers_expire(struct loop *loop);
void timers_deinit(struct loop *loop);

/* ---- poller: the poll and events phases ---- */

void poller_init(struct loop *loop);
void poller_deinit(struct loop *loop); /* every watch is closed; loop_free frees the memory, when
                                          libuv has closed what lies in it */

/* Waits until something happens, at most timeout_ms (-1: as long as it takes), and tells watches,
 * libuv's users and the mailbox. */
void poller_wait(struct loop *loop, int timeout_ms);

/* From any thread: poller_wait returns, now or when it is called next, after loop_on_wake. */
void poller_wake(struct loop *loop);

/* For the poller: somebody has called poller_wake since the last time. */
void loop_on_wake(struct loop *loop);
