/* The visitor's side of HTTP/1 over a pipe: what is asked byte by byte, what is answered. */
#include "http/h1_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/text.h"
#include "support/pipe_stream.h"
#include "support/sockets.h"

enum { EXCHANGES_MAX = 8 };

/* What one exchange's user saw and does. */
struct visit {
    struct exchange *x; /* NULL: closed */
    struct text body;
    struct text trailers;
    int read_end; /* 0: not yet; ERR_EOF: complete; others: failed */
    bool is_broken;
    unsigned writable_count;
};

static struct loop *loop;
static struct stream *visitor; /* our end of the pipe */
static struct stream *server_end;
static struct h1_server *server;
static struct h1_limits limits;
static struct pipe_options pipe_options;
static struct visit visits[EXCHANGES_MAX];
static unsigned visit_count;
static void (*script)(struct visit *v); /* on each exchange */
static bool wants_body;
static int end_reason;
static bool has_ended;
static struct bufq received;
static int visitor_end; /* what reading said last, once it is not AGAIN */

/* ---- the user of exchanges ---- */

static void add_bytes(struct text *t, struct bufq *q)
{
    while (!bufq_is_empty(q)) {
        struct slice piece = bufq_front(q);
        text_add(t, piece);
        bufq_drop(q, piece.len);
    }
}

static void read_body(struct visit *v)
{
    struct bufq bytes = {0};
    int err;

    while ((err = stream_read(&v->x->body, &bytes, 1000)) == 0) {
        add_bytes(&v->body, &bytes);
    }
    if (err == ERR_AGAIN) {
        return;
    }
    v->read_end = err;
    const struct http_head *trailers = exchange_trailers(v->x);
    for (uint32_t i = 0; trailers && i < trailers->field_count; i++) {
        text_addf(&v->trailers, "%.*s=%.*s;", SLICE_ARG(trailers->fields[i].name),
                  SLICE_ARG(trailers->fields[i].value));
    }
    stream_unwant(&v->x->body, STREAM_READABLE);
    if (script && err == ERR_EOF) {
        script(v);
    }
}

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    struct visit *v = ctx;

    (void)s;
    if (events & STREAM_BROKEN) {
        v->is_broken = true;
        exchange_close(&v->x);
        return;
    }
    v->writable_count += (events & STREAM_WRITABLE) != 0;
    if (events & STREAM_READABLE) {
        read_body(v);
    }
}

static void on_exchange(void *ctx, struct h1_server *c, struct exchange *x)
{
    struct visit *v = &visits[visit_count++];

    (void)ctx;
    (void)c;
    assert_in_range(visit_count, 1, EXCHANGES_MAX);
    v->x = x;
    stream_set_user(&x->body, on_ready, v);
    if (wants_body) {
        stream_want(&x->body, STREAM_READABLE);
    } else if (script) {
        script(v);
    }
}

static void on_end(void *ctx, struct h1_server *c, int reason)
{
    (void)ctx;
    (void)c;
    assert_false(has_ended);
    has_ended = true;
    end_reason = reason;
    server = NULL;
}

static const struct h1_server_user user = {.on_exchange = on_exchange, .on_end = on_end};

static struct http_head *head_of(struct visit *v)
{
    struct http_head *head = NULL;
    assert_int_equal(exchange_read_head(v->x, &head), 0);
    return head;
}

static void answer(struct visit *v, uint16_t status, const char *body)
{
    struct http_head head = {0};

    http_head_make_response(&head, status);
    head.body = strlen(body) > 0 ? HTTP_BODY_SIZED : HTTP_BODY_NONE;
    head.body_bytes = strlen(body);
    assert_int_equal(exchange_send_head(v->x, &head), 0);
    http_head_clear(&head);
    if (strlen(body) > 0 && !slice_is(head_of(v)->method, "HEAD")) {
        struct bufq bytes = {0};
        bufq_push_str(&bytes, body);
        assert_int_equal(stream_write(&v->x->body, &bytes), 0);
    }
    assert_int_equal(stream_shutdown(&v->x->body), 0);
}

/* "method path authority body" back to the visitor. */
static void echo(struct visit *v)
{
    struct http_head *head = head_of(v);
    struct text line = {0};

    text_addf(&line, "%.*s %.*s %.*s %s", SLICE_ARG(head->method), SLICE_ARG(head->path),
              SLICE_ARG(head->authority), text_str(&v->body));
    answer(v, 200, text_str(&line));
    text_deinit(&line);
    exchange_close(&v->x);
}

/* ---- the visitor ---- */

/* A busy machine may spend the time on one turn: a few more are always given. */
static void run(unsigned ms)
{
    loop_run_for(loop, ms);
    for (int turn = 0; turn < 8; turn++) {
        loop_run_for(loop, 0);
    }
}

static void on_visitor(void *ctx, struct stream *s, unsigned events)
{
    int err;

    (void)ctx;
    (void)events;
    while ((err = stream_read(s, &received, SIZE_MAX)) == 0) {
    }
    if (err != ERR_AGAIN) {
        visitor_end = err;
        stream_unwant(s, STREAM_READABLE);
    }
}

static void say(const char *text, size_t len)
{
    assert_int_equal(stream_write_bytes(visitor, text, len), 0);
    run(2);
}
#define SAY(literal) say(literal, sizeof(literal) - 1)

/* What came since the last call. */
static const char *heard(void)
{
    static char text[8192];
    size_t n = received.bytes < sizeof(text) - 1 ? received.bytes : sizeof(text) - 1;

    bufq_peek(&received, text, n);
    text[n] = '\0';
    bufq_clear(&received);
    return text;
}

static void assert_heard(const char *expected)
{
    assert_string_equal(heard(), expected);
}

static void assert_heard_status(unsigned status)
{
    char start[32];

    snprintf(start, sizeof(start), "HTTP/1.1 %u ", status);
    assert_memory_equal(heard(), start, strlen(start));
}

static void connect_visitor(void)
{
    pipe_open(loop, &pipe_options, &visitor, &server_end);
    stream_set_user(visitor, on_visitor, NULL);
    stream_want(visitor, STREAM_READABLE);
    server = h1_server_attach(server_end, NULL, &limits, NULL, &user, NULL);
}

static int open_all(void **state)
{
    (void)state;
    loop = loop_new();
    limits = (struct h1_limits)H1_LIMITS_DEFAULT;
    pipe_options = (struct pipe_options){0};
    memset(visits, 0, sizeof(visits));
    visit_count = 0;
    script = echo;
    wants_body = true;
    has_ended = false;
    end_reason = 0;
    visitor_end = 0;
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    h1_server_abort(&server);
    stream_abort(&visitor);
    run(2);
    bufq_clear(&received);
    for (unsigned i = 0; i < EXCHANGES_MAX; i++) {
        text_deinit(&visits[i].body);
        text_deinit(&visits[i].trailers);
    }
    loop_free(&loop);
    assert_int_equal(chunk_stats().in_use, 0);
    return 0;
}

/* ---- requests that follow each other ---- */

static void a_request_is_answered_and_the_connection_kept(void **state)
{
    (void)state;
    connect_visitor();
    SAY("GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nGET /a?b h ");
    SAY("POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nPOST /c h body");
    assert_false(has_ended);
    assert_int_equal(visit_count, 2);
}

static void every_split_of_the_input_gives_the_same_answer(void **state)
{
    static const char input[] = "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "4\r\nWiki\r\n3;x=y\r\npad\r\n0\r\nSum: 1\r\n\r\n"
                                "GET / HTTP/1.1\r\nHost: i\r\n\r\n";

    (void)state;
    for (size_t cut = 0; cut < sizeof(input); cut++) {
        visit_count = 0;
        text_clear(&visits[0].body);
        connect_visitor();
        say(input, cut);
        say(input + cut, sizeof(input) - 1 - cut);
        assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\nPOST /c h Wikipad"
                     "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nGET / i ");
        h1_server_abort(&server);
        stream_abort(&visitor);
        run(1);
    }
}

static void a_byte_a_turn_is_enough(void **state)
{
    (void)state;
    pipe_options.read_max = 1;
    connect_visitor();
    SAY("PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
    run(20);
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nPUT /x h ab");
}

static void pipelined_requests_wait_for_the_one_before(void **state)
{
    (void)state;
    script = NULL;
    connect_visitor();
    SAY("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(visit_count, 1);
    assert_int_equal(visits[0].read_end, ERR_EOF);
    run(5);
    assert_int_equal(visit_count, 1);
    echo(&visits[0]);
    run(2);
    assert_int_equal(visit_count, 2);
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nGET /1 h ");
    echo(&visits[1]);
    run(2);
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nGET /2 h ");
}

static void input_behind_an_open_exchange_stays_with_the_sender(void **state)
{
    static char flood[300000];

    (void)state;
    script = NULL;
    connect_visitor();
    SAY("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    memset(flood, 'x', sizeof(flood));
    struct bufq bytes = {0};
    bufq_push(&bytes, flood, sizeof(flood));
    for (int i = 0; i < 20; i++) {
        (void)!stream_write(visitor, &bytes);
        run(1);
    }
    assert_in_range(bytes.bytes, sizeof(flood) - STREAM_TX_BYTES - 4096, sizeof(flood));
    bufq_clear(&bytes);
}

static void an_empty_line_before_a_request_is_forgiven_once(void **state)
{
    (void)state;
    connect_visitor();
    SAY("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_heard_status(200);
    SAY("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_heard_status(400);
}

static void heads_keep_case_order_and_duplicates(void **state)
{
    (void)state;
    script = NULL;
    connect_visitor();
    SAY("GET / HTTP/1.1\r\nhOST: h\r\nX-b: 1\r\nx-A: 2\r\nX-b: 3\r\nConnection: x-a\r\n\r\n");
    struct http_head *head = head_of(&visits[0]);
    assert_int_equal(head->field_count, 3);
    assert_true(slice_is(head->fields[0].name, "hOST"));
    assert_true(slice_is(head->fields[1].value, "1"));
    assert_true(slice_is(head->fields[2].value, "3"));
    assert_true(slice_is(head->scheme, "http"));
    exchange_close(&visits[0].x);
}

static void an_absolute_target_replaces_host(void **state)
{
    (void)state;
    connect_visitor();
    SAY("GET http://H:80?q HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nGET /?q H:80 ");
}

static void options_of_the_whole_server_are_a_request(void **state)
{
    (void)state;
    connect_visitor();
    SAY("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nOPTIONS * h ");
}

/* ---- bodies ---- */

static void trailers_come_behind_the_body(void **state)
{
    (void)state;
    connect_visitor();
    SAY("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\na\r\n0\r\nSum: 7\r\nHost: evil\r\nX: y\r\n\r\n");
    assert_string_equal(text_str(&visits[0].trailers), "Sum=7;X=y;");
}

static void a_broken_body_leaves_the_answer_to_the_user(void **state)
{
    (void)state;
    connect_visitor();
    SAY("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n");
    assert_string_equal(text_str(&visits[0].body), "ab");
    assert_int_equal(visits[0].read_end, ERR_PROTOCOL);
    assert_int_equal(exchange_status_of(visits[0].read_end), 400);
    assert_int_equal(exchange_answer_status(visits[0].x, 400), 0);
    exchange_close(&visits[0].x);
    run(2);
    assert_heard_status(400);
    assert_int_equal(visitor_end, ERR_EOF);
}

static void a_visitor_that_leaves_within_its_body_is_a_truncation(void **state)
{
    (void)state;
    connect_visitor();
    SAY("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    assert_int_equal(stream_shutdown(visitor), 0);
    run(2);
    assert_int_equal(visits[0].read_end, ERR_TRUNCATED);
    exchange_abort(&visits[0].x);
    run(2);
    assert_true(has_ended);
}

static void a_body_nobody_reads_stops_the_sender(void **state)
{
    static char flood[500000];
    struct bufq bytes = {0};

    (void)state;
    wants_body = false;
    script = NULL;
    connect_visitor();
    SAY("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n");
    bufq_push(&bytes, flood, sizeof(flood));
    for (int i = 0; i < 30; i++) {
        (void)!stream_write(visitor, &bytes);
        run(1);
    }
    assert_true(bytes.bytes >= sizeof(flood) - 2 * STREAM_TX_BYTES);
    stream_want(&visits[0].x->body, STREAM_READABLE);
    for (int i = 0; i < 100 && visits[0].read_end == 0; i++) {
        (void)!stream_write(visitor, &bytes);
        run(1);
    }
    assert_int_equal(visits[0].read_end, ERR_EOF);
    assert_int_equal(visits[0].body.len, sizeof(flood));
    assert_true(visits[0].x->in_bytes == sizeof(flood));
    exchange_abort(&visits[0].x);
}

static void a_chunked_response_goes_out_piece_by_piece(void **state)
{
    struct http_head head = {0};

    (void)state;
    script = NULL;
    connect_visitor();
    SAY("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
    http_head_make_response(&head, 200);
    head.body = HTTP_BODY_OPEN;
    http_head_add(&head, HTTP_SET_COOKIE, SLICE("a=1"));
    http_head_add(&head, HTTP_SET_COOKIE, SLICE("b=2"));
    assert_int_equal(exchange_send_head(visits[0].x, &head), 0);
    http_head_clear(&head);
    run(2);
    assert_heard("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(stream_write_bytes(&visits[0].x->body, "data: 1\n\n", 9), 0);
    run(2);
    assert_heard("9\r\ndata: 1\n\n\r\n");
    http_head_add(&head, HTTP_ETAG, SLICE("x"));
    assert_int_equal(exchange_send_trailers(visits[0].x, &head), 0);
    http_head_clear(&head);
    assert_int_equal(stream_shutdown(&visits[0].x->body), 0);
    exchange_close(&visits[0].x);
    run(2);
    assert_heard("0\r\nETag: x\r\n\r\n");
    assert_false(has_ended);
}

static void a_slow_reader_stops_the_response(void **state)
{
    static char block[65536];
    struct http_head head = {0};
    size_t written = 0;

    (void)state;
    script = NULL;
    connect_visitor();
    SAY("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    stream_unwant(visitor, STREAM_READABLE);
    http_head_make_response(&head, 200);
    head.body = HTTP_BODY_OPEN;
    assert_int_equal(exchange_send_head(visits[0].x, &head), 0);
    http_head_clear(&head);
    struct bufq bytes = {0};
    bufq_push(&bytes, block, sizeof(block));
    for (int i = 0; i < 20; i++) {
        struct bufq piece = {0};
        struct bufq_mark mark = {0};
        bufq_share(&piece, &bytes, &mark, bytes.bytes);
        (void)!stream_write(&visits[0].x->body, &piece);
        written += bytes.bytes - piece.bytes;
        bufq_clear(&piece);
        run(1);
    }
    assert_in_range(written, STREAM_TX_BYTES, 2 * STREAM_TX_BYTES);
    bufq_clear(&bytes);
    assert_int_equal(visits[0].writable_count, 0);
    stream_want(&visits[0].x->body, STREAM_WRITABLE);
    run(3);
    assert_int_equal(visits[0].writable_count, 0);
    stream_want(visitor, STREAM_READABLE);
    run(5);
    assert_int_equal(visits[0].writable_count, 1);
    exchange_abort(&visits[0].x);
}

static void head_requests_get_no_body(void **state)
{
    (void)state;
    connect_visitor();
    SAY("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nGET / h ");
}

/* ---- 100-continue, early answers ---- */

static void hints_go_out_before_the_final_head(void **state)
{
    struct http_head head = {0};

    (void)state;
    script = echo;
    connect_visitor();
    SAY("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(visit_count, 1);
    assert_true(slice_is(http_head_value(head_of(&visits[0]), HTTP_EXPECT), "100-continue"));
    http_head_make_response(&head, 100);
    assert_int_equal(exchange_send_head(visits[0].x, &head), 0);
    http_head_clear(&head);
    run(2);
    assert_heard("HTTP/1.1 100 Continue\r\n\r\n");
    SAY("ab");
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nPOST / h ab");
    assert_false(has_ended);
}

static void a_final_answer_instead_of_continue_closes(void **state)
{
    (void)state;
    wants_body = false;
    script = NULL;
    connect_visitor();
    SAY("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    answer(&visits[0], 413, "no");
    exchange_close(&visits[0].x);
    run(2);
    assert_heard("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
                 "no");
    assert_int_equal(visitor_end, ERR_EOF);
}

static void a_little_unread_body_is_read_away(void **state)
{
    (void)state;
    wants_body = false;
    script = NULL;
    connect_visitor();
    SAY("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc");
    answer(&visits[0], 413, "no");
    exchange_close(&visits[0].x);
    run(2);
    assert_heard_status(413);
    script = echo;
    SAY("defGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    wants_body = true;
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nGET / h ");
}

static void much_unread_body_ends_the_connection_after_the_answer(void **state)
{
    static char flood[200000];
    struct bufq bytes = {0};

    (void)state;
    wants_body = false;
    script = NULL;
    connect_visitor();
    SAY("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n");
    answer(&visits[0], 413, "no");
    exchange_close(&visits[0].x);
    bufq_push(&bytes, flood, sizeof(flood));
    for (int i = 0; i < 20 && !has_ended; i++) {
        (void)!stream_write(visitor, &bytes);
        run(1);
    }
    assert_heard_status(413);
    assert_int_equal(visitor_end, ERR_EOF); /* properly, not by a reset */
    bufq_clear(&bytes);
}

/* ---- the end ---- */

static void http_1_0_closes_unless_asked_to_keep(void **state)
{
    (void)state;
    connect_visitor();
    SAY("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: keep-alive\r\n\r\nGET /  ");
    SAY("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nGET / h ");
    assert_int_equal(visitor_end, ERR_EOF);
    assert_true(has_ended);
    assert_int_equal(end_reason, 0);
}

static void http_1_0_gets_an_open_body_until_the_close(void **state)
{
    struct http_head head = {0};

    (void)state;
    script = NULL;
    connect_visitor();
    SAY("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    http_head_make_response(&head, 103);
    assert_int_equal(exchange_send_head(visits[0].x, &head), 0);
    http_head_clear(&head);
    http_head_make_response(&head, 200);
    head.body = HTTP_BODY_OPEN;
    assert_int_equal(exchange_send_head(visits[0].x, &head), 0);
    http_head_clear(&head);
    assert_int_equal(stream_write_bytes(&visits[0].x->body, "abc", 3), 0);
    assert_int_equal(stream_shutdown(&visits[0].x->body), 0);
    exchange_close(&visits[0].x);
    run(2);
    assert_heard("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc");
    assert_int_equal(visitor_end, ERR_EOF);
}

static void a_half_closed_visitor_is_still_answered(void **state)
{
    (void)state;
    script = NULL;
    connect_visitor();
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27);
    assert_int_equal(stream_shutdown(visitor), 0);
    run(3);
    assert_false(has_ended);
    echo(&visits[0]);
    run(3);
    assert_heard_status(200);
    assert_true(has_ended);
    assert_int_equal(end_reason, 0);
}

static void start_events(struct visit *v)
{
    struct http_head head = {0};

    http_head_make_response(&head, 200);
    head.body = HTTP_BODY_OPEN;
    assert_int_equal(exchange_send_head(v->x, &head), 0);
    http_head_clear(&head);
}

static void a_visitor_that_closed_leaves_its_events_behind(void **state)
{
    (void)state;
    limits.left_ms = 20;
    script = start_events;
    connect_visitor();
    SAY("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    uint64_t start = loop_now_ms(loop);
    stream_close(&visitor);
    RUN_UNTIL(loop, has_ended);
    assert_true(loop_now_ms(loop) - start >= 20);
    assert_true(visits[0].is_broken);
}

static void a_visitor_that_closed_waits_for_a_slow_answer(void **state)
{
    (void)state;
    limits.left_ms = 10;
    limits.stall_ms = 60;
    script = NULL;
    connect_visitor();
    uint64_t start = loop_now_ms(loop);
    SAY("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(stream_shutdown(visitor), 0);
    RUN_UNTIL(loop, visits[0].is_broken);
    assert_true(loop_now_ms(loop) - start >= 60);
}

static void a_visitor_whose_first_bytes_were_sniffed_counts_as_gone_too(void **state)
{
    struct bufq input = {0};

    (void)state;
    limits.stall_ms = 20;
    script = NULL;
    pipe_open(loop, &pipe_options, &visitor, &server_end);
    bufq_push_str(&input, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    server = h1_server_attach(server_end, &input, &limits, NULL, &user, NULL);
    run(2);
    stream_close(&visitor);
    RUN_UNTIL(loop, has_ended);
    assert_true(visits[0].is_broken);
}

static void pipelined_requests_before_a_fin_are_all_answered(void **state)
{
    (void)state;
    script = NULL;
    connect_visitor();
    say("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n", 28);
    say("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n", 28);
    assert_int_equal(stream_shutdown(visitor), 0);
    run(3);
    echo(&visits[0]);
    run(3);
    echo(&visits[1]);
    run(3);
    assert_true(has_ended);
    assert_int_equal(end_reason, 0);
}

static void a_reset_reaches_a_user_who_is_not_reading(void **state)
{
    (void)state;
    wants_body = false;
    script = NULL;
    connect_visitor();
    SAY("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    stream_abort(&visitor);
    run(2);
    assert_true(visits[0].is_broken);
    assert_true(has_ended);
    assert_int_equal(end_reason, ERR_RESET);
}

static void an_unfinished_response_is_cut_visibly(void **state)
{
    struct http_head head = {0};

    (void)state;
    script = NULL;
    connect_visitor();
    SAY("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    http_head_make_response(&head, 200);
    head.body = HTTP_BODY_SIZED;
    head.body_bytes = 10;
    assert_int_equal(exchange_send_head(visits[0].x, &head), 0);
    http_head_clear(&head);
    assert_int_equal(stream_write_bytes(&visits[0].x->body, "abc", 3), 0);
    assert_int_equal(stream_shutdown(&visits[0].x->body), ERR_INVALID);
    exchange_close(&visits[0].x);
    run(2);
    assert_int_equal(visitor_end, ERR_RESET);
}

static void more_body_than_announced_is_refused(void **state)
{
    struct http_head head = {0};

    (void)state;
    script = NULL;
    connect_visitor();
    SAY("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    http_head_make_response(&head, 200);
    head.body = HTTP_BODY_SIZED;
    head.body_bytes = 2;
    assert_int_equal(exchange_send_head(visits[0].x, &head), 0);
    http_head_clear(&head);
    assert_int_equal(stream_write_bytes(&visits[0].x->body, "abc", 3), ERR_INVALID);
    exchange_abort(&visits[0].x);
}

static void draining_finishes_the_exchange_and_says_close(void **state)
{
    (void)state;
    script = NULL;
    connect_visitor();
    SAY("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    h1_server_drain(server);
    echo(&visits[0]);
    run(2);
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nGET / h ");
    assert_true(has_ended);
}

static void draining_an_idle_connection_ends_it(void **state)
{
    (void)state;
    connect_visitor();
    h1_server_drain(server);
    run(2);
    assert_int_equal(visitor_end, ERR_EOF);
    assert_true(has_ended);
}

/* ---- tunnels ---- */

static void an_upgrade_turns_both_halves_into_the_plain_stream(void **state)
{
    struct http_head head = {0};

    (void)state;
    wants_body = false;
    script = NULL;
    connect_visitor();
    SAY("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly");
    assert_true(slice_is(head_of(&visits[0])->upgrade, "websocket"));
    http_head_make_response(&head, 101);
    head.is_tunnel = true;
    head.upgrade = SLICE("websocket");
    assert_int_equal(exchange_send_head(visits[0].x, &head), 0);
    http_head_clear(&head);
    stream_want(&visits[0].x->body, STREAM_READABLE);
    run(2);
    assert_heard("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\n\r\n");
    assert_string_equal(text_str(&visits[0].body), "early");
    SAY(" late\r\n\r\n");
    assert_string_equal(text_str(&visits[0].body), "early late\r\n\r\n");
    assert_int_equal(stream_write_bytes(&visits[0].x->body, "raw", 3), 0);
    assert_int_equal(stream_shutdown(&visits[0].x->body), 0);
    run(2);
    assert_heard("raw");
    assert_int_equal(visitor_end, ERR_EOF);
    SAY("!");
    assert_int_equal(stream_shutdown(visitor), 0);
    run(2);
    assert_int_equal(visits[0].read_end, ERR_EOF);
    assert_string_equal(text_str(&visits[0].body), "early late\r\n\r\n!");
    exchange_close(&visits[0].x);
    run(2);
    assert_true(has_ended);
    assert_int_equal(end_reason, 0);
}

static void a_tunnel_without_half_close_below_says_so(void **state)
{
    struct http_head head = {0};

    (void)state;
    script = NULL;
    pipe_options.no_half_close = true;
    connect_visitor();
    SAY("CONNECT h:22 HTTP/1.1\r\nHost: h:22\r\n\r\n");
    assert_true(head_of(&visits[0])->is_tunnel);
    http_head_make_response(&head, 200);
    head.is_tunnel = true;
    assert_int_equal(exchange_send_head(visits[0].x, &head), 0);
    run(2);
    assert_heard("HTTP/1.1 200 OK\r\n\r\n");
    assert_int_equal(stream_shutdown(&visits[0].x->body), ERR_UNSUPPORTED);
    exchange_abort(&visits[0].x);
}

/* ---- refusals ---- */

static unsigned refusals_logged;

static void count_refusal(struct slice line, void *ctx)
{
    (void)ctx;
    refusals_logged += slice_find(line, SLICE("request refused")) < line.len;
}

static void each_refusal_is_one_line_in_the_log(void **state)
{
    (void)state;
    refusals_logged = 0;
    log_set_sink(count_refusal, NULL);
    connect_visitor();
    SAY("GET /\r\n");
    assert_int_equal(refusals_logged, 1);
    h1_server_abort(&server);
    stream_abort(&visitor);
    connect_visitor();
    SAY("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n");
    assert_int_equal(visits[0].read_end, ERR_PROTOCOL);
    assert_int_equal(refusals_logged, 2);
    exchange_abort(&visits[0].x);
    run(2);
    assert_int_equal(refusals_logged, 2);
    log_set_sink(NULL, NULL);
}

static void assert_refused(const char *input, size_t len, unsigned status)
{
    has_ended = false;
    visitor_end = 0;
    connect_visitor();
    say(input, len);
    assert_heard_status(status);
    assert_int_equal(visitor_end, ERR_EOF);
    assert_int_equal(visit_count, 0);
    stream_close(&visitor);
    run(2);
    assert_true(has_ended);
}
#define REFUSED(literal, status) assert_refused(literal, sizeof(literal) - 1, status)

static void malformed_heads_are_answered_and_end_the_connection(void **state)
{
    (void)state;
    REFUSED("GET / HTTP/1.1\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400);
    REFUSED("GET / HTTP/1.1\nHost: a\n\n", 400);
    REFUSED("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 400);
    REFUSED("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400);
    REFUSED("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501);
    REFUSED("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\nx", 400);
    REFUSED("GET / HTTP/3.0\r\n", 505);
    REFUSED("GET /\r\n", 400); /* HTTP/0.9, told before anything else comes */
    REFUSED("\x16\x03\x01\x02\n", 400);
}

static void oversize_heads_are_answered(void **state)
{
    static char input[70000];
    size_t n = 0;

    (void)state;
    limits.target_bytes = 1000;
    limits.head_bytes = 4000;
    limits.fields = 5;
    memset(input, 'a', sizeof(input));
    memcpy(input, "GET /", 5);
    assert_refused(input, 1100, 414);
    n = (size_t)sprintf(input, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(input + n, 'a', sizeof(input) - n);
    assert_refused(input, 4100, 431);
    REFUSED("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\n\r\n", 431);
}

static void slow_heads_end_with_408(void **state)
{
    (void)state;
    limits.head_ms = 20;
    uint64_t start = loop_now_ms(loop);
    connect_visitor();
    SAY("GET / HTTP/1.1\r\nHost:");
    RUN_UNTIL(loop, visitor_end);
    assert_true(loop_now_ms(loop) - start >= 20);
    assert_heard_status(408);
    assert_int_equal(visitor_end, ERR_EOF);
}

static void silent_connections_are_closed_without_a_word(void **state)
{
    (void)state;
    limits.head_ms = 20;
    connect_visitor();
    run(50);
    assert_heard("");
    assert_int_equal(visitor_end, ERR_EOF);
    assert_int_equal(end_reason, ERR_TIMEOUT);
}

static void idle_connections_are_closed_in_time(void **state)
{
    (void)state;
    limits.idle_ms = 20;
    connect_visitor();
    SAY("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_heard_status(200);
    run(50);
    assert_int_equal(visitor_end, ERR_EOF);
    assert_int_equal(end_reason, 0);
}

static void a_stalled_body_times_out_for_its_reader_only(void **state)
{
    (void)state;
    limits.stall_ms = 20;
    connect_visitor();
    SAY("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na");
    run(50);
    assert_int_equal(visits[0].read_end, ERR_TIMEOUT);
    assert_int_equal(exchange_status_of(ERR_TIMEOUT), 408);
    assert_int_equal(exchange_answer_status(visits[0].x, 408), 0);
    exchange_close(&visits[0].x);
    run(2);
    assert_heard_status(408);
    assert_int_equal(visitor_end, ERR_EOF);
}

static void no_deadline_expires_while_held(void **state)
{
    (void)state;
    limits.stall_ms = 100;
    connect_visitor();
    SAY("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na");
    exchange_hold_deadlines(visits[0].x, true);
    run(150);
    assert_int_equal(visits[0].read_end, 0);
    exchange_hold_deadlines(visits[0].x, false);
    RUN_UNTIL(loop, visits[0].read_end);
    assert_int_equal(visits[0].read_end, ERR_TIMEOUT);
    exchange_abort(&visits[0].x);
}

static void a_visitor_that_takes_nothing_breaks_the_exchange(void **state)
{
    static char block[200000];
    struct http_head head = {0};
    struct bufq bytes = {0};

    (void)state;
    limits.stall_ms = 20;
    script = NULL;
    connect_visitor();
    SAY("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    stream_unwant(visitor, STREAM_READABLE);
    http_head_make_response(&head, 200);
    head.body = HTTP_BODY_OPEN;
    assert_int_equal(exchange_send_head(visits[0].x, &head), 0);
    http_head_clear(&head);
    bufq_push(&bytes, block, sizeof(block));
    assert_int_equal(stream_write(&visits[0].x->body, &bytes), ERR_AGAIN);
    stream_want(&visits[0].x->body, STREAM_WRITABLE);
    run(60);
    assert_true(visits[0].is_broken);
    assert_int_equal(end_reason, ERR_TIMEOUT);
    bufq_clear(&bytes);
}

static void bytes_read_before_the_server_came_are_its_input(void **state)
{
    struct bufq input = {0};

    (void)state;
    pipe_open(loop, &pipe_options, &visitor, &server_end);
    stream_set_user(visitor, on_visitor, NULL);
    stream_want(visitor, STREAM_READABLE);
    bufq_push_str(&input, "GET /sniffed HTTP/1.1\r\nHo");
    server = h1_server_attach(server_end, &input, &limits, NULL, &user, NULL);
    assert_true(bufq_is_empty(&input));
    SAY("st: h\r\n\r\n");
    assert_heard("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\nGET /sniffed h ");
}

static void cutting_the_visitor_at_every_point_leaves_nothing_behind(void **state)
{
    static const char input[] = "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "4\r\nWiki\r\n0\r\n\r\nGET / HTTP/1.1\r\nHo";

    (void)state;
    for (size_t cut = 0; cut < sizeof(input); cut++) {
        visit_count = 0;
        has_ended = false;
        connect_visitor();
        say(input, cut);
        pipe_cut(visitor, cut % 2 ? ERR_RESET : ERR_TRUNCATED);
        run(2);
        assert_true(has_ended);
        stream_abort(&visitor);
        bufq_clear(&received);
        run(1);
        assert_int_equal(chunk_stats().in_use, 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_and_the_connection_kept),
        TEST(every_split_of_the_input_gives_the_same_answer),
        TEST(a_byte_a_turn_is_enough),
        TEST(pipelined_requests_wait_for_the_one_before),
        TEST(input_behind_an_open_exchange_stays_with_the_sender),
        TEST(an_empty_line_before_a_request_is_forgiven_once),
        TEST(heads_keep_case_order_and_duplicates),
        TEST(an_absolute_target_replaces_host),
        TEST(options_of_the_whole_server_are_a_request),
        TEST(trailers_come_behind_the_body),
        TEST(a_broken_body_leaves_the_answer_to_the_user),
        TEST(a_visitor_that_leaves_within_its_body_is_a_truncation),
        TEST(a_body_nobody_reads_stops_the_sender),
        TEST(a_chunked_response_goes_out_piece_by_piece),
        TEST(a_slow_reader_stops_the_response),
        TEST(head_requests_get_no_body),
        TEST(hints_go_out_before_the_final_head),
        TEST(a_final_answer_instead_of_continue_closes),
        TEST(a_little_unread_body_is_read_away),
        TEST(much_unread_body_ends_the_connection_after_the_answer),
        TEST(http_1_0_closes_unless_asked_to_keep),
        TEST(http_1_0_gets_an_open_body_until_the_close),
        TEST(a_half_closed_visitor_is_still_answered),
        TEST(a_visitor_that_closed_leaves_its_events_behind),
        TEST(a_visitor_that_closed_waits_for_a_slow_answer),
        TEST(a_visitor_whose_first_bytes_were_sniffed_counts_as_gone_too),
        TEST(pipelined_requests_before_a_fin_are_all_answered),
        TEST(a_reset_reaches_a_user_who_is_not_reading),
        TEST(an_unfinished_response_is_cut_visibly),
        TEST(more_body_than_announced_is_refused),
        TEST(draining_finishes_the_exchange_and_says_close),
        TEST(draining_an_idle_connection_ends_it),
        TEST(an_upgrade_turns_both_halves_into_the_plain_stream),
        TEST(a_tunnel_without_half_close_below_says_so),
        TEST(each_refusal_is_one_line_in_the_log),
        TEST(malformed_heads_are_answered_and_end_the_connection),
        TEST(oversize_heads_are_answered),
        TEST(slow_heads_end_with_408),
        TEST(silent_connections_are_closed_without_a_word),
        TEST(idle_connections_are_closed_in_time),
        TEST(a_stalled_body_times_out_for_its_reader_only),
        TEST(no_deadline_expires_while_held),
        TEST(a_visitor_that_takes_nothing_breaks_the_exchange),
        TEST(bytes_read_before_the_server_came_are_its_input),
        TEST(cutting_the_visitor_at_every_point_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
