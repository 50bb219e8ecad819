#include "base/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"

/* One thread's cells. They stay in the list when the thread ends: its counts remain true. */
struct cells {
    struct cells *next;
    _Atomic int64_t value[METRIC_COUNT];
};

struct description {
    const char *name;
    const char *kind;
    const char *help;
};

#define KIND_COUNTER "counter"
#define KIND_GAUGE   "gauge"

static const struct description descriptions[] = {
#define X(id, kind, name, help) {name, KIND_##kind, help},
    METRIC_LIST(X)
#undef X
};

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct cells *all;
static _Thread_local struct cells *mine;

static struct cells *own_cells(void)
{
    if (!mine) {
        mine = NEW(struct cells);
        pthread_mutex_lock(&all_lock);
        mine->next = all;
        all = mine;
        pthread_mutex_unlock(&all_lock);
    }
    return mine;
}

void metric_add(enum metric metric, int64_t n)
{
    _Atomic int64_t *cell = &own_cells()->value[metric];

    /* Only this thread writes: a load and a store, no locked add. */
    int64_t now = atomic_load_explicit(cell, memory_order_relaxed);
    atomic_store_explicit(cell, now + n, memory_order_relaxed);
}

int64_t metric_get(enum metric metric)
{
    int64_t sum = 0;

    pthread_mutex_lock(&all_lock);
    for (struct cells *c = all; c; c = c->next) {
        sum += atomic_load_explicit(&c->value[metric], memory_order_relaxed);
    }
    pthread_mutex_unlock(&all_lock);
    return sum;
}

const char *metric_name(enum metric metric)
{
    return descriptions[metric].name;
}

void metrics_show(struct text *out)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct description *d = &descriptions[i];
        text_addf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRId64 "\n", d->name, d->help, d->name,
                  d->kind, d->name, metric_get((enum metric)i));
    }
}
