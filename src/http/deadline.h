/* A point in time that moves all the while: cheap to set again, because the loop's timer stays
 * where it is and looks, when it expires, whether the deadline has moved on. */
#pragma once
#include "net/loop.h"

struct deadline {
    struct timer timer;
    struct loop *loop;
    void (*expired)(struct deadline *d);
    uint64_t at_ms;   /* 0: none */
    uint64_t left_ms; /* while held */
    bool is_held;
};

void deadline_init(struct deadline *d, struct loop *loop, void (*expired)(struct deadline *d));
void deadline_deinit(struct deadline *d);

void deadline_set(struct deadline *d, uint64_t delay_ms); /* 0: none */

static inline void deadline_clear(struct deadline *d)
{
    deadline_set(d, 0);
}

/* Time stands still for it. */
void deadline_hold(struct deadline *d, bool is_held);
