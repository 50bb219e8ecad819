#include "relay/sessions/session.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"
#include "relay/sessions/session_wait.h"
#include "relay/workers/shared.h"
#include "session/link_stream.h"
#include "wire/control.h"
#include "wire/mux_frame.h"
#include "wire/reset_code.h"

enum {
    LAST_LOOK_MS = 1000,
    DETACHED_PERCENT = 90, /* of the worker's memory promised: sessions without a link must go */
};

/* ---- finding ---- */

static struct session *of_node(struct table_node *n)
{
    return CONTAINER_OF(n, struct session, node);
}

struct session *session_find(struct worker *w, uint64_t handle)
{
    TABLE_EACH_MATCH (&w->sessions, table_hash_u64(handle), n) {
        if (of_node(n)->handle == handle) {
            return of_node(n);
        }
    }
    return NULL;
}

static uint64_t id_hash(const struct link_session_id *id)
{
    return slice_hash(slice_of(id->random, sizeof id->random));
}

struct session *session_find_id(struct worker *w, const struct link_session_id *id)
{
    TABLE_EACH_MATCH (&w->sessions_by_id, id_hash(id), n) {
        struct session *s = CONTAINER_OF(n, struct session, by_id);
        if (link_session_id_equal(&s->id, id)) {
            return s;
        }
    }
    return NULL;
}

void sessions_each(struct worker *w, void (*visit)(void *ctx, struct session *s), void *ctx)
{
    TABLE_EACH (&w->sessions, n) {
        visit(ctx, of_node(n));
    }
}

/* ---- events of the engine ---- */

static const struct session_user *user_of(const struct session *s)
{
    return s->worker->relay->session_user;
}

static void on_output(void *ctx)
{
    struct session *s = ctx;

    if (s->link) {
        link_wake(s->link);
    }
}

static void on_opened(void *ctx, struct mux_stream *ms, struct slice facts)
{
    (void)ctx;
    (void)ms;
    (void)facts;
}

static void on_begin(void *ctx, struct mux_stream *ms, uint64_t offset)
{
    (void)ctx;
    (void)ms;
    (void)offset;
}

static void on_control(void *ctx, struct slice message)
{
    struct session *s = ctx;

    if (!s->is_over) {
        user_of(s)->on_control(s, message);
    }
}

/* The agent is about to go: when its link ends there is nothing to wait for. */
static void on_goaway(void *ctx, uint16_t reason)
{
    struct session *s = ctx;

    s->is_leaving = true;
    log_debug(&s->log, "agent leaves", LOG_STR("reason", goaway_sentence(reason)));
}

static const struct mux_events mux_events = {
    .on_output = on_output,
    .on_opened = on_opened,
    .on_readable = link_stream_on_readable,
    .on_writable = link_stream_on_writable,
    .on_begin = on_begin,
    .on_stop = link_stream_on_stop,
    .on_reset = link_stream_on_reset,
    .on_control = on_control,
    .on_goaway = on_goaway,
};

/* ---- link ---- */

static void on_grace_over(struct timer *timer)
{
    struct session *s = CONTAINER_OF(timer, struct session, grace);
    session_end(s, RESET_GRACE, 0, "the agent did not come back in time");
}

static void wait_for_carrier(struct session *s)
{
    s->detached_at = clock_wall_ms();
    s->logins_since = 0;
    list_push_back(&s->worker->detached, &s->detached);
    user_of(s)->on_link(s, false);
    timer_arm(s->worker->loop, &s->grace, s->worker->relay->config->limits.grace);
}

static void end_outlived(struct session *s)
{
    session_end(s, RESET_SUPERSEDED, 0, "a later session of the agent took its tunnels over");
}

/* The agent still reads what it has here. */
static void on_last_look(struct timer *timer)
{
    struct session *s = CONTAINER_OF(timer, struct session, last_look);
    struct mux_counters counters;

    mux_counters(s->mux, &counters);
    if (counters.streams == 0) {
        end_outlived(s);
    } else {
        timer_arm(s->worker->loop, timer, LAST_LOOK_MS);
    }
}

static void on_link_lost(void *ctx, struct link *link, int err, const struct errinfo *why)
{
    struct session *s = ctx;

    (void)link;
    s->link = NULL;
    s->detached_at = clock_wall_ms();
    s->loss = (struct errinfo){0};
    errinfo_set(&s->loss, err, "%s", errinfo_text(why, err));
    if (err_category(err) == ERR_CAT_PEER && err != ERR_TLS) {
        session_end_by_breach(s, errinfo_text(why, err));
        return;
    }
    log_info(&s->log, "link lost", LOG_STR("carrier", s->carrier),
             LOG_STR("reason", errinfo_text(why, err)));
    if (s->is_leaving) {
        session_end(s, RESET_SHUTDOWN, 0, "the agent has stopped");
    } else if (s->worker->relay->is_draining) {
        session_end(s, RESET_SHUTDOWN, 0, "the relay stops, and its agent is away");
    } else if (timer_is_armed(&s->last_look)) {
        end_outlived(s);
    } else {
        wait_for_carrier(s);
    }
}

static const struct link_user link_user = {.on_lost = on_link_lost};

void session_attach(struct session *s, struct greeted *carrier_take, const char *carrier,
                    const char *address)
{
    ASSERT(!s->link);
    list_remove(&s->detached);
    timer_disarm(s->worker->loop, &s->grace);
    s->carrier = carrier;
    mem_free(s->address);
    s->address = mem_strdup(address);
    s->attached_at = clock_wall_ms();
    s->link = link_attach(s->mux, carrier_take, &s->log, &link_user, s);
    user_of(s)->on_link(s, true);
    session_finish_waits(s, true);
}

void session_detach(struct session *s)
{
    if (s->link) {
        link_abort(&s->link);
        wait_for_carrier(s);
    }
}

/* ---- life ---- */

static void free_session(struct grave *grave)
{
    struct session *s = CONTAINER_OF(grave, struct session, grave);

    mux_free(&s->mux);
    mem_wipe(s->secret, sizeof s->secret);
    mem_wipe(s->previous_secret, sizeof s->previous_secret);
    mem_free(s->token_name);
    mem_free(s->host_name);
    mem_free(s->agent_version);
    mem_free(s->dialled);
    mem_free(s->address);
    table_deinit(&s->tunnels);
    mem_free(s);
}

static void make_id(struct session *s)
{
    const struct relay *r = s->worker->relay;

    s->id.relay = r->id;
    s->id.generation = r->generation;
    s->id.worker = (uint16_t)s->worker->index;
    random_bytes(s->id.random, sizeof s->id.random);
    random_bytes(s->secret, sizeof s->secret);
    memcpy(s->previous_secret, s->secret, sizeof s->secret);
}

/* Those without a link are the first to go when memory is short; who waits longest is the least
 * likely to come back. What it held is free at the end of the turn: some is left until then. */
static void make_room(struct worker *w)
{
    const struct mux_budget *b = &w->budget;
    struct list *longest = list_first(&w->detached);

    if (longest && b->promised_bytes > b->limit_bytes / 100 * DETACHED_PERCENT) {
        struct session *s = LIST_ENTRY(longest, struct session, detached);
        session_end(s, RESET_GRACE, 0, "memory is short, and it has no link");
    }
}

static int make_engine(struct session *s, struct worker *w, const struct link_hello *hello)
{
    const struct limits *limits = &w->relay->config->limits;
    const struct mux_config config = {
        .role = MUX_ROLE_RELAY,
        .initial_window = (uint32_t)limits->initial_window,
        .peer_initial_window = hello->initial_window,
        .link_budget_bytes = (size_t)limits->link_budget,
        .process_budget = &w->budget,
        .refuses_streams = true, /* agents open nothing toward the relay */
    };

    return mux_new(&config, &mux_events, s, &s->mux);
}

/* What the agent said, and what is known of it. */
static void keep_login(struct session *s, const struct session_login *login)
{
    s->owner = login->owner;
    memcpy(s->run_id, login->hello->run_id, sizeof s->run_id);
    s->token_name = mem_strdup(login->token_name);
    s->host_name = slice_dup(login->login->host_name);
    s->agent_version = slice_dup(login->login->agent_version);
    s->dialled = slice_dup(login->login->dialled);
    s->address = mem_strdup(login->address);
    s->carrier = login->carrier;
    s->is_shared = login->login->is_share;
}

static void on_ending(struct task *task);

static void enlist(struct session *s)
{
    struct worker *w = s->worker;

    s->started_at = clock_wall_ms();
    s->grace.expired = on_grace_over;
    s->last_look.expired = on_last_look;
    s->ending.run = on_ending;
    list_init(&s->detached);
    list_init(&s->waiting);
    list_init(&s->probes);
    table_add(&w->sessions, &s->node, table_hash_u64(s->handle));
    table_add(&w->sessions_by_id, &s->by_id, id_hash(&s->id));
    metric_add(METRIC_SESSIONS_OPEN, 1);
}

int session_new(struct worker *w, const struct session_login *login, struct session **session_out,
                struct errinfo *why)
{
    struct session *s = NEW(struct session);

    make_room(w);
    int err = make_engine(s, w, login->hello);
    if (err < 0) {
        mem_free(s);
        return errinfo_set(why, err, "the relay is out of memory for new sessions; try later");
    }
    s->worker = w;
    s->handle = ++w->next_handle;
    make_id(s);
    keep_login(s, login);
    s->log = (struct log_scope){
        .parent = &w->log, .kind = "session", .id = s->handle, .source = s->token_name};
    enlist(s);
    *session_out = s;
    return 0;
}

/* The second half of session_end, outside of every callback of the engine. */
static void on_ending(struct task *task)
{
    struct session *s = CONTAINER_OF(task, struct session, ending);

    if (s->link && s->end_goaway) {
        mux_goaway(s->mux, s->end_goaway);
    }
    if (s->end_code == RESET_PROTOCOL) {
        link_refuse(&s->link);
    }
    link_close(&s->link); /* sends it: an abandoned engine says nothing any more */
    mux_abandon(s->mux, s->end_code);
    user_of(s)->on_gone(s);
    loop_bury(s->worker->loop, &s->grave, free_session);
}

void session_end(struct session *s, uint16_t code, uint16_t goaway_reason, const char *reason)
{
    if (s->is_over) {
        return;
    }
    s->is_over = true;
    s->end_code = code;
    s->end_goaway = goaway_reason;
    table_remove(&s->worker->sessions, &s->node);
    table_remove(&s->worker->sessions_by_id, &s->by_id);
    timer_disarm(s->worker->loop, &s->grace);
    timer_disarm(s->worker->loop, &s->last_look);
    list_remove(&s->detached);
    session_finish_waits(s, false);
    session_finish_probes(s);
    user_of(s)->on_over(s);
    metric_add(METRIC_SESSIONS_OPEN, -1);
    log_info(&s->log, "session over", LOG_STR("reason", reason), LOG_STR("token", s->token_name),
             LOG_STR("host", s->host_name), LOG_U64("resumes", s->resume_count),
             LOG_U64("ms", clock_wall_ms() - s->started_at));
    loop_schedule(s->worker->loop, &s->ending);
}

void session_end_by_breach(struct session *s, const char *what)
{
    struct errinfo why = {0};

    errinfo_set(&why, ERR_PROTOCOL, "the agent broke the protocol: %s", what);
    session_end(s, RESET_PROTOCOL, 0, why.text);
}

void session_outlived(struct session *s)
{
    if (s->link && s->is_used_up) {
        timer_arm(s->worker->loop, &s->last_look, LAST_LOOK_MS);
    } else {
        end_outlived(s);
    }
}

void session_count_login(struct worker *w, const struct store_owner *agent)
{
    LIST_EACH (&w->detached, node) {
        struct session *s = LIST_ENTRY(node, struct session, detached);
        if (store_owner_is_same_agent(&s->owner, agent) &&
            ++s->logins_since == SESSION_LOGINS_MAX) {
            session_end(s, RESET_GRACE, 0, "its agent has logged in twice without it");
        }
    }
}

/* ---- streams ---- */

/* Long before the ids are: those of a session are never given out twice. */
static void ask_for_a_later_session(struct session *s)
{
    s->is_used_up = true;
    log_info(&s->log, "session is used up; the agent logs in beside it");
    mux_goaway(s->mux, GOAWAY_ROLLOVER);
}

int session_open(struct session *s, uint32_t tunnel_id, struct slice facts,
                 struct stream **stream_out)
{
    struct mux_stream *ms = NULL;

    if (s->is_over) {
        return ERR_NOT_FOUND;
    }
    TRY(mux_open(s->mux, tunnel_id, facts, &ms));
    if (++s->open_count >= s->worker->relay->config->limits.session_streams && !s->is_used_up) {
        ask_for_a_later_session(s);
    }
    *stream_out = link_stream_new(s->worker->loop, ms);
    return 0;
}

/* ---- control ---- */

void session_tell(struct session *s, const struct control_message *m)
{
    struct text json = {0};
    int err = control_encode(m, &json);

    if (err == 0 && !s->is_over) {
        err = mux_control_send(s->mux, text_slice(&json));
    }
    text_deinit(&json);
    if (err < 0 && !s->is_over) {
        log_warn(&s->log, "the agent does not read its control messages", LOG_ERR(err));
        session_end(s, RESET_LIMIT, 0, "control messages pile up");
    }
}

bool session_keeps_up(const struct session *s)
{
    return session_is_attached(s) && mux_control_waiting(s->mux) < SESSION_UNREAD_BYTES;
}
