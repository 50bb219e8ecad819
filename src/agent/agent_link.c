/* From nothing to an attached session: the ladder, the greeting, and what comes when a link is
 * lost. */
#include "agent/agent_priv.h"
#include "agent/relay_call.h"
#include "base/mem.h"

/* ---- news ---- */

/* Tells, once per reason, that there is no link. */
static void tell_down(struct agent *a, const char *reason)
{
    bool is_known = strcmp(a->news.down.text, reason) == 0;
    const struct report_link report = {.relay = a->relay_text, .reason = reason};

    a->news.is_up_due = false;
    if (!is_known) {
        a->news.down.text[0] = '\0';
        errinfo_set(&a->news.down, 0, "%s", reason);
        reporter_link(a->reporter, &report);
    }
}

void agent_tell_up(struct agent *a)
{
    const char *because = a->news.because.text;
    const struct report_link report = {
        .is_up = true,
        .carrier = carrier_name(a->news.carrier),
        .relay = a->relay_text,
        .rtt_ms = a->news.rtt_ms,
        .reason = because[0] ? because : NULL,
    };

    if (a->news.is_up_due) {
        a->news.is_up_due = false;
        a->news.down.text[0] = '\0';
        reporter_link(a->reporter, &report);
    }
}

/* ---- attached ---- */

static void attach(struct agent *a)
{
    struct greeted carrier = greet_client_take(&a->greeting);

    timer_disarm(a->loop, &a->grace);
    agent_session_attach(a->session, &carrier);
    mem_trim();
    agent_set_state(a, AGENT_ATTACHED);
    a->news.is_up_due = true;
}

static bool may_resume(const struct agent_session *s, int err)
{
    return s->is_resumable && err_category(err) != ERR_CAT_PEER;
}

void agent_lost_link(struct agent *a, struct agent_session *s, int err, const struct errinfo *why)
{
    uint64_t lived_ms = loop_now_ms(a->loop) - s->attached_at_ms;

    if (s == a->leaving) {
        agent_session_end(&a->leaving, "the relay has closed the old session");
        return;
    }
    if (a->state == AGENT_STOPPING) {
        agent_end_soon(a, AGENT_STOPPED);
        return;
    }
    if (lived_ms >= AGENT_LIVED_MS) {
        backoff_reset(&a->backoff);
    }
    tell_down(a, errinfo_text(why, err));
    if (may_resume(s, err)) {
        timer_arm(a->loop, &a->grace, s->grace_ms + AGENT_GRACE_EXTRA_MS);
    } else {
        agent_drop_session(a, "the relay has ended the session");
    }
    agent_wait(a, 0);
}

/* ---- greeting: what we ask for ---- */

static bool is_shared(const struct agent_config *config)
{
    for (size_t i = 0; i < config->tunnels.count; i++) {
        if (config->tunnels.items[i].is_shared) {
            return true;
        }
    }
    return false;
}

static struct relay_call make_call(const struct agent *a)
{
    return (struct relay_call){
        .relay = &a->relay,
        .identity = &a->identity,
        .run_id = a->run_id,
        .version = a->version,
        .initial_window = (uint32_t)a->config.limits.initial_window,
        .limit_ms = a->config.limits.handshake,
        .is_shared = is_shared(&a->config),
    };
}

static void log_in(struct agent *a)
{
    const struct relay_call call = make_call(a);
    relay_call_log_in(a->greeting, &call);
}

static void resume(struct agent *a)
{
    struct agent_session *s = a->session;
    struct bufq rows = {0};

    mux_resume_table(s->mux, &rows);
    s->epoch++;
    greet_client_resume(a->greeting, &s->id, s->epoch, s->secret, &rows);
}

/* ---- greeting: what the relay says ---- */

static void on_logged_in(void *ctx, struct greet_client *g, const struct link_logged_in *answer)
{
    struct agent *a = ctx;
    const struct agent_session_options options = {
        .loop = a->loop,
        .login = answer,
        .initial_window = (uint32_t)a->config.limits.initial_window,
        .peer_initial_window = a->peer_window,
        .link_budget_bytes = (size_t)a->config.limits.link_budget,
        .connect_ms = a->config.limits.origin_connect,
        .trust = &a->origin_trust,
        .reporter = a->reporter,
        .number = ++a->login_count,
    };

    (void)g;
    a->session = agent_session_new(&options, &agent_session_callbacks, a);
    attach(a);
    tunnels_login(&a->tunnels);
}

static void on_resumed(void *ctx, struct greet_client *g, const struct link_resumed *answer,
                       struct bufq *rows)
{
    struct agent *a = ctx;
    struct errinfo why = {0};
    int err = mux_resume_apply(a->session->mux, rows, &why);

    (void)g;
    if (err < 0) {
        greet_client_abort(&a->greeting);
        tell_down(a, errinfo_text(&why, err));
        agent_drop_session(a, "the session could not be resumed");
        agent_wait(a, 0);
        return;
    }
    memcpy(a->session->secret, answer->secret, sizeof a->session->secret);
    attach(a);
    agent_tell_up(a);
}

static void on_unknown(void *ctx, struct greet_client *g)
{
    struct agent *a = ctx;

    (void)g;
    agent_drop_session(a, "the relay does not know the session any more");
    log_in(a);
}

/* Before the first good login a final refusal is the end: nothing would change by waiting. */
static void on_refused_login(struct agent *a, const struct link_refused *refused)
{
    bool is_final = link_refusal_is_final(refused->code) && a->login_count == 0;
    struct errinfo what = {0};

    errinfo_set(&what, 0, "the relay refused the login: %.*s", SLICE_ARG(refused->sentence));
    if (is_final) {
        reporter_error(a->reporter, what.text, relay_call_fix(refused->code), true);
        agent_end_soon(a, AGENT_REFUSED);
        return;
    }
    tell_down(a, what.text);
    agent_wait(a, refused->retry_after_ms);
}

static void on_refused(void *ctx, struct greet_client *g, const struct link_refused *refused)
{
    struct agent *a = ctx;

    (void)g;
    a->greeting = NULL;
    on_refused_login(a, refused);
}

static void on_greeting_failed(void *ctx, struct greet_client *g, int err,
                               const struct errinfo *why)
{
    struct agent *a = ctx;

    (void)g;
    a->greeting = NULL;
    tell_down(a, errinfo_text(why, err));
    agent_wait(a, 0);
}

static const struct greet_client_user greeting_user = {
    .on_logged_in = on_logged_in,
    .on_resumed = on_resumed,
    .on_unknown = on_unknown,
    .on_refused = on_refused,
    .on_failed = on_greeting_failed,
};

/* ---- dialling ---- */

static void on_hello(void *ctx, const struct ladder_win *win)
{
    struct agent *a = ctx;

    a->ladder = NULL;
    a->greeting = win->greeting;
    a->peer_window = win->peer->initial_window;
    a->news.carrier = win->carrier;
    a->news.rtt_ms = win->rtt_ms;
    a->news.because = (struct errinfo){0};
    errinfo_set(&a->news.because, 0, "%s", win->because ? win->because : "");
    greet_client_set_user(a->greeting, &greeting_user, a);
    agent_set_state(a, AGENT_GREETING);
    if (a->session) {
        resume(a);
    } else {
        log_in(a);
    }
}

static void on_ladder_refused(void *ctx, const struct link_refused *refused)
{
    struct agent *a = ctx;

    a->ladder = NULL;
    on_refused_login(a, refused);
}

static void on_ladder_failed(void *ctx, int err, const struct errinfo *why)
{
    struct agent *a = ctx;

    a->ladder = NULL;
    tell_down(a, errinfo_text(why, err));
    agent_wait(a, 0);
}

void agent_dial(struct agent *a)
{
    static const struct ladder_user user = {
        .on_hello = on_hello, .on_refused = on_ladder_refused, .on_failed = on_ladder_failed};
    const struct relay_call call = make_call(a);
    struct errinfo why = {0};

    agent_set_state(a, AGENT_DIALLING);
    int err = relay_call_dial(a->loop, &call, &user, a, &a->ladder, &why);
    if (err < 0) {
        tell_down(a, errinfo_text(&why, err));
        agent_wait(a, 0);
    }
}

void agent_hang_up(struct agent *a)
{
    ladder_stop(&a->ladder);
    greet_client_abort(&a->greeting);
}
