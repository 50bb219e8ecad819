#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "support/folder.h"
#include "support/sockets.h"

static struct loop *loop;
static struct listener *listener;
static struct folder folder;
static int accepted_count;
static struct addr last_peer;

static int open_loop(void **state)
{
    (void)state;
    loop = loop_new();
    accepted_count = 0;
    return 0;
}

static int close_loop(void **state)
{
    (void)state;
    listener_close(&listener);
    loop_free(&loop);
    return 0;
}

static int make_folder(void **state)
{
    (void)state;
    folder_make(&folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

static void on_accept(void *ctx, int fd_take, const struct addr *peer)
{
    (void)ctx;
    assert_true(fcntl(fd_take, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd_take, F_GETFD) & FD_CLOEXEC);
    accepted_count++;
    last_peer = *peer;
    close(fd_take);
}

static struct addr parsed(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(slice_str(text), &a), 0);
    return a;
}

static int try_listen(struct listener **out, struct addr at, struct errinfo *info)
{
    return listener_open(out, loop, &at, NULL, on_accept, NULL, info);
}

static void listen_at(const char *text)
{
    assert_int_equal(try_listen(&listener, parsed(text), NULL), 0);
}

static int connect_to(const struct addr *to)
{
    int fd = socket(to->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = connect(fd, (const struct sockaddr *)&to->storage, to->len);

    if (failed) {
        close(fd);
        return -errno;
    }
    return fd;
}

static void must_connect(const char *host)
{
    struct addr to;
    assert_int_equal(addr_parse_host(slice_str(host), addr_port(listener_addr(listener)), &to), 0);
    int fd = connect_to(&to);
    assert_true(fd >= 0);
    close(fd);
}

static const char *path(const char *name)
{
    static char text[100];
    snprintf(text, sizeof text, "unix:%s/%s", folder.path, name);
    return text;
}

/* ---- addresses ---- */

static void port_zero_tells_its_port(void **state)
{
    (void)state;
    listen_at("127.0.0.1:0");
    assert_true(addr_port(listener_addr(listener)) > 0);
    must_connect("127.0.0.1");
    RUN_UNTIL(loop, accepted_count == 1);
    assert_true(addr_is_loopback(&last_peer));
}

static void a_bare_port_takes_both_families_and_shows_ipv4_as_such(void **state)
{
    (void)state;
    listen_at(":0");
    must_connect("127.0.0.1");
    RUN_UNTIL(loop, accepted_count == 1);
    assert_int_equal(last_peer.storage.ss_family, AF_INET);
    if (listener_addr(listener)->storage.ss_family == AF_INET6) {
        must_connect("::1");
        RUN_UNTIL(loop, accepted_count == 2);
        assert_int_equal(last_peer.storage.ss_family, AF_INET6);
    }
}

static void a_port_in_use_is_refused_in_words(void **state)
{
    (void)state;
    struct errinfo info = {0};
    struct listener *second = NULL;
    char text[ADDR_TEXT_BYTES];

    listen_at("127.0.0.1:0");
    assert_int_equal(try_listen(&second, *listener_addr(listener), &info), ERR_BUSY);
    assert_null(second);
    addr_show(listener_addr(listener), text);
    assert_non_null(strstr(info.text, text));
    assert_non_null(strstr(info.text, "already in use"));
}

static void somebody_elses_address_is_refused(void **state)
{
    (void)state;
    struct errinfo info = {0};
    struct listener *l = NULL;

    assert_int_equal(try_listen(&l, parsed("192.0.2.1:0"), &info), ERR_UNREACHABLE);
    assert_non_null(strstr(info.text, "not an address of this machine"));
}

static void several_may_share_a_port_when_they_say_so(void **state)
{
    (void)state;
    struct listen_options share = {.reuse_port = true};
    struct addr at = parsed("127.0.0.1:0");
    struct listener *second;

    assert_int_equal(listener_open(&listener, loop, &at, &share, on_accept, NULL, NULL), 0);
    at = *listener_addr(listener);
    assert_int_equal(listener_open(&second, loop, &at, &share, on_accept, NULL, NULL), 0);
    for (int i = 0; i < 20; i++) {
        must_connect("127.0.0.1");
    }
    RUN_UNTIL(loop, accepted_count == 20);
    listener_close(&second);
}

/* ---- unix ---- */

static void a_unix_socket_is_ours_alone_and_goes_with_the_listener(void **state)
{
    (void)state;
    struct stat st;
    struct addr at = parsed(path("s"));

    assert_int_equal(try_listen(&listener, at, NULL), 0);
    assert_int_equal(stat(path("s") + 5, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    close(connect_to(&at));
    RUN_UNTIL(loop, accepted_count == 1);
    listener_close(&listener);
    assert_int_equal(stat(path("s") + 5, &st), -1);
}

static void a_path_left_behind_is_taken_over_a_living_one_is_not(void **state)
{
    (void)state;
    struct listener *second = NULL;
    struct addr at = parsed(path("s"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at.storage, at.len), 0);
    close(fd);
    assert_int_equal(try_listen(&listener, at, NULL), 0);
    assert_int_equal(try_listen(&second, at, NULL), ERR_BUSY);
    close(connect_to(&at));
    RUN_UNTIL(loop, accepted_count == 2); /* the second one knocked, too */
}

static void a_file_is_never_taken_for_a_socket(void **state)
{
    (void)state;
    folder_write(&folder, "file", "mine");
    assert_int_equal(try_listen(&listener, parsed(path("file")), NULL), ERR_BUSY);
    assert_string_equal(folder_read(&folder, "file"), "mine");
}

/* ---- load ---- */

static void a_flood_is_taken_in_parts(void **state)
{
    (void)state;
    enum { COUNT = 3 * LISTEN_BATCH };
    int fds[COUNT];

    listen_at("127.0.0.1:0");
    for (int i = 0; i < COUNT; i++) {
        fds[i] = connect_to(listener_addr(listener));
        assert_true(fds[i] >= 0);
    }
    loop_run_for(loop, 0); /* polls */
    loop_run_for(loop, 0); /* one turn */
    assert_in_range(accepted_count, 1, 2 * LISTEN_BATCH);
    RUN_UNTIL(loop, accepted_count == COUNT);
    for (int i = 0; i < COUNT; i++) {
        close(fds[i]);
    }
}

static void a_paused_listener_leaves_them_waiting(void **state)
{
    (void)state;
    listen_at("127.0.0.1:0");
    loop_run_for(loop, 2);
    listener_pause(listener);
    must_connect("127.0.0.1");
    loop_run_for(loop, 20);
    assert_int_equal(accepted_count, 0);
    listener_resume(listener);
    RUN_UNTIL(loop, accepted_count == 1);
}

static int log_lines;

static void count_line(struct slice line, void *ctx)
{
    (void)ctx;
    assert_true(slice_find(line, SLICE("out of file descriptors")) < line.len);
    log_lines++;
}

static long cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return 1000000 * (u.ru_utime.tv_sec + u.ru_stime.tv_sec) + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static void out_of_descriptors_it_rests_and_recovers(void **state)
{
    (void)state;
    struct rlimit old, few;
    int fds[8];

    listen_at("127.0.0.1:0");
    for (int i = 0; i < 8; i++) {
        fds[i] = connect_to(listener_addr(listener));
    }
    log_lines = 0;
    log_set_sink(count_line, NULL);
    getrlimit(RLIMIT_NOFILE, &old);
    few = old;
    few.rlim_cur = (rlim_t)fds[7] + 1; /* nothing free above what is open */
    setrlimit(RLIMIT_NOFILE, &few);
    long start_us = cpu_us();
    loop_run_for(loop, 350);
    long busy_us = cpu_us() - start_us;
    setrlimit(RLIMIT_NOFILE, &old);
    log_set_sink(NULL, NULL);

    assert_int_equal(accepted_count, 0);
    assert_int_equal(log_lines, 1);
    assert_true(busy_us < 100000);
    RUN_UNTIL(loop, accepted_count >= 1); /* those that were not dropped */
    assert_true(accepted_count < 8);
    for (int i = 0; i < 8; i++) {
        close(fds[i]);
    }
}

/* ---- handing over ---- */

static void a_socket_goes_from_listener_to_listener_without_losing_anybody(void **state)
{
    (void)state;
    listen_at("127.0.0.1:0");
    loop_run_for(loop, 2);
    int fd = listener_detach_fd(&listener);
    assert_null(listener);
    struct addr at = addr_of_local(fd);
    int visitor = connect_to(&at);
    loop_run_for(loop, 5);
    assert_int_equal(accepted_count, 0);
    assert_int_equal(listener_adopt(&listener, loop, fd, on_accept, NULL), 0);
    RUN_UNTIL(loop, accepted_count == 1);
    close(visitor);
}

int main(void)
{
#define LISTEN_TEST(f) cmocka_unit_test_setup_teardown(f, open_loop, close_loop)
    const struct CMUnitTest tests[] = {
        LISTEN_TEST(port_zero_tells_its_port),
        LISTEN_TEST(a_bare_port_takes_both_families_and_shows_ipv4_as_such),
        LISTEN_TEST(a_port_in_use_is_refused_in_words),
        LISTEN_TEST(somebody_elses_address_is_refused),
        LISTEN_TEST(several_may_share_a_port_when_they_say_so),
        LISTEN_TEST(a_unix_socket_is_ours_alone_and_goes_with_the_listener),
        LISTEN_TEST(a_path_left_behind_is_taken_over_a_living_one_is_not),
        LISTEN_TEST(a_file_is_never_taken_for_a_socket),
        LISTEN_TEST(a_flood_is_taken_in_parts),
        LISTEN_TEST(a_paused_listener_leaves_them_waiting),
        LISTEN_TEST(out_of_descriptors_it_rests_and_recovers),
        LISTEN_TEST(a_socket_goes_from_listener_to_listener_without_losing_anybody),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
