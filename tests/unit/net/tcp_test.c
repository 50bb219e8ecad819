/* One end is a stream, the other a bare socket the test plays by hand. */
#include "net/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "support/busy.h"
#include "support/sockets.h"

static struct loop *loop;
static struct stream *s;
static int far;         /* the bare socket */
static unsigned events; /* all that were told */
static struct bufq got;
static int read_end; /* what read said at last */
static bool reads;   /* on_ready reads all there is */
static int told_count;

static void on_ready(void *ctx, struct stream *stream, unsigned what)
{
    (void)ctx;
    assert_ptr_equal(stream, s);
    events |= what;
    told_count++;
    if (!(what & STREAM_READABLE) || !reads) {
        return;
    }
    int err = 0;
    while (err == 0) {
        err = stream_read(s, &got, STREAM_ROUND_BYTES);
    }
    if (err != ERR_AGAIN) {
        read_end = err;
        stream_unwant(s, STREAM_READABLE);
    }
}

static unsigned line_count;

static void count_line(struct slice line, void *ctx)
{
    (void)line, (void)ctx;
    line_count++;
}

static void open_stream(int fd)
{
    assert_int_equal(tcp_open(&s, loop, fd), 0);
    stream_set_user(s, on_ready, NULL);
    events = 0;
    read_end = 0;
    told_count = 0;
    reads = true;
}

static int open_pair(void **state)
{
    (void)state;
    int fds[2];

    loop = loop_new();
    sockets_connected(fds);
    far = fds[1];
    open_stream(fds[0]);
    return 0;
}

static int close_pair(void **state)
{
    (void)state;
    stream_abort(&s);
    if (far >= 0) {
        close(far);
    }
    bufq_clear(&got);
    loop_free(&loop);
    assert_int_equal(chunk_stats().in_use, 0);
    return 0;
}

static void far_closes(void)
{
    close(far);
    far = -1;
}

static void far_resets(void)
{
    sockets_reset(far);
    far = -1;
}

static void send_from_far(const char *text)
{
    assert_int_equal(send(far, text, strlen(text), 0), strlen(text));
}

static void push_bytes(struct bufq *q, size_t n)
{
    static const char block[65536] = "0123456789";

    while (n > 0) {
        size_t part = n < sizeof block ? n : sizeof block;
        bufq_push(q, block, part);
        n -= part;
    }
}

static bool got_is(const char *text)
{
    struct slice front = bufq_front(&got);
    return got.bytes == strlen(text) && slice_is(front, text);
}

/* ---- reading ---- */

static void bytes_arrive_and_are_told_while_wanted(void **state)
{
    (void)state;
    stream_want(s, STREAM_READABLE);
    loop_run_for(loop, 5);
    assert_int_equal(told_count, 0);
    send_from_far("hello");
    RUN_UNTIL(loop, got.bytes == 5);
    assert_true(got_is("hello"));
    assert_int_equal(told_count, 1);
}

static void nothing_is_told_to_a_paused_reader(void **state)
{
    (void)state;
    stream_want(s, STREAM_READABLE);
    stream_unwant(s, STREAM_READABLE);
    send_from_far("hello");
    loop_run_for(loop, 10);
    assert_int_equal(told_count, 0);
    stream_want(s, STREAM_READABLE);
    RUN_UNTIL(loop, got_is("hello"));
}

static void what_is_left_is_told_again_without_the_kernel(void **state)
{
    (void)state;
    reads = false;
    stream_want(s, STREAM_READABLE);
    send_from_far("hello");
    RUN_UNTIL(loop, told_count > 0);
    int before = told_count;
    loop_run_for(loop, 5);
    assert_true(told_count > before);
    assert_int_equal(stream_read(s, &got, 2), 0);
    assert_true(got_is("he"));
    assert_int_equal(stream_read(s, &got, 100), 0);
    assert_int_equal(stream_read(s, &got, 100), ERR_AGAIN); /* without asking: a short read */
    assert_true(got_is("hello"));
}

static void bulk_arrives_whole(void **state)
{
    (void)state;
    enum { TOTAL = 8 << 20 };
    static char block[1 << 16];
    size_t sent = 0;

    stream_want(s, STREAM_READABLE);
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] = (char)(i * 7 >> 3);
    }
    while (got.bytes < TOTAL) {
        if (sent < TOTAL) {
            size_t at = sent % sizeof block;
            ssize_t n = send(far, block + at, sizeof block - at, MSG_DONTWAIT);
            sent += n > 0 ? (size_t)n : 0;
        }
        loop_run_for(loop, 0);
    }
    for (size_t at = 0; at < TOTAL; at += sizeof block) {
        char part[sizeof block];
        bufq_peek(&got, part, sizeof part);
        assert_memory_equal(part, block, sizeof block);
        bufq_drop(&got, sizeof block);
    }
}

static void the_end_of_the_peer_is_eof_and_writing_goes_on(void **state)
{
    (void)state;
    char text[8] = {0};

    stream_want(s, STREAM_READABLE);
    send_from_far("bye");
    shutdown(far, SHUT_WR);
    RUN_UNTIL(loop, read_end);
    assert_true(got_is("bye"));
    assert_int_equal(read_end, ERR_EOF);
    assert_int_equal(stream_read(s, &got, 10), ERR_EOF); /* again and again */
    assert_int_equal(stream_write_bytes(s, "and you", 7), 0);
    loop_run_for(loop, 5);
    assert_int_equal(recv(far, text, sizeof text, MSG_DONTWAIT), 7);
    assert_int_equal(events & STREAM_BROKEN, 0);
}

/* ---- writing ---- */

static void a_write_waits_for_the_end_of_the_round(void **state)
{
    (void)state;
    char text[8] = {0};

    assert_int_equal(stream_write_bytes(s, "one", 3), 0);
    assert_int_equal(stream_write_bytes(s, "two", 3), 0);
    assert_int_equal(recv(far, text, sizeof text, MSG_DONTWAIT), -1);
    loop_run_for(loop, 0);
    assert_int_equal(recv(far, text, sizeof text, MSG_DONTWAIT), 6);
    assert_memory_equal(text, "onetwo", 6);
}

static void much_is_sent_at_once(void **state)
{
    (void)state;
    struct bufq q = {0};
    bool is_end;

    push_bytes(&q, STREAM_TX_BYTES);
    assert_int_equal(stream_write(s, &q), 0);
    assert_true(sockets_drain(far, &is_end) > 0);
}

static void a_full_socket_stops_the_writer_and_wakes_it_again(void **state)
{
    (void)state;
    struct bufq q = {0};
    size_t total = 0;
    bool is_end;
    int err = 0;

    while (err == 0) {
        push_bytes(&q, 100000);
        total += 100000;
        err = stream_write(s, &q);
        assert_true(total < 64 << 20);
    }
    assert_int_equal(err, ERR_AGAIN);
    assert_true(q.bytes > 0);
    assert_int_equal(stream_room(s), 0);
    stream_want(s, STREAM_WRITABLE);
    loop_run_for(loop, 10);
    assert_int_equal(events & STREAM_WRITABLE, 0);

    size_t drained = 0;
    while (drained < total) {
        drained += sockets_drain(far, &is_end);
        loop_run_for(loop, 0);
        if (events & STREAM_WRITABLE) {
            events = 0;
            err = stream_write(s, &q);
            assert_true(err == 0 || err == ERR_AGAIN);
            stream_want(s, STREAM_WRITABLE);
        }
    }
    assert_int_equal(drained, total);
}

static void a_waiting_write_pins_no_large_chunk(void **state)
{
    (void)state;
    struct bufq q = {0};

    sockets_stuff(tcp_fd(s));
    for (int i = 0; i < 20; i++) { /* 20 bytes, each in a large chunk of its own */
        struct bufq one = {0};
        size_t room;
        *bufq_reserve(&one, CHUNK_LARGE_BYTES, &room) = 'x';
        bufq_commit(&one, 1);
        bufq_move(&q, &one, 1);
    }
    assert_int_equal(stream_write(s, &q), 0);
    loop_run_for(loop, 5);
    assert_true(chunk_stats().bytes_in_use <= 2 * CHUNK_LARGE_BYTES);
}

static void shutdown_ends_our_direction_only(void **state)
{
    (void)state;
    bool is_end = false;

    assert_int_equal(stream_write_bytes(s, "last", 4), 0);
    assert_int_equal(stream_shutdown(s), 0);
    assert_int_equal(stream_room(s), 0);
    struct bufq q = {0};
    bufq_push_str(&q, "too late");
    assert_int_equal(stream_write(s, &q), ERR_CLOSED);
    bufq_clear(&q);
    loop_run_for(loop, 5);
    assert_int_equal(sockets_drain(far, &is_end), 4);
    assert_true(is_end);
    stream_want(s, STREAM_READABLE);
    send_from_far("answer");
    RUN_UNTIL(loop, got_is("answer"));
}

/* ---- resets ---- */

static void a_reset_is_told_while_reading_is_paused_and_bytes_before_it_are_kept(void **state)
{
    (void)state;
    loop_run_for(loop, 2);
    send_from_far("precious");
    loop_run_for(loop, 2);
    far_resets();
    RUN_UNTIL(loop, events & STREAM_BROKEN);
    loop_run_for(loop, 10);
    assert_int_equal(told_count, 1);
    stream_want(s, STREAM_READABLE);
    RUN_UNTIL(loop, read_end);
    assert_true(got_is("precious"));
    assert_int_equal(read_end, ERR_RESET);
    assert_true(stream_write_bytes(s, "x", 1) < 0);
}

static void a_reset_after_the_end_of_the_peer_is_told_while_paused(void **state)
{
    (void)state;
    shutdown(far, SHUT_WR);
    loop_run_for(loop, 5);
    far_resets();
    RUN_UNTIL(loop, events & STREAM_BROKEN);
}

static void a_reader_gets_the_reset(void **state)
{
    (void)state;
    stream_want(s, STREAM_READABLE);
    far_resets();
    RUN_UNTIL(loop, read_end);
    assert_int_equal(read_end, ERR_RESET);
    assert_true(events & STREAM_BROKEN);
}

/* The send takes the error away, so recv alone would show an end that never was. */
static void a_failed_send_does_not_turn_a_reset_into_an_end(void **state)
{
    (void)state;
    far_resets();
    assert_int_equal(stream_write_bytes(s, "x", 1), 0);
    loop_run_for(loop, 0); /* flush comes before poll: send sees the reset first */
    RUN_UNTIL(loop, events & STREAM_BROKEN);
    stream_want(s, STREAM_READABLE);
    RUN_UNTIL(loop, read_end);
    assert_int_equal(read_end, ERR_RESET);
}

/* A server that answers, closes and resets because we had more to say: its answer is whole. */
static void a_true_end_before_a_reset_stays_an_end(void **state)
{
    (void)state;
    assert_int_equal(stream_write_bytes(s, "unread", 6), 0);
    loop_run_for(loop, 2);
    send_from_far("413");
    shutdown(far, SHUT_WR);
    loop_run_for(loop, 2);
    far_closes(); /* with unread bytes: a reset */
    loop_run_for(loop, 2);
    stream_want(s, STREAM_READABLE);
    RUN_UNTIL(loop, read_end);
    assert_true(got_is("413"));
    assert_int_equal(read_end, ERR_EOF);
}

static void abort_sends_a_reset(void **state)
{
    (void)state;
    char c;

    assert_int_equal(stream_write_bytes(s, "never", 5), 0);
    stream_abort(&s);
    assert_null(s);
    assert_int_equal(recv(far, &c, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, ECONNRESET);
}

/* A read ends at the urgent mark, however much lies behind it. */
static void what_lies_behind_an_urgent_byte_is_read(void **state)
{
    (void)state;
    stream_want(s, STREAM_READABLE);
    send_from_far("ab");
    assert_int_equal(send(far, "!", 1, MSG_OOB), 1);
    send_from_far("cd");
    RUN_UNTIL(loop, got.bytes == 4);
    assert_true(got_is("abcd"));
    send_from_far("ef");
    RUN_UNTIL(loop, got.bytes == 6);
}

static void urgent_bytes_do_not_make_the_loop_spin(void **state)
{
    (void)state;
    loop_run_for(loop, 2);
    assert_int_equal(send(far, "!", 1, MSG_OOB), 1);
    assert_true(busy_us(loop) < BUSY_QUIET_US);
}

static void a_paused_stream_lets_the_loop_sleep_whatever_waits_in_it(void **state)
{
    (void)state;
    stream_want(s, STREAM_READABLE);
    loop_run_for(loop, 2);
    stream_unwant(s, STREAM_READABLE);
    send_from_far("unread");
    assert_true(busy_us(loop) < BUSY_QUIET_US);
    shutdown(far, SHUT_WR);
    assert_true(busy_us(loop) < BUSY_QUIET_US);
    assert_int_equal(stream_shutdown(s), 0); /* both have ended: the kernel says so for ever */
    assert_true(busy_us(loop) < BUSY_QUIET_US);
    stream_want(s, STREAM_READABLE);
    RUN_UNTIL(loop, read_end == ERR_EOF);
    assert_true(busy_us(loop) < BUSY_QUIET_US);
}

static void a_blocked_writer_lets_the_loop_sleep(void **state)
{
    (void)state;
    struct bufq q = {0};
    bool is_end;

    push_bytes(&q, 16 << 20);
    assert_int_equal(stream_write(s, &q), ERR_AGAIN);
    bufq_clear(&q);
    assert_true(busy_us(loop) < BUSY_QUIET_US);
    for (int i = 0; i < 50; i++) {
        sockets_drain(far, &is_end);
        loop_run_for(loop, 0);
    }
    assert_true(busy_us(loop) < BUSY_QUIET_US); /* writable again, and nothing to write */
}

/* ---- closing ---- */

static void close_sends_what_was_written_and_then_the_end(void **state)
{
    (void)state;
    struct bufq q = {0};
    size_t total = 0;
    size_t drained = 0;
    bool is_end = false;

    while (stream_write(s, &q) == 0) {
        push_bytes(&q, 100000);
        total += 100000;
    }
    total -= q.bytes;
    bufq_clear(&q);
    stream_close(&s);
    while (!is_end) {
        drained += sockets_drain(far, &is_end);
        loop_run_for(loop, 1);
    }
    assert_int_equal(drained, total);
}

/* A plain close() would reset the peer because of its unread bytes, and the answer would be lost.
 */
static void close_before_the_peer_has_finished_does_not_reset_it(void **state)
{
    (void)state;
    char text[16];
    bool is_end = false;

    send_from_far("a request nobody reads");
    loop_run_for(loop, 2);
    assert_int_equal(stream_write_bytes(s, "answer", 6), 0);
    stream_close(&s);
    loop_run_for(loop, 2);
    send_from_far("and more of it");
    loop_run_for(loop, 5);
    assert_int_equal(recv(far, text, sizeof text, MSG_DONTWAIT), 6);
    assert_int_equal(sockets_drain(far, &is_end), 0);
    assert_true(is_end);
    send_from_far("and more of it");
}

enum { MUCH = 640 * 1024 };

/* Reads fast, so that the kernel gives the socket a large buffer; then lets bytes wait in it. */
static int let_much_wait(void)
{
    static const char block[16384];
    int waiting = 0;
    int on_their_way = 1;

    stream_want(s, STREAM_READABLE);
    for (int i = 0; i < 1000 || on_their_way; i++) {
        if (i < 1000) {
            sockets_stuff(far);
        }
        loop_run_for(loop, 0);
        bufq_clear(&got);
        ioctl(far, TIOCOUTQ, &on_their_way);
    }
    stream_unwant(s, STREAM_READABLE);
    for (int tries = 0; waiting < MUCH && tries < 1000; tries++) {
        (void)!send(far, block, sizeof block, MSG_DONTWAIT);
        usleep(1000);
        ioctl(tcp_fd(s), FIONREAD, &waiting);
    }
    return waiting;
}

/* More than is thrown away at once, and nothing follows that could be told. */
static void all_that_waits_for_a_closed_stream_is_thrown_away(void **state)
{
    (void)state;
    int fd = tcp_fd(s);

    if (let_much_wait() < MUCH) {
        skip(); /* this kernel is sparing */
    }
    shutdown(far, SHUT_WR);
    loop_run_for(loop, 5);
    stream_close(&s);
    RUN_UNTIL(loop, fcntl(fd, F_GETFD) < 0); /* long before its patience ends */
}

static void the_end_of_the_loop_cuts_a_close_that_nobody_waits_for(void **state)
{
    (void)state;
    struct bufq q = {0};

    push_bytes(&q, 16 << 20);
    assert_int_equal(stream_write(s, &q), ERR_AGAIN);
    bufq_clear(&q);
    stream_close(&s);
    loop_run_for(loop, 5);
    uint64_t start = clock_now_ms();
    loop_free(&loop);
    assert_true(clock_now_ms() - start < STREAM_LINGER_MS / 10);
    assert_int_equal(chunk_stats().in_use, 0);
}

static void after_close_nobody_is_told(void **state)
{
    (void)state;
    stream_want(s, STREAM_READABLE | STREAM_WRITABLE);
    send_from_far("x");
    stream_close(&s);
    far_resets();
    loop_run_for(loop, 10);
    assert_int_equal(told_count, 0);
}

/* ---- the rest ---- */

static void a_detached_socket_loses_nothing(void **state)
{
    (void)state;
    struct bufq unsent = {0};
    char text[16] = {0};

    send_from_far("early");
    loop_run_for(loop, 2);
    assert_int_equal(stream_write_bytes(s, "mine", 4), 0);
    int fd = tcp_detach_fd(&s, &unsent);
    assert_null(s);
    loop_run_for(loop, 2);
    assert_int_equal(unsent.bytes, 4);
    bufq_clear(&unsent);
    assert_int_equal(recv(fd, text, sizeof text, MSG_DONTWAIT), 5);
    open_stream(fd); /* may come back at once */
    stream_want(s, STREAM_READABLE);
    send_from_far("late");
    RUN_UNTIL(loop, got_is("late"));
}

static void facts_are_told(void **state)
{
    (void)state;
    struct stream_facts facts;

    stream_facts(s, &facts);
    assert_string_equal(facts.transport, "tcp");
    assert_ptr_equal(facts.socket, s);
    struct addr peer = tcp_peer(s);
    struct addr far_local = addr_of_local(far);
    assert_true(addr_equal(&peer, &far_local));
    assert_true(facts.can_half_close);
    assert_false(facts.is_encrypted);
}

static void check_figures(void)
{
    struct tcp_stats stats;
    struct tcp_info info;
    socklen_t size = sizeof info;

    assert_int_equal(getsockopt(far, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    if (size < sizeof info) {
        skip(); /* qemu-user takes it for an int */
    }
    assert_int_equal(stream_write_bytes(s, "12345678", 8), 0);
    RUN_UNTIL(loop, tcp_stats(s, &stats) == 0 && stats.acked_bytes >= 8);
    assert_true(stats.rtt_us > 0);
    uint64_t acked = stats.acked_bytes;
    loop_run_for(loop, 100);
    assert_int_equal(tcp_stats(s, &stats), 0);
    assert_in_range(stats.ack_age_ms, 50, 60000); /* of the last acknowledgement, not of asking */
    assert_int_equal(stats.acked_bytes, acked);
}

static void figures_are_the_kernels(void **state)
{
    (void)state;
    check_figures();
}

static void figures_are_the_kernels_over_ipv6_too(void **state)
{
    (void)state;
    int fds[2];

    if (!sockets_connected_v6(fds)) {
        skip(); /* there is no IPv6 here */
    }
    stream_abort(&s);
    far_closes();
    far = fds[1];
    open_stream(fds[0]);
    check_figures();
}

static void open_unix_pair(void)
{
    int fds[2];

    stream_abort(&s);
    far_closes();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    far = fds[1];
    open_stream(fds[0]);
}

static void unix_sockets_are_streams_too(void **state)
{
    (void)state;
    struct tcp_stats stats;
    struct stream_facts facts;

    open_unix_pair();
    stream_facts(s, &facts);
    assert_string_equal(facts.transport, "unix");
    assert_int_equal(tcp_stats(s, &stats), ERR_UNSUPPORTED);
    send_from_far("hello");
    far_closes();
    loop_run_for(loop, 10);
    assert_int_equal(events, 0); /* paused; a finished peer is no reset, and no spin */
    stream_want(s, STREAM_READABLE);
    RUN_UNTIL(loop, read_end);
    assert_true(got_is("hello"));
    assert_int_equal(read_end, ERR_EOF);
}

/* A read ends where a descriptor was passed. Nobody takes it. */
static void descriptors_passed_by_a_unix_peer_hide_no_bytes(void **state)
{
    (void)state;
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control = {
        .header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS},
    };
    struct iovec text = {.iov_base = (char[]){'a', 'b'}, .iov_len = 2};
    struct msghdr message = {
        .msg_iov = &text,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };

    open_unix_pair();
    memcpy(CMSG_DATA(&control.header), &far, sizeof far);
    stream_want(s, STREAM_READABLE);
    assert_int_equal(sendmsg(far, &message, 0), 2);
    send_from_far("cd");
    RUN_UNTIL(loop, got.bytes == 4);
    assert_true(got_is("abcd"));
}

static void what_cannot_be_watched_is_closed_and_the_log_says_so(void **state)
{
    (void)state;
    struct stream *none = NULL;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    line_count = 0;
    log_set_sink(count_line, NULL);
    assert_true(tcp_open(&none, loop, fd) < 0);
    log_set_sink(NULL, NULL);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(line_count, 1);
}

int main(void)
{
#define TCP_TEST(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)
    const struct CMUnitTest tests[] = {
        TCP_TEST(what_cannot_be_watched_is_closed_and_the_log_says_so),
        TCP_TEST(bytes_arrive_and_are_told_while_wanted),
        TCP_TEST(nothing_is_told_to_a_paused_reader),
        TCP_TEST(what_is_left_is_told_again_without_the_kernel),
        TCP_TEST(bulk_arrives_whole),
        TCP_TEST(the_end_of_the_peer_is_eof_and_writing_goes_on),
        TCP_TEST(a_write_waits_for_the_end_of_the_round),
        TCP_TEST(much_is_sent_at_once),
        TCP_TEST(a_full_socket_stops_the_writer_and_wakes_it_again),
        TCP_TEST(a_waiting_write_pins_no_large_chunk),
        TCP_TEST(shutdown_ends_our_direction_only),
        TCP_TEST(a_reset_is_told_while_reading_is_paused_and_bytes_before_it_are_kept),
        TCP_TEST(a_reset_after_the_end_of_the_peer_is_told_while_paused),
        TCP_TEST(a_reader_gets_the_reset),
        TCP_TEST(a_failed_send_does_not_turn_a_reset_into_an_end),
        TCP_TEST(a_true_end_before_a_reset_stays_an_end),
        TCP_TEST(abort_sends_a_reset),
        TCP_TEST(what_lies_behind_an_urgent_byte_is_read),
        TCP_TEST(urgent_bytes_do_not_make_the_loop_spin),
        TCP_TEST(a_paused_stream_lets_the_loop_sleep_whatever_waits_in_it),
        TCP_TEST(a_blocked_writer_lets_the_loop_sleep),
        TCP_TEST(close_sends_what_was_written_and_then_the_end),
        TCP_TEST(close_before_the_peer_has_finished_does_not_reset_it),
        TCP_TEST(all_that_waits_for_a_closed_stream_is_thrown_away),
        TCP_TEST(the_end_of_the_loop_cuts_a_close_that_nobody_waits_for),
        TCP_TEST(after_close_nobody_is_told),
        TCP_TEST(a_detached_socket_loses_nothing),
        TCP_TEST(facts_are_told),
        TCP_TEST(figures_are_the_kernels),
        TCP_TEST(figures_are_the_kernels_over_ipv6_too),
        TCP_TEST(unix_sockets_are_streams_too),
        TCP_TEST(descriptors_passed_by_a_unix_peer_hide_no_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
