#include "agent/agent_session.h"

#include "base/mem.h"
#include "session/link_stream.h"
#include "wire/reset_code.h"

/* ---- what the engine tells ---- */

static void on_output(void *ctx)
{
    struct agent_session *s = ctx;

    if (s->link) {
        link_wake(s->link);
    }
}

static void on_open(void *ctx, struct mux_stream *stream, uint32_t tunnel_id, struct slice facts)
{
    struct agent_session *s = ctx;
    struct agent_tunnel *tunnel = s->user->find_tunnel(s->ctx, tunnel_id);

    if (!tunnel) {
        log_info(&s->log, "stream for an unknown tunnel", LOG_U64("tunnel", tunnel_id));
        mux_stream_reset(stream, RESET_DENIED);
        mux_stream_release(&stream);
        return;
    }
    serve_open(&s->serve, stream, tunnel, facts);
}

static void on_begin(void *ctx, struct mux_stream *stream, uint64_t offset)
{
    struct agent_session *s = ctx;

    (void)offset;
    serve_begin(&s->serve, stream);
}

static void on_control(void *ctx, struct slice message)
{
    struct agent_session *s = ctx;
    s->user->on_control(s->ctx, s, message);
}

static void on_goaway(void *ctx, uint16_t reason)
{
    struct agent_session *s = ctx;
    s->user->on_goaway(s->ctx, s, reason);
}

/* Streams are opened by the relay alone: on_opened has nothing to tell. */
static const struct mux_events events = {
    .on_output = on_output,
    .on_open = on_open,
    .on_readable = link_stream_on_readable,
    .on_writable = link_stream_on_writable,
    .on_begin = on_begin,
    .on_stop = link_stream_on_stop,
    .on_reset = link_stream_on_reset,
    .on_control = on_control,
    .on_goaway = on_goaway,
};

/* ---- links ---- */

static void on_lost(void *ctx, struct link *link, int err, const struct errinfo *why)
{
    struct agent_session *s = ctx;

    (void)link;
    s->link = NULL;
    s->user->on_lost(s->ctx, s, err, why);
}

void agent_session_attach(struct agent_session *s, struct greeted *carrier_take)
{
    static const struct link_user user = {.on_lost = on_lost};

    s->attached_at_ms = loop_now_ms(s->loop);
    s->link = link_attach(s->mux, carrier_take, &s->log, &user, s);
}

void agent_session_leave(struct agent_session *s, uint16_t goaway_reason)
{
    if (s->link) {
        mux_goaway(s->mux, goaway_reason);
        link_close(&s->link);
    }
}

/* ---- the end ---- */

static void bury(struct grave *grave)
{
    struct agent_session *s = CONTAINER_OF(grave, struct agent_session, grave);

    mux_free(&s->mux);
    mem_wipe(s->secret, sizeof s->secret);
    mem_free(s);
}

static void on_empty(void *ctx)
{
    struct agent_session *s = ctx;
    s->user->on_quiet(s->ctx, s);
}

void agent_session_end(struct agent_session **session, const char *reason)
{
    struct agent_session *s = *session;

    if (s) {
        *session = NULL;
        link_abort(&s->link);
        serve_deinit(&s->serve, reason);
        loop_bury(s->loop, &s->grave, bury);
    }
}

/* ---- life ---- */

struct agent_session *agent_session_new(const struct agent_session_options *o,
                                        const struct agent_session_user *user, void *ctx)
{
    struct agent_session *s = NEW(struct agent_session);
    const struct mux_config config = {
        .role = MUX_ROLE_AGENT,
        .initial_window = o->initial_window,
        .peer_initial_window = o->peer_initial_window,
        .link_budget_bytes = o->link_budget_bytes,
    };

    int err = mux_new(&config, &events, s, &s->mux);
    ASSERT(err == 0); /* only a process budget could refuse, and there is none */
    s->loop = o->loop;
    s->id = o->login->session;
    memcpy(s->secret, o->login->secret, sizeof s->secret);
    s->grace_ms = o->login->grace_ms;
    s->is_resumable = true;
    s->log = (struct log_scope){.kind = "session", .id = o->number, .source = "relay"};
    s->user = user;
    s->ctx = ctx;
    s->serve = (struct serve){
        .loop = o->loop,
        .reporter = o->reporter,
        .trust = o->trust,
        .connect_ms = o->connect_ms,
        .log = &s->log,
        .on_empty = on_empty,
        .ctx = s,
    };
    serve_init(&s->serve);
    return s;
}
