/* Ways to a relay, over real sockets on loopback: who wins, who is overtaken, what is told. */
#include "session/ladder.h"

#include <stdio.h>
#include <unistd.h>

#include "net/listen.h"
#include "net/tcp.h"
#include "session/greet_server.h"
#include "support/check.h"
#include "support/sockets.h"

/* What the server does with its first connection; all later ones are greeted. */
enum first { FIRST_GREETED, FIRST_CLOSED, FIRST_SILENT, ALL_CLOSED };

struct place {
    struct loop *loop;
    struct listener *listener;
    enum first first;
    unsigned accepted;
    int silent_fd;
    struct greet_server *greeting;
    uint8_t id[LINK_ID_BYTES];

    struct ladder *ladder;
    struct tls_trust *trust;
    struct greet_client *won;
    enum carrier_kind carrier;
    char because[240];
    bool has_won;
    int err;
    char why[240];
};

/* ---- the server ---- */

static void on_request(void *ctx, struct greet_server *g, const struct link_login *login)
{
    (void)ctx;
    (void)g;
    (void)login;
}

static void on_server_failed(void *ctx, struct greet_server *g, int err, const struct errinfo *why)
{
    (void)g;
    (void)err;
    (void)why;
    ((struct place *)ctx)->greeting = NULL;
}

static const struct greet_server_user server_user = {.on_login = on_request,
                                                     .on_failed = on_server_failed};

static void on_accepted(void *ctx, int fd_take, const struct addr *peer)
{
    struct place *p = ctx;
    struct stream *s;
    bool is_first = p->accepted++ == 0;

    (void)peer;
    if (p->first == ALL_CLOSED || (p->first == FIRST_CLOSED && is_first)) {
        close(fd_take);
    } else if (p->first == FIRST_SILENT && is_first) {
        p->silent_fd = fd_take;
    } else {
        const struct greet_server_options options = {
            .node_id = p->id, .run_id = p->id, .initial_window = 32768};
        assert_int_equal(tcp_open(&s, p->loop, fd_take), 0);
        p->greeting = greet_server_start(s, NULL, &options, &server_user, p);
    }
}

/* ---- the agent ---- */

static void on_hello(void *ctx, const struct ladder_win *win)
{
    struct place *p = ctx;

    p->ladder = NULL;
    p->won = win->greeting;
    p->carrier = win->carrier;
    snprintf(p->because, sizeof p->because, "%s", win->because ? win->because : "");
    p->has_won = true;
}

static void on_failed(void *ctx, int err, const struct errinfo *why)
{
    struct place *p = ctx;

    p->ladder = NULL;
    p->err = err;
    snprintf(p->why, sizeof p->why, "%s", why->text);
}

static const struct ladder_user user = {.on_hello = on_hello, .on_failed = on_failed};

static void open_place(struct place *p, enum first first)
{
    const struct tls_trust_options trust = {.trusts_everybody = true};
    struct addr at;

    *p = (struct place){.loop = loop_new(), .first = first, .silent_fd = -1};
    assert_int_equal(addr_parse(SLICE("127.0.0.1:0"), &at), 0);
    assert_int_equal(listener_open(&p->listener, p->loop, &at, &(struct listen_options){0},
                                   on_accepted, p, NULL),
                     0);
    assert_int_equal(tls_trust_new(&trust, &p->trust, NULL), 0);
}

static void climb(struct place *p, enum carrier_kind first, enum carrier_kind second)
{
    struct ladder_options options = {
        .host = SLICE("127.0.0.1"),
        .port = addr_port(listener_addr(p->listener)),
        .rungs = {first, second},
        .rung_count = first == second ? 1 : 2,
        .trust = p->trust,
        .limit_ms = 5000,
        .greeting = {.node_id = p->id, .run_id = p->id, .initial_window = 32768},
    };
    p->ladder = ladder_start(p->loop, &options, &user, p);
}

static void close_place(struct place *p)
{
    ladder_stop(&p->ladder);
    greet_client_abort(&p->won);
    greet_server_abort(&p->greeting);
    listener_close(&p->listener);
    tls_trust_unref(&p->trust);
    if (p->silent_fd >= 0) {
        close(p->silent_fd);
    }
    loop_run_for(p->loop, 1);
    loop_free(&p->loop);
}

/* ---- tests ---- */

static void the_first_rung_wins_when_it_works(void **state)
{
    struct place p;

    (void)state;
    open_place(&p, FIRST_GREETED);
    climb(&p, CARRIER_TCP, CARRIER_WS);
    RUN_UNTIL(p.loop, p.has_won);
    assert_int_equal(p.carrier, CARRIER_TCP);
    assert_string_equal(p.because, "");
    assert_int_equal(p.accepted, 1);
    close_place(&p);
}

static void a_failing_rung_hands_over_at_once(void **state)
{
    struct place p;

    (void)state;
    open_place(&p, FIRST_CLOSED);
    uint64_t start = loop_now_ms(p.loop);
    climb(&p, CARRIER_TLS, CARRIER_TCP);
    RUN_UNTIL(p.loop, p.has_won);
    assert_true(loop_now_ms(p.loop) - start < LADDER_OVERTAKE_MS / 2);
    assert_int_equal(p.carrier, CARRIER_TCP);
    check_has(p.because, "tls does not pass here");
    check_has(p.because, "using tcp");
    close_place(&p);
}

static void a_hanging_rung_is_overtaken(void **state)
{
    struct place p;

    (void)state;
    open_place(&p, FIRST_SILENT);
    uint64_t start = loop_now_ms(p.loop);
    climb(&p, CARRIER_TLS, CARRIER_TCP);
    RUN_UNTIL(p.loop, p.has_won);
    assert_true(loop_now_ms(p.loop) - start >= LADDER_OVERTAKE_MS - 10);
    assert_int_equal(p.carrier, CARRIER_TCP);
    check_has(p.because, "no answer yet");
    close_place(&p);
}

static void refused_is_the_same_on_every_rung(void **state)
{
    struct place p;

    (void)state;
    open_place(&p, FIRST_GREETED);
    uint16_t port = addr_port(listener_addr(p.listener));
    listener_close(&p.listener);
    struct ladder_options options = {
        .host = SLICE("127.0.0.1"),
        .port = port,
        .rungs = {CARRIER_TLS, CARRIER_WSS},
        .rung_count = 2,
        .trust = p.trust,
        .limit_ms = 5000,
        .greeting = {.node_id = p.id, .run_id = p.id, .initial_window = 32768},
    };
    p.ladder = ladder_start(p.loop, &options, &user, &p);
    RUN_UNTIL(p.loop, p.err);
    assert_int_equal(p.err, ERR_REFUSED);
    close_place(&p);
}

static void who_is_no_relay_is_told_so(void **state)
{
    struct place p;

    (void)state;
    open_place(&p, ALL_CLOSED);
    climb(&p, CARRIER_TCP, CARRIER_TCP);
    RUN_UNTIL(p.loop, p.err);
    check_has(p.why, "no adit relay");
    close_place(&p);
}

static void a_ladder_may_be_stopped_at_any_time(void **state)
{
    struct place p;

    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        open_place(&p, FIRST_GREETED);
        climb(&p, CARRIER_WSS, CARRIER_TCP);
        for (int i = 0; i < turns; i++) {
            loop_run_for(p.loop, 0);
        }
        ladder_stop(&p.ladder);
        loop_run_for(p.loop, 2);
        close_place(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rung_wins_when_it_works),
        cmocka_unit_test(a_failing_rung_hands_over_at_once),
        cmocka_unit_test(a_hanging_rung_is_overtaken),
        cmocka_unit_test(refused_is_the_same_on_every_rung),
        cmocka_unit_test(who_is_no_relay_is_told_so),
        cmocka_unit_test(a_ladder_may_be_stopped_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
