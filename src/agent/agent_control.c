/* What the relay tells an attached agent, and what the agent tells the relay. */
#include "agent/agent_priv.h"

#include "agent/relay_call.h"
#include "base/text.h"
#include "wire/control.h"
#include "wire/mux_frame.h"

/* ---- out ---- */

static void tell(void *ctx, const struct control_message *m)
{
    struct agent *a = ctx;
    struct text json = {0};
    int err = control_encode(m, &json);

    if (err == 0) {
        err = mux_control_send(a->session->mux, text_slice(&json));
    }
    if (err < 0) {
        struct errinfo what = {0};
        errinfo_set(&what, err, "cannot tell the relay (%s): %s", control_type_name(m->type),
                    err_text(err));
        reporter_error(a->reporter, what.text, "shorten what the tunnel says of itself", false);
    }
    text_deinit(&json);
}

static void on_settled(void *ctx)
{
    struct agent *a = ctx;

    if (a->state == AGENT_ATTACHED) {
        agent_tell_up(a);
    }
}

static void on_hopeless(void *ctx)
{
    struct agent *a = ctx;

    if (a->state == AGENT_ATTACHED) {
        agent_end_soon(a, AGENT_REFUSED);
    }
}

const struct tunnels_user agent_tunnels_callbacks = {
    .send = tell,
    .on_settled = on_settled,
    .on_hopeless = on_hopeless,
};

/* ---- in: control ---- */

static void tell_exchanges(struct agent *a, const struct control_exchanges *x)
{
    for (size_t i = 0; i < x->count; i++) {
        const struct control_exchange *item = &x->items[i];
        const struct agent_tunnel *tunnel = tunnels_find(&a->tunnels, item->tunnel);
        const struct report_exchange report = {
            .tunnel = tunnel ? tunnel->name : "",
            .method = item->method,
            .path = item->path,
            .visitor = item->visitor,
            .status = item->status,
            .ms = item->ms,
            .in_bytes = item->in_bytes,
            .out_bytes = item->out_bytes,
        };
        reporter_exchange(a->reporter, &report);
    }
    if (x->skipped) {
        reporter_skipped(a->reporter, x->skipped);
    }
}

static void tell_notice(struct agent *a, struct slice sentence)
{
    struct text text = {0};

    text_addf(&text, "the relay says: %.*s", SLICE_ARG(sentence));
    reporter_notice(a->reporter, text_str(&text));
    text_deinit(&text);
}

static void take(struct agent *a, const struct control_message *m)
{
    switch (m->type) {
    case CONTROL_BOUND:
        tunnels_rcvd_bound(&a->tunnels, &m->bound);
        return;
    case CONTROL_UNBOUND:
        tunnels_rcvd_unbound(&a->tunnels, &m->unbound);
        agent_check_drained(a);
        return;
    case CONTROL_EXCHANGES:
        tell_exchanges(a, &m->exchanges);
        return;
    case CONTROL_RELOAD:
        if (a->user->on_reload) {
            a->user->on_reload(a->ctx);
        }
        return;
    case CONTROL_NOTICE:
        tell_notice(a, m->notice.sentence);
        return;
    case CONTROL_BIND:
    case CONTROL_UNBIND:
    case CONTROL_HEALTH:
    case CONTROL_UNKNOWN:
    case CONTROL_TYPE_COUNT:
        log_debug(NULL, "control message ignored", LOG_STR("type", control_type_name(m->type)));
        return;
    }
}

static void on_control(void *ctx, struct agent_session *s, struct slice message)
{
    struct agent *a = ctx;
    struct control_message m;
    struct errinfo why = {0};

    if (s != a->session) {
        return; /* the session we left: its tunnels are bound elsewhere */
    }
    int err = control_decode(message, &m, &why);
    if (err < 0) {
        log_warn(&s->log, "control message refused", LOG_STR("reason", errinfo_text(&why, err)));
        return;
    }
    take(a, &m);
    control_deinit(&m);
}

/* ---- in: goaway ---- */

/* Dialling again would not help. */
static void give_up(struct agent *a, uint16_t reason)
{
    const char *fix = reason == GOAWAY_REVOKED
                          ? relay_call_fix(LINK_REFUSAL_REVOKED)
                          : "stop the other agent before you start this one again";

    reporter_error(a->reporter, goaway_sentence(reason), fix, true);
    agent_end_soon(a, AGENT_REFUSED);
}

static void on_goaway(void *ctx, struct agent_session *s, uint16_t reason)
{
    struct agent *a = ctx;

    log_debug(&s->log, "relay says goodbye", LOG_STR("reason", goaway_sentence(reason)));
    s->is_resumable = false;
    if (s != a->session || a->state != AGENT_ATTACHED) {
        return;
    }
    if (reason == GOAWAY_SUPERSEDED || reason == GOAWAY_REVOKED) {
        give_up(a, reason);
    } else if (reason == GOAWAY_SUCCESSOR || reason == GOAWAY_ROLLOVER) {
        log_info(&s->log, "relay asks for another session",
                 LOG_STR("reason", goaway_sentence(reason)));
        a->wants_new_session = true;
        loop_schedule(a->loop, &a->work);
    } else {
        struct errinfo text = {0};
        errinfo_set(&text, 0, "the relay says goodbye: %s", goaway_sentence(reason));
        reporter_notice(a->reporter, text.text);
    }
}

/* ---- the session ---- */

static struct agent_tunnel *find_tunnel(void *ctx, uint32_t tunnel_id)
{
    struct agent *a = ctx;
    return tunnels_find(&a->tunnels, tunnel_id);
}

static void on_lost(void *ctx, struct agent_session *s, int err, const struct errinfo *why)
{
    agent_lost_link(ctx, s, err, why);
}

static void on_quiet(void *ctx, struct agent_session *s)
{
    (void)s;
    agent_check_drained(ctx);
}

const struct agent_session_user agent_session_callbacks = {
    .on_lost = on_lost,
    .find_tunnel = find_tunnel,
    .on_control = on_control,
    .on_goaway = on_goaway,
    .on_quiet = on_quiet,
};
