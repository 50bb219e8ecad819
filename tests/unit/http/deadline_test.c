/* Deadlines that move, stop and go on. */
#include "http/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

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

static void it_expires_once(void **state)
{
    (void)state;
    deadline_set(&deadline, 10);
    run(5);
    assert_int_equal(expired_count, 0);
    run(50);
    assert_int_equal(expired_count, 1);
}

static void setting_it_again_moves_it(void **state)
{
    (void)state;
    deadline_set(&deadline, 10);
    deadline_set(&deadline, 60);
    run(30);
    assert_int_equal(expired_count, 0);
    deadline_set(&deadline, 5); /* and back to sooner than the timer stands */
    run(20);
    assert_int_equal(expired_count, 1);
    run(50);
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
    deadline_hold(&deadline, false);
    run(5);
    assert_int_equal(expired_count, 0);
    run(40);
    assert_int_equal(expired_count, 1);
}

static void one_set_while_held_begins_afterwards(void **state)
{
    (void)state;
    deadline_hold(&deadline, true);
    deadline_set(&deadline, 10);
    run(30);
    assert_int_equal(expired_count, 0);
    deadline_hold(&deadline, false);
    run(30);
    assert_int_equal(expired_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
    const struct CMUnitTest tests[] = {
        TEST(it_expires_once),
        TEST(setting_it_again_moves_it),
        TEST(a_cleared_one_does_not_expire),
        TEST(time_stands_still_while_held),
        TEST(one_set_while_held_begins_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
