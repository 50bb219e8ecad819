#include "relay/tunnels/far_origin.h"

#include "base/least.h"
#include "base/mem.h"
#include "net/pump.h"
#include "net/xstream.h"
#include "relay/workers/shared.h"
#include "wire/open_facts.h"
#include "wire/reset_code.h"

struct far_origin {
    struct list node; /* worker.far_origins */
    struct worker *worker;
    struct route route;
    struct stream *stream; /* our end, until the pump has it */
    struct pump *pump;
    struct session_waiter waiter;
    bool is_waiting; /* for the agent */
    struct addr visitor;
    struct slice scheme; /* a literal */
    uint16_t port;
    size_t host_len;
    char host[OPEN_TEXT_MAX_BYTES];
    struct grave grave;
};

static void bury(struct grave *grave)
{
    mem_free(CONTAINER_OF(grave, struct far_origin, grave));
}

static void end(struct far_origin *f)
{
    list_remove(&f->node);
    loop_bury(f->worker->loop, &f->grave, bury);
}

static void on_pump_done(void *ctx, const struct pump_result *result)
{
    (void)result; /* the visitor's worker books the exchange */
    end(ctx);
}

static int open_link(const struct far_origin *f, struct tunnel *t, struct stream **link_out)
{
    struct origin_caller caller = {
        .visitor = &f->visitor,
        .scheme = f->scheme,
        .host = slice_of(f->host, f->host_len),
        .port = f->port,
    };

    return origin_open_stream(t, &caller, link_out);
}

/* The proxy has a page for each reason. */
static void refuse(struct far_origin *f, uint16_t code)
{
    stream_reset(&f->stream, code);
    end(f);
}

static void join(struct far_origin *f, struct stream *link_take)
{
    struct stream *near = f->stream;

    f->stream = NULL;
    origin_begin_exchange(link_take);
    f->pump = pump_start(near, link_take, NULL, NULL, on_pump_done, f);
}

static void stop_waiting(struct far_origin *f)
{
    if (f->is_waiting) {
        f->is_waiting = false;
        origin_unwait(f->worker, f->route, &f->waiter);
    }
}

static void serve(struct far_origin *f);

static void on_waited(struct session_waiter *waiter, bool is_attached)
{
    struct far_origin *f = CONTAINER_OF(waiter, struct far_origin, waiter);
    struct tunnel *t = NULL;

    stop_waiting(f);
    if (is_attached) {
        serve(f);
    } else if (origin_find_tunnel(f->worker, f->route, &t) == ERR_NOT_FOUND) {
        refuse(f, RESET_UNSENT); /* the agent may have logged in anew: the proxy asks where */
    } else {
        refuse(f, RESET_GRACE);
    }
}

static void wait_for_agent(struct far_origin *f, struct tunnel *t)
{
    f->waiter.done = on_waited;
    if (origin_wait(t, &f->waiter, f->worker->relay->config->limits.agent_wait) < 0) {
        refuse(f, RESET_LIMIT);
    } else {
        f->is_waiting = true;
    }
}

static void serve(struct far_origin *f)
{
    struct tunnel *t = NULL;
    struct stream *link = NULL;
    int err = origin_find_tunnel(f->worker, f->route, &t);

    if (err == ERR_AGAIN) {
        wait_for_agent(f, t);
        return;
    }
    if (err == 0) {
        err = open_link(f, t, &link);
    }
    if (err < 0) {
        refuse(f, err == ERR_NOT_FOUND ? RESET_GRACE : RESET_LIMIT);
    } else {
        join(f, link);
    }
}

/* On the session's worker. */
static void arrive(void *arg)
{
    struct far_origin *f = arg;

    list_push_back(&f->worker->far_origins, &f->node);
    serve(f);
}

struct stream *far_origin_open(struct worker *w, struct route route,
                               const struct origin_caller *caller)
{
    struct far_origin *f = NEW(struct far_origin);
    struct stream *near = NULL;

    f->worker = &w->relay->workers[route.worker];
    f->route = route;
    f->visitor = *caller->visitor;
    f->scheme = caller->scheme;
    f->port = caller->port;
    f->host_len = least_size(caller->host.len, sizeof f->host);
    memcpy(f->host, caller->host.ptr, f->host_len);
    xstream_open(w->loop, f->worker->loop, NULL, &near, &f->stream);
    loop_post(f->worker->loop, arrive, f);
    return near;
}

void far_origins_send_away(struct worker *w)
{
    LIST_EACH (&w->far_origins, node) {
        struct far_origin *f = LIST_ENTRY(node, struct far_origin, node);
        stop_waiting(f);
        stream_abort(&f->stream);
        pump_abort(&f->pump);
        end(f);
    }
}
