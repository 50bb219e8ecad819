/* The client's side of the upgrade, over a pipe whose other end is a test. */
#include "session/ws_upgrade.h"

#include <stdio.h>

#include "support/check.h"
#include "support/pipe_stream.h"
#include "support/stream_end.h"
#include "tls/digest.h"
#include "wire/ws_handshake.h"
#include "ws/ws_stream.h"

struct meeting {
    struct loop *loop;
    struct stream *relay;
    struct bufq asked; /* the request head */
    struct ws_upgrade *upgrade;
    struct stream *ws;
    bool is_over;
    int err;
    char why[240];
};

static void on_done(void *ctx, int err, struct stream *s_take, const struct errinfo *why)
{
    struct meeting *m = ctx;

    m->upgrade = NULL;
    m->is_over = true;
    m->err = err;
    m->ws = s_take;
    snprintf(m->why, sizeof m->why, "%s", why ? why->text : "");
}

/* The request has arrived at the relay's end. */
static void start(struct meeting *m, size_t read_max)
{
    struct pipe_options options = {.read_max = read_max};
    struct stream *client;

    *m = (struct meeting){.loop = loop_new()};
    pipe_open(m->loop, &options, &client, &m->relay);
    m->upgrade = ws_upgrade_start(client, SLICE("r:1"), SLICE("/_adit/link"), on_done, m);
    for (int i = 0; i < 2000; i++) {
        loop_run_for(m->loop, 0);
        int err = stream_read(m->relay, &m->asked, 4096);
        assert_true(err == 0 || err == ERR_AGAIN);
        if (m->asked.bytes > 4 &&
            slice_ends(bufq_pullup(&m->asked, m->asked.bytes), SLICE("\r\n\r\n"))) {
            return;
        }
    }
    fail_msg("no request");
}

static void say(struct meeting *m, const char *answer)
{
    assert_int_equal(stream_write_bytes(m->relay, answer, strlen(answer)), 0);
}

static void wait_for_end(struct meeting *m)
{
    assert_true(run_until(m->loop, &m->is_over));
}

static void end(struct meeting *m)
{
    ws_upgrade_stop(&m->upgrade);
    stream_abort(&m->ws);
    stream_abort(&m->relay);
    bufq_clear(&m->asked);
    loop_run_for(m->loop, 1);
    loop_free(&m->loop);
}

static struct slice asked_key(struct meeting *m)
{
    struct slice head = bufq_pullup(&m->asked, m->asked.bytes);
    size_t at = slice_find(head, SLICE("Sec-WebSocket-Key: "));
    return slice_sub(head, at + 19, WS_KEY_BYTES);
}

static void a_proper_answer_opens_it_in_any_pieces(void **state)
{
    static const size_t pieces[] = {0, 1, 7};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct meeting m;
        struct text answer = {0};
        struct stream *server;
        struct stream_end got;

        start(&m, pieces[i]);
        check_has(bufq_pullup(&m.asked, m.asked.bytes).ptr, "GET /_adit/link HTTP/1.1\r\n");
        ws_answer_write(asked_key(&m), SLICE_NONE, sha1, &answer);
        say(&m, text_str(&answer));
        text_deinit(&answer);
        /* The first message comes right behind the head: it belongs to the WebSocket. */
        server = ws_stream_attach(m.relay, NULL, WS_SERVER);
        m.relay = NULL;
        assert_int_equal(stream_write_bytes(server, "hello", 5), 0);
        wait_for_end(&m);
        assert_int_equal(m.err, 0);
        stream_end_init(&got, m.ws);
        assert_true(run_until_bytes(m.loop, &got, 5));
        stream_end_close(&got);
        m.ws = NULL;
        stream_abort(&server);
        end(&m);
    }
}

static void other_answers_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *answer;
        int err;
        const char *why;
    } cases[] = {
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ERR_REFUSED, "answered 404"},
        {"SSH-2.0-OpenSSH_9.2\r\n\r\n", ERR_PROTOCOL, "no HTTP"},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
         ERR_PROTOCOL, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct meeting m;
        start(&m, 0);
        say(&m, cases[i].answer);
        wait_for_end(&m);
        assert_int_equal(m.err, cases[i].err);
        check_has(m.why, cases[i].why);
        end(&m);
    }
}

static void an_endless_head_is_refused(void **state)
{
    struct meeting m;

    (void)state;
    start(&m, 0);
    say(&m, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 2000 && !m.is_over; i++) {
        if (stream_room(m.relay) > 100) {
            say(&m, "X-Filler: "
                    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n");
        }
        loop_run_for(m.loop, 0);
    }
    assert_true(m.is_over);
    assert_int_equal(m.err, ERR_TOO_LARGE);
    end(&m);
}

static void a_cut_is_told(void **state)
{
    struct meeting m;

    (void)state;
    start(&m, 0);
    say(&m, "HTTP/1.1 101 Swi");
    loop_run_for(m.loop, 1);
    stream_close(&m.relay);
    wait_for_end(&m);
    assert_int_equal(m.err, ERR_EOF);
    check_has(m.why, "lost during the WebSocket upgrade");
    end(&m);
}

static void it_may_be_stopped(void **state)
{
    struct meeting m;

    (void)state;
    start(&m, 0);
    end(&m);
    assert_false(m.is_over);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proper_answer_opens_it_in_any_pieces),
        cmocka_unit_test(other_answers_are_refused_with_the_reason),
        cmocka_unit_test(an_endless_head_is_refused),
        cmocka_unit_test(a_cut_is_told),
        cmocka_unit_test(it_may_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
