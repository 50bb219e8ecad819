/* The turn: order of phases, what is deferred, timers, letters from other threads. */
#include "net/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "support/sockets.h"

static struct loop *loop;
static struct text story; /* what happened, a letter each */

static int open_loop(void **state)
{
    (void)state;
    loop = loop_new();
    text_clear(&story);
    return 0;
}

static int close_loop(void **state)
{
    (void)state;
    loop_free(&loop);
    text_deinit(&story);
    return 0;
}

/* An object that can do everything a loop offers. */
struct actor {
    char letter;
    struct task task;
    struct flusher flusher;
    struct grave grave;
    struct timer timer;
    int times_left;
};

static void tell(char c)
{
    text_add_char(&story, c);
}

static void tell_task(struct task *t)
{
    tell(CONTAINER_OF(t, struct actor, task)->letter);
}

static void tell_flush(struct flusher *f)
{
    tell(CONTAINER_OF(f, struct actor, flusher)->letter);
}

static void tell_grave(struct grave *g)
{
    tell(CONTAINER_OF(g, struct actor, grave)->letter);
}

static void tell_timer(struct timer *t)
{
    tell(CONTAINER_OF(t, struct actor, timer)->letter);
}

static struct actor actor(char letter)
{
    return (struct actor){
        .letter = letter,
        .task = {.run = tell_task},
        .flusher = {.flush = tell_flush},
        .timer = {.expired = tell_timer},
    };
}

/* ---- ready ---- */

static void schedules_itself(struct task *t)
{
    struct actor *a = CONTAINER_OF(t, struct actor, task);

    tell(a->letter);
    if (--a->times_left > 0) {
        loop_schedule(loop, t);
    } else {
        loop_stop(loop);
    }
}

static void a_task_scheduled_twice_runs_once(void **state)
{
    (void)state;
    struct actor a = actor('a');
    struct actor b = actor('b');

    loop_schedule(loop, &a.task);
    loop_schedule(loop, &b.task);
    loop_schedule(loop, &a.task);
    loop_run_for(loop, 0);
    assert_string_equal(text_str(&story), "ab");
}

static void an_unscheduled_task_does_not_run(void **state)
{
    (void)state;
    struct actor a = actor('a');

    loop_schedule(loop, &a.task);
    loop_unschedule(&a.task);
    loop_unschedule(&a.task);
    loop_run_for(loop, 0);
    assert_string_equal(text_str(&story), "");
}

static void what_a_task_schedules_runs_in_the_next_round_without_waiting(void **state)
{
    (void)state;
    struct actor a = actor('a');
    struct actor b = actor('b');
    uint64_t start = clock_now_ms();

    a.task.run = b.task.run = schedules_itself;
    a.times_left = 3;
    b.times_left = 4;
    loop_schedule(loop, &a.task);
    loop_schedule(loop, &b.task);
    loop_run(loop); /* a stops in its third round, b runs in it too */
    assert_string_equal(text_str(&story), "ababab");
    loop_run(loop);
    assert_string_equal(text_str(&story), "abababb");
    assert_true(clock_now_ms() - start < 1000);
}

static struct actor buried;
static struct actor chain[4];

static void schedules_the_next_of_the_chain(struct task *t)
{
    struct actor *a = CONTAINER_OF(t, struct actor, task);

    tell(a->letter);
    if (a == &chain[0]) {
        loop_bury(loop, &buried.grave, tell_grave);
    }
    if (a < &chain[COUNT_OF(chain) - 1]) {
        loop_schedule(loop, &a[1].task);
    }
}

/* Burying comes once a turn. */
static void a_turn_has_three_rounds(void **state)
{
    (void)state;
    buried = actor('x');
    for (size_t i = 0; i < COUNT_OF(chain); i++) {
        chain[i] = actor((char)('a' + i));
        chain[i].task.run = schedules_the_next_of_the_chain;
    }
    loop_schedule(loop, &chain[0].task);
    loop_run_for(loop, 0);
    loop_run_for(loop, 0);
    assert_string_equal(text_str(&story), "abcxd");
}

static void sleep_and_tell(struct task *t)
{
    uint64_t end = clock_now_us() + 400;

    while (clock_now_us() < end) {
    }
    tell_task(t);
}

static void first_timer_stops(struct timer *t)
{
    tell_timer(t);
    loop_stop(loop);
}

static void many_long_tasks_do_not_keep_a_timer_waiting(void **state)
{
    (void)state;
    enum { COUNT = 256 }; /* of 0.4 ms: 100 ms in all */
    struct actor many[COUNT];
    struct actor late = actor('!');

    for (int i = 0; i < COUNT; i++) {
        many[i] = actor('.');
        many[i].task.run = sleep_and_tell;
        loop_schedule(loop, &many[i].task);
    }
    late.timer.expired = first_timer_stops;
    timer_arm(loop, &late.timer, 5);
    loop_run(loop);
    assert_true(story.len < 128);
    RUN_UNTIL(loop, story.len == COUNT + 1);
}

/* ---- flush and bury ---- */

static void does_everything(struct task *t)
{
    struct actor *a = CONTAINER_OF(t, struct actor, task);

    loop_bury(loop, &a->grave, tell_grave);
    loop_mark_dirty(loop, &a->flusher, 0);
    loop_mark_dirty(loop, &a->flusher, 0);
    tell(a->letter);
}

static void a_turn_is_ready_then_flush_then_bury(void **state)
{
    (void)state;
    struct actor a = actor('a');
    struct actor b = actor('b');

    a.task.run = b.task.run = does_everything;
    loop_schedule(loop, &a.task);
    loop_schedule(loop, &b.task);
    loop_run_for(loop, 0);
    assert_string_equal(text_str(&story), "ababab");
}

static struct actor *below;

static void marks_below(struct flusher *f)
{
    tell_flush(f);
    loop_mark_dirty(loop, &below->flusher, 0);
}

static void layers_flush_from_the_highest_down_in_one_turn(void **state)
{
    (void)state;
    struct actor tls = actor('t');
    struct actor link = actor('l');
    struct actor tcp = actor('s');

    link.flusher.flush = marks_below;
    below = &tls;
    loop_mark_dirty(loop, &tcp.flusher, 0);
    loop_mark_dirty(loop, &tls.flusher, 1);
    loop_mark_dirty(loop, &link.flusher, 2);
    loop_run_for(loop, 0);
    assert_string_equal(text_str(&story), "lts");
}

static void an_unmarked_flusher_is_left_alone(void **state)
{
    (void)state;
    struct actor a = actor('a');

    loop_mark_dirty(loop, &a.flusher, 0);
    loop_unmark_dirty(&a.flusher);
    loop_run_for(loop, 0);
    assert_string_equal(text_str(&story), "");
}

/* ---- timers ---- */

static void timers_expire_in_the_order_of_their_time(void **state)
{
    (void)state;
    struct actor a = actor('a');
    struct actor b = actor('b');
    struct actor c = actor('c');

    timer_arm(loop, &a.timer, 30);
    timer_arm(loop, &b.timer, 10);
    timer_arm(loop, &c.timer, 20);
    assert_true(timer_is_armed(&a.timer));
    loop_run_for(loop, 60);
    assert_string_equal(text_str(&story), "bca");
    assert_false(timer_is_armed(&a.timer));
}

static void rearming_moves_a_timer_and_disarming_silences_it(void **state)
{
    (void)state;
    struct actor a = actor('a');
    struct actor b = actor('b');
    struct actor c = actor('c');

    timer_arm(loop, &a.timer, 5);
    timer_arm(loop, &b.timer, 10);
    timer_arm(loop, &c.timer, 10);
    timer_arm(loop, &a.timer, 20);
    timer_disarm(loop, &c.timer);
    timer_disarm(loop, &c.timer);
    loop_run_for(loop, 50);
    assert_string_equal(text_str(&story), "ba");
}

static struct actor *victim;

static void disarms_victim(struct timer *t)
{
    tell_timer(t);
    timer_disarm(loop, &victim->timer);
}

static void a_timer_may_disarm_another_of_the_same_moment(void **state)
{
    (void)state;
    struct actor a = actor('a');
    struct actor b = actor('b');

    a.timer.expired = disarms_victim;
    victim = &b;
    timer_arm(loop, &a.timer, 4);
    timer_arm(loop, &b.timer, 5);
    uint64_t end = clock_now_ms() + 20;
    while (clock_now_ms() < end) {
    }
    loop_run_for(loop, 20); /* both are due in the same turn */
    assert_string_equal(text_str(&story), "a");
}

static void rearms_itself_for_now(struct timer *t)
{
    struct actor *a = CONTAINER_OF(t, struct actor, timer);

    tell(a->letter);
    timer_arm(loop, t, 0);
    loop_schedule(loop, &a->task);
}

static void a_timer_rearmed_for_now_does_not_starve_the_turn(void **state)
{
    (void)state;
    struct actor a = actor('a');

    a.timer.expired = rearms_itself_for_now;
    timer_arm(loop, &a.timer, 0);
    loop_run_for(loop, 20);
    assert_true(story.len >= 4);
    assert_memory_equal(text_str(&story), "aaaa", 4); /* each timer is followed by its task */
    timer_disarm(loop, &a.timer);
    loop_unschedule(&a.task);
}

static int expired_count;
static uint64_t last_at_ms;

static void check_order(struct timer *t)
{
    assert_true(t->at_ms >= last_at_ms);
    last_at_ms = t->at_ms;
    expired_count++;
}

static void thousands_of_timers_keep_their_order_under_changes(void **state)
{
    (void)state;
    enum { COUNT = 4000 };
    static struct timer many[COUNT];
    unsigned seed = 7;
    int disarmed = 0;

    expired_count = 0;
    last_at_ms = 0;
    for (int i = 0; i < COUNT; i++) {
        many[i] = (struct timer){.expired = check_order};
        timer_arm(loop, &many[i], (seed = seed * 1103515245 + 12345) % 50);
    }
    for (int i = 0; i < COUNT; i += 3) {
        timer_arm(loop, &many[i], (seed = seed * 1103515245 + 12345) % 50);
    }
    for (int i = 0; i < COUNT; i += 5) {
        timer_disarm(loop, &many[i]);
        disarmed++;
    }
    loop_run_for(loop, 100);
    assert_int_equal(expired_count, COUNT - disarmed);
}

static void run_for_returns_at_its_time_and_not_before(void **state)
{
    (void)state;
    uint64_t start = clock_now_ms();

    loop_run_for(loop, 30);
    uint64_t ms = clock_now_ms() - start;
    assert_true(ms >= 29 && ms < 500);
}

/* A clock may tick anywhere between looking at it and sleeping. */
static void every_one_of_many_short_waits_ends(void **state)
{
    (void)state;
    uint64_t start = clock_now_ms();

    for (int i = 0; i < 1000; i++) {
        loop_run_for(loop, 1);
    }
    assert_true(clock_now_ms() - start < 20 * 1000);
}

static struct actor *moved;

static void moves_it_away(struct timer *t)
{
    tell_timer(t);
    timer_arm(loop, &moved->timer, 60 * 1000);
}

/* The kernel has been told about a time that is over, or not so soon any more. */
static void a_loop_wakes_in_time_when_the_soonest_timer_changes(void **state)
{
    struct actor mover = actor('m'), soonest = actor('s'), last = actor('l');
    uint64_t start = clock_now_ms();

    (void)state;
    moved = &soonest;
    mover.timer.expired = moves_it_away;
    last.timer.expired = first_timer_stops;
    timer_arm(loop, &mover.timer, 1);
    timer_arm(loop, &soonest.timer, 10);
    timer_arm(loop, &last.timer, 40);
    loop_run(loop);
    assert_string_equal(text_str(&story), "ml");
    assert_true(clock_now_ms() - start >= 39);

    timer_arm(loop, &last.timer, 10); /* sooner than what is left */
    loop_run(loop);
    assert_string_equal(text_str(&story), "mll");
    assert_true(clock_now_ms() - start < 10 * 1000);
    timer_disarm(loop, &soonest.timer);
}

/* ---- other threads ---- */

enum { LETTERS = 20000 };
static int next_letter;

static void receive(void *arg)
{
    assert_int_equal((int)(intptr_t)arg, next_letter);
    if (++next_letter == LETTERS) {
        loop_stop(loop);
    }
}

static void *post_all(void *arg)
{
    for (intptr_t i = 0; i < LETTERS; i++) {
        loop_post(arg, receive, (void *)i);
    }
    return NULL;
}

static void letters_of_a_thread_arrive_all_and_in_order(void **state)
{
    (void)state;
    pthread_t thread;

    next_letter = 0;
    assert_int_equal(pthread_create(&thread, NULL, post_all, loop), 0);
    loop_run_for(loop, 10000);
    pthread_join(thread, NULL);
    assert_int_equal(next_letter, LETTERS);
}

static void *post_late(void *arg)
{
    struct timespec ms10 = {.tv_nsec = 10 * 1000 * 1000};

    nanosleep(&ms10, NULL);
    next_letter = LETTERS - 1;
    loop_post(arg, receive, (void *)(intptr_t)(LETTERS - 1));
    return NULL;
}

static void a_letter_wakes_a_sleeping_loop(void **state)
{
    (void)state;
    pthread_t thread;
    uint64_t start = clock_now_ms();

    assert_int_equal(pthread_create(&thread, NULL, post_late, loop), 0);
    loop_run_for(loop, 10000);
    pthread_join(thread, NULL);
    assert_true(clock_now_ms() - start < 5000);
}

int main(void)
{
#define LOOP_TEST(f) cmocka_unit_test_setup_teardown(f, open_loop, close_loop)
    const struct CMUnitTest tests[] = {
        LOOP_TEST(a_task_scheduled_twice_runs_once),
        LOOP_TEST(an_unscheduled_task_does_not_run),
        LOOP_TEST(what_a_task_schedules_runs_in_the_next_round_without_waiting),
        LOOP_TEST(a_turn_has_three_rounds),
        LOOP_TEST(many_long_tasks_do_not_keep_a_timer_waiting),
        LOOP_TEST(a_turn_is_ready_then_flush_then_bury),
        LOOP_TEST(layers_flush_from_the_highest_down_in_one_turn),
        LOOP_TEST(an_unmarked_flusher_is_left_alone),
        LOOP_TEST(timers_expire_in_the_order_of_their_time),
        LOOP_TEST(rearming_moves_a_timer_and_disarming_silences_it),
        LOOP_TEST(a_timer_may_disarm_another_of_the_same_moment),
        LOOP_TEST(a_timer_rearmed_for_now_does_not_starve_the_turn),
        LOOP_TEST(thousands_of_timers_keep_their_order_under_changes),
        LOOP_TEST(run_for_returns_at_its_time_and_not_before),
        LOOP_TEST(every_one_of_many_short_waits_ends),
        LOOP_TEST(a_loop_wakes_in_time_when_the_soonest_timer_changes),
        LOOP_TEST(letters_of_a_thread_arrive_all_and_in_order),
        LOOP_TEST(a_letter_wakes_a_sleeping_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
