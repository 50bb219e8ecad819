/* Waiting for the link of a session: until it is attached again, or until it has shown that it
 * lives. On the session's worker. */
#pragma once
#include "relay/sessions/session.h"

/* ---- for an agent that is away ---- */

/* Told once from the ready phase: attached again (true), or the time is over or the session ended
 * (false). Embedded in who waits; session_unwait takes it back. */
struct session_waiter {
    struct list node;
    struct timer timer;
    struct task task;
    struct loop *loop;
    bool is_attached;
    void (*done)(struct session_waiter *w, bool is_attached);
};
void session_wait(struct session *s, struct session_waiter *w, uint64_t limit_ms);
void session_unwait(struct session_waiter *w);

/* For session.c: all who wait are told. */
void session_finish_waits(struct session *s, bool is_attached);

/* ---- for a sign of life ---- */

/* Asks the link for a sign of life; done(false) when it is detached or does not answer in time. */
struct session_probe {
    struct list node;
    struct timer timer;
    struct loop *loop;
    uint64_t asked_at_ms;
    struct session *session;
    void (*done)(struct session_probe *p, bool is_alive);
};
void session_probe(struct session *s, struct session_probe *p);

/* For session.c: the session is over; nobody answers. */
void session_finish_probes(struct session *s);
