/* Timers in a binary heap, soonest first: arming and disarming cost a few comparisons.
 *
 * Timers of the same millisecond expire in no particular order. */
#include "base/mem.h"
#include "net/loop_priv.h"

static struct timer *at(const struct timers *t, uint32_t slot)
{
    return t->heap[slot - 1];
}

static void put(struct timers *t, uint32_t slot, struct timer *timer)
{
    t->heap[slot - 1] = timer;
    timer->heap_slot = slot;
}

/* The timer belongs at `slot` or above it: lets later ones sink past it. */
static void sift_up(struct timers *t, uint32_t slot, struct timer *timer)
{
    while (slot > 1 && at(t, slot / 2)->at_ms > timer->at_ms) {
        put(t, slot, at(t, slot / 2));
        slot /= 2;
    }
    put(t, slot, timer);
}

static void sift_down(struct timers *t, uint32_t slot, struct timer *timer)
{
    for (uint32_t child = slot * 2; child <= t->count; child = slot * 2) {
        if (child < t->count && at(t, child + 1)->at_ms < at(t, child)->at_ms) {
            child++;
        }
        if (at(t, child)->at_ms >= timer->at_ms) {
            break;
        }
        put(t, slot, at(t, child));
        slot = child;
    }
    put(t, slot, timer);
}

/* Puts the timer where its time belongs, starting from a slot that is free. */
static void settle(struct timers *t, uint32_t slot, struct timer *timer)
{
    if (slot > 1 && at(t, slot / 2)->at_ms > timer->at_ms) {
        sift_up(t, slot, timer);
    } else {
        sift_down(t, slot, timer);
    }
}

static void make_room(struct timers *t)
{
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 64;
        t->heap = mem_resize(t->heap, t->cap * sizeof *t->heap);
    }
}

void timer_arm(struct loop *loop, struct timer *timer, uint64_t delay_ms)
{
    struct timers *t = &loop->timers;

    /* A timer that re-arms itself for "now" waits for the next turn. */
    timer->at_ms = loop_now_ms(loop) + (delay_ms == 0 && t->is_expiring ? 1 : delay_ms);
    if (timer->heap_slot == 0) {
        make_room(t);
        timer->heap_slot = ++t->count;
    }
    settle(t, timer->heap_slot, timer);
}

void timer_disarm(struct loop *loop, struct timer *timer)
{
    struct timers *t = &loop->timers;
    uint32_t slot = timer->heap_slot;

    if (slot == 0) {
        return;
    }
    struct timer *last = at(t, t->count--);
    timer->heap_slot = 0;
    if (last != timer) {
        settle(t, slot, last);
    }
}

uint64_t timers_next_ms(const struct loop *loop)
{
    const struct timers *t = &loop->timers;
    return t->count > 0 ? at(t, 1)->at_ms : UINT64_MAX;
}

void timers_expire(struct loop *loop)
{
    struct timers *t = &loop->timers;

    t->is_expiring = true;
    while (timers_next_ms(loop) <= loop->now_ms) {
        struct timer *timer = at(t, 1);
        timer_disarm(loop, timer);
        timer->expired(timer);
    }
    t->is_expiring = false;
}

void timers_deinit(struct loop *loop)
{
    ASSERT(loop->timers.count == 0);
    mem_free(loop->timers.heap);
    loop->timers.heap = NULL;
}
