/* The phases of a turn (loop.h), and what they run. How to wait for sockets is the poller's: one of
 * poll_epoll.c and poll_uv.c. */
#include "net/loop.h"

#include <limits.h>
#include <signal.h>

#include "base/bufq.h"
#include "base/clock.h"
#include "base/mem.h"
#include "net/loop_priv.h"

enum {
    READY_BUDGET_US = 5000, /* tasks of one turn; the others wait for the next */
    READY_CLOCK_EVERY = 16, /* tasks between two looks at the clock */
    ROUNDS_MAX = 3,         /* in one turn */
    LAST_TURNS_MAX = 1000,  /* loop_free: what is still going on must end within */
};

/* ---- ready ---- */

void loop_schedule(struct loop *loop, struct task *task)
{
    if (!list_is_linked(&task->node)) {
        list_push_back(&loop->tasks, &task->node);
    }
}

void loop_unschedule(struct task *task)
{
    list_remove(&task->node);
}

/* False: the turn has used up its time. */
static bool run_ready(struct loop *loop)
{
    struct list now;
    uint64_t end_us = 0;
    bool has_time = true;

    list_init(&now);
    list_join(&now, &loop->tasks);
    for (uint32_t count = 1; !list_is_empty(&now); count++) {
        struct task *task = LIST_ENTRY(list_pop_front(&now), struct task, node);
        task->run(task);
        if (count % READY_CLOCK_EVERY != 0) {
            continue;
        }
        uint64_t at_us = clock_now_us();
        end_us = end_us ? end_us : at_us + READY_BUDGET_US;
        if (at_us > end_us) {
            has_time = false;
            break;
        }
    }
    list_join(&now, &loop->tasks); /* what is left goes first in the next turn */
    list_join(&loop->tasks, &now);
    return has_time;
}

/* ---- flush ---- */

void loop_mark_dirty(struct loop *loop, struct flusher *flusher, unsigned level)
{
    ASSERT(level < LOOP_LEVELS);
    if (!list_is_linked(&flusher->node)) {
        list_push_back(&loop->dirty[level], &flusher->node);
        loop->dirty_levels |= 1u << level;
    }
}

void loop_unmark_dirty(struct flusher *flusher)
{
    list_remove(&flusher->node);
}

static int highest_bit(unsigned bits)
{
    return (int)(8 * sizeof bits) - 1 - __builtin_clz(bits);
}

/* One pass downward: what is marked above waits for the next round. */
static void run_flush(struct loop *loop)
{
    unsigned below = ~0u;

    while (loop->dirty_levels & below) {
        int level = highest_bit(loop->dirty_levels & below);
        struct list now;
        below = (1u << level) - 1;
        loop->dirty_levels &= ~(1u << level);
        list_init(&now);
        list_join(&now, &loop->dirty[level]);
        while (!list_is_empty(&now)) {
            struct flusher *f = LIST_ENTRY(list_pop_front(&now), struct flusher, node);
            f->flush(f);
        }
    }
}

/* ---- bury ---- */

void loop_bury(struct loop *loop, struct grave *grave, void (*free)(struct grave *grave))
{
    ASSERT(!list_is_linked(&grave->node));
    grave->free = free;
    list_push_back(&loop->graves, &grave->node);
}

static void run_bury(struct loop *loop)
{
    while (!list_is_empty(&loop->graves)) {
        struct grave *g = LIST_ENTRY(list_pop_front(&loop->graves), struct grave, node);
        g->free(g);
    }
}

/* ---- background ---- */

void loop_add_background(struct loop *loop, struct background *b, void (*cut)(struct background *b))
{
    b->cut = cut;
    list_push_back(&loop->background, &b->node);
}

static void cut_background(struct loop *loop)
{
    while (!list_is_empty(&loop->background)) {
        struct list *node = list_pop_front(&loop->background);
        struct background *b = LIST_ENTRY(node, struct background, node);
        b->cut(b);
    }
}

/* ---- the turn ---- */

static bool has_work(const struct loop *loop)
{
    return loop->dirty_levels != 0 || !list_is_empty(&loop->tasks);
}

static void run_rounds(struct loop *loop)
{
    bool has_time = true;

    for (int round = 0; round < ROUNDS_MAX && has_time && has_work(loop); round++) {
        has_time = run_ready(loop);
        run_flush(loop);
    }
}

static void run_turn(struct loop *loop)
{
    run_rounds(loop);
    run_bury(loop);
}

/* How long the poller may sleep; -1: until something happens. */
static int idle_ms(const struct loop *loop, uint64_t end_ms)
{
    uint64_t timer_at_ms = timers_next_ms(loop);
    uint64_t until_ms = timer_at_ms < end_ms ? timer_at_ms : end_ms;

    if (loop->is_stopped || has_work(loop) || until_ms <= loop->now_ms) {
        return 0;
    }
    if (until_ms == UINT64_MAX) {
        return -1;
    }
    uint64_t ms = until_ms - loop->now_ms;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* The turn in which it is stopped, or its end comes, is a whole one. */
static void run_until(struct loop *loop, uint64_t end_ms)
{
    while (!loop->is_stopped) {
        timers_expire(loop);
        loop->is_stopped |= loop->now_ms >= end_ms;
        run_turn(loop);
        poller_wait(loop, idle_ms(loop, end_ms));
        loop->now_ms = clock_now_ms();
    }
    loop->is_stopped = false;
}

/* ---- other threads ---- */

struct letter {
    struct list node;
    void (*fn)(void *arg);
    void *arg;
};

void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct letter *letter = NEW(struct letter);

    letter->fn = fn;
    letter->arg = arg;
    uv_mutex_lock(&loop->mailbox.lock);
    bool was_empty = list_is_empty(&loop->mailbox.letters);
    list_push_back(&loop->mailbox.letters, &letter->node);
    if (was_empty) { /* under the lock, so that the loop cannot end in between */
        poller_wake(loop);
    }
    uv_mutex_unlock(&loop->mailbox.lock);
}

void loop_on_wake(struct loop *loop)
{
    loop_schedule(loop, &loop->mailbox.deliver);
}

static void deliver_letters(struct task *task)
{
    struct mailbox *box = CONTAINER_OF(task, struct mailbox, deliver);
    struct list letters;

    list_init(&letters);
    uv_mutex_lock(&box->lock);
    list_join(&letters, &box->letters);
    uv_mutex_unlock(&box->lock);
    while (!list_is_empty(&letters)) {
        struct letter *letter = LIST_ENTRY(list_pop_front(&letters), struct letter, node);
        letter->fn(letter->arg);
        mem_free(letter);
    }
}

static void mailbox_init(struct loop *loop)
{
    struct mailbox *box = &loop->mailbox;

    ASSERT(uv_mutex_init(&box->lock) == 0);
    box->deliver.run = deliver_letters;
    list_init(&box->letters);
}

/* ---- life ---- */

struct loop *loop_new(void)
{
    struct loop *loop = NEW(struct loop);

    signal(SIGPIPE, SIG_IGN);
    list_init(&loop->tasks);
    for (int level = 0; level < LOOP_LEVELS; level++) {
        list_init(&loop->dirty[level]);
    }
    list_init(&loop->graves);
    list_init(&loop->background);
    list_init(&loop->dns.waiting);
    ASSERT(uv_loop_init(&loop->uv) == 0);
    poller_init(loop);
    mailbox_init(loop);
    loop->now_ms = clock_now_ms();
    return loop;
}

void loop_run(struct loop *loop)
{
    loop->now_ms = clock_now_ms();
    run_until(loop, UINT64_MAX);
}

void loop_run_for(struct loop *loop, uint64_t ms)
{
    loop->now_ms = clock_now_ms();
    run_until(loop, loop->now_ms + ms);
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}

static bool has_letters(struct mailbox *box)
{
    uv_mutex_lock(&box->lock);
    bool has_some = !list_is_empty(&box->letters);
    uv_mutex_unlock(&box->lock);
    return has_some;
}

static bool is_alive(struct loop *loop)
{
    return has_work(loop) || has_letters(&loop->mailbox) || !list_is_empty(&loop->graves) ||
           !list_is_empty(&loop->background);
}

static void count_open(uv_handle_t *handle, void *count)
{
    *(int *)count += !uv_is_closing(handle);
}

void loop_free(struct loop **loop_ref)
{
    struct loop *loop = *loop_ref;
    int open_count = 0;

    if (!loop) {
        return;
    }
    *loop_ref = NULL;
    for (int turns = 0; is_alive(loop); turns++) {
        ASSERT(turns < LAST_TURNS_MAX);
        deliver_letters(&loop->mailbox.deliver);
        run_turn(loop);
        cut_background(loop);
    }

    timers_deinit(loop);
    poller_deinit(loop);
    uv_walk(&loop->uv, count_open, &open_count);
    ASSERT(open_count == 0); /* somebody still watches a folder, or waits for signals */
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    ASSERT(uv_loop_close(&loop->uv) == 0);
    mem_free(loop->poller);
    uv_mutex_destroy(&loop->mailbox.lock);
    mem_free(loop);
    chunk_drain_spares();
}

unsigned loop_cores(void)
{
    return uv_available_parallelism();
}
