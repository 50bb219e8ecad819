/* What the configuration wants against what the relay grants. */
#include "agent/tunnels.h"

#include <fcntl.h>
#include <unistd.h>

#include "agent/reporter.h"
#include "support/check.h"
#include "wire/control.h"

struct desk {
    struct loop *loop;
    struct reporter *reporter;
    int null_fd;
    struct tunnels tunnels;
    struct agent_config config;
    struct text sent; /* "bind 1 web; unbind 2; " */
    unsigned settled;
    bool is_hopeless;
};

static void on_send(void *ctx, const struct control_message *m)
{
    struct desk *d = ctx;

    if (m->type == CONTROL_BIND) {
        text_addf(&d->sent, "bind %u %.*s %.*s; ", m->bind.tunnel, SLICE_ARG(m->bind.key),
                  SLICE_ARG(m->bind.target));
    } else {
        assert_int_equal(m->type, CONTROL_UNBIND);
        text_addf(&d->sent, "unbind %u; ", m->unbind.tunnel);
    }
}

static void on_settled(void *ctx)
{
    ((struct desk *)ctx)->settled++;
}

static void on_hopeless(void *ctx)
{
    ((struct desk *)ctx)->is_hopeless = true;
}

static const struct tunnels_user user = {
    .send = on_send, .on_settled = on_settled, .on_hopeless = on_hopeless};

static void apply(struct desk *d, const char *yaml, bool is_first)
{
    struct agent_config old = d->config;
    struct problems problems = {0};

    agent_config_init(&d->config);
    assert_int_equal(agent_config_read(&d->config, "adit.yml", slice_str(yaml), &problems), 0);
    tunnels_apply(&d->tunnels, is_first ? NULL : &old, &d->config);
    if (!is_first) {
        agent_config_deinit(&old);
    }
    problems_deinit(&problems);
}

static void open_desk(struct desk *d, const char *yaml)
{
    struct reporter_options options;

    *d = (struct desk){.loop = loop_new(), .null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC)};
    options = (struct reporter_options){.is_json = true, .out_fd = d->null_fd};
    d->reporter = reporter_new(d->loop, &options);
    tunnels_init(&d->tunnels, d->loop, d->reporter, &user, d);
    apply(d, yaml, true);
}

static void close_desk(struct desk *d)
{
    tunnels_deinit(&d->tunnels);
    agent_config_deinit(&d->config);
    reporter_free(&d->reporter);
    loop_free(&d->loop);
    close(d->null_fd);
    text_deinit(&d->sent);
}

static void check_sent(struct desk *d, const char *expected)
{
    assert_string_equal(text_str(&d->sent), expected);
    text_clear(&d->sent);
}

static void grant(struct desk *d, uint32_t id)
{
    const struct control_bound bound = {.tunnel = id, .urls = {1, {SLICE("http://a")}}};
    tunnels_rcvd_bound(&d->tunnels, &bound);
}

static void refuse(struct desk *d, uint32_t id, uint32_t code)
{
    const struct control_bound bound = {.tunnel = id, .code = code};
    tunnels_rcvd_bound(&d->tunnels, &bound);
}

static void unbound(struct desk *d, uint32_t id, uint32_t code)
{
    const struct control_unbound message = {.tunnel = id, .code = code};
    tunnels_rcvd_unbound(&d->tunnels, &message);
}

static enum tunnel_state state_of(struct desk *d, uint32_t id)
{
    struct agent_tunnel *t = tunnels_find(&d->tunnels, id);
    assert_non_null(t);
    return t->state;
}

#define TWO "tunnels:\n  web: 3000\n  ssh: {target: \"tcp://h:22\"}\n"

static void a_login_binds_all_and_settles_with_the_last_answer(void **state)
{
    struct desk d;

    (void)state;
    open_desk(&d, TWO);
    check_sent(&d, "");
    tunnels_login(&d.tunnels);
    check_sent(&d, "bind 1 web http://127.0.0.1:3000; bind 2 ssh tcp://h:22; ");
    grant(&d, 2);
    assert_int_equal(d.settled, 0);
    grant(&d, 1);
    assert_int_equal(d.settled, 1);
    assert_int_equal(state_of(&d, 1), TUNNEL_BOUND);
    close_desk(&d);
}

static void a_fresh_login_binds_the_same_again(void **state)
{
    struct desk d;

    (void)state;
    open_desk(&d, TWO);
    tunnels_login(&d.tunnels);
    grant(&d, 1);
    tunnels_logout(&d.tunnels);
    check_sent(&d, "bind 1 web http://127.0.0.1:3000; bind 2 ssh tcp://h:22; ");
    tunnels_login(&d.tunnels);
    check_sent(&d, "bind 1 web http://127.0.0.1:3000; bind 2 ssh tcp://h:22; ");
    close_desk(&d);
}

static void a_changed_file_touches_only_what_changed(void **state)
{
    struct desk d;

    (void)state;
    open_desk(&d, TWO "  old: 1\n");
    tunnels_login(&d.tunnels);
    grant(&d, 1);
    grant(&d, 2);
    grant(&d, 3);
    text_clear(&d.sent);
    apply(&d, "tunnels:\n  new: 5\n  web: 4000\n  ssh: {target: \"tcp://h:22\"}\n", false);
    /* The new one stands before the old one goes, so that no visitor finds nothing. */
    check_sent(&d, "unbind 3; bind 4 web http://127.0.0.1:4000; unbind 1; "
                   "bind 5 new http://127.0.0.1:5; ");
    assert_int_equal(state_of(&d, 2), TUNNEL_BOUND);
    assert_int_equal(state_of(&d, 1), TUNNEL_RETIRED);
    assert_int_equal(tunnels_find(&d.tunnels, 1)->target.port, 3000);
    unbound(&d, 1, 0);
    assert_null(tunnels_find(&d.tunnels, 1));
    close_desk(&d);
}

static void a_stream_keeps_the_tunnel_it_came_for(void **state)
{
    struct desk d;

    (void)state;
    open_desk(&d, TWO);
    struct agent_tunnel *held = agent_tunnel_ref(tunnels_find(&d.tunnels, 1));
    apply(&d, "tunnels: {}\n", false);
    assert_null(tunnels_find(&d.tunnels, 1));
    assert_string_equal(held->key, "web");
    agent_tunnel_unref(&held);
    assert_null(held);
    close_desk(&d);
}

static void one_refused_for_good_leaves_the_others(void **state)
{
    struct desk d;

    (void)state;
    open_desk(&d, TWO);
    tunnels_login(&d.tunnels);
    refuse(&d, 1, CONTROL_REFUSAL_TAKEN);
    assert_int_equal(state_of(&d, 1), TUNNEL_REFUSED);
    assert_false(d.is_hopeless);
    grant(&d, 2);
    assert_int_equal(d.settled, 1);
    tunnels_logout(&d.tunnels);
    text_clear(&d.sent);
    tunnels_login(&d.tunnels);
    check_sent(&d, "bind 2 ssh tcp://h:22; ");
    close_desk(&d);
}

static void the_last_one_refused_for_good_is_the_end(void **state)
{
    struct desk d;

    (void)state;
    open_desk(&d, TWO);
    tunnels_login(&d.tunnels);
    refuse(&d, 1, CONTROL_REFUSAL_TAKEN);
    refuse(&d, 2, CONTROL_REFUSAL_DENIED);
    assert_true(d.is_hopeless);
    close_desk(&d);
}

static void refused_for_now_is_asked_again(void **state)
{
    struct desk d;

    (void)state;
    open_desk(&d, "tunnels:\n  web: 3000\n");
    tunnels_login(&d.tunnels);
    refuse(&d, 1, CONTROL_REFUSAL_LIMIT);
    assert_int_equal(state_of(&d, 1), TUNNEL_PAUSED);
    assert_false(d.is_hopeless);
    text_clear(&d.sent);
    for (int i = 0; i < 40 && d.sent.len == 0; i++) {
        loop_run_for(d.loop, 50);
    }
    check_sent(&d, "bind 1 web http://127.0.0.1:3000; ");
    close_desk(&d);
}

/* Once it was bound, a refusal may pass; a takeover does not: two agents must not evict each other
 * for ever. */
static void what_was_bound_comes_back_unless_it_was_taken_over(void **state)
{
    struct desk d;

    (void)state;
    open_desk(&d, TWO);
    tunnels_login(&d.tunnels);
    grant(&d, 1);
    grant(&d, 2);
    unbound(&d, 1, CONTROL_REFUSAL_REVOKED);
    assert_int_equal(state_of(&d, 1), TUNNEL_PAUSED);
    unbound(&d, 2, CONTROL_REFUSAL_SUPERSEDED);
    assert_int_equal(state_of(&d, 2), TUNNEL_REFUSED);
    assert_false(d.is_hopeless);
    close_desk(&d);
}

static void unbinding_all_waits_for_each_answer(void **state)
{
    struct desk d;

    (void)state;
    open_desk(&d, TWO);
    tunnels_login(&d.tunnels);
    grant(&d, 1);
    text_clear(&d.sent);
    tunnels_unbind_all(&d.tunnels);
    check_sent(&d, "unbind 1; unbind 2; ");
    unbound(&d, 1, 0);
    assert_false(list_is_empty(&d.tunnels.all));
    grant(&d, 2); /* was on its way */
    unbound(&d, 2, 0);
    assert_true(list_is_empty(&d.tunnels.all));
    close_desk(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_binds_all_and_settles_with_the_last_answer),
        cmocka_unit_test(a_fresh_login_binds_the_same_again),
        cmocka_unit_test(a_changed_file_touches_only_what_changed),
        cmocka_unit_test(a_stream_keeps_the_tunnel_it_came_for),
        cmocka_unit_test(one_refused_for_good_leaves_the_others),
        cmocka_unit_test(the_last_one_refused_for_good_is_the_end),
        cmocka_unit_test(refused_for_now_is_asked_again),
        cmocka_unit_test(what_was_bound_comes_back_unless_it_was_taken_over),
        cmocka_unit_test(unbinding_all_waits_for_each_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
