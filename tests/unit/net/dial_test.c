#include "net/dial.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "net/dial_priv.h"
#include "net/ifaddr.h"
#include "net/socket.h"
#include "net/tcp.h"
#include "support/sockets.h"

static struct loop *loop;
static struct stream *got;
static int answers;
static int last_err;
static char words[256];

static int open_loop(void **state)
{
    (void)state;
    loop = loop_new();
    answers = 0;
    return 0;
}

static int close_loop(void **state)
{
    (void)state;
    stream_abort(&got);
    loop_free(&loop);
    return 0;
}

static void on_dial(void *ctx, int err, struct stream *s_take, const struct errinfo *info)
{
    assert_ptr_equal(ctx, &answers);
    assert_true((err == 0) == (s_take != NULL));
    answers++;
    last_err = err;
    got = s_take;
    snprintf(words, sizeof words, "%s", info->text);
}

static struct dial *dial(const char *where, uint64_t deadline_ms)
{
    return dial_start(loop, slice_str(where), deadline_ms, on_dial, &answers);
}

/* A listener whose queue is full: whoever comes now gets no answer. */
struct dead {
    int listener;
    int fds[2];
};

static struct dead dead_open(void)
{
    struct dead d = {.listener = sockets_listener(0)};

    for (int i = 0; i < 2; i++) {
        struct addr at = addr_of_local(d.listener);
        d.fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(d.fds[i], (struct sockaddr *)&at.storage, at.len);
    }
    return d;
}

static void dead_close(struct dead *d)
{
    close(d->fds[0]);
    close(d->fds[1]);
    close(d->listener);
}

static const char *where_is(int listener, const char *host)
{
    static char text[100];
    struct addr at = addr_of_local(listener);
    snprintf(text, sizeof text, "%s:%u", host, addr_port(&at));
    return text;
}

static uint16_t unused_port(void)
{
    int fd = sockets_listener(1);
    uint16_t port = 0;
    struct addr at = addr_of_local(fd);
    port = addr_port(&at);
    close(fd);
    return port;
}

/* ---- one address ---- */

static void a_listening_port_is_reached_and_told_from_the_loop(void **state)
{
    (void)state;
    int listener = sockets_listener(8);
    char text[8] = {0};

    dial(where_is(listener, "127.0.0.1"), 0);
    assert_int_equal(answers, 0);
    RUN_UNTIL(loop, answers == 1);
    assert_int_equal(last_err, 0);
    int fd = accept(listener, NULL, NULL);
    assert_int_equal(stream_write_bytes(got, "hi", 2), 0);
    loop_run_for(loop, 5);
    assert_int_equal(recv(fd, text, sizeof text, MSG_DONTWAIT), 2);
    close(fd);
    close(listener);
}

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    (void)s;
    *(unsigned *)ctx |= events;
}

/* They are there when the loop looks for the first time whether it is connected. Loopback would be
 * connected at once. */
static void what_a_server_says_first_is_heard(void **state)
{
    (void)state;
    struct addr here = ifaddr_public();
    char where[ADDR_TEXT_BYTES];
    unsigned events = 0;
    int listener;

    if (addr_is_loopback(&here)) {
        skip(); /* a machine without a network */
    }
    assert_int_equal(socket_new(here.storage.ss_family, SOCK_STREAM, &listener), 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&here.storage, here.len), 0);
    assert_int_equal(listen(listener, 1), 0);
    here = addr_of_local(listener);
    dial(addr_show(&here, where), 0);
    int fd = -1;
    for (int tries = 0; fd < 0 && tries < 1000; tries++) {
        fd = accept(listener, NULL, NULL);
        usleep(1000);
    }
    assert_int_equal(send(fd, "220 hello", 9, 0), 9);
    RUN_UNTIL(loop, answers == 1);
    assert_int_equal(last_err, 0);
    stream_set_user(got, on_ready, &events);
    stream_want(got, STREAM_READABLE);
    RUN_UNTIL(loop, events & STREAM_READABLE);
    close(fd);
    close(listener);
}

static void a_closed_port_refuses_at_once(void **state)
{
    (void)state;
    char where[40];

    snprintf(where, sizeof where, "127.0.0.1:%u", unused_port());
    dial(where, 0);
    RUN_UNTIL(loop, answers == 1);
    assert_int_equal(last_err, ERR_REFUSED);
    assert_non_null(strstr(words, where));
    assert_non_null(strstr(words, "refused"));
}

static void silence_ends_at_the_deadline(void **state)
{
    (void)state;
    struct dead dead = dead_open();
    uint64_t start = clock_now_ms();

    dial(where_is(dead.listener, "127.0.0.1"), 100);
    RUN_UNTIL(loop, answers == 1);
    assert_int_equal(last_err, ERR_TIMEOUT);
    assert_in_range(clock_now_ms() - start, 95, 1000);
    dead_close(&dead);
}

static void what_is_no_address_is_said(void **state)
{
    (void)state;
    dial("no port", 0);
    RUN_UNTIL(loop, answers == 1);
    assert_int_equal(last_err, ERR_INVALID);
    assert_non_null(strstr(words, "no port"));
}

static void a_stopped_dial_is_not_told_and_leaves_nothing(void **state)
{
    (void)state;
    struct dead dead = dead_open();
    int listener = sockets_listener(8);
    struct dial *won = dial(where_is(listener, "127.0.0.1"), 0);
    struct dial *waiting = dial(where_is(dead.listener, "127.0.0.1"), 0);

    dial_stop(&won);
    loop_run_for(loop, 5);
    dial_stop(&waiting);
    dial_stop(&waiting);
    loop_run_for(loop, 20);
    assert_int_equal(answers, 0);
    close(listener);
    dead_close(&dead);
}

static void unix_sockets_are_dialled(void **state)
{
    (void)state;
    char folder[] = "/tmp/adit-dial-XXXXXX";
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char where[120];

    assert_non_null(mkdtemp(folder));
    snprintf(at.sun_path, sizeof at.sun_path, "%s/s", folder);
    snprintf(where, sizeof where, "unix:%s", at.sun_path);
    dial(where, 0);
    RUN_UNTIL(loop, answers == 1);
    assert_int_equal(last_err, ERR_REFUSED);
    assert_non_null(strstr(words, "no such socket"));

    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    dial(where, 0);
    RUN_UNTIL(loop, answers == 2);
    assert_int_equal(last_err, 0);
    close(fd);
    unlink(at.sun_path);
    rmdir(folder);
}

/* ---- several addresses ---- */

static void localhost_reaches_who_listens_on_either_family(void **state)
{
    (void)state;
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0) {
        skip(); /* a machine without IPv6 */
    }
    assert_int_equal(listen(fd, 1), 0);
    uint64_t start = clock_now_ms();
    dial(where_is(fd, "localhost"), 0);
    RUN_UNTIL(loop, answers == 1);
    assert_int_equal(last_err, 0);
    assert_true(clock_now_ms() - start < DIAL_STAGGER_MS); /* refused, so the next at once */
    close(fd);
}

static void a_silent_address_delays_by_the_stagger_only(void **state)
{
    (void)state;
    struct dead dead = dead_open();
    int listener = sockets_listener(8);
    struct addr addrs[2] = {addr_of_local(dead.listener), addr_of_local(listener)};
    uint64_t start = clock_now_ms();

    dial_start_at(loop, addrs, 2, 5000, on_dial, &answers);
    RUN_UNTIL(loop, answers == 1);
    assert_int_equal(last_err, 0);
    /* The loop's clock is as old as its turn: a busy machine's dial seems to begin earlier. */
    assert_in_range(clock_now_ms() - start, DIAL_STAGGER_MS / 2, 4 * DIAL_STAGGER_MS);
    struct addr peer = tcp_peer(got);
    assert_true(addr_equal(&peer, &addrs[1]));
    close(listener);
    dead_close(&dead);
}

static void the_failure_that_tells_most_is_told(void **state)
{
    (void)state;
    struct dead dead = dead_open();
    struct addr addrs[2] = {addr_of_local(dead.listener), addr_of_local(dead.listener)};

    addr_set_port(&addrs[1], unused_port());
    dial_start_at(loop, addrs, 2, 400, on_dial, &answers);
    RUN_UNTIL(loop, answers == 1);
    assert_int_equal(last_err, ERR_REFUSED); /* not the time-out of the first */
    dead_close(&dead);
}

static void families_take_turns(void **state)
{
    (void)state;
    static const char *const before[] = {"[2::1]:1", "[2::2]:1", "[2::3]:1", "1.0.0.1:1",
                                         "1.0.0.2:1"};
    static const char *const after[] = {"[2::1]:1", "1.0.0.1:1", "[2::2]:1", "1.0.0.2:1",
                                        "[2::3]:1"};
    struct addr addrs[5];
    char text[ADDR_TEXT_BYTES];

    for (int i = 0; i < 5; i++) {
        assert_int_equal(addr_parse(slice_str(before[i]), &addrs[i]), 0);
    }
    dial_interleave(addrs, 5);
    for (int i = 0; i < 5; i++) {
        assert_string_equal(addr_show(&addrs[i], text), after[i]);
    }
}

int main(void)
{
#define DIAL_TEST(f) cmocka_unit_test_setup_teardown(f, open_loop, close_loop)
    const struct CMUnitTest tests[] = {
        DIAL_TEST(a_listening_port_is_reached_and_told_from_the_loop),
        DIAL_TEST(what_a_server_says_first_is_heard),
        DIAL_TEST(a_closed_port_refuses_at_once),
        DIAL_TEST(silence_ends_at_the_deadline),
        DIAL_TEST(what_is_no_address_is_said),
        DIAL_TEST(a_stopped_dial_is_not_told_and_leaves_nothing),
        DIAL_TEST(unix_sockets_are_dialled),
        DIAL_TEST(localhost_reaches_who_listens_on_either_family),
        DIAL_TEST(a_silent_address_delays_by_the_stagger_only),
        DIAL_TEST(the_failure_that_tells_most_is_told),
        DIAL_TEST(families_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
