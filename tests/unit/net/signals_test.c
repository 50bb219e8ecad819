#include "net/signals.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/sockets.h"

static int told[3];
static int told_count;

static void on_signal(void *ctx, int number)
{
    (void)ctx;
    if (told_count < 3) {
        told[told_count] = number;
    }
    told_count++;
}

static void each_signal_is_told_in_the_loop(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct signals *s;

    assert_int_equal(signals_open(&s, loop, on_signal, NULL), 0);
    raise(SIGTERM);
    RUN_UNTIL(loop, told_count == 1);
    raise(SIGHUP);
    RUN_UNTIL(loop, told_count == 2);
    raise(SIGINT);
    RUN_UNTIL(loop, told_count == 3);
    assert_int_equal(told[0], SIGTERM);
    assert_int_equal(told[1], SIGHUP);
    assert_int_equal(told[2], SIGINT);
    signals_close(&s);
    assert_null(s);
    loop_free(&loop);
}

static void a_broken_pipe_is_no_signal_at_all(void **state)
{
    (void)state;
    struct loop *loop = loop_new();

    raise(SIGPIPE);
    loop_free(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_signal_is_told_in_the_loop),
        cmocka_unit_test(a_broken_pipe_is_no_signal_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
