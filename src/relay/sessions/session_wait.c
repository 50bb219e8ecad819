#include "relay/sessions/session_wait.h"

#include "base/mem.h"

/* ---- for an agent that is away ---- */

static void finish_wait(struct session_waiter *w, bool is_attached)
{
    timer_disarm(w->loop, &w->timer);
    list_remove(&w->node);
    w->is_attached = is_attached;
    loop_schedule(w->loop, &w->task);
}

static void on_wait_expired(struct timer *timer)
{
    finish_wait(CONTAINER_OF(timer, struct session_waiter, timer), false);
}

static void on_wait_done(struct task *task)
{
    struct session_waiter *w = CONTAINER_OF(task, struct session_waiter, task);
    w->done(w, w->is_attached);
}

void session_wait(struct session *s, struct session_waiter *w, uint64_t limit_ms)
{
    w->loop = s->worker->loop;
    w->timer.expired = on_wait_expired;
    w->task.run = on_wait_done;
    list_push_back(&s->waiting, &w->node);
    timer_arm(w->loop, &w->timer, limit_ms);
}

void session_unwait(struct session_waiter *w)
{
    if (w->loop) {
        timer_disarm(w->loop, &w->timer);
        loop_unschedule(&w->task);
        list_remove(&w->node);
    }
}

void session_finish_waits(struct session *s, bool is_attached)
{
    LIST_EACH (&s->waiting, n) {
        finish_wait(LIST_ENTRY(n, struct session_waiter, node), is_attached);
    }
}

/* ---- for a sign of life ---- */

enum { PROBE_BASE_MS = 1000 };

static void finish_probe(struct session_probe *p, bool is_alive)
{
    timer_disarm(p->loop, &p->timer);
    list_remove(&p->node);
    p->done(p, is_alive);
}

static void on_probe_expired(struct timer *timer)
{
    struct session_probe *p = CONTAINER_OF(timer, struct session_probe, timer);
    bool is_alive = p->session->link && mux_last_received_ms(p->session->mux) >= p->asked_at_ms;

    finish_probe(p, is_alive);
}

/* A life sign is looked for when the time is over: it is short, and taking over is rare. */
void session_probe(struct session *s, struct session_probe *p)
{
    uint64_t wait_ms = PROBE_BASE_MS + 2 * (uint64_t)mux_rtt_ms(s->mux);

    p->loop = s->worker->loop;
    p->session = s;
    p->asked_at_ms = loop_now_ms(p->loop);
    p->timer.expired = on_probe_expired;
    list_push_back(&s->probes, &p->node);
    if (s->link) {
        link_probe(s->link, 2 * wait_ms); /* longer: the loser can still be told */
    }
    timer_arm(p->loop, &p->timer, s->link ? wait_ms : 0);
}

void session_finish_probes(struct session *s)
{
    LIST_EACH (&s->probes, n) {
        finish_probe(LIST_ENTRY(n, struct session_probe, node), false);
    }
}
