#include "relay/binder.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "relay/names.h"
#include "relay/relay.h"
#include "relay/session.h"
#include "relay/tunnel.h"
#include "store/store.h"
#include "wire/reset_code.h"

enum {
    ATTEMPTS_MAX = 64,        /* assigned names that may turn out to be taken */
    FIRST_ASSIGNED_PORT = 20000,
};

struct binder {
    struct relay *relay;
    uint32_t next_port; /* where the search for a free one goes on */
};

void bind_entries_deinit(struct bind_entries *e)
{
    for (uint32_t i = 0; i < e->count; i++) {
        mem_free(e->items[i].name);
        mem_free(e->items[i].shown);
        mem_free(e->items[i].host);
        mem_free(e->items[i].path);
    }
    mem_free(e->items);
    *e = (struct bind_entries){0};
}

static struct bind_entry *add_entry(struct bind_entries *e)
{
    e->items = mem_resize(e->items, (e->count + 1) * sizeof *e->items);
    e->items[e->count] = (struct bind_entry){0};
    return &e->items[e->count++];
}

void bind_request_free(struct bind_request *q)
{
    bind_entries_deinit(&q->entries);
    for (uint32_t i = 0; i < q->name_count; i++) {
        mem_free(q->names[i]);
    }
    for (uint32_t i = 0; i < q->path_count; i++) {
        mem_free(q->paths[i]);
    }
    mem_free(q->holder);
    mem_free(q->word);
    mem_free(q);
}

struct binder *binder_new(struct relay *relay)
{
    struct binder *b = NEW(struct binder);

    b->relay = relay;
    b->next_port = FIRST_ASSIGNED_PORT;
    return b;
}

void binder_free(struct binder **b)
{
    mem_free(*b);
    *b = NULL;
}

/* ---- routes on all workers ---- */

/* One change of every worker's router. Counted down by the workers that have done it. */
struct route_change {
    struct relay *relay;
    struct bind_entries entries;
    struct route route;
    bool is_removal;
    _Atomic uint32_t pending;
    struct bind_request *then; /* answered when all have it; or NULL */
};

struct route_post {
    struct route_change *change;
    struct worker *worker;
};

static void copy_entries(struct bind_entries *to, const struct bind_entries *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct bind_entry *e = &from->items[i];
        *add_entry(to) = (struct bind_entry){
            .name = mem_strdup(e->name),
            .shown = mem_strdup(e->shown),
            .host = e->host ? mem_strdup(e->host) : NULL,
            .path = e->path ? mem_strdup(e->path) : NULL,
            .port = e->port,
        };
    }
}

static void answer_on_worker(void *arg)
{
    struct bind_request *q = arg;
    tunnel_answered(q->worker, q);
}

static void answer(struct bind_request *q)
{
    loop_post(q->worker->loop, answer_on_worker, q);
}

static void finish_change(struct route_change *c)
{
    if (c->then) {
        answer(c->then);
    }
    bind_entries_deinit(&c->entries);
    mem_free(c);
}

static void change_on_worker(void *arg)
{
    struct route_post *post = arg;
    struct route_change *c = post->change;

    for (uint32_t i = 0; i < c->entries.count; i++) {
        const struct bind_entry *e = &c->entries.items[i];
        if (e->host && c->is_removal) {
            router_remove(&post->worker->router, slice_str(e->host), slice_str(e->path), c->route);
        } else if (e->host) {
            router_add(&post->worker->router, slice_str(e->host), slice_str(e->path), c->route);
        }
    }
    if (atomic_fetch_sub(&c->pending, 1) == 1) {
        finish_change(c);
    }
    mem_free(post);
}

static void change_routes(struct relay *relay, const struct bind_entries *entries,
                          struct route route, bool is_removal, struct bind_request *then)
{
    if (relay->has_stopped) {
        return;
    }
    struct route_change *c = NEW(struct route_change);
    c->relay = relay;
    copy_entries(&c->entries, entries);
    c->route = route;
    c->is_removal = is_removal;
    c->then = then;
    c->pending = relay->worker_count;
    for (uint32_t i = 0; i < relay->worker_count; i++) {
        struct route_post *post = NEW(struct route_post);
        *post = (struct route_post){.change = c, .worker = &relay->workers[i]};
        loop_post(relay->workers[i].loop, change_on_worker, post);
    }
}

/* ---- refusing ---- */

static void release_granted(struct relay *relay, struct bind_request *q)
{
    for (uint32_t i = 0; i < q->granted; i++) {
        registry_leave(relay->registry, slice_str(q->entries.items[i].name), q->route, true);
    }
    q->granted = 0;
}

static void refuse(struct relay *relay, struct bind_request *q, uint32_t code)
{
    release_granted(relay, q);
    bind_entries_deinit(&q->entries);
    q->code = code;
    answer(q);
}

/* ---- entries ---- */

static void add_host_entry(struct bind_request *q, struct slice host, struct slice shown,
                           const char *path)
{
    struct bind_entry *e = add_entry(&q->entries);
    struct text name = {0};
    struct text known_as = {0};

    text_add(&name, host);
    text_add(&known_as, shown);
    if (strcmp(path, "/") != 0) {
        text_add_str(&name, path);
        text_add_str(&known_as, path);
    }
    e->host = mem_strndup(host.ptr, host.len);
    e->path = mem_strdup(path);
    e->name = text_take(&name);
    e->shown = text_take(&known_as);
}

static void add_host(struct bind_request *q, struct slice host, struct slice shown)
{
    if (q->path_count == 0) {
        add_host_entry(q, host, shown, "/");
    }
    for (uint32_t i = 0; i < q->path_count && q->entries.count < BIND_ENTRIES_MAX; i++) {
        add_host_entry(q, host, shown, q->paths[i]);
    }
}

static void set_port_entry(struct bind_request *q, uint16_t port)
{
    struct text name = {0};
    struct text shown = {0};

    bind_entries_deinit(&q->entries);
    text_addf(&name, ":%u", port);
    text_addf(&shown, "port %u", port);
    *add_entry(&q->entries) =
        (struct bind_entry){.name = text_take(&name), .shown = text_take(&shown), .port = port};
}

static int check_path(const char *path, struct errinfo *why)
{
    size_t n = strlen(path);

    if (path[0] != '/' || strpbrk(path, "?# \t") || n > 200) {
        return errinfo_set(why, ERR_INVALID, "'%s' is no path prefix; write it like /api", path);
    }
    if (n > 1 && path[n - 1] == '/') {
        return errinfo_set(why, ERR_INVALID, "'%s': leave out the slash at the end", path);
    }
    return 0;
}

static bool is_label(struct slice name)
{
    return slice_index(name, '.') == name.len && !slice_is(name, "*");
}

/* The host a NAME stands for. A whole host may lie below the relay's own domain: then its first
 * label obeys the rules of labels. */
static int host_of_name(const struct bind_request *q, struct slice name, struct text *host,
                        struct errinfo *why)
{
    struct text base = {0};
    int err = 0;

    if (is_label(name) && !q->public_name.has_names) {
        return errinfo_set(why, ERR_INVALID,
                           "'%.*s': no host name leads to this relay; start it with --domain",
                           SLICE_ARG(name));
    }
    if (is_label(name)) {
        TRY(names_check_label(name, host, why));
        text_addf(host, ".%s", q->public_name.host);
        return 0;
    }
    TRY(names_check_host(name, host, why));
    text_addf(&base, ".%s", q->public_name.host);
    if (q->public_name.has_names && slice_is(text_slice(host), q->public_name.host)) {
        err = errinfo_set(why, ERR_DENIED, "%s is the relay itself", q->public_name.host);
    } else if (q->public_name.has_names && slice_ends(text_slice(host), text_slice(&base))) {
        struct text label = {0};
        size_t n = host->len - base.len;
        struct slice first = slice_sub(text_slice(host), 0, n);
        if (!slice_is(first, "*")) {
            err = names_check_label(first, &label, why);
        }
        text_deinit(&label);
    }
    text_deinit(&base);
    return err;
}

static int make_named_entries(struct bind_request *q)
{
    for (uint32_t i = 0; i < q->path_count; i++) {
        TRY(check_path(q->paths[i], &q->why));
    }
    for (uint32_t i = 0; i < q->name_count; i++) {
        struct text host = {0};
        int err = host_of_name(q, slice_str(q->names[i]), &host, &q->why);
        if (err == 0) {
            add_host(q, text_slice(&host), slice_str(q->names[i]));
        }
        text_deinit(&host);
        TRY(err);
    }
    return 0;
}

/* Two words that stay the same for the same token, agent and target. */
static void make_assigned_name(struct bind_request *q)
{
    struct text host = {0};
    uint64_t seed = 0xcbf29ce484222325u ^ q->owner.token_id;

    for (size_t i = 0; i < sizeof q->owner.agent_id; i++) {
        seed = (seed ^ q->owner.agent_id[i]) * 0x100000001b3u;
    }
    for (const char *c = q->word; *c; c++) {
        seed = (seed ^ (unsigned char)*c) * 0x100000001b3u;
    }
    bind_entries_deinit(&q->entries);
    names_two_words(seed, q->attempt, &host);
    size_t label = host.len;
    text_addf(&host, ".%s", q->public_name.host);
    add_host(q, text_slice(&host), slice_sub(text_slice(&host), 0, label));
    text_deinit(&host);
}

static uint16_t remembered_port(struct relay *relay, const struct bind_request *q)
{
    const struct store_reservation *r =
        store_find_reserved_for(relay->store, &q->owner, slice_str(q->word), SLICE(":"));
    uint64_t port = 0;

    if (!r || slice_to_u64(slice_sub(slice_str(r->entry), 1, 6), 65535, &port) < 0) {
        return 0;
    }
    return (uint16_t)port;
}

static uint16_t next_free_port(struct binder *b)
{
    const struct relay_config *config = b->relay->config;
    uint32_t first = config->tcp_ports.first;
    uint32_t last = config->tcp_ports.last;

    if (first < FIRST_ASSIGNED_PORT && last >= FIRST_ASSIGNED_PORT) {
        first = FIRST_ASSIGNED_PORT;
    }
    for (uint32_t tried = 0; tried <= last - first; tried++) {
        uint32_t port = b->next_port < first || b->next_port > last ? first : b->next_port;
        struct text name = {0};
        text_addf(&name, ":%u", port);
        bool is_free = !store_find_reservation(b->relay->store, text_slice(&name)) &&
                       !registry_is_held(b->relay->registry, text_slice(&name));
        text_deinit(&name);
        b->next_port = port + 1;
        if (is_free) {
            return (uint16_t)port;
        }
    }
    return 0;
}

static int make_port_entry(struct binder *b, struct bind_request *q)
{
    const struct relay_config *config = b->relay->config;
    uint16_t port = q->port;

    if (port != 0 && (port < config->tcp_ports.first || port > config->tcp_ports.last)) {
        return errinfo_set(&q->why, ERR_DENIED, "port %u: this relay gives out ports %u-%u",
                           port, config->tcp_ports.first, config->tcp_ports.last);
    }
    if (port == 0 && q->attempt == 0) {
        port = remembered_port(b->relay, q);
    }
    if (port == 0) {
        port = next_free_port(b);
    }
    if (port == 0) {
        return errinfo_set(&q->why, ERR_FULL, "no port of %u-%u is free",
                           config->tcp_ports.first, config->tcp_ports.last);
    }
    set_port_entry(q, port);
    return 0;
}

static bool has_only_labels(const struct bind_request *q)
{
    for (uint32_t i = 0; i < q->name_count; i++) {
        if (!is_label(slice_str(q->names[i]))) {
            return false;
        }
    }
    return true;
}

/* Where no NAME.host leads here, a tunnel that asks for a NAME gets a port instead: what is
 * published in one file works on a relay without DNS, too. */
static bool wants_port(const struct bind_request *q)
{
    return q->kind == BIND_TCP || (has_only_labels(q) && !q->public_name.has_names);
}

static bool is_assigned(const struct bind_request *q)
{
    return wants_port(q) ? q->port == 0 : q->name_count == 0;
}

static int make_entries(struct binder *b, struct bind_request *q)
{
    if (wants_port(q)) {
        return make_port_entry(b, q);
    }
    if (q->name_count > 0) {
        return make_named_entries(q);
    }
    make_assigned_name(q);
    return 0;
}

/* ---- rights ---- */

static int check_rights(const struct relay *relay, struct bind_request *q)
{
    const struct store_token *token = store_find_token(relay->store, q->owner.token_id);
    const struct rights *rights = token ? &token->rights : NULL;

    if (!rights) {
        return 0; /* an open relay */
    }
    if (!rights_allow_kind(rights, q->kind == BIND_TCP ? RIGHTS_TCP : RIGHTS_HTTP)) {
        return errinfo_set(&q->why, ERR_DENIED, "token %s may not open %s tunnels", token->name,
                           q->kind == BIND_TCP ? "tcp" : "http");
    }
    for (uint32_t i = 0; i < q->name_count; i++) {
        if (!rights_allow_name(rights, slice_str(q->names[i]))) {
            return errinfo_set(&q->why, ERR_DENIED, "token %s may not use the name %s",
                               token->name, q->names[i]);
        }
    }
    if (q->port != 0 && !rights_allow_port(rights, q->port)) {
        return errinfo_set(&q->why, ERR_DENIED, "token %s may not use port %u", token->name,
                           q->port);
    }
    return 0;
}

/* ---- deciding ---- */

static void decide(struct binder *b, struct bind_request *q);

/* A holder that lost an entry, on its own worker. */
struct loss {
    struct worker *worker;
    struct route route;
    char *entry;
};

static void lose_on_worker(void *arg)
{
    struct loss *loss = arg;
    struct session *s = session_find(loss->worker, loss->route.session);
    struct tunnel *t = s ? tunnel_find(s, loss->route.tunnel) : NULL;

    if (t) {
        tunnel_lose_entry(t, slice_str(loss->entry));
    }
    mem_free(loss->entry);
    mem_free(loss);
}

static void tell_loser(struct relay *relay, const struct bind_entry *entry, struct route loser)
{
    struct loss *loss = NEW(struct loss);
    struct bind_entry copy = *entry;
    struct bind_entries one = {.items = &copy, .count = 1};

    loss->worker = &relay->workers[loser.worker];
    loss->route = loser;
    loss->entry = mem_strdup(entry->name);
    change_routes(relay, &one, loser, true, NULL);
    loop_post(loss->worker->loop, lose_on_worker, loss);
}

/* ---- a sign of life of a holder: there and back ---- */

struct holder_probe {
    struct session_probe probe;
    struct relay *relay;
    struct bind_request *request;
    struct route holder;
    bool is_alive;
};

static void on_probed(void *arg)
{
    struct holder_probe *p = arg;
    struct bind_request *q = p->request;

    q->is_probed = true;
    q->silent = p->is_alive ? (struct route){.worker = UINT32_MAX} : p->holder;
    decide(p->relay->binder, q);
    mem_free(p);
}

static void on_probe_done(struct session_probe *probe, bool is_alive)
{
    struct holder_probe *p = CONTAINER_OF(probe, struct holder_probe, probe);

    p->is_alive = is_alive;
    loop_post(p->relay->workers[0].loop, on_probed, p);
}

static void probe_on_worker(void *arg)
{
    struct holder_probe *p = arg;
    struct session *s = session_find(&p->relay->workers[p->holder.worker], p->holder.session);

    if (s) {
        session_probe(s, &p->probe);
    } else {
        on_probe_done(&p->probe, false);
    }
}

static void probe_holder(struct relay *relay, struct bind_request *q, struct route holder)
{
    struct holder_probe *p = NEW(struct holder_probe);

    p->probe.done = on_probe_done;
    p->relay = relay;
    p->request = q;
    p->holder = holder;
    loop_post(relay->workers[holder.worker].loop, probe_on_worker, p);
}

/* ---- the decision ---- */

/* An assigned name or port that is taken: the next one. */
static bool try_another(struct binder *b, struct bind_request *q)
{
    if (!is_assigned(q) || ++q->attempt >= ATTEMPTS_MAX) {
        return false;
    }
    release_granted(b->relay, q);
    q->why = (struct errinfo){0};
    q->is_probed = false;
    if (make_entries(b, q) < 0) {
        refuse(b->relay, q, CONTROL_REFUSAL_LIMIT);
        return true;
    }
    decide(b, q);
    return true;
}

/* Claims the entries that are left, one after the other. */
static void decide(struct binder *b, struct bind_request *q)
{
    struct claim claim = {
        .owner = q->owner,
        .holder = slice_str(q->holder),
        .tunnel = slice_str(q->word),
        .is_shared = q->is_shared,
        .route = q->route,
    };

    memcpy(claim.run_id, q->run_id, sizeof claim.run_id);
    while (q->granted < q->entries.count) {
        const struct bind_entry *e = &q->entries.items[q->granted];
        struct route other;
        claim.shown = slice_str(e->shown);
        enum claim_result result =
            registry_claim(b->relay->registry, slice_str(e->name), &claim,
                           q->is_probed ? &q->silent : NULL, &other, &q->why);
        switch (result) {
        case CLAIM_PROBE:
            probe_holder(b->relay, q, other);
            return;
        case CLAIM_REFUSED:
            if (!try_another(b, q)) {
                refuse(b->relay, q,
                       q->is_probed ? CONTROL_REFUSAL_HELD : CONTROL_REFUSAL_TAKEN);
            }
            return;
        case CLAIM_SUPERSEDES:
            tell_loser(b->relay, e, other);
            break;
        case CLAIM_GRANTED:
            break;
        }
        q->is_probed = false;
        q->granted++;
    }
    change_routes(b->relay, &q->entries, q->route, false, q);
}

static void start(void *arg)
{
    struct bind_request *q = arg;
    struct relay *relay = q->worker->relay;
    int err = check_rights(relay, q);

    if (err == 0) {
        err = make_entries(relay->binder, q);
    }
    if (err < 0) {
        refuse(relay, q,
               err == ERR_DENIED ? CONTROL_REFUSAL_DENIED
               : err == ERR_FULL ? CONTROL_REFUSAL_LIMIT
                                 : CONTROL_REFUSAL_INVALID);
        return;
    }
    decide(relay->binder, q);
}

void binder_ask(struct relay *relay, struct bind_request *request_take)
{
    loop_post(relay->workers[0].loop, start, request_take);
}

/* ---- leaving ---- */

struct leave {
    struct relay *relay;
    struct bind_entries entries;
    struct route route;
    bool is_for_good;
};

static void leave_on_first_worker(void *arg)
{
    struct leave *l = arg;

    for (uint32_t i = 0; i < l->entries.count; i++) {
        registry_leave(l->relay->registry, slice_str(l->entries.items[i].name), l->route,
                       l->is_for_good);
    }
    change_routes(l->relay, &l->entries, l->route, true, NULL);
    bind_entries_deinit(&l->entries);
    mem_free(l);
}

void binder_leave(struct relay *relay, const struct bind_entries *entries, struct route route,
                  bool is_for_good)
{
    if (entries->count == 0) {
        return;
    }
    struct leave *l = NEW(struct leave);
    l->relay = relay;
    copy_entries(&l->entries, entries);
    l->route = route;
    l->is_for_good = is_for_good;
    loop_post(relay->workers[0].loop, leave_on_first_worker, l);
}
