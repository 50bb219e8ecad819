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

struct place {
    struct loop *loop;
    struct fake_relay relay;
    struct agent *agent;
    struct reporter *reporter;
    int null_fd;
    int origin; /* listens */
    bool has_ended;
    enum agent_end end;
};

static void on_end(void *ctx, enum agent_end end)
{
    struct place *p = ctx;

    p->has_ended = true;
    p->end = end;
}

static uint16_t port_of(int fd)
{
    struct addr at = addr_of_local(fd);
    return addr_port(&at);
}

static void read_config(const struct place *p, struct agent_config *config, const char *key)
{
    struct problems problems = {0};
    struct text yaml = {0};

    agent_config_init(config);
    text_addf(&yaml, "tunnels:\n  %s: {target: \"tcp://127.0.0.1:%u\"}\n", key, port_of(p->origin));
    assert_int_equal(agent_config_read(config, "adit.yml", text_slice(&yaml), &problems), 0);
    text_deinit(&yaml);
    problems_deinit(&problems);
}

static void start(struct place *p)
{
    static const struct agent_user user = {.on_end = on_end};
    const struct identity identity = {.agent_id = {7}};
    struct agent_relay relay = {.token = mem_strdup("secret")};
    struct agent_config config;
    struct text url = {0};

    text_addf(&url, "tcp://127.0.0.1:%u", p->relay.port);
    assert_int_equal(relay_url_parse(text_slice(&url), &relay.url, NULL), 0);
    text_deinit(&url);
    read_config(p, &config, "ssh");
    const struct agent_options options = {
        .identity = &identity,
        .version = "1",
        .reporter = p->reporter,
        .relay_take = &relay,
        .config_take = &config,
    };
    p->agent = agent_start(p->loop, &options, &user, p);
}

static void open_place(struct place *p)
{
    struct reporter_options options = {.is_json = true};

    *p = (struct place){.loop = loop_new(), .origin = sockets_listener(16)};
    options.out_fd = p->null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    p->reporter = reporter_new(p->loop, &options);
    fake_relay_open(&p->relay, p->loop);
}

static void open_attached(struct place *p)
{
    open_place(p);
    start(p);
    RUN_UNTIL(p->loop, p->relay.logins == 1 && p->relay.sessions[0].heard.len > 0);
}

static void close_place(struct place *p)
{
    agent_free(&p->agent);
    loop_run_for(p->loop, 2);
    fake_relay_close(&p->relay);
    loop_run_for(p->loop, 2);
    reporter_free(&p->reporter);
    loop_free(&p->loop);
    close(p->origin);
    close(p->null_fd);
}

/* The agent dials the origin for a stream the relay opens. */
static int visit(struct place *p, struct fake_session *s, uint32_t tunnel, bool is_exchange,
                 struct stream_end *visitor)
{
    int fd = -1;

    fcntl(p->origin, F_SETFL, O_NONBLOCK);
    stream_end_init(visitor, fake_session_visit(s, tunnel, is_exchange));
    RUN_UNTIL(p->loop, (fd = accept4(p->origin, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0);
    return fd;
}

static void check_echo(struct place *p, struct stream_end *visitor, int origin_fd, const char *word)
{
    char got[16] = "";
    uint64_t before = visitor->received;

    stream_end_send(visitor, word, strlen(word));
    RUN_UNTIL(p->loop, read(origin_fd, got, sizeof got) > 0);
    assert_string_equal(got, word);
    assert_int_equal(write(origin_fd, word, strlen(word)), (ssize_t)strlen(word));
    assert_true(run_until_bytes(p->loop, visitor, before + strlen(word)));
}

/* ---- login ---- */

static void a_refused_first_login_is_the_end(void **state)
{
    struct place p;

    (void)state;
    open_place(&p);
    p.relay.refusal = LINK_REFUSAL_TOKEN;
    start(&p);
    RUN_UNTIL(p.loop, p.has_ended);
    assert_int_equal(p.end, AGENT_REFUSED);
    close_place(&p);
}

static void a_refusal_that_may_pass_is_tried_again(void **state)
{
    struct place p;

    (void)state;
    open_place(&p);
    p.relay.refusal = LINK_REFUSAL_BUSY;
    start(&p);
    loop_run_for(p.loop, 50);
    assert_false(p.has_ended);
    p.relay.refusal = 0;
    RUN_UNTIL(p.loop, p.relay.logins == 1);
    close_place(&p);
}

static void a_relay_that_does_not_speak_is_never_the_end(void **state)
{
    struct place p;

    (void)state;
    open_place(&p);
    p.relay.is_deaf = true;
    start(&p);
    loop_run_for(p.loop, 300);
    assert_false(p.has_ended);
    p.relay.is_deaf = false;
    RUN_UNTIL(p.loop, p.relay.logins == 1);
    close_place(&p);
}

static void the_last_tunnel_refused_for_good_is_the_end(void **state)
{
    struct place p;

    (void)state;
    open_place(&p);
    p.relay.bind_refusal = CONTROL_REFUSAL_TAKEN;
    start(&p);
    RUN_UNTIL(p.loop, p.has_ended);
    assert_int_equal(p.end, AGENT_REFUSED);
    close_place(&p);
}

/* ---- lost links ---- */

static void a_cut_link_is_resumed_and_streams_go_on(void **state)
{
    struct place p;
    struct stream_end visitor;

    (void)state;
    open_attached(&p);
    int fd = visit(&p, fake_relay_last(&p.relay), 1, false, &visitor);
    for (unsigned i = 1; i <= 2; i++) {
        check_echo(&p, &visitor, fd, "word");
        fake_session_cut(fake_relay_last(&p.relay));
        RUN_UNTIL(p.loop, p.relay.resumes == i);
    }
    check_echo(&p, &visitor, fd, "last");
    assert_int_equal(p.relay.logins, 1);
    assert_string_equal(text_str(&p.relay.sessions[0].heard), "bind 1 ssh; ");
    stream_end_close(&visitor);
    close(fd);
    close_place(&p);
}

static void a_forgotten_session_is_followed_by_a_login_on_the_same_carrier(void **state)
{
    struct place p;
    struct stream_end visitor;
    bool is_end = false;

    (void)state;
    open_attached(&p);
    int fd = visit(&p, fake_relay_last(&p.relay), 1, false, &visitor);
    p.relay.forgets = true;
    fake_session_cut(&p.relay.sessions[0]);
    RUN_UNTIL(p.loop, p.relay.logins == 2 && p.relay.sessions[1].heard.len > 0);
    assert_string_equal(text_str(&p.relay.sessions[1].heard), "bind 1 ssh; ");
    /* The origin learns that its visitor is gone. */
    RUN_UNTIL(p.loop, (sockets_drain(fd, &is_end), is_end));
    stream_end_close(&visitor);
    close(fd);
    close_place(&p);
}

static void a_broken_protocol_ends_the_session_not_the_agent(void **state)
{
    struct place p;

    (void)state;
    open_attached(&p);
    struct stream_end visitor;
    int fd = visit(&p, fake_relay_last(&p.relay), 1, false, &visitor);
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
    close_place(&p);
}

static void without_a_link_streams_end_when_the_grace_is_over(void **state)
{
    struct place p;
    struct stream_end visitor;
    bool is_end = false;

    (void)state;
    open_place(&p);
    p.relay.grace_ms = 1;
    start(&p);
    RUN_UNTIL(p.loop, p.relay.logins == 1);
    int fd = visit(&p, fake_relay_last(&p.relay), 1, false, &visitor);
    p.relay.is_deaf = true;
    fake_session_cut(&p.relay.sessions[0]);
    loop_run_for(p.loop, 500);
    sockets_drain(fd, &is_end);
    assert_false(is_end);
    RUN_UNTIL(p.loop, (sockets_drain(fd, &is_end), is_end));
    p.relay.is_deaf = false;
    stream_end_close(&visitor);
    close(fd);
    close_place(&p);
}

/* ---- goodbyes ---- */

static void a_successor_is_logged_in_to_beside_the_old_session(void **state)
{
    struct place p;
    struct stream_end old_visitor;
    struct stream_end new_visitor;

    (void)state;
    open_attached(&p);
    int old_fd = visit(&p, &p.relay.sessions[0], 1, false, &old_visitor);
    mux_goaway(p.relay.sessions[0].mux, GOAWAY_SUCCESSOR);
    RUN_UNTIL(p.loop, p.relay.logins == 2 && p.relay.sessions[1].heard.len > 0);
    int new_fd = visit(&p, &p.relay.sessions[1], 1, false, &new_visitor);
    check_echo(&p, &old_visitor, old_fd, "old");
    check_echo(&p, &new_visitor, new_fd, "new");
    fake_session_cut(&p.relay.sessions[0]); /* done with the old one: nothing is dialled for it */
    loop_run_for(p.loop, 100);
    assert_int_equal(p.relay.logins, 2);
    check_echo(&p, &new_visitor, new_fd, "more");
    stream_end_close(&old_visitor);
    stream_end_close(&new_visitor);
    close(old_fd);
    close(new_fd);
    close_place(&p);
}

static void being_superseded_is_the_end(void **state)
{
    struct place p;

    (void)state;
    open_attached(&p);
    mux_goaway(p.relay.sessions[0].mux, GOAWAY_SUPERSEDED);
    RUN_UNTIL(p.loop, p.has_ended);
    assert_int_equal(p.end, AGENT_REFUSED);
    close_place(&p);
}

static void stopping_unbinds_lets_streams_finish_and_says_goodbye(void **state)
{
    struct place p;
    struct stream_end visitor;

    (void)state;
    open_attached(&p);
    int fd = visit(&p, &p.relay.sessions[0], 1, false, &visitor);
    agent_stop(p.agent);
    check_echo(&p, &visitor, fd, "still here");
    assert_false(p.has_ended);
    assert_string_equal(text_str(&p.relay.sessions[0].heard), "bind 1 ssh; unbind 1; ");
    stream_end_close(&visitor);
    close(fd);
    RUN_UNTIL(p.loop, p.has_ended);
    RUN_UNTIL(p.loop, p.relay.sessions[0].goaway == GOAWAY_SHUTDOWN);
    assert_int_equal(p.end, AGENT_STOPPED);
    close_place(&p);
}

static void a_second_stop_does_not_wait(void **state)
{
    struct place p;
    struct stream_end visitor;

    (void)state;
    open_attached(&p);
    int fd = visit(&p, &p.relay.sessions[0], 1, false, &visitor);
    agent_stop(p.agent);
    agent_stop(p.agent);
    loop_run_for(p.loop, 10);
    assert_true(p.has_ended);
    stream_end_close(&visitor);
    close(fd);
    close_place(&p);
}

/* ---- streams ---- */

static void an_exchange_that_meets_a_closed_origin_is_unsent(void **state)
{
    struct place p;
    struct stream_end visitor;

    (void)state;
    open_attached(&p);
    int fd = visit(&p, &p.relay.sessions[0], 1, true, &visitor);
    struct mux_stream *ms = link_stream_mux(visitor.stream);
    mux_stream_begin(ms);
    check_echo(&p, &visitor, fd, "first");
    /* Both in one turn of the agent: the end of the origin, and the next exchange. */
    stream_unwant(visitor.stream, STREAM_READABLE);
    close(fd);
    loop_run_for(p.loop, 20);
    mux_stream_begin(ms);
    stream_end_send(&visitor, "second", 6);
    RUN_UNTIL(p.loop, visitor.is_broken);
    assert_int_equal(stream_reset_code(visitor.stream), RESET_UNSENT);
    stream_end_close(&visitor);
    close_place(&p);
}

/* The relay drops an idle origin connection; an origin that takes no notice does not keep it. */
static void a_stream_the_relay_has_let_go_of_is_closed(void **state)
{
    struct place p;
    struct stream_end visitor;

    (void)state;
    open_attached(&p);
    int fd = visit(&p, &p.relay.sessions[0], 1, true, &visitor);
    check_echo(&p, &visitor, fd, "word");
    stream_end_close(&visitor);
    agent_stop(p.agent); /* ends as soon as the last stream has */
    RUN_UNTIL(p.loop, p.has_ended);
    close(fd);
    close_place(&p);
}

static void a_refused_target_is_told_by_its_code(void **state)
{
    struct place p;
    struct stream_end visitor;

    (void)state;
    open_attached(&p);
    close(p.origin);
    stream_end_init(&visitor, fake_session_visit(&p.relay.sessions[0], 1, false));
    RUN_UNTIL(p.loop, visitor.is_broken);
    assert_int_equal(stream_reset_code(visitor.stream), RESET_REFUSED);
    stream_end_close(&visitor);
    p.origin = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close_place(&p);
}

static void a_stream_for_a_tunnel_nobody_has_is_denied(void **state)
{
    struct place p;
    struct stream_end visitor;

    (void)state;
    open_attached(&p);
    stream_end_init(&visitor, fake_session_visit(&p.relay.sessions[0], 99, false));
    RUN_UNTIL(p.loop, visitor.is_broken);
    assert_int_equal(stream_reset_code(visitor.stream), RESET_DENIED);
    stream_end_close(&visitor);
    close_place(&p);
}

static void another_configuration_leaves_streams_alone(void **state)
{
    struct place p;
    struct agent_config config;
    struct stream_end visitor;

    (void)state;
    open_attached(&p);
    int fd = visit(&p, &p.relay.sessions[0], 1, false, &visitor);
    read_config(&p, &config, "other");
    agent_apply(p.agent, &config);
    check_echo(&p, &visitor, fd, "word");
    RUN_UNTIL(p.loop, slice_ends(text_slice(&p.relay.sessions[0].heard), SLICE("bind 2 other; ")));
    check_has(text_str(&p.relay.sessions[0].heard), "unbind 1; ");
    stream_end_close(&visitor);
    close(fd);
    close_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_first_login_is_the_end),
        cmocka_unit_test(a_refusal_that_may_pass_is_tried_again),
        cmocka_unit_test(a_relay_that_does_not_speak_is_never_the_end),
        cmocka_unit_test(the_last_tunnel_refused_for_good_is_the_end),
        cmocka_unit_test(a_cut_link_is_resumed_and_streams_go_on),
        cmocka_unit_test(a_forgotten_session_is_followed_by_a_login_on_the_same_carrier),
        cmocka_unit_test(a_broken_protocol_ends_the_session_not_the_agent),
        cmocka_unit_test(without_a_link_streams_end_when_the_grace_is_over),
        cmocka_unit_test(a_successor_is_logged_in_to_beside_the_old_session),
        cmocka_unit_test(being_superseded_is_the_end),
        cmocka_unit_test(stopping_unbinds_lets_streams_finish_and_says_goodbye),
        cmocka_unit_test(a_second_stop_does_not_wait),
        cmocka_unit_test(an_exchange_that_meets_a_closed_origin_is_unsent),
        cmocka_unit_test(a_stream_the_relay_has_let_go_of_is_closed),
        cmocka_unit_test(a_refused_target_is_told_by_its_code),
        cmocka_unit_test(a_stream_for_a_tunnel_nobody_has_is_denied),
        cmocka_unit_test(another_configuration_leaves_streams_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
