/* Reservations: who owns which entry, and until when; memory is the truth. The map is in
 * store_priv.h. */
#include <stdlib.h>

#include "base/mem.h"
#include "store/store_priv.h"

/* ---- owners ---- */

static bool owner_equal(const struct store_owner *a, const struct store_owner *b)
{
    return a->token_id == b->token_id &&
           (a->token_id != 0 || memcmp(a->agent_id, b->agent_id, STORE_AGENT_ID_BYTES) == 0);
}

static uint64_t owner_hash(const struct store_owner *o)
{
    return o->token_id ? table_hash_u64(o->token_id)
                       : slice_hash(slice_of(o->agent_id, STORE_AGENT_ID_BYTES));
}

static struct owner *find_owner(const struct store *store, const struct store_owner *who)
{
    TABLE_EACH_MATCH (&store->owners, owner_hash(who), node) {
        struct owner *o = CONTAINER_OF(node, struct owner, node);
        if (owner_equal(&o->pub, who)) {
            return o;
        }
    }
    return NULL;
}

static struct owner *find_or_add_owner(struct store *store, const struct store_owner *who)
{
    struct owner *o = find_owner(store, who);

    if (!o) {
        o = NEW(struct owner);
        o->pub = *who;
        list_init(&o->reservations);
        table_add(&store->owners, &o->node, owner_hash(who));
    }
    return o;
}

/* ---- who listens ---- */

static void tell_reserved(const struct store *store, const struct reservation *r, bool is_reserved)
{
    if (store->reserved) {
        store->reserved(store->reserved_ctx, slice_str(r->pub.entry), is_reserved);
    }
}

void store_on_reserved(struct store *store,
                       void (*changed)(void *ctx, struct slice entry, bool is_reserved), void *ctx)
{
    store->reserved = changed;
    store->reserved_ctx = ctx;
    TABLE_EACH (&store->reservations, node) {
        tell_reserved(store, CONTAINER_OF(node, struct reservation, by_entry), true);
    }
}

/* ---- life of a reservation ---- */

static void join_owner(struct store *store, struct reservation *r, const struct store_owner *who)
{
    r->owner = find_or_add_owner(store, who);
    r->owner->count++;
    list_push_back(&r->owner->reservations, &r->of_owner);
    r->pub.owner = *who;
}

/* An owner without reservations is forgotten. */
static void part_owner(struct store *store, struct reservation *r)
{
    struct owner *o = r->owner;

    list_remove(&r->of_owner);
    r->owner = NULL;
    if (--o->count == 0) {
        table_remove(&store->owners, &o->node);
        mem_free(o);
    }
}

static void set_text(const char **field, struct slice text)
{
    mem_free((char *)*field);
    *field = slice_dup(text);
}

static struct reservation *add_reservation(struct store *store, struct slice entry,
                                           const struct store_owner *who)
{
    struct reservation *r = NEW(struct reservation);

    r->object.kind = OBJECT_RESERVATION;
    set_text(&r->pub.entry, entry);
    table_add(&store->reservations, &r->by_entry, slice_hash(entry));
    join_owner(store, r, who);
    tell_reserved(store, r, true);
    return r;
}

static void free_reservation(struct reservation *r)
{
    mem_free((char *)r->pub.entry);
    mem_free((char *)r->pub.tunnel);
    mem_free((char *)r->pub.holder);
    mem_free(r);
}

/* Nobody finds it any more; the object stays until its end has been copied into a batch. */
static void drop_reservation(struct store *store, struct reservation *r)
{
    table_remove(&store->reservations, &r->by_entry);
    list_remove(&r->leaving);
    part_owner(store, r);
    r->is_dropped = true;
    store_mark(store, &r->object);
    tell_reserved(store, r, false);
}

void store_free_dropped(struct reservation *r)
{
    free_reservation(r);
}

void store_free_reservations(struct store *store)
{
    TABLE_EACH (&store->reservations, node) {
        struct reservation *r = CONTAINER_OF(node, struct reservation, by_entry);
        table_remove(&store->reservations, node);
        part_owner(store, r);
        list_remove(&r->object.unwritten);
        free_reservation(r);
    }
    while (!list_is_empty(&store->unwritten)) { /* dropped, but never written */
        struct object *o = LIST_ENTRY(list_pop_front(&store->unwritten), struct object, unwritten);
        if (o->kind == OBJECT_RESERVATION) {
            free_reservation(CONTAINER_OF(o, struct reservation, object));
        }
    }
    table_deinit(&store->reservations);
    table_deinit(&store->owners);
}

void reservation_add_row(const struct reservation *r, struct reservation_row *row)
{
    *row = (struct reservation_row){
        .entry = mem_strdup(r->pub.entry),
        .owner = r->pub.owner,
        .tunnel = mem_strdup(r->pub.tunnel),
        .holder = mem_strdup(r->pub.holder),
        .expires_at = r->pub.expires_at,
        .is_dropped = r->is_dropped,
    };
}

/* ---- running out ---- */

/* All last equally long, so who leaves last expires last: the list stays in order by itself. */
static void start_leaving(struct store *store, struct reservation *r)
{
    r->pub.expires_at = store->wall_ms() + STORE_RESERVED_MS;
    list_push_back(&store->leaving, &r->leaving);
}

void store_load_reservation(struct store *store, const struct reservation_row *row)
{
    struct reservation *r = add_reservation(store, slice_str(row->entry), &row->owner);

    set_text(&r->pub.tunnel, slice_str(row->tunnel));
    set_text(&r->pub.holder, slice_str(row->holder));
    if (row->expires_at == 0) {
        start_leaving(store, r); /* the relay ended while a link held it */
        store_mark(store, &r->object);
    } else {
        r->pub.expires_at = row->expires_at;
        list_push_back(&store->leaving, &r->leaving);
    }
}

static int compare_expiry(const void *a, const void *b)
{
    uint64_t x = (*(struct reservation *const *)a)->pub.expires_at;
    uint64_t y = (*(struct reservation *const *)b)->pub.expires_at;
    return x < y ? -1 : x > y;
}

/* After loading, which comes in the order of the entries. */
void store_sort_leaving(struct store *store)
{
    size_t count = store->reservations.count;
    struct reservation **all = mem_alloc_array(count, sizeof *all);
    size_t n = 0;

    while (!list_is_empty(&store->leaving)) {
        all[n++] = LIST_ENTRY(list_pop_front(&store->leaving), struct reservation, leaving);
    }
    qsort(all, n, sizeof *all, compare_expiry);
    for (size_t i = 0; i < n; i++) {
        list_push_back(&store->leaving, &all[i]->leaving);
    }
    mem_free(all);
    store_sweep_reservations(store);
}

static bool is_expired(const struct store *store, const struct reservation *r)
{
    return r->pub.expires_at && r->pub.expires_at <= store->wall_ms();
}

void store_sweep_reservations(struct store *store)
{
    struct list *first;

    while ((first = list_first(&store->leaving)) != NULL) {
        struct reservation *r = LIST_ENTRY(first, struct reservation, leaving);
        if (!is_expired(store, r)) {
            return;
        }
        drop_reservation(store, r);
    }
}

/* ---- finding ---- */

static struct reservation *find_entry(const struct store *store, struct slice entry)
{
    TABLE_EACH_MATCH (&store->reservations, slice_hash(entry), node) {
        struct reservation *r = CONTAINER_OF(node, struct reservation, by_entry);
        if (slice_is(entry, r->pub.entry)) {
            return r;
        }
    }
    return NULL;
}

const struct store_reservation *store_find_reservation(const struct store *store,
                                                       struct slice entry)
{
    const struct reservation *r = find_entry(store, entry);
    return r && !is_expired(store, r) ? &r->pub : NULL;
}

const struct store_reservation *store_find_reserved_for(const struct store *store,
                                                        const struct store_owner *who,
                                                        struct slice tunnel, struct slice prefix)
{
    const struct owner *o = find_owner(store, who);

    if (!o) {
        return NULL;
    }
    LIST_EACH (&o->reservations, node) {
        const struct reservation *r = LIST_ENTRY(node, struct reservation, of_owner);
        bool is_same_agent = memcmp(r->pub.owner.agent_id, who->agent_id, STORE_AGENT_ID_BYTES) ==
                             0;
        if (is_same_agent && slice_is(tunnel, r->pub.tunnel) &&
            slice_starts(slice_str(r->pub.entry), prefix) && !is_expired(store, r)) {
            return &r->pub;
        }
    }
    return NULL;
}

/* ---- taking and leaving ---- */

static int check_room(const struct store *store, const struct store_owner *who)
{
    const struct owner *o = find_owner(store, who);
    bool is_full = store->reservations.count >= STORE_RESERVATIONS_MAX ||
                   (o && o->count >= STORE_RESERVATIONS_PER_OWNER_MAX);

    return is_full ? ERR_FULL : 0;
}

/* The facts of a holder; true if something differs from what is written. */
static bool renew(struct reservation *r, const struct store_owner *who, struct slice tunnel,
                  struct slice holder)
{
    holder = slice_sub(holder, 0, STORE_HOLDER_BYTES);
    bool is_same = r->pub.tunnel && slice_is(tunnel, r->pub.tunnel) &&
                   slice_is(holder, r->pub.holder) && r->pub.expires_at == 0 &&
                   memcmp(&r->pub.owner, who, sizeof *who) == 0;

    if (!is_same) {
        set_text(&r->pub.tunnel, tunnel);
        set_text(&r->pub.holder, holder);
        r->pub.owner = *who;
        r->pub.expires_at = 0;
    }
    list_remove(&r->leaving);
    return !is_same;
}

int store_reserve(struct store *store, struct slice entry, const struct store_owner *who,
                  struct slice tunnel, struct slice holder,
                  const struct store_reservation **other_out)
{
    *other_out = NULL;
    if (entry.len == 0 || entry.len > STORE_ENTRY_BYTES || tunnel.len > STORE_ENTRY_BYTES ||
        memchr(entry.ptr, '\0', entry.len)) {
        return ERR_INVALID;
    }
    struct reservation *r = find_entry(store, entry);
    if (r && is_expired(store, r)) {
        drop_reservation(store, r);
        r = NULL;
    }
    if (r && !owner_equal(&r->pub.owner, who)) {
        *other_out = &r->pub;
        return ERR_DENIED;
    }
    if (!r) {
        TRY(check_room(store, who));
        r = add_reservation(store, entry, who);
    }
    if (renew(r, who, tunnel, holder)) {
        store_mark(store, &r->object);
    }
    return 0;
}

void store_leave(struct store *store, struct slice entry, const struct store_owner *who)
{
    struct reservation *r = find_entry(store, entry);

    if (r && owner_equal(&r->pub.owner, who) && r->pub.expires_at == 0) {
        start_leaving(store, r);
        store_mark(store, &r->object);
    }
}

void store_release(struct store *store, struct slice entry, const struct store_owner *who)
{
    struct reservation *r = find_entry(store, entry);

    if (r && owner_equal(&r->pub.owner, who)) {
        drop_reservation(store, r);
    }
}
