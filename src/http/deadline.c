#include "http/deadline.h"

#include "base/mem.h"

static void arm(struct deadline *d)
{
    uint64_t now = loop_now_ms(d->loop);

    if (timer_is_armed(&d->timer) && d->timer.at_ms <= d->at_ms) {
        return; /* expires early, looks, and arms itself anew */
    }
    timer_arm(d->loop, &d->timer, d->at_ms > now ? d->at_ms - now : 0);
}

static void on_timer(struct timer *t)
{
    struct deadline *d = CONTAINER_OF(t, struct deadline, timer);

    if (d->at_ms == 0) {
        return;
    }
    if (d->at_ms > loop_now_ms(d->loop)) {
        arm(d);
        return;
    }
    d->at_ms = 0;
    d->expired(d);
}

void deadline_init(struct deadline *d, struct loop *loop, void (*expired)(struct deadline *d))
{
    *d = (struct deadline){.loop = loop, .expired = expired};
    d->timer.expired = on_timer;
}

void deadline_deinit(struct deadline *d)
{
    timer_disarm(d->loop, &d->timer);
}

void deadline_set(struct deadline *d, uint64_t delay_ms)
{
    if (d->is_held) {
        d->left_ms = delay_ms;
        return;
    }
    d->at_ms = delay_ms ? loop_now_ms(d->loop) + delay_ms : 0;
    if (delay_ms) {
        arm(d);
    }
}

void deadline_hold(struct deadline *d, bool is_held)
{
    if (d->is_held == is_held) {
        return;
    }
    if (is_held) {
        uint64_t now = loop_now_ms(d->loop);
        d->left_ms = d->at_ms > now ? d->at_ms - now : d->at_ms > 0;
        d->at_ms = 0;
        d->is_held = true;
        return;
    }
    d->is_held = false;
    deadline_set(d, d->left_ms);
}
