#include "store/store.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_priv.h"

/* Who wants to know when everything so far is written. */
struct waiter {
    struct list node;
    uint64_t batch_number;
    void (*done)(void *ctx, int result);
    void *ctx;
};

/* ---- batches ---- */

static void copy_object(struct batch *batch, struct object *object)
{
    if (object->kind == OBJECT_TOKEN) {
        token_add_row(CONTAINER_OF(object, struct token, object),
                      &batch->tokens[batch->token_count++]);
        return;
    }
    struct reservation *r = CONTAINER_OF(object, struct reservation, object);
    reservation_add_row(r, &batch->reservations[batch->reservation_count++]);
    if (r->is_dropped) {
        store_free_dropped(r);
    }
}

/* Takes everything that is unwritten. */
static void fill_batch(struct store *store)
{
    size_t tokens = 0, reservations = 0;

    LIST_EACH (&store->unwritten, node) {
        if (LIST_ENTRY(node, struct object, unwritten)->kind == OBJECT_TOKEN) {
            tokens++;
        } else {
            reservations++;
        }
    }
    store->batch.tokens = mem_alloc_array(tokens, sizeof *store->batch.tokens);
    store->batch.reservations = mem_alloc_array(reservations, sizeof *store->batch.reservations);
    while (!list_is_empty(&store->unwritten)) {
        copy_object(&store->batch,
                    LIST_ENTRY(list_pop_front(&store->unwritten), struct object, unwritten));
    }
    store->has_batch = true;
    store->batch_number++;
}

static void clear_batch(struct store *store)
{
    struct batch *b = &store->batch;

    for (size_t i = 0; i < b->token_count; i++) {
        mem_free((char *)b->tokens[i].name);
        mem_free((char *)b->tokens[i].rights);
    }
    for (size_t i = 0; i < b->reservation_count; i++) {
        mem_free((char *)b->reservations[i].entry);
        mem_free((char *)b->reservations[i].tunnel);
        mem_free((char *)b->reservations[i].holder);
    }
    mem_free(b->tokens);
    mem_free(b->reservations);
    *b = (struct batch){0};
    store->has_batch = false;
}

static void start_write(struct store *store)
{
    if (store->is_writing || timer_is_armed(&store->retry_timer)) {
        return;
    }
    if (!store->has_batch) {
        if (list_is_empty(&store->unwritten)) {
            return;
        }
        fill_batch(store);
    }
    store->is_writing = true;
    store->driver->ops->write(store->driver, &store->batch);
}

static void run_write_task(struct task *task)
{
    start_write(CONTAINER_OF(task, struct store, write_task));
}

static void retry_expired(struct timer *timer)
{
    start_write(CONTAINER_OF(timer, struct store, retry_timer));
}

void store_mark(struct store *store, struct object *object)
{
    if (!list_is_linked(&object->unwritten)) {
        list_push_back(&store->unwritten, &object->unwritten);
    }
    loop_schedule(store->loop, &store->write_task);
}

/* ---- waiters ---- */

/* Those who wait for a batch up to this number. */
static void tell_waiters(struct store *store, uint64_t up_to, int result)
{
    struct list ripe;

    list_init(&ripe);
    LIST_EACH (&store->waiters, node) {
        if (LIST_ENTRY(node, struct waiter, node)->batch_number <= up_to) {
            list_remove(node);
            list_push_back(&ripe, node);
        }
    }
    while (!list_is_empty(&ripe)) {
        struct waiter *w = LIST_ENTRY(list_pop_front(&ripe), struct waiter, node);
        w->done(w->ctx, result);
        mem_free(w);
    }
}

static void run_tell_task(struct task *task)
{
    struct store *store = CONTAINER_OF(task, struct store, tell_task);
    tell_waiters(store, store->written_number, 0);
}

void store_sync(struct store *store, void (*done)(void *ctx, int result), void *ctx)
{
    struct waiter *w = NEW(struct waiter);

    w->batch_number = store->batch_number + (list_is_empty(&store->unwritten) ? 0 : 1);
    w->done = done;
    w->ctx = ctx;
    list_push_back(&store->waiters, &w->node);
    loop_schedule(store->loop, &store->tell_task); /* all may be written already */
}

/* A failure is told to everybody who waits: what they wait for stays in memory. */
static void on_failed(struct store *store, int result, const char *why)
{
    if (store->health == 0) {
        log_error(NULL, "cannot write the store, going on from memory", LOG_STR("why", why));
    }
    store->health = result;
    timer_arm(store->loop, &store->retry_timer, STORE_RETRY_MS);
    tell_waiters(store, UINT64_MAX, result);
}

/* Everything is on disk, also what came while it could not be written. */
static void note_health(struct store *store)
{
    if (store->health < 0) {
        log_info(NULL, "the store is written again");
    }
    store->health = 0;
}

void store_on_written(struct store *store, int result, const char *why)
{
    store->is_writing = false;
    if (result < 0) {
        on_failed(store, result, why);
        return;
    }
    store->written_number = store->batch_number;
    clear_batch(store);
    if (list_is_empty(&store->unwritten)) {
        note_health(store);
    }
    tell_waiters(store, store->written_number, 0);
    start_write(store);
}

int store_health(const struct store *store)
{
    return store->health;
}

/* ---- life ---- */

static void sweep_expired(struct timer *timer)
{
    struct store *store = CONTAINER_OF(timer, struct store, sweep_timer);

    store_sweep_reservations(store);
    loop_schedule(store->loop, &store->gone_task);
    timer_arm(store->loop, &store->sweep_timer, STORE_SWEEP_MS);
}

struct store *store_new(struct loop *loop, struct store_driver *driver)
{
    struct store *store = NEW(struct store);

    store->loop = loop;
    store->driver = driver;
    driver->store = store;
    store->wall_ms = clock_wall_ms;
    list_init(&store->unwritten);
    list_init(&store->waiters);
    list_init(&store->leaving);
    store->write_task.run = run_write_task;
    store->tell_task.run = run_tell_task;
    store->gone_task.run = store_tell_gone;
    store->retry_timer.expired = retry_expired;
    store->sweep_timer.expired = sweep_expired;
    return store;
}

void store_loaded(struct store *store)
{
    store_sort_leaving(store);
    timer_arm(store->loop, &store->sweep_timer, STORE_SWEEP_MS);
}

/* One more try for what is not on disk yet. */
static int write_rest(struct store *store)
{
    const struct store_driver_ops *ops = store->driver->ops;
    int result = ops->stop(store->driver);

    if (store->has_batch && (!store->is_writing || result < 0)) {
        result = ops->write_now(store->driver, &store->batch);
    }
    clear_batch(store);
    if (result == 0 && !list_is_empty(&store->unwritten)) {
        fill_batch(store);
        result = ops->write_now(store->driver, &store->batch);
        clear_batch(store);
    }
    return result;
}

void store_close(struct store **store_ref)
{
    struct store *store = *store_ref;

    if (!store) {
        return;
    }
    *store_ref = NULL;
    if (write_rest(store) < 0) {
        log_error(NULL, "the store could not be written; its last changes are lost");
    }
    while (!list_is_empty(&store->waiters)) {
        mem_free(LIST_ENTRY(list_pop_front(&store->waiters), struct waiter, node));
    }
    loop_unschedule(&store->write_task);
    loop_unschedule(&store->tell_task);
    loop_unschedule(&store->gone_task);
    timer_disarm(store->loop, &store->retry_timer);
    timer_disarm(store->loop, &store->sweep_timer);
    store_free_reservations(store);
    store_free_tokens(store);
    store->driver->ops->free(store->driver);
    mem_free(store);
}
