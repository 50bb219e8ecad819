/* A driver that keeps nothing: for tests, and for a relay in one process with its agent. */
#include "base/mem.h"
#include "store/store_priv.h"

struct memory_driver {
    struct store_driver driver;
    struct task written; /* writing is done in the next ready phase, as if there were a disk */
};

static void tell_written(struct task *task)
{
    struct memory_driver *m = CONTAINER_OF(task, struct memory_driver, written);
    store_on_written(m->driver.store, 0, NULL);
}

static void memory_write(struct store_driver *driver, const struct batch *batch)
{
    struct memory_driver *m = CONTAINER_OF(driver, struct memory_driver, driver);
    (void)batch;
    loop_schedule(driver->store->loop, &m->written);
}

static int memory_stop(struct store_driver *driver)
{
    loop_unschedule(&CONTAINER_OF(driver, struct memory_driver, driver)->written);
    return 0;
}

static int memory_write_now(struct store_driver *driver, const struct batch *batch)
{
    (void)driver;
    (void)batch;
    return 0;
}

static void memory_free(struct store_driver *driver)
{
    mem_free(CONTAINER_OF(driver, struct memory_driver, driver));
}

struct store *store_open_memory(struct loop *loop)
{
    static const struct store_driver_ops ops = {memory_write, memory_stop, memory_write_now,
                                                memory_free};
    struct memory_driver *m = NEW(struct memory_driver);

    m->driver.ops = &ops;
    m->written.run = tell_written;
    struct store *store = store_new(loop, &m->driver);
    store_loaded(store);
    return store;
}
