#include "relay/tunnels/tunnel.h"

#include "base/mem.h"
#include "base/metrics.h"
#include "relay/tunnels/origin_pool.h"
#include "relay/tunnels/port_entry.h"
#include "relay/workers/shared.h"

static struct tunnel *of_node(struct table_node *n)
{
    return CONTAINER_OF(n, struct tunnel, node);
}

struct tunnel *tunnel_find(struct session *s, uint32_t id)
{
    TABLE_EACH_MATCH (&s->tunnels, table_hash_u64(id), n) {
        if (of_node(n)->id == id) {
            return of_node(n);
        }
    }
    return NULL;
}

struct tunnel *tunnel_find_route(struct worker *w, struct route route)
{
    struct session *s = session_find(w, route.session);
    return s ? tunnel_find(s, route.tunnel) : NULL;
}

static struct tunnel *find_key(struct session *s, struct slice key)
{
    TABLE_EACH (&s->tunnels, n) {
        if (of_node(n)->state != TUNNEL_UNBOUND && slice_is(key, of_node(n)->key)) {
            return of_node(n);
        }
    }
    return NULL;
}

/* ---- states ---- */

static const uint8_t may_follow[] = {
    [TUNNEL_ASKED] = 1 << TUNNEL_BOUND | 1 << TUNNEL_UNBOUND,
    [TUNNEL_BOUND] = 1 << TUNNEL_UNBOUND,
    [TUNNEL_UNBOUND] = 0,
};

static void set_state(struct tunnel *t, enum tunnel_state next)
{
    ASSERT(may_follow[t->state] & 1 << next);
    metric_add(METRIC_TUNNELS_BOUND, (next == TUNNEL_BOUND) - (t->state == TUNNEL_BOUND));
    t->state = next;
}

static struct route route_of(const struct tunnel *t)
{
    return (struct route){
        .worker = t->session->worker->index, .session = t->session->handle, .tunnel = t->id};
}

/* ---- telling the agent ---- */

static void tell_refused(struct tunnel *t, uint32_t code, const char *sentence)
{
    struct control_message m = {.type = CONTROL_BOUND};

    m.bound.tunnel = t->id;
    m.bound.code = code;
    m.bound.sentence = slice_str(sentence);
    log_info(&t->log, "tunnel refused", LOG_STR("key", t->key), LOG_STR("reason", sentence));
    session_tell(t->session, &m);
}

static void tell_bound(struct tunnel *t, const struct public_name *name)
{
    struct control_message m = {.type = CONTROL_BOUND};
    struct text urls[CONTROL_LIST_MAX] = {0};
    uint32_t count = 0;

    for (uint32_t i = 0; i < t->entries.count && count < CONTROL_LIST_MAX; i++) {
        const struct bind_entry *e = &t->entries.items[i];
        if (e->host) {
            public_name_show_url(name, slice_str(e->host), slice_str(e->path), &urls[count]);
        } else {
            public_name_show_port(name, t->kind == BIND_TCP ? "tcp" : "http", e->port,
                                  &urls[count]);
            m.bound.port = e->port;
        }
        m.bound.urls.items[count] = text_slice(&urls[count]);
        count++;
    }
    m.bound.tunnel = t->id;
    m.bound.urls.count = count;
    mem_free(t->url);
    t->url = count ? mem_strdup(text_str(&urls[0])) : NULL;
    log_info(&t->log, "tunnel bound", LOG_STR("key", t->key), LOG_STR("url", t->url ? t->url : ""));
    session_tell(t->session, &m);
    while (count > 0) {
        text_deinit(&urls[--count]);
    }
}

static void tell_unbound(struct tunnel *t, uint32_t code)
{
    struct control_message m = {.type = CONTROL_UNBOUND};

    m.unbound.tunnel = t->id;
    m.unbound.code = code;
    m.unbound.sentence = slice_str(control_refusal_sentence(code));
    session_tell(t->session, &m);
}

/* It was never bound, and is gone. */
static void refuse(struct tunnel *t, uint32_t code, const char *sentence)
{
    set_state(t, TUNNEL_UNBOUND);
    tell_refused(t, code, sentence);
    tunnel_remove(&t);
}

/* ---- asking ---- */

static struct tunnel *add_tunnel(struct session *s, const struct control_bind *bind)
{
    struct tunnel *t = NEW(struct tunnel);

    t->session = s;
    t->id = bind->tunnel;
    t->key = slice_dup(bind->key);
    t->target = slice_dup(bind->target);
    t->kind = slice_is(bind->kind, "tcp") ? BIND_TCP : BIND_HTTP;
    t->wants_exchanges = bind->wants_exchanges;
    t->log = (struct log_scope){.parent = &s->log, .kind = "tunnel", .id = t->id};
    table_add(&s->tunnels, &t->node, table_hash_u64(t->id));
    return t;
}

static void copy_list(char **to, uint32_t *count, const struct control_list *from)
{
    for (size_t i = 0; i < from->count && i < BIND_NAMES_MAX; i++) {
        to[(*count)++] = slice_dup(from->items[i]);
    }
}

/* The public name may have to be asked from DNS: the request waits there for it. */
static void on_public_name(void *ctx, const struct public_name *name)
{
    struct bind_request *request = ctx;

    request->public_name = *name;
    binder_ask(request->worker->relay, request);
}

static void ask_binder(struct tunnel *t, const struct control_bind *bind)
{
    struct session *s = t->session;
    struct bind_request *q = NEW(struct bind_request);
    struct text word = {0};

    list_init(&q->losses);
    q->door_fd = -1;
    q->worker = s->worker;
    q->route = route_of(t);
    q->owner = s->owner;
    memcpy(q->run_id, s->run_id, sizeof q->run_id);
    q->holder = mem_strdup(s->host_name);
    text_addf(&word, "%s %s", t->key, t->target);
    q->word = text_take(&word);
    q->kind = t->kind;
    q->is_shared = bind->is_shared || s->is_shared;
    q->port = (uint16_t)bind->port;
    copy_list(q->names, &q->name_count, &bind->names);
    copy_list(q->paths, &q->path_count, &bind->paths);
    public_name_find(s->worker->relay, s->worker->loop, slice_str(s->dialled), on_public_name, q);
}

static const char *what_is_wrong(struct session *s, const struct control_bind *bind)
{
    if (!slice_is(bind->kind, "http") && !slice_is(bind->kind, "tcp")) {
        return "this relay serves http and tcp tunnels";
    }
    if (bind->names.count > BIND_NAMES_MAX || bind->paths.count > BIND_NAMES_MAX) {
        return "too many names or paths for one tunnel; use several tunnels";
    }
    if (bind->port > UINT16_MAX) {
        return "a port is a number from 1 to 65535";
    }
    return s->tunnels.count >= SESSION_TUNNELS_MAX ? "too many tunnels in one session" : NULL;
}

/* Tunnels that are over stay for the streams they still have, the others until room is needed. */
static void make_room(struct session *s)
{
    TABLE_EACH (&s->tunnels, n) {
        struct tunnel *t = of_node(n);
        if (t->state == TUNNEL_UNBOUND && t->open_count == 0) {
            tunnel_remove(&t);
        }
    }
}

void tunnel_ask(struct session *s, const struct control_bind *bind)
{
    if (s->tunnels.count >= SESSION_TUNNELS_MAX) {
        make_room(s);
    }
    struct tunnel *old = find_key(s, bind->key);
    const char *wrong = what_is_wrong(s, bind);

    if (tunnel_find(s, bind->tunnel)) {
        log_warn(&s->log, "tunnel id used twice", LOG_U64("tunnel", bind->tunnel));
        return;
    }
    if (old) {
        tunnel_unbind(old, false);
    }
    struct tunnel *t = add_tunnel(s, bind);
    if (wrong) {
        refuse(t, CONTROL_REFUSAL_INVALID, wrong);
    } else {
        ask_binder(t, bind);
    }
}

/* ---- the answer ---- */

static void leave_entries(struct tunnel *t, bool is_for_good)
{
    binder_leave(t->session->worker->relay, &t->entries, route_of(t), is_for_good);
    bind_entries_deinit(&t->entries);
}

/* Opens the listening socket of a tunnel with a port. */
static int open_door(struct tunnel *t, struct bind_request *q)
{
    int fd = q->door_fd;

    for (uint32_t i = 0; i < t->entries.count; i++) {
        if (!t->entries.items[i].host) {
            q->door_fd = -1;
            return port_entry_open(&t->door, t, t->entries.items[i].port, fd, &q->why);
        }
    }
    return 0;
}

/* The port the binder gave is taken on this machine by another program: the next one, if the agent
 * did not ask for this very port. */
static bool try_next_port(struct tunnel *t, struct bind_request *q)
{
    leave_entries(t, true);
    if (q->port != 0 || ++q->attempt >= BIND_ATTEMPTS_MAX) {
        return false;
    }
    q->granted = 0;
    binder_ask(t->session->worker->relay, q);
    return true;
}

/* False: the request was sent again. */
static bool take_entries(struct tunnel *t, struct bind_request *q)
{
    t->entries = q->entries;
    q->entries = (struct bind_entries){0};
    if (open_door(t, q) == 0) {
        set_state(t, TUNNEL_BOUND);
        tell_bound(t, &q->public_name);
        return true;
    }
    if (try_next_port(t, q)) {
        return false;
    }
    refuse(t, q->port != 0 ? CONTROL_REFUSAL_TAKEN : CONTROL_REFUSAL_LIMIT,
           errinfo_text(&q->why, ERR_BUSY));
    return true;
}

void tunnel_answered(struct worker *w, struct bind_request *q)
{
    struct tunnel *t = tunnel_find_route(w, q->route);
    bool is_done = true;

    if (!t || t->state != TUNNEL_ASKED) { /* gone meanwhile */
        binder_leave(w->relay, &q->entries, q->route, false);
    } else if (q->code != 0) {
        refuse(t, q->code, errinfo_text(&q->why, ERR_BUSY));
    } else {
        is_done = take_entries(t, q);
    }
    if (is_done) {
        bind_request_free(q);
    }
}

/* ---- the end ---- */

void tunnel_unbind(struct tunnel *t, bool is_for_good)
{
    if (t->state == TUNNEL_UNBOUND) {
        return;
    }
    set_state(t, TUNNEL_UNBOUND);
    leave_entries(t, is_for_good);
    port_entry_close(&t->door);
    if (t->origins) {
        origin_pool_drop_idle(t->origins);
    }
}

static bool has_tunnels_left(const struct session *s)
{
    TABLE_EACH (&s->tunnels, n) {
        if (of_node(n)->state != TUNNEL_UNBOUND) {
            return true;
        }
    }
    return false;
}

int tunnel_lose_entry(struct tunnel *t, struct slice entry)
{
    int door_fd = -1;

    bind_entries_remove(&t->entries, entry);
    if (t->entries.count == 0 && t->state == TUNNEL_BOUND) {
        door_fd = port_entry_detach_fd(&t->door);
        tunnel_unbind(t, false);
        tell_unbound(t, CONTROL_REFUSAL_SUPERSEDED);
        if (!has_tunnels_left(t->session)) {
            session_outlived(t->session);
        }
    }
    return door_fd;
}

static void free_tunnel(struct grave *grave)
{
    struct tunnel *t = CONTAINER_OF(grave, struct tunnel, grave);

    bind_entries_deinit(&t->entries);
    mem_free(t->key);
    mem_free(t->target);
    mem_free(t->url);
    mem_free(t);
}

void tunnel_remove(struct tunnel **tunnel)
{
    struct tunnel *t = *tunnel;

    *tunnel = NULL;
    ASSERT(t->state != TUNNEL_BOUND);
    port_entry_close(&t->door);
    origin_pool_free(&t->origins);
    table_remove(&t->session->tunnels, &t->node);
    loop_bury(t->session->worker->loop, &t->grave, free_tunnel);
}
