#include "relay/tunnels/binder.h"

#include "base/mem.h"
#include "relay/entries/entry_choice.h"
#include "relay/entries/route_change.h"
#include "relay/sessions/session.h"
#include "relay/sessions/session_wait.h"
#include "relay/tunnels/tunnel.h"
#include "relay/workers/shared.h"
#include "store/store.h"
#include "wire/control.h"

struct binder {
    struct relay *relay;
    struct entry_choice choice;
};

struct binder *binder_new(struct relay *relay)
{
    struct binder *b = NEW(struct binder);

    b->relay = relay;
    b->choice.relay = relay;
    return b;
}

void binder_free(struct binder **b)
{
    mem_free(*b);
    *b = NULL;
}

/* ---- answering ---- */

static void answer_on_worker(void *arg)
{
    struct bind_request *q = arg;
    tunnel_answered(q->worker, q);
}

static void answer(void *ctx)
{
    struct bind_request *q = ctx;
    loop_post(q->worker->loop, answer_on_worker, q);
}

/* ---- who had the entries before ---- */

struct loss {
    struct list node; /* request.losses */
    struct bind_request *request;
    struct worker *worker; /* of the loser */
    struct route route;
    struct bind_entries entries; /* one */
};

static void add_loss(struct relay *relay, struct bind_request *q, const struct bind_entry *entry,
                     struct route loser)
{
    struct loss *loss = NEW(struct loss);
    struct bind_entry copy = *entry;
    const struct bind_entries one = {.items = &copy, .count = 1};

    loss->request = q;
    loss->worker = &relay->workers[loser.worker];
    loss->route = loser;
    bind_entries_copy(&loss->entries, &one);
    list_push_back(&q->losses, &loss->node);
}

static void tell_next_loser(void *ctx);

static void lose_on_worker(void *arg)
{
    struct loss *loss = arg;
    struct bind_request *q = loss->request;
    struct tunnel *t = tunnel_find_route(loss->worker, loss->route);

    if (t) {
        int door_fd = tunnel_lose_entry(t, slice_str(loss->entries.items[0].name));
        q->door_fd = door_fd >= 0 ? door_fd : q->door_fd; /* a request is for one port at most */
    }
    bind_entries_deinit(&loss->entries);
    mem_free(loss);
    tell_next_loser(q);
}

/* One after the other, then the answer: who gets a port gets its listening socket too. */
static void tell_next_loser(void *ctx)
{
    struct bind_request *q = ctx;
    struct list *node = list_first(&q->losses);

    if (!node) {
        answer(q);
        return;
    }
    struct loss *loss = LIST_ENTRY(node, struct loss, node);
    list_remove(node);
    loop_post(loss->worker->loop, lose_on_worker, loss);
}

/* New routes stand before old ones go, so that no visitor finds nothing; then all are told. */
static void conclude(struct relay *relay, struct bind_request *q)
{
    static const struct bind_entries nothing;
    bool has_losers = !list_is_empty(&q->losses);

    route_change(relay, ROUTE_ADD, &q->entries, q->route, has_losers ? NULL : answer, q);
    if (!has_losers) {
        return;
    }
    LIST_EACH (&q->losses, node) {
        const struct loss *loss = LIST_ENTRY(node, struct loss, node);
        route_change(relay, ROUTE_REMOVE, &loss->entries, loss->route, NULL, NULL);
    }
    route_change(relay, ROUTE_ADD, &nothing, q->route, tell_next_loser, q);
}

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
    conclude(relay, q);
}

/* ---- rights ---- */

/* What the relay chose must be allowed, too. */
static int check_assigned_name(const struct store_token *token, struct bind_request *q)
{
    const struct bind_entry *e = q->entries.items;

    if (q->name_count == 0 && e->host && !rights_allow_name(&token->rights, slice_str(e->shown))) {
        return errinfo_set(&q->why, ERR_DENIED,
                           "token %s may use certain names only; ask for one of them", token->name);
    }
    return 0;
}

/* After the entries were chosen. */
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
            return errinfo_set(&q->why, ERR_DENIED, "token %s may not use the name %s", token->name,
                               q->names[i]);
        }
    }
    if (q->port != 0 && !rights_allow_port(rights, q->port)) {
        return errinfo_set(&q->why, ERR_DENIED, "token %s may not use port %u", token->name,
                           q->port);
    }
    return check_assigned_name(token, q);
}

/* ---- a sign of life of a holder: there and back ---- */

static void decide(struct binder *b, struct bind_request *q);

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
    if (!entry_choice_is_free(q) || ++q->attempt >= BIND_ATTEMPTS_MAX) {
        return false;
    }
    release_granted(b->relay, q);
    q->why = (struct errinfo){0};
    q->is_probed = false;
    if (entry_choice_make(&b->choice, q) < 0) {
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
        enum claim_result result = registry_claim(b->relay->registry, slice_str(e->name), &claim,
                                                  q->is_probed ? &q->silent : NULL, &other,
                                                  &q->why);
        switch (result) {
        case CLAIM_PROBE:
            probe_holder(b->relay, q, other);
            return;
        case CLAIM_REFUSED:
            if (!try_another(b, q)) {
                refuse(b->relay, q, q->is_probed ? CONTROL_REFUSAL_HELD : CONTROL_REFUSAL_TAKEN);
            }
            return;
        case CLAIM_SUPERSEDES:
            add_loss(b->relay, q, e, other);
            break;
        case CLAIM_GRANTED:
            break;
        }
        q->is_probed = false;
        q->granted++;
    }
    conclude(b->relay, q);
}

static void start(void *arg)
{
    struct bind_request *q = arg;
    struct relay *relay = q->worker->relay;
    int err = entry_choice_make(&relay->binder->choice, q);

    if (err == 0) {
        err = check_rights(relay, q);
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
    route_change(l->relay, ROUTE_REMOVE, &l->entries, l->route, NULL, NULL);
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
    bind_entries_copy(&l->entries, entries);
    l->route = route;
    l->is_for_good = is_for_good;
    loop_post(relay->workers[0].loop, leave_on_first_worker, l);
}
