/* The origin's side of HTTP/1 over a pipe: what is asked of it, what is made of its answers. */
#include "http/h1_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/text.h"
#include "support/pipe_stream.h"
#include "support/request_head.h"
#include "support/sockets.h"

static struct loop *loop;
static struct stream *origin; /* our end of the pipe */
static struct h1_client *client;
static struct exchange *x;
static struct h1_limits limits;
static struct pipe_options pipe_options;
static struct text story; /* what was read: "200 OK;body;EOF" */
static bool has_final;
static int read_end; /* 0: not yet */
static bool is_broken;
static unsigned writable_count;
static unsigned lost_count;
static struct bufq asked;

static void run(unsigned ms)
{
    loop_run_for(loop, ms);
}

/* ---- the user of the exchange ---- */

static void finish(int err)
{
    read_end = err;
    text_addf(&story, "%s", err_name(err));
    stream_unwant(&x->body, STREAM_READABLE);
}

static void tell_fields(const struct http_head *head)
{
    for (uint32_t i = 0; i < head->field_count; i++) {
        text_addf(&story, "%.*s=%.*s;", SLICE_ARG(head->fields[i].name),
                  SLICE_ARG(head->fields[i].value));
    }
}

static bool read_heads(void)
{
    struct http_head *head;
    int err = 0;

    while (!has_final && (err = exchange_read_head(x, &head)) == 0) {
        text_addf(&story, "%u %.*s;", head->status, SLICE_ARG(head->reason));
        tell_fields(head);
        has_final = !http_head_is_informational(head);
    }
    if (err < 0 && err != ERR_AGAIN) {
        finish(err);
    }
    return has_final;
}

static void read_body(void)
{
    struct bufq bytes = {0};
    int err;

    while ((err = stream_read(&x->body, &bytes, 5)) == 0) {
        text_add(&story, bufq_pullup(&bytes, bytes.bytes));
        bufq_clear(&bytes);
    }
    if (err != ERR_AGAIN) {
        text_add_str(&story, ";");
        if (exchange_trailers(x)) {
            tell_fields(exchange_trailers(x));
        }
        finish(err);
    }
}

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    (void)ctx;
    (void)s;
    is_broken |= (events & STREAM_BROKEN) != 0;
    writable_count += (events & STREAM_WRITABLE) != 0;
    if ((events & STREAM_READABLE) && read_end == 0 && read_heads()) {
        read_body();
    }
}

static void on_lost(void *ctx, struct h1_client *c)
{
    (void)ctx;
    assert_ptr_equal(c, client);
    lost_count++;
    h1_client_close(&client);
}

static const struct h1_client_user user = {on_lost};

/* ---- what the tests do ---- */

static void connect_origin(void)
{
    struct stream *near;

    pipe_open(loop, &pipe_options, &near, &origin);
    client = h1_client_attach(near, &limits, NULL, &user, NULL);
}

static struct http_head request_of(const char *method, const char *path)
{
    struct http_head head = {0};

    request_head(&head, method, "o:80", path);
    return head;
}

static void ask_head(struct http_head *head)
{
    text_clear(&story);
    has_final = false;
    read_end = 0;
    is_broken = false;
    x = h1_client_open(client);
    stream_set_user(&x->body, on_ready, NULL);
    stream_want(&x->body, STREAM_READABLE);
    assert_int_equal(exchange_send_head(x, head), 0);
    http_head_clear(head);
    run(2);
}

static void ask(const char *method, const char *path)
{
    struct http_head head = request_of(method, path);
    ask_head(&head);
}

static void reply_bytes(const char *text, size_t len)
{
    assert_int_equal(stream_write_bytes(origin, text, len), 0);
    run(2);
}
#define REPLY(literal) reply_bytes(literal, sizeof(literal) - 1)

static void assert_asked(const char *expected)
{
    (void)!stream_read(origin, &asked, SIZE_MAX);
    struct slice got = bufq_pullup(&asked, asked.bytes);
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.ptr ? got.ptr : "", expected, got.len);
    bufq_clear(&asked);
}

static void assert_story(const char *expected)
{
    assert_string_equal(text_str(&story), expected);
}

static void close_and_expect(bool is_reusable)
{
    exchange_close(&x);
    assert_int_equal(h1_client_is_reusable(client), is_reusable);
}

static int open_all(void **state)
{
    (void)state;
    loop = loop_new();
    limits = (struct h1_limits)H1_LIMITS_DEFAULT;
    pipe_options = (struct pipe_options){0};
    writable_count = lost_count = 0;
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    h1_client_close(&client);
    stream_abort(&origin);
    run(2);
    bufq_clear(&asked);
    text_deinit(&story);
    loop_free(&loop);
    assert_int_equal(chunk_stats().in_use, 0);
    return 0;
}

/* ---- answers ---- */

static void a_request_is_sent_and_its_answer_read(void **state)
{
    (void)state;
    connect_origin();
    ask("GET", "/a?b");
    assert_asked("GET /a?b HTTP/1.1\r\nHost: o:80\r\n\r\n");
    assert_false(x->has_heard);
    REPLY("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nhello");
    assert_story("200 OK;Content-Length=5;Set-Cookie=a;Set-Cookie=b;hello;EOF");
    assert_true(x->has_heard);
    assert_true(x->in_bytes == 5);
    close_and_expect(true);
    ask("GET", "/again");
    assert_asked("GET /again HTTP/1.1\r\nHost: o:80\r\n\r\n");
    REPLY("HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=7\r\n\r\n");
    assert_story("204 No Content;;EOF");
    close_and_expect(true);
    assert_int_equal(h1_client_keep_alive_ms(client), 7000);
}

static void every_split_of_the_answer_reads_the_same(void **state)
{
    static const char answer[] = "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
                                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "4\r\nWiki\r\n5\r\npedia\r\n0\r\nSum: 9\r\n\r\n";

    (void)state;
    connect_origin();
    for (size_t cut = 0; cut < sizeof(answer); cut++) {
        ask("GET", "/");
        reply_bytes(answer, cut);
        reply_bytes(answer + cut, sizeof(answer) - 1 - cut);
        assert_story("103 Early Hints;Link=<a>;200 OK;Wikipedia;Sum=9;EOF");
        close_and_expect(true);
    }
}

static void a_byte_a_turn_is_enough(void **state)
{
    (void)state;
    pipe_options.read_max = 1;
    connect_origin();
    ask("GET", "/");
    REPLY("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    run(20);
    assert_story("200 OK;Content-Length=3;abc;EOF");
    close_and_expect(true);
}

static void answers_to_head_have_no_body(void **state)
{
    (void)state;
    connect_origin();
    ask("HEAD", "/");
    REPLY("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    assert_story("200 OK;Content-Length=5;;EOF");
    close_and_expect(true);
}

static void an_answer_until_close_ends_with_the_stream(void **state)
{
    (void)state;
    connect_origin();
    ask("GET", "/");
    REPLY("HTTP/1.0 200 OK\r\n\r\nabc");
    assert_story("200 OK;abc");
    stream_close(&origin);
    run(3);
    assert_story("200 OK;abc;EOF");
    close_and_expect(false);
}

static void an_answer_until_close_that_is_cut_is_no_end(void **state)
{
    (void)state;
    connect_origin();
    ask("GET", "/");
    REPLY("HTTP/1.0 200 OK\r\n\r\nabc");
    pipe_cut(origin, ERR_TRUNCATED);
    run(3);
    assert_story("200 OK;abc;TRUNCATED");
    close_and_expect(false);
}

static void an_answer_cut_at_any_point_is_no_end(void **state)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "4\r\nWiki\r\n0\r\n\r\n";

    (void)state;
    for (size_t cut = 0; cut < sizeof(answer) - 1; cut++) {
        connect_origin();
        ask("GET", "/");
        reply_bytes(answer, cut);
        stream_close(&origin);
        run(3);
        assert_int_equal(read_end, ERR_TRUNCATED);
        assert_int_equal(x->has_heard, cut > 0);
        close_and_expect(false);
        h1_client_close(&client);
        run(1);
        assert_int_equal(chunk_stats().in_use, 0);
    }
}

static void malformed_answers_are_refused(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 1\n\n",
        "HTTP/1.1 200 OK\r\n folded\r\n\r\n",
        "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", /* not asked for */
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        connect_origin();
        ask("GET", "/");
        reply_bytes(answers[i], strlen(answers[i]));
        assert_int_equal(read_end, ERR_PROTOCOL);
        close_and_expect(false);
        h1_client_close(&client);
        stream_abort(&origin);
        run(1);
    }
}

static void endless_hints_are_refused(void **state)
{
    (void)state;
    connect_origin();
    ask("GET", "/");
    for (int i = 0; i < H1_INFORMATIONAL; i++) {
        REPLY("HTTP/1.1 103 Early Hints\r\n\r\n");
    }
    assert_int_equal(read_end, 0);
    REPLY("HTTP/1.1 103 Early Hints\r\n\r\n");
    assert_int_equal(read_end, ERR_PROTOCOL);
}

/* ---- reuse ---- */

static void connections_that_must_not_be_reused_are_not(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nleft-over",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        connect_origin();
        ask("GET", "/");
        reply_bytes(answers[i], strlen(answers[i]));
        assert_int_equal(read_end, ERR_EOF);
        close_and_expect(false);
        h1_client_close(&client);
        stream_abort(&origin);
        run(1);
    }
}

static void http_1_0_with_keep_alive_is_reused(void **state)
{
    (void)state;
    connect_origin();
    ask("GET", "/");
    REPLY("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
    close_and_expect(true);
}

static void an_idle_connection_that_says_something_is_lost(void **state)
{
    (void)state;
    connect_origin();
    ask("GET", "/");
    REPLY("HTTP/1.1 204 No\r\n\r\n");
    close_and_expect(true);
    REPLY("HTTP/1.1 408 Too slow\r\n\r\n");
    assert_int_equal(lost_count, 1);
}

static void an_idle_connection_that_ends_is_lost(void **state)
{
    (void)state;
    connect_origin();
    run(2);
    stream_close(&origin);
    run(3);
    assert_int_equal(lost_count, 0); /* nobody waited for anything yet */
    h1_client_close(&client);
    connect_origin();
    ask("GET", "/");
    REPLY("HTTP/1.1 204 No\r\n\r\n");
    close_and_expect(true);
    stream_close(&origin);
    run(3);
    assert_int_equal(lost_count, 1);
}

/* ---- requests ---- */

static void bodies_are_framed_by_what_is_known(void **state)
{
    struct http_head head = request_of("POST", "/s");

    (void)state;
    connect_origin();
    head.body = HTTP_BODY_SIZED;
    head.body_bytes = 3;
    ask_head(&head);
    assert_int_equal(stream_write_bytes(&x->body, "abc", 3), 0);
    assert_int_equal(stream_shutdown(&x->body), 0);
    run(2);
    assert_asked("POST /s HTTP/1.1\r\nHost: o:80\r\nContent-Length: 3\r\n\r\nabc");
    REPLY("HTTP/1.1 204 No\r\n\r\n");
    close_and_expect(true);

    head = request_of("POST", "/c");
    head.body = HTTP_BODY_OPEN;
    head.takes_trailers = true;
    ask_head(&head);
    assert_int_equal(stream_write_bytes(&x->body, "abc", 3), 0);
    http_head_add(&head, HTTP_ETAG, SLICE("t"));
    assert_int_equal(exchange_send_trailers(x, &head), 0);
    http_head_clear(&head);
    assert_int_equal(stream_shutdown(&x->body), 0);
    run(2);
    assert_asked("POST /c HTTP/1.1\r\nHost: o:80\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n"
                 "Connection: TE\r\n\r\n3\r\nabc\r\n0\r\nETag: t\r\n\r\n");
    REPLY("HTTP/1.1 204 No\r\n\r\n");
    close_and_expect(true);

    ask("POST", "/none");
    assert_asked("POST /none HTTP/1.1\r\nHost: o:80\r\nContent-Length: 0\r\n\r\n");
}

static void content_length_keeps_its_place_only_when_true(void **state)
{
    struct http_head head = request_of("PUT", "/");

    (void)state;
    connect_origin();
    http_head_add_name(&head, SLICE("content-length"), SLICE("3"));
    http_head_add(&head, HTTP_HOST, SLICE("o:80"));
    head.body = HTTP_BODY_SIZED;
    head.body_bytes = 3;
    ask_head(&head);
    assert_asked("PUT / HTTP/1.1\r\ncontent-length: 3\r\nHost: o:80\r\n\r\n");
    exchange_abort(&x);
    h1_client_close(&client);
    stream_abort(&origin);

    connect_origin();
    head = request_of("PUT", "/");
    http_head_add_name(&head, SLICE("content-length"), SLICE("3"));
    head.body = HTTP_BODY_OPEN;
    ask_head(&head);
    assert_asked("PUT / HTTP/1.1\r\nHost: o:80\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static void a_head_that_would_split_is_not_sent(void **state)
{
    struct http_head head = request_of("GET", "/ HTTP/1.1\r\nX: y");

    (void)state;
    connect_origin();
    x = h1_client_open(client);
    assert_int_equal(exchange_send_head(x, &head), ERR_INVALID);
    http_head_clear(&head);
    exchange_close(&x);
    assert_false(h1_client_is_reusable(client));
}

static void continue_comes_before_the_final_head(void **state)
{
    struct http_head head = request_of("POST", "/");

    (void)state;
    connect_origin();
    http_head_add(&head, HTTP_EXPECT, SLICE("100-continue"));
    head.body = HTTP_BODY_SIZED;
    head.body_bytes = 2;
    ask_head(&head);
    assert_asked("POST / HTTP/1.1\r\nExpect: 100-continue\r\nHost: o:80\r\n"
                 "Content-Length: 2\r\n\r\n");
    REPLY("HTTP/1.1 100 Continue\r\n\r\n");
    assert_story("100 Continue;");
    assert_int_equal(stream_write_bytes(&x->body, "ab", 2), 0);
    run(2);
    assert_asked("ab");
    REPLY("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    assert_story("100 Continue;201 Created;Content-Length=0;;EOF");
    close_and_expect(true);
}

static void an_early_answer_stops_the_request(void **state)
{
    struct http_head head = request_of("POST", "/");

    (void)state;
    connect_origin();
    head.body = HTTP_BODY_OPEN;
    ask_head(&head);
    assert_int_equal(stream_write_bytes(&x->body, "ab", 2), 0);
    REPLY("HTTP/1.1 413 Too much\r\nContent-Length: 2\r\n\r\nno");
    assert_story("413 Too much;Content-Length=2;no;EOF");
    struct bufq more = {0};
    bufq_push_str(&more, "more");
    assert_int_equal(stream_write(&x->body, &more), ERR_CLOSED);
    bufq_clear(&more);
    close_and_expect(false);
}

static void an_origin_that_does_not_read_stops_the_body(void **state)
{
    static char flood[400000];
    struct http_head head = request_of("POST", "/");
    struct bufq bytes = {0};

    (void)state;
    connect_origin();
    head.body = HTTP_BODY_OPEN;
    ask_head(&head);
    bufq_push(&bytes, flood, sizeof(flood));
    for (int i = 0; i < 10; i++) {
        (void)!stream_write(&x->body, &bytes);
        run(1);
    }
    assert_true(bytes.bytes >= sizeof(flood) - 2 * STREAM_TX_BYTES);
    stream_want(&x->body, STREAM_WRITABLE);
    run(3);
    assert_int_equal(writable_count, 0);
    (void)!stream_read(origin, &asked, SIZE_MAX);
    bufq_clear(&asked);
    run(3);
    assert_int_equal(writable_count, 1);
    bufq_clear(&bytes);
    exchange_abort(&x);
}

static void an_answer_nobody_reads_stops_the_origin(void **state)
{
    static char flood[400000];
    struct bufq bytes = {0};

    (void)state;
    connect_origin();
    ask("GET", "/");
    REPLY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n61A80\r\n");
    stream_unwant(&x->body, STREAM_READABLE);
    bufq_push(&bytes, flood, sizeof(flood));
    for (int i = 0; i < 10; i++) {
        (void)!stream_write(origin, &bytes);
        run(1);
    }
    assert_true(bytes.bytes >= sizeof(flood) - 3 * STREAM_TX_BYTES);
    stream_want(&x->body, STREAM_READABLE);
    for (int i = 0; i < 60 && !bufq_is_empty(&bytes); i++) {
        (void)!stream_write(origin, &bytes);
        run(1);
    }
    REPLY("\r\n0\r\n\r\n");
    assert_int_equal(read_end, ERR_EOF);
    assert_true(x->in_bytes == sizeof(flood));
    close_and_expect(true);
}

/* ---- tunnels ---- */

static void an_upgrade_becomes_the_plain_stream_with_what_came_behind(void **state)
{
    struct http_head head = request_of("GET", "/ws");

    (void)state;
    connect_origin();
    head.upgrade = SLICE("websocket");
    ask_head(&head);
    assert_asked("GET /ws HTTP/1.1\r\nHost: o:80\r\nUpgrade: websocket\r\nConnection: "
                 "Upgrade\r\n\r\n");
    REPLY("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
          "first");
    assert_story("101 Switching Protocols;first");
    assert_int_equal(stream_write_bytes(&x->body, "raw", 3), 0);
    run(2);
    assert_asked("raw");
    assert_int_equal(stream_shutdown(&x->body), 0);
    run(2);
    assert_int_equal(stream_read(origin, &asked, 1), ERR_EOF);
    REPLY(" last");
    stream_close(&origin);
    run(3);
    assert_story("101 Switching Protocols;first last;EOF");
    close_and_expect(false);
}

static void a_refused_upgrade_is_an_ordinary_answer(void **state)
{
    struct http_head head = request_of("GET", "/ws");

    (void)state;
    connect_origin();
    head.upgrade = SLICE("websocket");
    ask_head(&head);
    REPLY("HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\nx");
    assert_story("403 No;Content-Length=1;x;EOF");
    close_and_expect(true);
}

/* ---- ends ---- */

static void cancelling_reaches_the_origin_at_once(void **state)
{
    (void)state;
    connect_origin();
    ask("GET", "/");
    REPLY("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
    stream_unwant(&x->body, STREAM_READABLE);
    close_and_expect(false);
    run(1);
    assert_asked("GET / HTTP/1.1\r\nHost: o:80\r\n\r\n");
    assert_int_equal(stream_read(origin, &asked, 1), ERR_RESET);
}

static void a_lost_origin_is_told_even_to_who_does_not_read(void **state)
{
    (void)state;
    connect_origin();
    ask("GET", "/");
    stream_unwant(&x->body, STREAM_READABLE);
    stream_abort(&origin);
    run(2);
    assert_true(is_broken);
    close_and_expect(false);
}

static void a_silent_origin_times_out(void **state)
{
    (void)state;
    limits.answer_ms = 20;
    connect_origin();
    uint64_t start = loop_now_ms(loop);
    ask("GET", "/");
    RUN_UNTIL(loop, is_broken);
    assert_true(loop_now_ms(loop) - start >= 20);
    assert_int_equal(read_end, ERR_TIMEOUT);
    close_and_expect(false);
}

static void a_silent_body_does_not_time_out(void **state)
{
    (void)state;
    limits.answer_ms = 100;
    limits.stall_ms = 100;
    connect_origin();
    ask("GET", "/events");
    REPLY("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    run(150);
    assert_int_equal(read_end, 0);
    assert_false(is_broken);
    REPLY("0\r\n\r\n");
    close_and_expect(true);
}

static void closing_an_open_client_cuts_its_exchange(void **state)
{
    (void)state;
    connect_origin();
    ask("GET", "/");
    h1_client_close(&client);
    assert_null(client);
    run(2);
    assert_asked("GET / HTTP/1.1\r\nHost: o:80\r\n\r\n");
    assert_int_equal(stream_read(origin, &asked, 1), ERR_RESET);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_sent_and_its_answer_read),
        TEST(every_split_of_the_answer_reads_the_same),
        TEST(a_byte_a_turn_is_enough),
        TEST(answers_to_head_have_no_body),
        TEST(an_answer_until_close_ends_with_the_stream),
        TEST(an_answer_until_close_that_is_cut_is_no_end),
        TEST(an_answer_cut_at_any_point_is_no_end),
        TEST(malformed_answers_are_refused),
        TEST(endless_hints_are_refused),
        TEST(connections_that_must_not_be_reused_are_not),
        TEST(http_1_0_with_keep_alive_is_reused),
        TEST(an_idle_connection_that_says_something_is_lost),
        TEST(an_idle_connection_that_ends_is_lost),
        TEST(bodies_are_framed_by_what_is_known),
        TEST(content_length_keeps_its_place_only_when_true),
        TEST(a_head_that_would_split_is_not_sent),
        TEST(continue_comes_before_the_final_head),
        TEST(an_early_answer_stops_the_request),
        TEST(an_origin_that_does_not_read_stops_the_body),
        TEST(an_answer_nobody_reads_stops_the_origin),
        TEST(an_upgrade_becomes_the_plain_stream_with_what_came_behind),
        TEST(a_refused_upgrade_is_an_ordinary_answer),
        TEST(cancelling_reaches_the_origin_at_once),
        TEST(a_lost_origin_is_told_even_to_who_does_not_read),
        TEST(a_silent_origin_times_out),
        TEST(a_silent_body_does_not_time_out),
        TEST(closing_an_open_client_cuts_its_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
