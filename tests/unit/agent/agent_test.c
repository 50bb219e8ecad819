/* The agent against a relay that does what the test says. */
#include "agent/agent.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/reporter.h"
#include "base/mem.h"
#include "support/check.h"
#include "support/fake_relay.h"
#include "support/sockets.h"
#include "support/stream_end.h"
#include "wire/mux_frame.h"
#include "wire/reset_code.h"

/* One per test. */
static struct place {
    struct loop *loop;
    struct fake_relay relay;
    struct agent *agent;
    struct reporter *reporter;
    int null_fd;
    int origin; /* listens */
    bool has_ended;
    enum agent_end end;
} p;

static void on_end(void *ctx, enum agent_end end)
{
    (void)ctx;
    p.has_ended = true;
    p.end = end;
}

static uint16_t port_of(int fd)
{
    struct addr at = addr_of_local(fd);
    return addr_port(&at);
}

static void read_config(struct agent_config *config, const char *key)
{
    struct problems problems = {0};
    struct text yaml = {0};

    agent_config_init(config);
    text_addf(&yaml, "tunnels:\n  %s: {target: \"tcp://127.0.0.1:%u\"}\n", key, port_of(p.origin));
    assert_int_equal(agent_config_read(config, "adit.yml", text_slice(&yaml), &problems), 0);
    text_deinit(&yaml);
    problems_deinit(&problems);
}

static void start(void)
{
    static const struct agent_user user = {.on_end = on_end};
    const struct identity identity = {.agent_id = {7}};
    struct agent_relay relay = {.token = mem_strdup("secret")};
    struct agent_config config;
    struct text url = {0};

    text_addf(&url, "tcp://127.0.0.1:%u", p.relay.port);
    assert_int_equal(relay_url_parse(text_slice(&url), &relay.url, NULL), 0);
    text_deinit(&url);
    read_config(&config, "ssh");
    const struct agent_options options = {
        .identity = &identity,
        .version = "1",
        .reporter = p.reporter,
        .relay_take = &relay,
        .config_take = &config,
    };
    p.agent = agent_start(p.loop, &options, &user, NULL);
}

static int open_place(void **state)
{
    struct reporter_options options = {.is_json = true};

    (void)state;
    p = (struct place){.loop = loop_new(), .origin = sockets_listener(16)};
    options.out_fd = p.null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    p.reporter = reporter_new(p.loop, &options);
    fake_relay_open(&p.relay, p.loop);
    return 0;
}

static void start_attached(void)
{
    start();
    RUN_UNTIL(p.loop, p.relay.logins == 1 && p.relay.sessions[0].heard.len > 0);
}

static int close_place(void **state)
{
    (void)state;
    agent_free(&p.agent);
    loop_run_for(p.loop, 2);
    fake_relay_close(&p.relay);
    loop_run_for(p.loop, 2);
    reporter_free(&p.reporter);
    loop_free(&p.loop);
    close(p.origin);
    close(p.null_fd);
    return 0;
}

/* The agent dials the origin for a stream the relay opens. */
static int visit(struct fake_session *s, uint32_t tunnel, bool is_exchange,
                 struct stream_end *visitor)
{
    int fd = -1;

    fcntl(p.origin, F_SETFL, O_NONBLOCK);
    stream_end_init(visitor, fake_session_visit(s, tunnel, is_exchange));
    RUN_UNTIL(p.loop, (fd = accept4(p.origin, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0);
    return fd;
}

static void check_echo(struct stream_end *visitor, int origin_fd, const char *word)
{
    char got[16] = "";
    uint64_t before = visitor->received;

    stream_end_send(visitor, word, strlen(word));
    RUN_UNTIL(p.loop, read(origin_fd, got, sizeof got) > 0);
    assert_string_equal(got, word);
    assert_int_equal(write(origin_fd, word, strlen(word)), (ssize_t)strlen(word));
    assert_true(run_until_bytes(p.loop, visitor, before + strlen(word)));
}

/* ---- login ---- */

static void a_refused_first_login_is_the_end(void **state)
{
    (void)state;
    p.relay.refusal = LINK_REFUSAL_TOKEN;
    start();
    RUN_UNTIL(p.loop, p.has_ended);
    assert_int_equal(p.end, AGENT_REFUSED);
}

static void a_refusal_that_may_pass_is_tried_again(void **state)
{
    (void)state;
    p.relay.refusal = LINK_REFUSAL_BUSY;
    start();
    loop_run_for(p.loop, 50);
    assert_false(p.has_ended);
    p.relay.refusal = 0;
    RUN_UNTIL(p.loop, p.relay.logins == 1);
}

static void a_relay_that_does_not_speak_is_never_the_end(void **state)
{
    (void)state;
    p.relay.is_deaf = true;
    start();
    loop_run_for(p.loop, 300);
    assert_false(p.has_ended);
    p.relay.is_deaf = false;
    RUN_UNTIL(p.loop, p.relay.logins == 1);
}

static void the_last_tunnel_refused_for_good_is_the_end(void **state)
{
    (void)state;
    p.relay.bind_refusal = CONTROL_REFUSAL_TAKEN;
    start();
    RUN_UNTIL(p.loop, p.has_ended);
    assert_int_equal(p.end, AGENT_REFUSED);
}

/* ---- lost links ---- */

static void a_cut_link_is_resumed_and_streams_go_on(void **state)
{
    struct stream_end visitor;

    (void)state;
    start_attached();
    int fd = visit(fake_relay_last(&p.relay), 1, false, &visitor);
    for (unsigned i = 1; i <= 2; i++) {
        check_echo(&visitor, fd, "word");
        fake_session_cut(fake_relay_last(&p.relay));
        RUN_UNTIL(p.loop, p.relay.resumes == i);
    }
    check_echo(&visitor, fd, "last");
    assert_int_equal(p.relay.logins, 1);
    assert_string_equal(text_str(&p.relay.sessions[0].heard), "bind 1 ssh; ");
    stream_end_close(&visitor);
    close(fd);
}

static void a_forgotten_session_is_followed_by_a_login_on_the_same_carrier(void **state)
{
    struct stream_end visitor;
    bool is_end = false;

    (void)state;
    start_attached();
    int fd = visit(fake_relay_last(&p.relay), 1, false, &visitor);
    p.relay.forgets = true;
    fake_session_cut(&p.relay.sessions[0]);
    RUN_UNTIL(p.loop, p.relay.logins == 2 && p.relay.sessions[1].heard.len > 0);
    assert_string_equal(text_str(&p.relay.sessions[1].heard), "bind 1 ssh; ");
    /* The origin learns that its visitor is gone. */
    RUN_UNTIL(p.loop, (sockets_drain(fd, &is_end), is_end));
    stream_end_close(&visitor);
    close(fd);
}

static void a_broken_protocol_ends_the_session_not_the_agent(void **state)
{
    (void)state;
    start_attached();
    struct stream_end visitor;
    int fd = visit(fake_relay_last(&p.relay), 1, false, &visitor);
    /* Seen by the agent as a relay that acknowledges what was never sent. */
    struct bufq nonsense = {0};
    struct frame_ack_row row = {.id = 2, .received = 1 << 20};
    frame_put_ack(&nonsense, &row, 1);
    assert_int_equal(stream_write(p.relay.sessions[0].below, &nonsense), 0);
    RUN_UNTIL(p.loop, p.relay.logins == 2);
    assert_int_equal(p.relay.resumes, 0);
    assert_false(p.has_ended);
    stream_end_close(&visitor);
    close(fd);
}

static void without_a_link_streams_end_when_the_grace_is_over(void **state)
{
    struct stream_end visitor;
    bool is_end = false;

    (void)state;
    p.relay.grace_ms = 1;
    start();
    RUN_UNTIL(p.loop, p.relay.logins == 1);
    int fd = visit(fake_relay_last(&p.relay), 1, false, &visitor);
    p.relay.is_deaf = true;
    fake_session_cut(&p.relay.sessions[0]);
    loop_run_for(p.loop, 500);
    sockets_drain(fd, &is_end);
    assert_false(is_end);
    RUN_UNTIL(p.loop, (sockets_drain(fd, &is_end), is_end));
    p.relay.is_deaf = false;
    stream_end_close(&visitor);
    close(fd);
}

/* ---- goodbyes ---- */

static void a_successor_is_logged_in_to_beside_the_old_session(void **state)
{
    struct stream_end old_visitor;
    struct stream_end new_visitor;

    (void)state;
    start_attached();
    int old_fd = visit(&p.relay.sessions[0], 1, false, &old_visitor);
    mux_goaway(p.relay.sessions[0].mux, GOAWAY_SUCCESSOR);
    RUN_UNTIL(p.loop, p.relay.logins == 2 && p.relay.sessions[1].heard.len > 0);
    int new_fd = visit(&p.relay.sessions[1], 1, false, &new_visitor);
    check_echo(&old_visitor, old_fd, "old");
    check_echo(&new_visitor, new_fd, "new");
    fake_session_cut(&p.relay.sessions[0]); /* done with the old one: nothing is dialled for it */
    loop_run_for(p.loop, 100);
    assert_int_equal(p.relay.logins, 2);
    check_echo(&new_visitor, new_fd, "more");
    stream_end_close(&old_visitor);
    stream_end_close(&new_visitor);
    close(old_fd);
    close(new_fd);
}

static void being_superseded_is_the_end(void **state)
{
    (void)state;
    start_attached();
    mux_goaway(p.relay.sessions[0].mux, GOAWAY_SUPERSEDED);
    RUN_UNTIL(p.loop, p.has_ended);
    assert_int_equal(p.end, AGENT_REFUSED);
}

static void stopping_unbinds_lets_streams_finish_and_says_goodbye(void **state)
{
    struct stream_end visitor;

    (void)state;
    start_attached();
    int fd = visit(&p.relay.sessions[0], 1, false, &visitor);
    agent_stop(p.agent);
    check_echo(&visitor, fd, "still here");
    assert_false(p.has_ended);
    assert_string_equal(text_str(&p.relay.sessions[0].heard), "bind 1 ssh; unbind 1; ");
    stream_end_close(&visitor);
    close(fd);
    RUN_UNTIL(p.loop, p.has_ended);
    RUN_UNTIL(p.loop, p.relay.sessions[0].goaway == GOAWAY_SHUTDOWN);
    assert_int_equal(p.end, AGENT_STOPPED);
}

static void a_second_stop_does_not_wait(void **state)
{
    struct stream_end visitor;

    (void)state;
    start_attached();
    int fd = visit(&p.relay.sessions[0], 1, false, &visitor);
    agent_stop(p.agent);
    agent_stop(p.agent);
    loop_run_for(p.loop, 10);
    assert_true(p.has_ended);
    stream_end_close(&visitor);
    close(fd);
}

/* ---- streams ---- */

static void an_exchange_that_meets_a_closed_origin_is_unsent(void **state)
{
    struct stream_end visitor;

    (void)state;
    start_attached();
    int fd = visit(&p.relay.sessions[0], 1, true, &visitor);
    struct mux_stream *ms = link_stream_mux(visitor.stream);
    mux_stream_begin(ms);
    check_echo(&visitor, fd, "first");
    /* Both in one turn of the agent: the end of the origin, and the next exchange. */
    stream_unwant(visitor.stream, STREAM_READABLE);
    close(fd);
    loop_run_for(p.loop, 20);
    mux_stream_begin(ms);
    stream_end_send(&visitor, "second", 6);
    RUN_UNTIL(p.loop, visitor.is_broken);
    assert_int_equal(stream_reset_code(visitor.stream), RESET_UNSENT);
    stream_end_close(&visitor);
}

/* The relay drops an idle origin connection; an origin that takes no notice does not keep it. */
static void a_stream_the_relay_has_let_go_of_is_closed(void **state)
{
    struct stream_end visitor;

    (void)state;
    start_attached();
    int fd = visit(&p.relay.sessions[0], 1, true, &visitor);
    check_echo(&visitor, fd, "word");
    stream_end_close(&visitor);
    agent_stop(p.agent); /* ends as soon as the last stream has */
    RUN_UNTIL(p.loop, p.has_ended);
    close(fd);
}

static void a_refused_target_is_told_by_its_code(void **state)
{
    struct stream_end visitor;

    (void)state;
    start_attached();
    close(p.origin);
    stream_end_init(&visitor, fake_session_visit(&p.relay.sessions[0], 1, false));
    RUN_UNTIL(p.loop, visitor.is_broken);
    assert_int_equal(stream_reset_code(visitor.stream), RESET_REFUSED);
    stream_end_close(&visitor);
    p.origin = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void a_stream_for_a_tunnel_nobody_has_is_denied(void **state)
{
    struct stream_end visitor;

    (void)state;
    start_attached();
    stream_end_init(&visitor, fake_session_visit(&p.relay.sessions[0], 99, false));
    RUN_UNTIL(p.loop, visitor.is_broken);
    assert_int_equal(stream_reset_code(visitor.stream), RESET_DENIED);
    stream_end_close(&visitor);
}

static void another_configuration_leaves_streams_alone(void **state)
{
    struct agent_config config;
    struct stream_end visitor;

    (void)state;
    start_attached();
    int fd = visit(&p.relay.sessions[0], 1, false, &visitor);
    read_config(&config, "other");
    agent_apply(p.agent, &config);
    check_echo(&visitor, fd, "word");
    RUN_UNTIL(p.loop, slice_ends(text_slice(&p.relay.sessions[0].heard), SLICE("bind 2 other; ")));
    check_has(text_str(&p.relay.sessions[0].heard), "unbind 1; ");
    stream_end_close(&visitor);
    close(fd);
}

#define PLACE_TEST(f) cmocka_unit_test_setup_teardown(f, open_place, close_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(a_refused_first_login_is_the_end),
        PLACE_TEST(a_refusal_that_may_pass_is_tried_again),
        PLACE_TEST(a_relay_that_does_not_speak_is_never_the_end),
        PLACE_TEST(the_last_tunnel_refused_for_good_is_the_end),
        PLACE_TEST(a_cut_link_is_resumed_and_streams_go_on),
        PLACE_TEST(a_forgotten_session_is_followed_by_a_login_on_the_same_carrier),
        PLACE_TEST(a_broken_protocol_ends_the_session_not_the_agent),
        PLACE_TEST(without_a_link_streams_end_when_the_grace_is_over),
        PLACE_TEST(a_successor_is_logged_in_to_beside_the_old_session),
        PLACE_TEST(being_superseded_is_the_end),
        PLACE_TEST(stopping_unbinds_lets_streams_finish_and_says_goodbye),
        PLACE_TEST(a_second_stop_does_not_wait),
        PLACE_TEST(an_exchange_that_meets_a_closed_origin_is_unsent),
        PLACE_TEST(a_stream_the_relay_has_let_go_of_is_closed),
        PLACE_TEST(a_refused_target_is_told_by_its_code),
        PLACE_TEST(a_stream_for_a_tunnel_nobody_has_is_denied),
        PLACE_TEST(another_configuration_leaves_streams_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
