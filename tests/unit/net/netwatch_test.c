#include "support/check.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/netwatch.h"

static struct loop *loop;
static struct netwatch *watch;
static unsigned told_count;

static void on_change(void *ctx)
{
    (void)ctx;
    told_count++;
}

/* A network of our own, where nobody else changes anything; loopback is its only card. */
static int open_watch(void **state)
{
    (void)state;
    if (unshare(CLONE_NEWNET) < 0) {
        return 0; /* not root: the tests skip */
    }
    loop = loop_new();
    told_count = 0;
    return netwatch_open(&watch, loop, on_change, NULL);
}

static int close_watch(void **state)
{
    (void)state;
    netwatch_close(&watch);
    if (loop) {
        loop_free(&loop);
    }
    return 0;
}

static void set_loopback(bool is_up)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = (short)(is_up ? IFF_UP : 0)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    close(fd);
}

static void need_watch(void)
{
    if (!watch) {
        skip();
    }
}

static void a_card_that_comes_up_is_told_once_and_soon(void **state)
{
    (void)state;
    need_watch();
    set_loopback(true); /* brings addresses and routes along */
    loop_run_for(loop, NETWATCH_SETTLE_MS + 40);
    assert_int_equal(told_count, 1);
}

static void a_quiet_network_is_not_told(void **state)
{
    (void)state;
    need_watch();
    loop_run_for(loop, NETWATCH_SETTLE_MS + 100);
    assert_int_equal(told_count, 0);
}

static void a_network_that_never_rests_is_told_now_and_then(void **state)
{
    (void)state;
    need_watch();
    for (int i = 0; i < 30; i++) {
        set_loopback(i % 2 == 0);
        loop_run_for(loop, 20);
    }
    assert_int_equal(told_count, 1);
    loop_run_for(loop, NETWATCH_REST_MS);
    assert_int_equal(told_count, 2);
}

/* The kernel throws away what the socket cannot hold, and marks it with an error. */
static void more_changes_than_it_can_hold_do_not_make_it_deaf(void **state)
{
    (void)state;
    need_watch();
    for (int i = 0; i < 2000; i++) {
        set_loopback(i % 2 == 0);
    }
    loop_run_for(loop, NETWATCH_SETTLE_MS + 40);
    assert_int_equal(told_count, 1);
    loop_run_for(loop, NETWATCH_REST_MS);
    set_loopback(true);
    loop_run_for(loop, NETWATCH_SETTLE_MS + 40);
    assert_int_equal(told_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_card_that_comes_up_is_told_once_and_soon, open_watch,
                                        close_watch),
        cmocka_unit_test_setup_teardown(a_quiet_network_is_not_told, open_watch, close_watch),
        cmocka_unit_test_setup_teardown(a_network_that_never_rests_is_told_now_and_then, open_watch,
                                        close_watch),
        cmocka_unit_test_setup_teardown(more_changes_than_it_can_hold_do_not_make_it_deaf,
                                        open_watch, close_watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
