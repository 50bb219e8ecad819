/* The end of a relay: first what is open may finish (drain), then all that is left is cut, worker
 * by worker, while every loop still runs; then threads and memory go. */
#include "base/mem.h"
#include "base/metrics.h"
#include "relay/entries/registry.h"
#include "relay/front_door.h"
#include "relay/operator/admin_door.h"
#include "relay/operator/control_socket.h"
#include "relay/relay.h"
#include "relay/sessions/session.h"
#include "relay/tunnels/binder.h"
#include "relay/visitors/access_log.h"
#include "relay/visitors/http_entry.h"
#include "relay/worker_life.h"
#include "store/store.h"
#include "wire/mux_frame.h"
#include "wire/reset_code.h"

enum {
    DRAIN_LOOK_MS = 100,     /* how often a draining relay looks whether visitors are left */
    SETTLE_TURNS_MAX = 2000, /* of a millisecond: what was cut has ended long before */
    LAST_LETTERS_MS = 2,     /* what workers posted to worker 0 while they settled */
};

/* ---- draining ---- */

/* No link can come any more: a session without one has nothing to wait for. */
static void say_goodbye(void *ctx, struct session *s)
{
    (void)ctx;
    if (session_is_attached(s)) {
        mux_goaway(s->mux, GOAWAY_SHUTDOWN);
    } else {
        session_end(s, RESET_SHUTDOWN, 0, "the relay stops, and its agent is away");
    }
}

static void drain_worker(void *arg)
{
    struct worker *w = arg;

    front_doors_close(w);
    sessions_each(w, say_goodbye, NULL);
    http_entries_drain(w);
}

static void stop(struct relay *r)
{
    timer_disarm(r->workers[0].loop, &r->drain_timer);
    if (r->on_stopped) {
        void (*on_stopped)(void *) = r->on_stopped;
        r->on_stopped = NULL;
        on_stopped(r->ctx);
    }
}

static void on_drain_look(struct timer *timer)
{
    struct relay *r = CONTAINER_OF(timer, struct relay, drain_timer);
    uint64_t now = loop_now_ms(r->workers[0].loop);

    if (metric_get(METRIC_VISITORS_OPEN) == 0 || now >= r->drain_until_ms) {
        stop(r);
    } else {
        timer_arm(r->workers[0].loop, timer, DRAIN_LOOK_MS);
    }
}

void relay_drain(struct relay *r, void (*on_stopped)(void *ctx), void *ctx)
{
    struct loop *loop = r->workers[0].loop;
    bool is_first = !r->is_draining;

    r->on_stopped = on_stopped;
    r->ctx = ctx;
    r->is_draining = true;
    r->drain_until_ms = is_first ? loop_now_ms(loop) + r->config->limits.drain : 0;
    for (uint32_t i = 0; is_first && i < r->worker_count; i++) {
        loop_post(r->workers[i].loop, drain_worker, &r->workers[i]);
    }
    r->drain_timer.expired = on_drain_look;
    timer_arm(loop, &r->drain_timer, is_first ? DRAIN_LOOK_MS : 0);
}

/* ---- cutting ---- */

static void cut_on_worker(void *arg)
{
    worker_cut(arg);
}

static bool have_all_settled(const struct relay *r)
{
    for (uint32_t i = 0; i <= r->started_count; i++) {
        if (!atomic_load(&r->workers[i].has_settled)) {
            return false;
        }
    }
    return true;
}

/* First everything ends everywhere, while all loops still run and may post to each other; then the
 * threads do. */
static void end_workers(struct relay *r)
{
    struct loop *loop = r->workers[0].loop;

    for (uint32_t i = 0; i <= r->started_count; i++) {
        loop_post(r->workers[i].loop, cut_on_worker, &r->workers[i]);
    }
    for (int i = 0; i < SETTLE_TURNS_MAX && !have_all_settled(r); i++) {
        loop_run_for(loop, 1);
    }
    loop_run_for(loop, LAST_LETTERS_MS);
    r->has_stopped = true;
    for (uint32_t i = 1; i < r->worker_count; i++) {
        if (i <= r->started_count) {
            worker_join(&r->workers[i]);
        } else {
            front_doors_close(&r->workers[i]);
            worker_deinit(&r->workers[i]);
            loop_free(&r->workers[i].loop);
        }
    }
    worker_deinit(&r->workers[0]);
}

void relay_free(struct relay **relay)
{
    struct relay *r = *relay;

    if (!r) {
        return;
    }
    *relay = NULL;
    timer_disarm(r->workers[0].loop, &r->drain_timer);
    control_socket_close(&r->control);
    admin_door_close(&r->admin);
    end_workers(r);
    access_log_close(&r->access);
    if (r->registry) {
        registry_free(&r->registry);
        binder_free(&r->binder);
    }
    store_close(&r->store);
    tls_identity_unref(&r->identity);
    pthread_mutex_destroy(&r->identity_lock);
    mem_free(r->workers);
    mem_free(r->data);
    mem_free(r);
}
