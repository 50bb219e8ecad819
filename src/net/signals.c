#include "net/signals.h"

#include <signal.h>

#include "base/mem.h"
#include "net/loop_priv.h"

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

enum { SIGNAL_COUNT = sizeof numbers / sizeof numbers[0] };

struct signals {
    struct loop *loop;
    signals_fn *fn;
    void *ctx;
    struct task tell;
    bool has_come[SIGNAL_COUNT];
    int open_count;
    uv_signal_t uv[SIGNAL_COUNT];
};

static void on_signal(uv_signal_t *uv, int number)
{
    struct signals *s = uv->data;

    (void)number;
    s->has_come[uv - s->uv] = true;
    loop_schedule(s->loop, &s->tell);
}

static void tell(struct task *t)
{
    struct signals *s = CONTAINER_OF(t, struct signals, tell);

    for (int i = 0; i < SIGNAL_COUNT; i++) {
        if (s->has_come[i] && s->fn) {
            s->has_come[i] = false;
            s->fn(s->ctx, numbers[i]);
        }
    }
}

int signals_open(struct signals **out, struct loop *loop, signals_fn *fn, void *ctx)
{
    struct signals *s = NEW(struct signals);
    int status = 0;

    s->loop = loop;
    s->fn = fn;
    s->ctx = ctx;
    s->tell.run = tell;
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        ASSERT(uv_signal_init(&loop->uv, &s->uv[i]) == 0);
        s->uv[i].data = s;
        s->open_count++;
        int failed = uv_signal_start(&s->uv[i], on_signal, numbers[i]);
        status = status ? status : failed;
    }
    *out = s;
    if (status < 0) {
        signals_close(out);
        return err_from_errno(status);
    }
    return 0;
}

static void on_closed(uv_handle_t *uv)
{
    struct signals *s = uv->data;

    if (--s->open_count == 0) {
        mem_free(s);
    }
}

void signals_close(struct signals **s_ref)
{
    struct signals *s = *s_ref;

    if (!s) {
        return;
    }
    *s_ref = NULL;
    s->fn = NULL;
    loop_unschedule(&s->tell);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        uv_close((uv_handle_t *)&s->uv[i], on_closed);
    }
}
