/* One worker's loop: what runs when, within one turn.
 *
 *                            a round, up to three
 *     poll --> events --> [ ready --> flush ] --> bury --> poll ...
 *              sockets      tasks     dirty       graves
 *              timers       run       streams     are freed
 *
 * events   sockets and timers only note what happened (they schedule tasks); timers run their
 *          callback here.
 * ready    every scheduled task runs once; what it schedules runs in the next round.
 * flush    everything marked dirty is flushed once, the highest level first, so that a link frames
 *          its streams before TLS encrypts and TCP sends: one send per socket and round.
 * rounds   a turn has another one while tasks are left: what a link brings goes on to a visitor
 *          without asking the kernel in between. After the last, poll does not wait.
 * bury     objects given to loop_bury are freed. Nothing is ever freed inside a callback chain.
 *
 * A loop belongs to one thread; only loop_post may be called from others. The only users of libuv
 * are the files of net/.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

struct loop;

enum { LOOP_LEVELS = 12 }; /* how high layers may be stacked */

struct loop *loop_new(void);
void loop_free(struct loop **loop); /* after loop_run has returned and everything is closed */

/* Runs until loop_stop. loop_run_for (tests, drain) returns after at most ms, or earlier when the
 * loop was stopped. */
void loop_run(struct loop *loop);
void loop_run_for(struct loop *loop, uint64_t ms);
void loop_stop(struct loop *loop);

/* Cached at the start of the turn; monotonic. */
uint64_t loop_now_ms(const struct loop *loop);

/* Processors this process may use: how many loops are worth while. */
unsigned loop_cores(void);

/* ---- ready ---- */

/* Embedded in objects that must act later in this turn or in the next. */
struct task {
    struct list node;
    void (*run)(struct task *task);
};

void loop_schedule(struct loop *loop, struct task *task); /* twice is once */
void loop_unschedule(struct task *task);

/* ---- flush ---- */

struct flusher {
    struct list node;
    void (*flush)(struct flusher *flusher);
};

/* level 0 is the socket; a layer is one above what it stands on. Twice is once. */
void loop_mark_dirty(struct loop *loop, struct flusher *flusher, unsigned level);
void loop_unmark_dirty(struct flusher *flusher);

/* ---- bury ---- */

struct grave {
    struct list node;
    void (*free)(struct grave *grave);
};

/* The object is no longer used by anybody; its free runs at the end of the turn. */
void loop_bury(struct loop *loop, struct grave *grave, void (*free)(struct grave *grave));

/* ---- background ---- */

/* Something that goes on after its user has let go: a stream that still sends its last bytes.
 * loop_free cuts it short; cut leaves the list. */
struct background {
    struct list node; /* list_remove when it is over */
    void (*cut)(struct background *b);
};

void loop_add_background(struct loop *loop, struct background *b,
                         void (*cut)(struct background *b));

/* ---- timers ---- */

/* Embedded; zeroed memory plus `expired` is a disarmed timer. One shot. */
struct timer {
    void (*expired)(struct timer *timer);
    uint64_t at_ms;
    uint32_t heap_slot; /* 1 + index in the loop's heap; 0: not armed */
};

void timer_arm(struct loop *loop, struct timer *timer, uint64_t delay_ms); /* re-arms */
void timer_disarm(struct loop *loop, struct timer *timer);
static inline bool timer_is_armed(const struct timer *timer)
{
    return timer->heap_slot != 0;
}

/* ---- other threads ---- */

/* Runs fn(arg) on the loop's thread, in the ready phase. From any thread; in order per thread. */
void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);
