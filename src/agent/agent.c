#include "agent/agent_priv.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "net/netwatch.h"
#include "wire/mux_frame.h"

/* ---- states ---- */

static const char *const state_names[] = {
#define X(id, sentence) #id,
    AGENT_STATE_LIST(X)
#undef X
};

static bool may_follow(enum agent_state from, enum agent_state to)
{
    switch (to) {
    case AGENT_WAITING:
        return from != AGENT_STOPPING && from != AGENT_ENDED;
    case AGENT_DIALLING:
        return from == AGENT_WAITING || from == AGENT_ATTACHED;
    case AGENT_GREETING:
        return from == AGENT_DIALLING;
    case AGENT_ATTACHED:
        return from == AGENT_GREETING;
    case AGENT_STOPPING:
        return from == AGENT_ATTACHED;
    case AGENT_ENDED:
        return from != AGENT_ENDED;
    }
    UNREACHABLE();
}

void agent_set_state(struct agent *a, enum agent_state next)
{
    ASSERT(may_follow(a->state, next));
    log_debug(NULL, "agent", LOG_STR("from", state_names[a->state]),
              LOG_STR("to", state_names[next]));
    a->state = next;
    if (next != AGENT_WAITING) {
        timer_disarm(a->loop, &a->wait);
    }
    if (next != AGENT_STOPPING) {
        timer_disarm(a->loop, &a->drain);
    }
}

void agent_wait(struct agent *a, uint64_t at_least_ms)
{
    uint64_t wait_ms = a->session ? backoff_next_below_ms(&a->backoff, AGENT_RESUME_WAIT_MS)
                                  : backoff_next_ms(&a->backoff);

    agent_set_state(a, AGENT_WAITING);
    timer_arm(a->loop, &a->wait, wait_ms > at_least_ms ? wait_ms : at_least_ms);
}

static void on_waited(struct timer *timer)
{
    agent_dial(CONTAINER_OF(timer, struct agent, wait));
}

void agent_drop_session(struct agent *a, const char *reason)
{
    timer_disarm(a->loop, &a->grace);
    if (a->session) {
        agent_session_end(&a->session, reason);
        tunnels_logout(&a->tunnels);
    }
}

/* The relay has given the session up by now. */
static void on_grace_over(struct timer *timer)
{
    struct agent *a = CONTAINER_OF(timer, struct agent, grace);

    if (a->state == AGENT_GREETING) {
        timer_arm(a->loop, &a->grace, AGENT_GRACE_EXTRA_MS); /* the relay is about to say so */
        return;
    }
    agent_drop_session(a, "no link to the relay for too long");
}

/* ---- what may not be done inside the engine ---- */

void agent_end_soon(struct agent *a, enum agent_end end)
{
    a->end = end;
    a->wants_to_end = true;
    loop_schedule(a->loop, &a->work);
}

static void end_now(struct agent *a)
{
    agent_set_state(a, AGENT_ENDED);
    agent_hang_up(a);
    if (a->session) {
        agent_session_leave(a->session, GOAWAY_SHUTDOWN);
    }
    agent_drop_session(a, "the agent stops");
    agent_session_end(&a->leaving, "the agent stops");
    a->user->on_end(a->ctx, a->end);
}

/* The relay wants us to log in again beside the present session, which goes on serving what it has
 * until the relay closes it. */
static void start_new_session(struct agent *a)
{
    agent_session_end(&a->leaving, "the relay has moved on twice");
    a->leaving = a->session;
    a->session = NULL;
    tunnels_logout(&a->tunnels);
    agent_dial(a);
}

static void on_work(struct task *task)
{
    struct agent *a = CONTAINER_OF(task, struct agent, work);

    if (a->wants_to_end && a->state != AGENT_ENDED) {
        end_now(a);
    } else if (a->wants_new_session && a->state == AGENT_ATTACHED) {
        start_new_session(a);
    }
    a->wants_new_session = false;
}

/* ---- stopping ---- */

void agent_check_drained(struct agent *a)
{
    bool is_quiet = a->session && serve_is_empty(&a->session->serve);

    if (a->state != AGENT_STOPPING || !is_quiet) {
        return;
    }
    if (list_is_empty(&a->tunnels.all)) {
        agent_end_soon(a, AGENT_STOPPED);
    } else {
        timer_arm(a->loop, &a->drain, AGENT_UNBIND_MS);
    }
}

static void on_drained(struct timer *timer)
{
    agent_end_soon(CONTAINER_OF(timer, struct agent, drain), AGENT_STOPPED);
}

void agent_stop(struct agent *a)
{
    if (a->state != AGENT_ATTACHED) {
        if (a->state != AGENT_ENDED) {
            agent_end_soon(a, AGENT_STOPPED);
        }
        return;
    }
    agent_set_state(a, AGENT_STOPPING);
    timer_arm(a->loop, &a->drain, a->config.limits.drain);
    tunnels_unbind_all(&a->tunnels);
    agent_check_drained(a);
}

/* ---- changes from outside ---- */

void agent_apply(struct agent *a, struct agent_config *config_take)
{
    struct agent_config old = a->config;

    a->config = *config_take;
    *config_take = (struct agent_config){0};
    tunnels_apply(&a->tunnels, &old, &a->config);
    agent_config_deinit(&old);
}

const struct agent_config *agent_config_now(const struct agent *a)
{
    return &a->config;
}

static void set_relay(struct agent *a, struct agent_relay *relay_take)
{
    struct text url = {0};

    agent_relay_deinit(&a->relay);
    a->relay = *relay_take;
    *relay_take = (struct agent_relay){0};
    mem_free(a->relay_text);
    relay_url_show(&url, &a->relay.url);
    a->relay_text = text_take(&url);
}

void agent_move(struct agent *a, struct agent_relay *relay_take)
{
    set_relay(a, relay_take);
    if (a->state == AGENT_STOPPING || a->state == AGENT_ENDED) {
        return;
    }
    agent_hang_up(a);
    if (a->session) {
        agent_session_leave(a->session, GOAWAY_SHUTDOWN);
    }
    agent_drop_session(a, "the agent moves to another relay");
    a->login_count = 0;
    backoff_reset(&a->backoff);
    agent_wait(a, 0);
}

/* Something happened to the network or to time: finds out now whether the link is alive. */
static void probe(struct agent *a)
{
    if (a->session && a->session->link) {
        link_probe(a->session->link, AGENT_PROBE_MS);
    }
    if (a->state == AGENT_WAITING) {
        backoff_reset(&a->backoff);
        agent_wait(a, 0);
    }
}

/* Timers stand still while the machine sleeps, the relay's do not. */
static void on_gap_check(struct timer *timer)
{
    struct agent *a = CONTAINER_OF(timer, struct agent, gap);
    uint64_t asleep_ms = clock_asleep_ms();

    if (asleep_ms > a->asleep_ms + AGENT_GAP_MS) {
        log_info(NULL, "the machine was asleep", LOG_U64("ms", asleep_ms - a->asleep_ms));
        probe(a);
    }
    a->asleep_ms = asleep_ms;
    timer_arm(a->loop, &a->gap, AGENT_GAP_CHECK_MS);
}

static void on_network_changed(void *ctx)
{
    log_info(NULL, "the network has changed");
    probe(ctx);
}

/* ---- life ---- */

void agent_relay_deinit(struct agent_relay *r)
{
    if (r->token) {
        mem_wipe(r->token, strlen(r->token));
    }
    mem_free(r->token);
    mem_free(r->ca_file);
    *r = (struct agent_relay){0};
}

struct agent *agent_start(struct loop *loop, const struct agent_options *options,
                          const struct agent_user *user, void *ctx)
{
    struct agent *a = NEW(struct agent);

    a->loop = loop;
    a->version = options->version;
    a->reporter = options->reporter;
    a->user = user;
    a->ctx = ctx;
    a->wait.expired = on_waited;
    a->grace.expired = on_grace_over;
    a->drain.expired = on_drained;
    a->gap.expired = on_gap_check;
    a->work.run = on_work;
    a->identity = *options->identity;
    random_bytes(a->run_id, sizeof a->run_id);
    set_relay(a, options->relay_take);
    a->config = *options->config_take;
    *options->config_take = (struct agent_config){0};
    tunnels_init(&a->tunnels, loop, a->reporter, &agent_tunnels_callbacks, a);
    tunnels_apply(&a->tunnels, NULL, &a->config);
    a->asleep_ms = clock_asleep_ms();
    timer_arm(loop, &a->gap, AGENT_GAP_CHECK_MS);
    if (netwatch_open(&a->network, loop, on_network_changed, a) < 0) {
        a->network = NULL; /* a dead link is noticed all the same, some seconds later */
    }
    agent_wait(a, 0);
    return a;
}

void agent_free(struct agent **agent)
{
    struct agent *a = *agent;

    if (!a) {
        return;
    }
    *agent = NULL;
    agent_hang_up(a);
    agent_drop_session(a, "the agent stops");
    agent_session_end(&a->leaving, "the agent stops");
    loop_unschedule(&a->work);
    timer_disarm(a->loop, &a->wait);
    timer_disarm(a->loop, &a->grace);
    timer_disarm(a->loop, &a->drain);
    timer_disarm(a->loop, &a->gap);
    netwatch_close(&a->network);
    tunnels_deinit(&a->tunnels);
    origin_trust_deinit(&a->origin_trust);
    agent_config_deinit(&a->config);
    agent_relay_deinit(&a->relay);
    identity_wipe(&a->identity);
    mem_free(a->relay_text);
    mem_free(a);
}
