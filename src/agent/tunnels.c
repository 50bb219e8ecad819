#include "agent/tunnels.h"

#include "agent/reporter.h"
#include "base/mem.h"
#include "base/text.h"

static struct agent_tunnel *of_item(struct list *item)
{
    return LIST_ENTRY(item, struct agent_tunnel, item);
}

static void remove(struct tunnels *t, struct agent_tunnel *tunnel)
{
    table_remove(&t->by_id, &tunnel->node);
    list_remove(&tunnel->item);
    agent_tunnel_unref(&tunnel);
}

static struct agent_tunnel *add(struct tunnels *t, const struct tunnel_config *config)
{
    struct agent_tunnel *tunnel = agent_tunnel_new(++t->last_id, config);

    table_add(&t->by_id, &tunnel->node, table_hash_u64(tunnel->id));
    list_push_back(&t->all, &tunnel->item);
    return tunnel;
}

struct agent_tunnel *tunnels_find(struct tunnels *t, uint32_t id)
{
    TABLE_EACH_MATCH (&t->by_id, table_hash_u64(id), node) {
        struct agent_tunnel *tunnel = CONTAINER_OF(node, struct agent_tunnel, node);
        if (tunnel->id == id) {
            return tunnel;
        }
    }
    return NULL;
}

static struct agent_tunnel *find_key(struct tunnels *t, const char *key)
{
    LIST_EACH (&t->all, item) {
        if (of_item(item)->config && strcmp(of_item(item)->key, key) == 0) {
            return of_item(item);
        }
    }
    return NULL;
}

static bool has_state(const struct tunnels *t, enum tunnel_state state)
{
    LIST_EACH (&t->all, item) {
        if (of_item(item)->state == state) {
            return true;
        }
    }
    return false;
}

/* A BIND is on its way. */
static bool is_waiting(const struct tunnels *t)
{
    return has_state(t, TUNNEL_ASKED);
}

/* ---- asking ---- */

static void add_name(struct control_list *list, const char *name)
{
    if (name && list->count < CONTROL_LIST_MAX) {
        list->items[list->count++] = slice_str(name);
    }
}

static void send_bind(struct tunnels *t, struct agent_tunnel *tunnel)
{
    const struct tunnel_config *config = tunnel->config;
    struct control_message m = {.type = CONTROL_BIND};
    struct text target = {0};

    agent_tunnel_show_target(tunnel, &target);
    m.bind.tunnel = tunnel->id;
    m.bind.key = slice_str(tunnel->key);
    m.bind.kind = slice_str(tunnel_kind_names[tunnel->kind]);
    m.bind.port = config->port;
    m.bind.target = text_slice(&target);
    m.bind.is_shared = config->is_shared;
    m.bind.wants_exchanges = tunnel->kind == TUNNEL_HTTP;
    add_name(&m.bind.names, config->subdomain);
    for (size_t i = 0; i < config->hosts.count; i++) {
        add_name(&m.bind.names, config->hosts.items[i]);
    }
    add_name(&m.bind.paths, config->path);
    agent_tunnel_set_state(tunnel, TUNNEL_ASKED);
    t->user->send(t->ctx, &m);
    text_deinit(&target);
}

static void send_unbind(struct tunnels *t, const struct agent_tunnel *tunnel)
{
    const struct control_message m = {.type = CONTROL_UNBIND, .unbind.tunnel = tunnel->id};
    t->user->send(t->ctx, &m);
}

static void bind_if_attached(struct tunnels *t, struct agent_tunnel *tunnel)
{
    if (t->is_attached) {
        send_bind(t, tunnel);
    }
}

/* ---- the configuration ---- */

/* The relay gives its entries up or to the tunnel that takes its place; what it opened before it
 * heard of that is still served. */
static void retire(struct tunnels *t, struct agent_tunnel *tunnel)
{
    bool is_known_there = tunnel->state == TUNNEL_ASKED || tunnel->state == TUNNEL_BOUND;

    tunnel->config = NULL;
    agent_tunnel_set_state(tunnel, TUNNEL_RETIRED);
    if (t->is_attached && is_known_there) {
        send_unbind(t, tunnel);
    } else {
        remove(t, tunnel);
    }
}

typedef void telling_fn(struct reporter *r, const struct report_tunnel *report);

static void tell(struct tunnels *t, const struct agent_tunnel *tunnel, telling_fn *telling)
{
    struct text target = {0};

    agent_tunnel_show_target(tunnel, &target);
    const struct report_tunnel report = {
        .name = tunnel->name,
        .kind = tunnel_kind_names[tunnel->kind],
        .url = slice_str(tunnel->url),
        .target = text_str(&target),
    };
    telling(t->reporter, &report);
    text_deinit(&target);
}

static void on_found(void *ctx, enum tunnel_change change, const struct tunnel_config *config)
{
    struct tunnels *t = ctx;
    struct agent_tunnel *old = find_key(t, config->key);

    if (change != TUNNEL_REMOVED) {
        bind_if_attached(t, add(t, config));
    }
    if (old && change == TUNNEL_REMOVED) {
        tell(t, old, reporter_removed);
    }
    if (old) {
        retire(t, old);
    }
}

/* The old configuration goes: whoever stays looks at the new one. */
static void repoint(struct tunnels *t, const struct agent_config *to)
{
    LIST_EACH (&t->all, item) {
        struct agent_tunnel *tunnel = of_item(item);
        if (tunnel->config) {
            tunnel->config = agent_config_find(to, tunnel->key);
        }
    }
}

void tunnels_apply(struct tunnels *t, const struct agent_config *from,
                   const struct agent_config *to)
{
    static const struct agent_config nothing;

    agent_config_diff(from ? from : &nothing, to, on_found, t);
    repoint(t, to);
}

/* ---- login ---- */

void tunnels_login(struct tunnels *t)
{
    t->is_attached = true;
    LIST_EACH (&t->all, item) {
        struct agent_tunnel *tunnel = of_item(item);
        if (tunnel->state == TUNNEL_DUE) {
            send_bind(t, tunnel);
        }
    }
    if (!is_waiting(t)) {
        t->user->on_settled(t->ctx);
    }
}

void tunnels_logout(struct tunnels *t)
{
    t->is_attached = false;
    timer_disarm(t->loop, &t->retry);
    LIST_EACH (&t->all, item) {
        struct agent_tunnel *tunnel = of_item(item);
        if (tunnel->state == TUNNEL_RETIRED) {
            remove(t, tunnel);
        } else if (tunnel->state != TUNNEL_REFUSED && tunnel->state != TUNNEL_DUE) {
            agent_tunnel_set_state(tunnel, TUNNEL_DUE);
        }
    }
}

void tunnels_unbind_all(struct tunnels *t)
{
    LIST_EACH (&t->all, item) {
        if (of_item(item)->config) {
            retire(t, of_item(item));
        }
    }
}

/* ---- answers ---- */

static void on_retry(struct timer *timer)
{
    struct tunnels *t = CONTAINER_OF(timer, struct tunnels, retry);

    LIST_EACH (&t->all, item) {
        if (of_item(item)->state == TUNNEL_PAUSED) {
            send_bind(t, of_item(item));
        }
    }
}

/* The wait of the newest refusal counts for all that wait. */
static void pause(struct tunnels *t, struct agent_tunnel *tunnel)
{
    agent_tunnel_set_state(tunnel, TUNNEL_PAUSED);
    if (tunnel->backoff.attempts == 0) {
        backoff_next_ms(&tunnel->backoff); /* the first one is none; here somebody said no */
    }
    timer_arm(t->loop, &t->retry, BACKOFF_FIRST_MS + backoff_next_ms(&tunnel->backoff));
}

static bool is_hopeless(const struct tunnels *t)
{
    LIST_EACH (&t->all, item) {
        enum tunnel_state state = of_item(item)->state;
        if (state != TUNNEL_REFUSED && state != TUNNEL_RETIRED) {
            return false;
        }
    }
    return has_state(t, TUNNEL_REFUSED);
}

/* What a person can do about a refusal that is final. */
static const char *fix_for(uint32_t code)
{
    switch (code) {
    case CONTROL_REFUSAL_TAKEN:
        return "choose another name or port";
    case CONTROL_REFUSAL_HELD:
        return "stop it there, or say --share on both";
    case CONTROL_REFUSAL_DENIED:
    case CONTROL_REFUSAL_REVOKED:
        return "ask the relay's owner for a token that allows it";
    case CONTROL_REFUSAL_SUPERSEDED:
        return "stop the other agent before you start this one again";
    default:
        return "change the tunnel and start again";
    }
}

static void refuse(struct tunnels *t, struct agent_tunnel *tunnel, uint32_t code,
                   struct slice sentence)
{
    bool is_first = tunnel->backoff.attempts == 0;
    bool is_final = code == CONTROL_REFUSAL_SUPERSEDED ||
                    (control_refusal_is_final(code) && !tunnel->was_bound);
    struct text what = {0};

    if (sentence.len == 0) {
        sentence = slice_str(control_refusal_sentence(code));
    }
    if (is_final) {
        agent_tunnel_set_state(tunnel, TUNNEL_REFUSED);
    } else {
        pause(t, tunnel);
    }
    if (is_final || is_first) {
        text_addf(&what, "tunnel %s: %.*s", tunnel->key, SLICE_ARG(sentence));
        reporter_error(t->reporter, text_str(&what), is_final ? fix_for(code) : "trying again",
                       is_final && is_hopeless(t));
        text_deinit(&what);
    }
}

/* "quiet-otter" of "https://quiet-otter.t.example.com"; SLICE_NONE where the URL has no name. */
static struct slice name_in_url(struct slice url)
{
    size_t from = slice_find(url, SLICE("://"));
    struct slice host = slice_sub(url, from + 3, url.len);
    size_t dot = slice_index(host, '.');
    struct slice label = slice_sub(host, 0, dot);

    return dot < host.len && slice_index(label, '-') < dot ? label : SLICE_NONE;
}

static void take_name(struct agent_tunnel *tunnel, struct slice url)
{
    struct slice name = name_in_url(url);
    bool is_nameless = tunnel->kind == TUNNEL_HTTP && tunnel->config &&
                       !tunnel_config_has_name(tunnel->config);

    if (is_nameless && name.len > 0) {
        mem_free(tunnel->name);
        tunnel->name = slice_dup(name);
    }
}

static void tell_url(struct tunnels *t, struct agent_tunnel *tunnel, struct slice url)
{
    if (tunnel->url && slice_is(url, tunnel->url)) {
        return; /* the same again after a reconnect */
    }
    mem_free(tunnel->url);
    tunnel->url = slice_dup(url);
    take_name(tunnel, url);
    tell(t, tunnel, reporter_tunnel);
}

static void after_answer(struct tunnels *t)
{
    if (is_hopeless(t)) {
        t->user->on_hopeless(t->ctx);
    } else if (!is_waiting(t)) {
        t->user->on_settled(t->ctx);
    }
}

void tunnels_rcvd_bound(struct tunnels *t, const struct control_bound *bound)
{
    struct agent_tunnel *tunnel = tunnels_find(t, bound->tunnel);

    if (!tunnel || tunnel->state != TUNNEL_ASKED) {
        return; /* retired meanwhile */
    }
    if (bound->code) {
        refuse(t, tunnel, bound->code, bound->sentence);
    } else {
        agent_tunnel_set_state(tunnel, TUNNEL_BOUND);
        tunnel->was_bound = true;
        backoff_reset(&tunnel->backoff);
        tell_url(t, tunnel, bound->urls.count ? bound->urls.items[0] : SLICE_NONE);
    }
    after_answer(t);
}

void tunnels_rcvd_unbound(struct tunnels *t, const struct control_unbound *unbound)
{
    struct agent_tunnel *tunnel = tunnels_find(t, unbound->tunnel);

    if (!tunnel) {
        return;
    }
    if (tunnel->state == TUNNEL_RETIRED) {
        remove(t, tunnel);
    } else if (tunnel->state == TUNNEL_BOUND) {
        refuse(t, tunnel, unbound->code, unbound->sentence);
        after_answer(t);
    }
}

/* ---- life ---- */

void tunnels_init(struct tunnels *t, struct loop *loop, struct reporter *reporter,
                  const struct tunnels_user *user, void *ctx)
{
    *t = (struct tunnels){.loop = loop, .reporter = reporter, .user = user, .ctx = ctx};
    list_init(&t->all);
    t->retry.expired = on_retry;
}

void tunnels_deinit(struct tunnels *t)
{
    timer_disarm(t->loop, &t->retry);
    LIST_EACH (&t->all, item) {
        remove(t, of_item(item));
    }
    table_deinit(&t->by_id);
}
