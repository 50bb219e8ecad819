/* One proxy written against exchange.h alone joins every kind of front with every kind of back:
 * HTTP/1 over pipes, and ends that know no HTTP/1 (shaped like HTTP/2).
 *
 *      visitor ~~(h1 or fake)~~ front = the join = back ~~(h1 or fake)~~ origin
 */
#include "http/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "http/h1_client.h"
#include "http/h1_server.h"
#include "support/fake_exchange.h"
#include "support/pipe_stream.h"
#include "support/request_head.h"

static struct loop *loop;
static size_t room_bytes;

static void run(unsigned ms)
{
    loop_run_for(loop, ms);
}

/* ---- the join: a proxy that knows no version ---- */

struct way { /* one direction */
    struct exchange **from;
    struct exchange **to;
    struct bufq bytes;
    bool has_head; /* the final one is through */
    bool is_over;
};

static struct exchange *front;
static struct exchange *back;
static struct way request;
static struct way response;

static void cut_both(void)
{
    exchange_abort(&front);
    exchange_abort(&back);
}

/* Heads that are there; false: no final one yet, or cut. */
static bool pass_heads(struct way *w)
{
    struct http_head *head;

    while (!w->has_head) {
        int err = exchange_read_head(*w->from, &head);
        if (err == 0) {
            err = exchange_send_head(*w->to, head);
            w->has_head = !http_head_is_informational(head);
        }
        if (err < 0) {
            if (err != ERR_AGAIN) {
                cut_both();
            }
            return false;
        }
    }
    return true;
}

static void end_way(struct way *w)
{
    const struct http_head *trailers = exchange_trailers(*w->from);

    w->is_over = true;
    stream_unwant(&(*w->from)->body, STREAM_READABLE);
    if (trailers) {
        (void)!exchange_send_trailers(*w->to, trailers);
    }
    (void)!stream_shutdown(&(*w->to)->body);
}

static void pass_body(struct way *w)
{
    for (;;) {
        int err = stream_write(&(*w->to)->body, &w->bytes);
        if (err == ERR_AGAIN) {
            stream_unwant(&(*w->from)->body, STREAM_READABLE);
            stream_want(&(*w->to)->body, STREAM_WRITABLE);
            return;
        }
        if (err == ERR_CLOSED) { /* an early answer: the rest of the request is of no use */
            bufq_clear(&w->bytes);
            w->is_over = true;
            stream_unwant(&(*w->from)->body, STREAM_READABLE);
            return;
        }
        if (err == 0) {
            err = stream_read(&(*w->from)->body, &w->bytes, 7);
        }
        if (err == ERR_AGAIN) {
            stream_want(&(*w->from)->body, STREAM_READABLE);
            return;
        }
        if (err == ERR_EOF) {
            end_way(w);
            return;
        }
        if (err < 0) {
            cut_both();
            return;
        }
    }
}

static void pass(struct way *w)
{
    if (front && back && !w->is_over && pass_heads(w)) {
        pass_body(w);
    }
    if (front && back && response.is_over) {
        exchange_close(&front);
        exchange_close(&back);
    }
}

static void on_joined(void *ctx, struct stream *s, unsigned events)
{
    (void)ctx;
    (void)s;
    if (events & STREAM_BROKEN) {
        cut_both();
        return;
    }
    pass(&request);
    pass(&response);
}

static void join(void)
{
    request = (struct way){.from = &front, .to = &back};
    response = (struct way){.from = &back, .to = &front};
    stream_set_user(&front->body, on_joined, NULL);
    stream_set_user(&back->body, on_joined, NULL);
    stream_want(&front->body, STREAM_READABLE);
    stream_want(&back->body, STREAM_READABLE);
}

/* ---- the two sides, over HTTP/1 or not ---- */

struct side {
    struct h1_client *client;
    struct h1_server *server;
    struct exchange *asks;    /* visitor, or back */
    struct exchange *answers; /* front, or origin */
};

static struct side near;
static struct side far;

static void on_exchange(void *ctx, struct h1_server *server, struct exchange *x)
{
    struct side *side = ctx;

    (void)server;
    side->answers = x;
}

static void on_end(void *ctx, struct h1_server *server, int reason)
{
    struct side *side = ctx;

    (void)server;
    (void)reason;
    side->server = NULL;
}

static const struct h1_server_user server_user = {.on_exchange = on_exchange, .on_end = on_end};

static void open_side(struct side *side, bool is_h1)
{
    *side = (struct side){0};
    if (!is_h1) {
        fake_exchange_open(loop, room_bytes, &side->asks, &side->answers);
        return;
    }
    struct pipe_options options = {.room = room_bytes, .is_authentic = true};
    struct stream *a;
    struct stream *b;
    pipe_open(loop, &options, &a, &b);
    side->server = h1_server_attach(a, NULL, NULL, NULL, &server_user, side);
    side->client = h1_client_attach(b, NULL, NULL, NULL, NULL);
    side->asks = h1_client_open(side->client);
}

/* ---- visitor and origin ---- */

struct seen {
    struct text story;
    bool has_final;
    bool is_broken;
    int end;
};

static struct exchange *visitor;
static struct exchange *origin;
static struct seen by_visitor;
static struct seen by_origin;

static void tell_fields(struct text *story, const struct http_head *h)
{
    for (uint32_t i = 0; i < h->field_count; i++) {
        if (h->fields[i].id != HTTP_HOST && h->fields[i].id != HTTP_CONTENT_LENGTH) {
            text_addf(story, " %.*s=%.*s", SLICE_ARG(h->fields[i].name),
                      SLICE_ARG(h->fields[i].value));
        }
    }
    text_add_str(story, ";");
}

static void see_heads(struct exchange *x, struct seen *seen)
{
    struct http_head *h;
    int err;

    while (!seen->has_final && (err = exchange_read_head(x, &h)) != ERR_AGAIN) {
        if (err < 0) {
            seen->end = err;
            return;
        }
        if (h->method.len > 0) {
            text_addf(&seen->story, "%.*s %.*s%.*s", SLICE_ARG(h->method), SLICE_ARG(h->authority),
                      SLICE_ARG(h->path));
        } else {
            text_addf(&seen->story, "%u", h->status);
        }
        tell_fields(&seen->story, h);
        seen->has_final = !http_head_is_informational(h);
    }
}

static void see_body(struct exchange *x, struct seen *seen)
{
    struct bufq bytes = {0};

    while (seen->has_final && seen->end == 0) {
        int err = stream_read(&x->body, &bytes, 1000);
        text_add(&seen->story, bufq_pullup(&bytes, bytes.bytes));
        bufq_clear(&bytes);
        if (err == ERR_AGAIN) {
            return;
        }
        if (err < 0) {
            seen->end = err;
            if (exchange_trailers(x)) {
                tell_fields(&seen->story, exchange_trailers(x));
            }
            stream_unwant(&x->body, STREAM_READABLE);
        }
    }
}

static void on_seen(void *ctx, struct stream *s, unsigned events)
{
    struct seen *seen = ctx;

    seen->is_broken |= (events & STREAM_BROKEN) != 0;
    if (events & STREAM_READABLE) {
        see_heads(exchange_of(s), seen);
        see_body(exchange_of(s), seen);
    }
}

static void watch(struct exchange *x, struct seen *seen)
{
    stream_set_user(&x->body, on_seen, seen);
    stream_want(&x->body, STREAM_READABLE);
}

static struct exchange *wait_for(struct exchange **x)
{
    for (int i = 0; i < 100 && !*x; i++) {
        run(1);
    }
    assert_non_null(*x);
    return *x;
}

/* The visitor asks; the request has come through to the origin. */
static void ask(bool h1_near, bool h1_far, enum http_body body, const char *upgrade)
{
    struct http_head head = {0};

    open_side(&near, h1_near);
    open_side(&far, h1_far);
    visitor = near.asks;
    back = far.asks;
    watch(visitor, &by_visitor);
    request_head(&head, "POST", "site", "/p");
    http_head_add_name(&head, SLICE("X-one"), SLICE("1"));
    head.body = body;
    head.upgrade = slice_str(upgrade);
    assert_int_equal(exchange_send_head(visitor, &head), 0);
    http_head_clear(&head);
    front = wait_for(&near.answers);
    join();
    origin = wait_for(&far.answers);
    watch(origin, &by_origin);
    run(1);
}

static void reply(uint16_t status, enum http_body body, bool is_tunnel)
{
    struct http_head head = {0};

    http_head_make_response(&head, status);
    http_head_add(&head, HTTP_SET_COOKIE, SLICE("a"));
    http_head_add(&head, HTTP_SET_COOKIE, SLICE("b"));
    head.body = body;
    head.is_tunnel = is_tunnel;
    head.upgrade = is_tunnel ? SLICE("chat") : SLICE("");
    assert_int_equal(exchange_send_head(origin, &head), 0);
    http_head_clear(&head);
    run(3);
}

/* Writes it all, however narrow the way. */
static void say(struct exchange *x, const char *text)
{
    struct bufq bytes = {0};

    bufq_push_str(&bytes, text);
    for (int i = 0; i < 200 && !bufq_is_empty(&bytes); i++) {
        (void)!stream_write(&x->body, &bytes);
        run(1);
    }
    assert_true(bufq_is_empty(&bytes));
    run(3);
}

static void send_trailers(struct exchange *x)
{
    struct http_head head = {0};

    http_head_add_name(&head, SLICE("Sum"), SLICE("9"));
    assert_int_equal(exchange_send_trailers(x, &head), 0);
    http_head_clear(&head);
}

static void close_everything(void)
{
    exchange_abort(&visitor);
    cut_both();
    exchange_abort(&origin);
    bufq_clear(&request.bytes);
    bufq_clear(&response.bytes);
    h1_client_close(&near.client);
    h1_client_close(&far.client);
    h1_server_abort(&near.server);
    h1_server_abort(&far.server);
    run(2);
    text_deinit(&by_visitor.story);
    text_deinit(&by_origin.story);
    by_visitor = by_origin = (struct seen){0};
}

/* ---- what each combination must do ---- */

static void assert_story(const struct seen *seen, const char *expected, int end)
{
    assert_string_equal(text_str(&seen->story), expected);
    assert_int_equal(seen->end, end);
}

static void check_bodies_and_trailers(bool h1_near, bool h1_far)
{
    ask(h1_near, h1_far, HTTP_BODY_OPEN, "");
    say(visitor, "the request's body, longer than the room");
    send_trailers(visitor);
    assert_int_equal(stream_shutdown(&visitor->body), 0);
    run(5);
    assert_story(&by_origin, "POST site/p X-one=1;the request's body, longer than the room Sum=9;",
                 ERR_EOF);
    reply(103, HTTP_BODY_NONE, false);
    reply(200, HTTP_BODY_OPEN, false);
    say(origin, "the answer's body");
    send_trailers(origin);
    assert_int_equal(stream_shutdown(&origin->body), 0);
    exchange_close(&origin);
    run(5);
    assert_story(&by_visitor,
                 "103 Set-Cookie=a Set-Cookie=b;200 Set-Cookie=a Set-Cookie=b;the answer's body "
                 "Sum=9;",
                 ERR_EOF);
    assert_null(front);
    exchange_close(&visitor);
    assert_true(!far.client || h1_client_is_reusable(far.client));
    assert_true(!near.client || h1_client_is_reusable(near.client));
    close_everything();
}

static void check_no_bodies(bool h1_near, bool h1_far)
{
    ask(h1_near, h1_far, HTTP_BODY_NONE, "");
    assert_story(&by_origin, "POST site/p X-one=1;", ERR_EOF);
    reply(204, HTTP_BODY_NONE, false);
    exchange_close(&origin);
    run(3);
    assert_story(&by_visitor, "204 Set-Cookie=a Set-Cookie=b;", ERR_EOF);
    close_everything();
}

static void check_early_answer(bool h1_near, bool h1_far)
{
    ask(h1_near, h1_far, HTTP_BODY_OPEN, "");
    say(visitor, "some");
    reply(413, HTTP_BODY_NONE, false);
    exchange_close(&origin);
    run(5);
    assert_story(&by_visitor, "413 Set-Cookie=a Set-Cookie=b;", ERR_EOF);
    close_everything();
}

static void check_cancel_by_visitor(bool h1_near, bool h1_far)
{
    ask(h1_near, h1_far, HTTP_BODY_NONE, "");
    reply(200, HTTP_BODY_OPEN, false);
    say(origin, "a");
    stream_unwant(&back->body, STREAM_READABLE); /* the reader is paused */
    exchange_abort(&visitor);
    run(3);
    assert_true(by_origin.is_broken);
    close_everything();
}

static void check_lost_origin(bool h1_near, bool h1_far)
{
    ask(h1_near, h1_far, HTTP_BODY_NONE, "");
    reply(200, HTTP_BODY_OPEN, false);
    say(origin, "half");
    exchange_abort(&origin);
    run(5);
    assert_string_equal(text_str(&by_visitor.story), "200 Set-Cookie=a Set-Cookie=b;half");
    assert_true(by_visitor.end != 0 && by_visitor.end != ERR_EOF);
    close_everything();
}

static void check_tunnel(bool h1_near, bool h1_far)
{
    ask(h1_near, h1_far, HTTP_BODY_NONE, "chat");
    reply(101, HTTP_BODY_NONE, true);
    assert_string_equal(text_str(&by_visitor.story), "101 Set-Cookie=a Set-Cookie=b;");
    by_origin.end = 0;
    stream_want(&origin->body, STREAM_READABLE);
    say(visitor, "up");
    say(origin, "down");
    assert_string_equal(text_str(&by_visitor.story), "101 Set-Cookie=a Set-Cookie=b;down");
    close_everything();
}

static void for_all(void (*check)(bool h1_near, bool h1_far))
{
    for (int h1 = 0; h1 < 4; h1++) {
        for (room_bytes = 16; room_bytes <= 65536; room_bytes *= 16) {
            check(h1 & 1, h1 & 2);
        }
    }
}

#define FOR_ALL(name, check)                                                                       \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        for_all(check);                                                                            \
    }

FOR_ALL(bodies_and_trailers_pass_both_ways, check_bodies_and_trailers)
FOR_ALL(messages_without_bodies_pass, check_no_bodies)
FOR_ALL(an_early_answer_passes, check_early_answer)
FOR_ALL(a_cancel_reaches_the_origin_while_its_reader_is_paused, check_cancel_by_visitor)
FOR_ALL(a_lost_origin_is_never_a_proper_end, check_lost_origin)
FOR_ALL(a_tunnel_passes_bytes_as_they_are, check_tunnel)

static int open_all(void **state)
{
    (void)state;
    loop = loop_new();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    close_everything(); /* of a test that failed half-way */
    loop_free(&loop);
    assert_int_equal(chunk_stats().in_use, 0);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
    const struct CMUnitTest tests[] = {
        TEST(bodies_and_trailers_pass_both_ways),
        TEST(messages_without_bodies_pass),
        TEST(an_early_answer_passes),
        TEST(a_cancel_reaches_the_origin_while_its_reader_is_paused),
        TEST(a_lost_origin_is_never_a_proper_end),
        TEST(a_tunnel_passes_bytes_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
