#include "relay/worker_life.h"

#include "base/mem.h"
#include "relay/front_door.h"
#include "relay/sessions/link_door.h"
#include "relay/sessions/resume.h"
#include "relay/sessions/session.h"
#include "relay/tunnels/far_origin.h"
#include "relay/visitors/access_log.h"
#include "relay/visitors/http_entry.h"
#include "relay/visitors/port_visitor.h"
#include "relay/workers/shared.h"
#include "wire/mux_frame.h"
#include "wire/reset_code.h"

enum {
    MEMORY_SHARE = 4, /* of the machine's memory, unless the operator says how much */
    LOG_SUMS_MS = 30 * 1000,
};

static void tell_log_sums(struct timer *timer)
{
    struct worker *w = CONTAINER_OF(timer, struct worker, log_sums);

    log_tell_sums();
    timer_arm(w->loop, timer, LOG_SUMS_MS);
}

static size_t memory_of(const struct relay *r)
{
    uint64_t asked = r->config->limits.memory;

    return asked ? (size_t)asked : mem_physical_bytes() / MEMORY_SHARE;
}

void worker_init(struct worker *w, struct relay *r, uint32_t index, struct loop *loop)
{
    w->relay = r;
    w->index = index;
    w->loop = loop;
    w->budget.limit_bytes = memory_of(r) / r->worker_count;
    w->log = (struct log_scope){.parent = &r->log, .kind = "worker", .id = index};
    w->origin_log = (struct log_scope){.parent = &w->log, .source = "origins"};
    w->log_sums.expired = tell_log_sums;
    timer_arm(loop, &w->log_sums, LOG_SUMS_MS);
    list_init(&w->detached);
    list_init(&w->doors);
    list_init(&w->newcomers);
    list_init(&w->arrivals);
    list_init(&w->bridges);
    list_init(&w->visitors);
    list_init(&w->tcp_visitors);
    list_init(&w->far_origins);
}

static void *run(void *arg)
{
    struct worker *w = arg;

    loop_run(w->loop);
    worker_deinit(w);
    loop_free(&w->loop);
    return NULL;
}

int worker_start(struct worker *w, struct errinfo *why)
{
    ASSERT(w->index > 0);
    if (pthread_create(&w->thread, NULL, run, w) != 0) {
        return errinfo_set(why, ERR_SYSTEM, "worker %u: no thread to be had", w->index);
    }
    return 0;
}

static void stop(void *arg)
{
    loop_stop(((struct worker *)arg)->loop);
}

void worker_join(struct worker *w)
{
    loop_post(w->loop, stop, w);
    pthread_join(w->thread, NULL);
}

static void end_session(void *ctx, struct session *s)
{
    (void)ctx;
    session_end(s, RESET_SHUTDOWN, GOAWAY_SHUTDOWN, "the relay stops");
}

/* Two turns later what was cut is gone: sessions end in the ready phase and are buried after it. */
static void settle(void *arg)
{
    struct worker *w = arg;
    atomic_store(&w->has_settled, true);
}

static void settle_soon(void *arg)
{
    struct worker *w = arg;
    loop_post(w->loop, settle, w);
}

void worker_cut(struct worker *w)
{
    front_doors_close(w);
    front_doors_send_away(w);
    link_door_send_away(w);
    resume_bridges_cut(w);
    http_entries_send_away(w);
    port_visitors_send_away(w);
    far_origins_send_away(w);
    sessions_each(w, end_session, NULL);
    loop_post(w->loop, settle_soon, w);
}

void worker_deinit(struct worker *w)
{
    timer_disarm(w->loop, &w->log_sums);
    access_log_leave(w);
    table_deinit(&w->sessions);
    table_deinit(&w->sessions_by_id);
    router_deinit(&w->router);
}
