/* Deadlines that move, stop and go on. */
#include "http/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "support/sockets.h"

static struct loop *loop;
static struct deadline deadline;
static unsigned expired_count;

static void on_expired(struct deadline *d)
{
    assert_ptr_equal(d, &deadline);
    expired_count++;
}

static int open_all(void **state)
{
    (void)state;
    loop = loop_new();
    deadline_init(&deadline, loop, on_expired);
    expired_count = 0;
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    deadline_deinit(&deadline);
    loop_free(&loop);
    return 0;
}

static void run(unsigned ms)
{
    loop_run_for(loop, ms);
}

/* Not before ms have passed, by the loop's clock, since `start`: however slow the machine is. */
static void check_expires_after(uint64_t start, uint64_t ms)
{
    RUN_UNTIL(loop, expired_count == 1);
    assert_true(loop_now_ms(loop) - start >= ms);
}

static void it_expires_once(void **state)
{
    (void)state;
    uint64_t start = loop_now_ms(loop);

    deadline_set(&deadline, 10);
    check_expires_after(start, 10);
    run(30);
    assert_int_equal(expired_count, 1);
}

static void setting_it_again_moves_it(void **state)
{
    (void)state;
    uint64_t start = loop_now_ms(loop);

    deadline_set(&deadline, 10);
    deadline_set(&deadline, 60);
    check_expires_after(start, 60);
}

static void it_moves_to_sooner_than_its_timer_stands(void **state)
{
    (void)state;
    deadline_set(&deadline, 60000);
    run(1);
    deadline_set(&deadline, 5);
    RUN_UNTIL(loop, expired_count == 1);
    run(20);
    assert_int_equal(expired_count, 1);
}

static void a_cleared_one_does_not_expire(void **state)
{
    (void)state;
    deadline_set(&deadline, 10);
    deadline_clear(&deadline);
    run(30);
    assert_int_equal(expired_count, 0);
}

static void time_stands_still_while_held(void **state)
{
    (void)state;
    deadline_set(&deadline, 20);
    deadline_hold(&deadline, true);
    run(40);
    assert_int_equal(expired_count, 0);
    uint64_t start = loop_now_ms(loop);
    deadline_hold(&deadline, false);
    check_expires_after(start, 20);
}

static void one_set_while_held_begins_afterwards(void **state)
{
    (void)state;
    deadline_hold(&deadline, true);
    deadline_set(&deadline, 10);
    run(30);
    assert_int_equal(expired_count, 0);
    uint64_t start = loop_now_ms(loop);
    deadline_hold(&deadline, false);
    check_expires_after(start, 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
    const struct CMUnitTest tests[] = {
        TEST(it_expires_once),
        TEST(setting_it_again_moves_it),
        TEST(it_moves_to_sooner_than_its_timer_stands),
        TEST(a_cleared_one_does_not_expire),
        TEST(time_stands_still_while_held),
        TEST(one_set_while_held_begins_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
