#include "relay/tunnels/session_tunnels.h"

#include "relay/tunnels/exchange_log.h"
#include "relay/tunnels/origin_pool.h"
#include "relay/tunnels/tunnel.h"
#include "wire/control.h"

static struct tunnel *of_node(struct table_node *n)
{
    return CONTAINER_OF(n, struct tunnel, node);
}

/* ---- what the agent says ---- */

static void on_unbind(struct session *s, const struct control_unbind *unbind)
{
    struct tunnel *t = tunnel_find(s, unbind->tunnel);
    struct control_message m = {.type = CONTROL_UNBOUND};

    if (t && t->state != TUNNEL_UNBOUND) {
        log_info(&t->log, "tunnel unbound", LOG_STR("key", t->key));
        tunnel_unbind(t, false); /* an agent that stops unbinds too: its names stay reserved */
    }
    m.unbound.tunnel = unbind->tunnel;
    session_tell(s, &m);
}

static void on_health(struct session *s, const struct control_health *health)
{
    log_info(&s->log, health->is_up ? "origin is up" : "origin is down",
             LOG_U64("tunnel", health->tunnel), LOG_SLICE("reason", health->sentence));
}

static void take(struct session *s, const struct control_message *m)
{
    switch (m->type) {
    case CONTROL_BIND:
        tunnel_ask(s, &m->bind);
        return;
    case CONTROL_UNBIND:
        on_unbind(s, &m->unbind);
        return;
    case CONTROL_HEALTH:
        on_health(s, &m->health);
        return;
    case CONTROL_NOTICE:
        log_info(&s->log, "notice of the agent", LOG_SLICE("text", m->notice.sentence));
        return;
    case CONTROL_BOUND:
    case CONTROL_UNBOUND:
    case CONTROL_RELOAD:
    case CONTROL_EXCHANGES:
    case CONTROL_UNKNOWN:
    case CONTROL_TYPE_COUNT:
        log_debug(&s->log, "control message ignored", LOG_STR("type", control_type_name(m->type)));
        return;
    }
}

/* Whatever is wrong with it is logged, and answered where there is an answer. */
static void on_control(struct session *s, struct slice message)
{
    struct control_message m;
    struct errinfo why = {0};
    int err = control_decode(message, &m, &why);

    if (err < 0) {
        session_end_by_breach(s, errinfo_text(&why, err));
        return;
    }
    take(s, &m);
    control_deinit(&m);
}

/* ---- what becomes of the session ---- */

/* The deadlines of exchanges stand still while the link is away. */
static void on_link(struct session *s, bool is_attached)
{
    TABLE_EACH (&s->tunnels, n) {
        origin_pool_hold(of_node(n)->origins, !is_attached);
    }
}

static void on_over(struct session *s)
{
    TABLE_EACH (&s->tunnels, n) {
        tunnel_unbind(of_node(n), false);
    }
}

static void on_gone(struct session *s)
{
    exchange_log_free(&s->exchanges);
    TABLE_EACH (&s->tunnels, n) {
        struct tunnel *t = of_node(n);
        tunnel_remove(&t);
    }
}

const struct session_user session_tunnels = {
    .on_link = on_link,
    .on_control = on_control,
    .on_over = on_over,
    .on_gone = on_gone,
};
