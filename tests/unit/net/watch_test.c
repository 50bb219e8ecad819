/* The contract of watch.h, on bare descriptors. */
#include "net/watch.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/addr.h"
#include "net/socket.h"
#include "support/busy.h"
#include "support/sockets.h"

static struct loop *loop;
static int near;
static int far;

/* What one watch was told. */
struct ear {
    struct watch *watch;
    unsigned events;
    int told_count;
    int broken_count;
    struct ear *silences; /* closed when this one is told */
};
static struct ear ear;

static void on_watch(void *ctx, unsigned events)
{
    struct ear *e = ctx;

    e->events |= events;
    e->told_count++;
    e->broken_count += (events & WATCH_BROKEN) != 0;
    if (e->silences) {
        watch_close(&e->silences->watch);
    }
}

static void forget(struct ear *e)
{
    e->events = 0;
    e->told_count = 0;
}

static void listen_with(struct ear *e, int fd, unsigned events)
{
    assert_int_equal(watch_open(&e->watch, loop, fd, events, on_watch, e), 0);
}

static int open_pair(void **state)
{
    (void)state;
    int fds[2];

    loop = loop_new();
    sockets_connected(fds);
    near = fds[0];
    far = fds[1];
    ear = (struct ear){0};
    return 0;
}

static int close_pair(void **state)
{
    (void)state;
    watch_close(&ear.watch);
    close(near);
    close(far);
    loop_free(&loop);
    return 0;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void swallow(int fd)
{
    bool is_end;
    sockets_drain(fd, &is_end);
}

static void an_arrival_is_told_and_so_is_the_next_after_it_was_read(void **state)
{
    (void)state;
    listen_with(&ear, near, WATCH_READABLE);
    loop_run_for(loop, 5);
    assert_int_equal(ear.told_count, 0);
    for (int i = 0; i < 3; i++) {
        say(far, "hello");
        RUN_UNTIL(loop, ear.events & WATCH_READABLE);
        swallow(near);
        loop_run_for(loop, 2);
        forget(&ear);
    }
    loop_run_for(loop, 5);
    assert_int_equal(ear.told_count, 0);
}

/* Early or late, but told. */
static void what_came_before_anybody_wanted_it_is_told(void **state)
{
    (void)state;
    listen_with(&ear, near, 0);
    say(far, "hello");
    loop_run_for(loop, 5);
    watch_set(ear.watch, WATCH_READABLE);
    RUN_UNTIL(loop, ear.events & WATCH_READABLE);
}

static void what_was_there_before_the_watch_is_told(void **state)
{
    (void)state;
    say(far, "hello");
    listen_with(&ear, near, WATCH_READABLE);
    RUN_UNTIL(loop, ear.events & WATCH_READABLE);
}

static void room_is_told_each_time_there_is_some_again(void **state)
{
    (void)state;
    listen_with(&ear, near, 0);
    for (int i = 0; i < 3; i++) {
        sockets_stuff(near);
        watch_set(ear.watch, WATCH_WRITABLE);
        loop_run_for(loop, 5);
        assert_int_equal(ear.events & WATCH_WRITABLE, 0);
        for (int turns = 0; !(ear.events & WATCH_WRITABLE); turns++) {
            assert_true(turns < 2500);
            swallow(far);
            loop_run_for(loop, 1);
        }
        watch_set(ear.watch, 0);
        loop_run_for(loop, 2);
        forget(&ear);
    }
}

static void the_end_of_the_peer_is_told_as_readable(void **state)
{
    (void)state;
    listen_with(&ear, near, WATCH_READABLE);
    shutdown(far, SHUT_WR);
    RUN_UNTIL(loop, ear.events & WATCH_READABLE);
    assert_int_equal(ear.events & WATCH_BROKEN, 0);
}

/* ---- steady ---- */

static void a_steady_watch_is_told_in_every_turn_until_it_wants_nothing(void **state)
{
    (void)state;
    listen_with(&ear, near, WATCH_STEADY | WATCH_READABLE);
    say(far, "hello");
    for (int i = 0; i < 4; i++) {
        RUN_UNTIL(loop, ear.told_count > i);
    }
    watch_set(ear.watch, 0);
    loop_run_for(loop, 2);
    forget(&ear);
    loop_run_for(loop, 5);
    assert_int_equal(ear.told_count, 0);
    watch_set(ear.watch, WATCH_READABLE);
    RUN_UNTIL(loop, ear.told_count > 2);
    swallow(near);
    loop_run_for(loop, 2);
    forget(&ear);
    loop_run_for(loop, 5);
    assert_int_equal(ear.told_count, 0);
}

/* ---- broken ---- */

static void check_reset_is_told_once(unsigned events)
{
    listen_with(&ear, near, events);
    loop_run_for(loop, 2);
    sockets_reset(far);
    far = -1;
    RUN_UNTIL(loop, ear.broken_count);
    forget(&ear);
    assert_true(busy_us(loop) < BUSY_QUIET_US);
    assert_int_equal(ear.told_count, 0);
    watch_set(ear.watch, WATCH_READABLE);
    RUN_UNTIL(loop, ear.told_count > 0); /* anew */
}

/* The kernel says so for ever. */
static void both_ends_finished_let_the_loop_sleep(void **state)
{
    (void)state;
    listen_with(&ear, near, WATCH_STEADY | WATCH_READABLE);
    loop_run_for(loop, 2);
    shutdown(far, SHUT_WR);
    shutdown(near, SHUT_WR);
    RUN_UNTIL(loop, ear.told_count > 0);
    watch_set(ear.watch, 0);
    forget(&ear);
    assert_true(busy_us(loop) < BUSY_QUIET_US);
    assert_int_equal(ear.told_count, 0);
}

static void a_reset_is_told_once_to_who_wants_nothing(void **state)
{
    (void)state;
    check_reset_is_told_once(0);
}

static void a_reset_is_told_once_to_a_steady_watch(void **state)
{
    (void)state;
    check_reset_is_told_once(WATCH_STEADY);
}

static void a_reset_is_told_once_to_a_steady_reader(void **state)
{
    (void)state;
    check_reset_is_told_once(WATCH_STEADY | WATCH_READABLE);
}

static void a_reset_is_told_once_to_a_reader(void **state)
{
    (void)state;
    check_reset_is_told_once(WATCH_READABLE);
}

static int bound_datagram_socket(struct addr *at_out)
{
    int fd;

    assert_int_equal(addr_parse(SLICE("127.0.0.1:0"), at_out), 0);
    assert_int_equal(socket_new(AF_INET, SOCK_DGRAM, &fd), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at_out->storage, at_out->len), 0);
    *at_out = addr_of_local(fd);
    return fd;
}

static void check_datagrams_after_an_error(unsigned kind)
{
    struct addr here, there;
    char text[8];
    int fd = bound_datagram_socket(&here);
    int other = bound_datagram_socket(&there);

    assert_int_equal(connect(fd, (struct sockaddr *)&there.storage, there.len), 0);
    listen_with(&ear, fd, kind | WATCH_READABLE);
    close(other);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    RUN_UNTIL(loop, ear.broken_count == 1);
    assert_int_equal(recv(fd, text, sizeof text, 0), -1); /* takes the error away */

    forget(&ear);
    watch_set(ear.watch, WATCH_READABLE);
    assert_int_equal(socket_new(AF_INET, SOCK_DGRAM, &other), 0);
    assert_int_equal(bind(other, (struct sockaddr *)&there.storage, there.len), 0);
    assert_int_equal(sendto(other, "hello", 5, 0, (struct sockaddr *)&here.storage, here.len), 5);
    RUN_UNTIL(loop, ear.events & WATCH_READABLE);
    assert_int_equal(recv(fd, text, sizeof text, 0), 5);
    watch_close(&ear.watch);
    close(fd);
    close(other);
}

static void datagrams_go_on_after_an_error(void **state)
{
    (void)state;
    check_datagrams_after_an_error(0);
    ear = (struct ear){0};
    check_datagrams_after_an_error(WATCH_STEADY);
}

/* ---- closing ---- */

static void nothing_is_told_to_a_watch_that_another_has_just_closed(void **state)
{
    (void)state;
    struct ear other = {.silences = &ear};

    ear.silences = &other;
    listen_with(&ear, near, WATCH_READABLE);
    listen_with(&other, far, WATCH_READABLE);
    say(near, "x");
    say(far, "y"); /* both are told in the same turn */
    loop_run_for(loop, 10);
    assert_int_equal((ear.told_count > 0) + (other.told_count > 0), 1);
    watch_close(&other.watch);
}

static void a_descriptor_may_go_to_another_loop_with_what_was_not_read(void **state)
{
    (void)state;
    struct loop *first = loop;
    struct ear there = {0};

    listen_with(&ear, near, WATCH_READABLE);
    say(far, "hello");
    RUN_UNTIL(loop, ear.told_count > 0);
    watch_close(&ear.watch);
    forget(&ear);

    loop = loop_new();
    listen_with(&there, near, WATCH_READABLE);
    RUN_UNTIL(loop, there.events & WATCH_READABLE);
    say(far, "more");
    loop_run_for(first, 5);
    assert_int_equal(ear.told_count, 0);
    watch_close(&there.watch);
    loop_free(&loop);
    loop = first;
}

static void a_number_used_again_is_a_new_descriptor(void **state)
{
    (void)state;
    int old = near;
    int fds[2];

    listen_with(&ear, near, WATCH_READABLE);
    loop_run_for(loop, 2);
    say(far, "for the old one");
    watch_close(&ear.watch);
    close(near);
    close(far);
    sockets_connected(fds);
    assert_true(fds[0] == old || fds[1] == old);
    near = fds[0];
    far = fds[1];
    listen_with(&ear, near, WATCH_READABLE);
    loop_run_for(loop, 5);
    assert_int_equal(ear.told_count, 0);
    say(far, "for the new one");
    RUN_UNTIL(loop, ear.events & WATCH_READABLE);
}

/* As whoever reads /proc/PID/fdinfo holds it for a moment: closing our descriptor does not end the
 * socket, and the kernel may still have something to tell. */
static void a_socket_that_somebody_else_holds_open_is_told_to_nobody(void **state)
{
    (void)state;
    int held = dup(near);

    assert_true(held >= 0);
    listen_with(&ear, near, WATCH_READABLE);
    loop_run_for(loop, 2);
    watch_close(&ear.watch);
    close(near);
    near = held;
    loop_run_for(loop, 2); /* the watch is buried */
    say(far, "too late");
    loop_run_for(loop, 5);
    assert_int_equal(ear.told_count, 0);
}

/* ---- other descriptors ---- */

static void pipes_are_watched_too(void **state)
{
    (void)state;
    int fds[2];
    char text[8];

    assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    listen_with(&ear, fds[0], WATCH_READABLE);
    assert_int_equal(write(fds[1], "hello", 5), 5);
    RUN_UNTIL(loop, ear.events & WATCH_READABLE);
    assert_int_equal(read(fds[0], text, sizeof text), 5);
    loop_run_for(loop, 2);
    forget(&ear);
    close(fds[1]);
    RUN_UNTIL(loop, ear.events & WATCH_READABLE);
    watch_close(&ear.watch);
    close(fds[0]);
}

static void what_cannot_be_watched_is_refused(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(watch_open(&ear.watch, loop, fd, WATCH_READABLE, on_watch, &ear) < 0);
    assert_null(ear.watch);
    close(fd);
}

int main(void)
{
#define WATCH_TEST(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)
    const struct CMUnitTest tests[] = {
        WATCH_TEST(an_arrival_is_told_and_so_is_the_next_after_it_was_read),
        WATCH_TEST(what_came_before_anybody_wanted_it_is_told),
        WATCH_TEST(what_was_there_before_the_watch_is_told),
        WATCH_TEST(room_is_told_each_time_there_is_some_again),
        WATCH_TEST(the_end_of_the_peer_is_told_as_readable),
        WATCH_TEST(a_steady_watch_is_told_in_every_turn_until_it_wants_nothing),
        WATCH_TEST(both_ends_finished_let_the_loop_sleep),
        WATCH_TEST(a_reset_is_told_once_to_who_wants_nothing),
        WATCH_TEST(a_reset_is_told_once_to_a_steady_watch),
        WATCH_TEST(a_reset_is_told_once_to_a_steady_reader),
        WATCH_TEST(a_reset_is_told_once_to_a_reader),
        WATCH_TEST(datagrams_go_on_after_an_error),
        WATCH_TEST(nothing_is_told_to_a_watch_that_another_has_just_closed),
        WATCH_TEST(a_descriptor_may_go_to_another_loop_with_what_was_not_read),
        WATCH_TEST(a_number_used_again_is_a_new_descriptor),
        WATCH_TEST(a_socket_that_somebody_else_holds_open_is_told_to_nobody),
        WATCH_TEST(pipes_are_watched_too),
        WATCH_TEST(what_cannot_be_watched_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
