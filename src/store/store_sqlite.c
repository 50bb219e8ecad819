/* The driver with a disk: one thread of its own writes one batch at a time.
 *
 *     loop's thread                           writer's thread
 *     write: puts the batch down, rings  -->  writes it (may block as long as it likes)
 *     on_letter <-- loop_post  ----------     puts the result down
 *
 * The batch goes over behind the lock. File and result belong to the writer from then until the
 * letter has arrived, or its thread has been joined.
 */
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "store/sqlite_file.h"

/* Outlives the driver: it may still be in the loop's mail when the store is closed. */
struct letter {
    struct sqlite_driver *driver; /* NULL: nobody waits for it any more */
};

struct sqlite_driver {
    struct store_driver driver;
    struct sqlite_file *file;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t bell;
    const struct batch *batch; /* to be written; NULL: nothing to do */
    struct letter *letter;     /* goes back when it is */
    bool is_stopping;
    int result; /* of the last write */
    char why[SQLITE_FILE_WHY_BYTES];
};

static void on_letter(void *arg)
{
    struct letter *letter = arg;
    struct sqlite_driver *d = letter->driver;

    mem_free(letter);
    if (d) {
        d->letter = NULL;
        store_on_written(d->driver.store, d->result, d->why);
    }
}

/* ---- the writer's thread ---- */

static void *run_writer(void *arg)
{
    struct sqlite_driver *d = arg;

    pthread_mutex_lock(&d->lock);
    while (!d->is_stopping || d->batch) {
        const struct batch *batch = d->batch;
        if (!batch) {
            pthread_cond_wait(&d->bell, &d->lock);
            continue;
        }
        struct letter *letter = d->letter; /* ours until it is posted */
        d->batch = NULL;
        pthread_mutex_unlock(&d->lock);
        d->result = sqlite_file_write(d->file, batch, d->why);
        loop_post(d->driver.store->loop, on_letter, letter);
        pthread_mutex_lock(&d->lock);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* ---- the loop's thread ---- */

static struct sqlite_driver *of(struct store_driver *driver)
{
    return CONTAINER_OF(driver, struct sqlite_driver, driver);
}

static void sqlite_write(struct store_driver *driver, const struct batch *batch)
{
    struct sqlite_driver *d = of(driver);
    struct letter *letter = NEW(struct letter);

    letter->driver = d;
    pthread_mutex_lock(&d->lock);
    d->letter = letter;
    d->batch = batch;
    pthread_cond_signal(&d->bell);
    pthread_mutex_unlock(&d->lock);
}

static int sqlite_stop(struct store_driver *driver)
{
    struct sqlite_driver *d = of(driver);

    pthread_mutex_lock(&d->lock);
    d->is_stopping = true;
    pthread_cond_signal(&d->bell);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
    if (d->letter) {
        d->letter->driver = NULL; /* it lies in the loop's mail */
    }
    return d->result;
}

static int sqlite_write_now(struct store_driver *driver, const struct batch *batch)
{
    struct sqlite_driver *d = of(driver);
    return sqlite_file_write(d->file, batch, d->why);
}

static void sqlite_free(struct store_driver *driver)
{
    struct sqlite_driver *d = of(driver);

    sqlite_file_close(&d->file);
    pthread_cond_destroy(&d->bell);
    pthread_mutex_destroy(&d->lock);
    mem_free(d);
}

static struct sqlite_driver *new_driver(struct sqlite_file *file_take)
{
    static const struct store_driver_ops ops = {sqlite_write, sqlite_stop, sqlite_write_now,
                                                sqlite_free};
    struct sqlite_driver *d = NEW(struct sqlite_driver);

    d->driver.ops = &ops;
    d->file = file_take;
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->bell, NULL);
    return d;
}

int store_open_sqlite(struct loop *loop, const char *path, struct store **out, struct errinfo *info)
{
    struct sqlite_file *file;

    *out = NULL;
    TRY(sqlite_file_open(path, &file, info));
    struct sqlite_driver *d = new_driver(file);
    int errnum = pthread_create(&d->thread, NULL, run_writer, d);
    if (errnum != 0) {
        sqlite_free(&d->driver);
        return errinfo_set(info, ERR_SYSTEM, "cannot start a thread: %s", strerror(errnum));
    }
    struct store *store = store_new(loop, &d->driver);
    int result = sqlite_file_load(file, store, info);
    if (result < 0) {
        store_close(&store);
        return result;
    }
    store_loaded(store);
    *out = store;
    return 0;
}
