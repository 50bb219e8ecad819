#include "relay/far_origin.h"

#include "base/mem.h"
#include "net/pump.h"
#include "net/xstream.h"
#include "relay/relay.h"
#include "wire/open_facts.h"

struct far_origin {
    struct list node; /* worker.far_origins */
    struct worker *worker;
    struct route route;
    struct stream *stream; /* our end, until the pump has it */
    struct pump *pump;
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

static int open_link(const struct far_origin *f, struct stream **link_out)
{
    struct tunnel *t = NULL;
    struct origin_caller caller = {
        .visitor = &f->visitor,
        .scheme = f->scheme,
        .host = slice_of(f->host, f->host_len),
        .port = f->port,
    };
    int err = origin_find_tunnel(f->worker, f->route, &t);

    /* ERR_AGAIN: the agent is away; the stream waits for it. */
    return err == ERR_NOT_FOUND ? err : origin_open_stream(t, &caller, link_out);
}

/* On the session's worker. */
static void arrive(void *arg)
{
    struct far_origin *f = arg;
    struct stream *link = NULL;

    list_push_back(&f->worker->far_origins, &f->node);
    if (open_link(f, &link) < 0) {
        stream_abort(&f->stream);
        end(f);
        return;
    }
    origin_begin_exchange(link);
    f->pump = pump_start(f->stream, link, NULL, NULL, on_pump_done, f);
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
    f->host_len = caller->host.len < sizeof f->host ? caller->host.len : sizeof f->host;
    memcpy(f->host, caller->host.ptr, f->host_len);
    xstream_open(w->loop, f->worker->loop, NULL, &near, &f->stream);
    loop_post(f->worker->loop, arrive, f);
    return near;
}

void far_origins_send_away(struct worker *w)
{
    LIST_EACH (&w->far_origins, node) {
        struct far_origin *f = LIST_ENTRY(node, struct far_origin, node);
        pump_abort(&f->pump);
        end(f);
    }
}
