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
    uint64_t kernel_at_ms; /* what the uv timer is armed for; 0: not armed */
    uv_timer_t uv;
};

/* Functions that came from other threads (loop.c). */
struct mailbox {
    uv_mutex_t lock;
    struct list letters; /* under lock */
    uv_async_t bell;
    struct task deliver;
};

/* Name look-ups (dns.c). */
struct dns_desk {
    struct list waiting;
    uint32_t waiting_count;
    uint32_t running_count;
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t turn; /* runs the phases after the events */
    uv_idle_t busy;    /* active while something is left to do: poll does not wait */
    uv_timer_t until;  /* end of loop_run_for */
    struct list tasks;
    struct list dirty[LOOP_LEVELS];
    unsigned dirty_levels; /* a bit for each that may hold somebody */
    struct list watches;   /* whose interest changed (watch.c) */
    struct list graves;
    struct list background;
    struct timers timers;
    struct mailbox mailbox;
    struct dns_desk dns;
};

void timers_init(struct loop *loop);
void timers_follow(struct loop *loop); /* arms the uv timer for the soonest; once a turn */
void timers_close(struct loop *loop);

void watches_apply(struct loop *loop); /* tells the kernel what changed; once a turn */
