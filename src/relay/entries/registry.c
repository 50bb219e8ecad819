#include "relay/entries/registry.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/table.h"

struct holder {
    struct list node;
    struct store_owner owner;
    uint8_t run_id[RUN_ID_BYTES];
    char *host;
    bool is_shared;
    struct route route;
};

struct entry {
    struct table_node node;
    struct list holders; /* never empty */
    size_t name_len;
    char name[];
};

struct registry {
    struct store *store;
    struct table entries;
};

static struct entry *entry_of(struct table_node *n)
{
    return CONTAINER_OF(n, struct entry, node);
}

static struct slice entry_name(const struct entry *e)
{
    return slice_of(e->name, e->name_len);
}

static struct entry *find_entry(const struct registry *r, struct slice name)
{
    TABLE_EACH_MATCH (&r->entries, slice_hash(name), n) {
        if (slice_equal(entry_name(entry_of(n)), name)) {
            return entry_of(n);
        }
    }
    return NULL;
}

static struct entry *add_entry(struct registry *r, struct slice name)
{
    struct entry *e = mem_alloc(sizeof *e + name.len + 1);

    memcpy(e->name, name.ptr, name.len);
    e->name_len = name.len;
    list_init(&e->holders);
    table_add(&r->entries, &e->node, slice_hash(name));
    return e;
}

static struct holder *first_holder(const struct entry *e)
{
    return LIST_ENTRY(list_first(&e->holders), struct holder, node);
}

static void remove_holder(struct holder *h)
{
    list_remove(&h->node);
    mem_free(h->host);
    mem_free(h);
}

static void remove_entry_if_empty(struct registry *r, struct entry *e)
{
    if (list_is_empty(&e->holders)) {
        table_remove(&r->entries, &e->node);
        mem_free(e);
    }
}

struct registry *registry_new(struct store *store)
{
    struct registry *r = NEW(struct registry);
    r->store = store;
    return r;
}

void registry_free(struct registry **r)
{
    TABLE_EACH (&(*r)->entries, n) {
        struct entry *e = entry_of(n);
        LIST_EACH (&e->holders, node) {
            remove_holder(LIST_ENTRY(node, struct holder, node));
        }
        remove_entry_if_empty(*r, e);
    }
    table_deinit(&(*r)->entries);
    mem_free(*r);
    *r = NULL;
}

static bool is_same_run(const struct holder *h, const struct claim *c)
{
    return store_owner_is_same_agent(&h->owner, &c->owner) &&
           memcmp(h->run_id, c->run_id, RUN_ID_BYTES) == 0;
}

/* Without tokens every agent is an owner of its own. */
static bool is_same_owner(const struct store_owner *a, const struct store_owner *b)
{
    return a->token_id == b->token_id && (a->token_id != 0 || store_owner_is_same_agent(a, b));
}

static void refuse_for_owner(const struct registry *r, struct slice shown,
                             const struct store_owner *owner, struct errinfo *info)
{
    const struct store_token *token = store_find_token(r->store, owner->token_id);

    errinfo_set(info, ERR_BUSY, "%.*s belongs to %s%s", SLICE_ARG(shown),
                token ? "token " : "another agent", token ? token->name : "");
}

/* Decides among live sessions. *loser_out: the holder that has to go first. */
static enum claim_result judge(const struct registry *r, const struct entry *e,
                               const struct claim *c, const struct route *silent,
                               struct holder **loser_out, struct errinfo *info)
{
    struct holder *h = first_holder(e);

    if (!is_same_owner(&h->owner, &c->owner)) {
        refuse_for_owner(r, c->shown, &h->owner, info);
        return CLAIM_REFUSED;
    }
    LIST_EACH (&e->holders, n) {
        struct holder *same = LIST_ENTRY(n, struct holder, node);
        if (is_same_run(same, c)) {
            *loser_out = same;
            return CLAIM_SUPERSEDES;
        }
    }
    if (h->is_shared && c->is_shared) {
        return CLAIM_GRANTED;
    }
    *loser_out = h;
    if (!silent) {
        return CLAIM_PROBE;
    }
    if (route_equal(*silent, h->route)) {
        return CLAIM_SUPERSEDES;
    }
    errinfo_set(info, ERR_BUSY, "%.*s is served by %s with the same token", SLICE_ARG(c->shown),
                h->host);
    return CLAIM_REFUSED;
}

static void add_holder(struct entry *e, const struct claim *c)
{
    struct holder *h = NEW(struct holder);

    h->owner = c->owner;
    memcpy(h->run_id, c->run_id, RUN_ID_BYTES);
    h->host = slice_dup(c->holder);
    h->is_shared = c->is_shared;
    h->route = c->route;
    list_push_back(&e->holders, &h->node);
}

static enum claim_result reserve(struct registry *r, struct slice name, const struct claim *c,
                                 struct errinfo *info)
{
    const struct store_reservation *other = NULL;
    int err = store_reserve(r->store, name, &c->owner, c->tunnel, c->holder, &other);

    if (err == 0) {
        return CLAIM_GRANTED;
    }
    if (other) {
        refuse_for_owner(r, c->shown, &other->owner, info);
    } else {
        errinfo_set(info, err, "%.*s: too many names and ports are reserved for this token",
                    SLICE_ARG(c->shown));
    }
    return CLAIM_REFUSED;
}

enum claim_result registry_claim(struct registry *r, struct slice name, const struct claim *claim,
                                 const struct route *silent, struct route *other_out,
                                 struct errinfo *info)
{
    struct entry *e = find_entry(r, name);
    struct holder *loser = NULL;
    enum claim_result result = CLAIM_GRANTED;

    if (e) {
        result = judge(r, e, claim, silent, &loser, info);
    }
    if (loser) {
        *other_out = loser->route;
    }
    if (result == CLAIM_PROBE || result == CLAIM_REFUSED) {
        return result;
    }
    if (reserve(r, name, claim, info) == CLAIM_REFUSED) {
        return CLAIM_REFUSED;
    }
    e = e ? e : add_entry(r, name);
    if (loser) {
        remove_holder(loser);
    }
    add_holder(e, claim);
    return result;
}

void registry_leave(struct registry *r, struct slice name, struct route route, bool is_for_good)
{
    struct entry *e = find_entry(r, name);
    struct store_owner owner;
    bool has_left = false;

    if (!e) {
        return;
    }
    LIST_EACH (&e->holders, n) {
        struct holder *h = LIST_ENTRY(n, struct holder, node);
        if (route_equal(h->route, route)) {
            owner = h->owner;
            remove_holder(h);
            has_left = true;
        }
    }
    if (has_left && list_is_empty(&e->holders)) {
        if (is_for_good) {
            store_release(r->store, name, &owner);
        } else {
            store_leave(r->store, name, &owner);
        }
    }
    remove_entry_if_empty(r, e);
}

bool registry_is_held(const struct registry *r, struct slice name)
{
    return find_entry(r, name) != NULL;
}
