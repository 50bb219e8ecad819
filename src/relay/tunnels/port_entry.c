#include "relay/tunnels/port_entry.h"

#include "base/mem.h"
#include "base/metrics.h"
#include "net/addr.h"
#include "net/listen.h"
#include "net/tcp.h"
#include "relay/tunnels/tunnel.h"
#include "relay/workers/shared.h"

struct port_entry {
    struct worker *worker;
    struct listener *listener;
    struct port_visit visit; /* of everybody who comes */
};

static void on_accept(void *ctx, int fd_take, const struct addr *peer)
{
    struct port_entry *p = ctx;
    struct worker *w = p->worker;
    struct stream *s = NULL;

    if (tcp_open(&s, w->loop, fd_take) == 0) {
        metric_add(METRIC_VISITORS_ACCEPTED, 1);
        w->relay->enter_port(w, &p->visit, s, peer);
    }
}

static int listen_at(struct port_entry *p, struct errinfo *why)
{
    const struct listen_options options = {0};
    struct addr at;

    TRY(relay_listen_addr(p->worker->relay, p->visit.port, &at, why));
    return listener_open(&p->listener, p->worker->loop, &at, &options, on_accept, p, why);
}

int port_entry_open(struct port_entry **out, struct tunnel *t, uint16_t port, int fd_take,
                    struct errinfo *why)
{
    struct worker *w = t->session->worker;
    struct port_entry *p = NEW(struct port_entry);

    p->worker = w;
    p->visit = (struct port_visit){
        .route = {.worker = w->index, .session = t->session->handle, .tunnel = t->id},
        .kind = t->kind,
        .port = port,
    };
    int err = fd_take < 0 ? listen_at(p, why)
                          : listener_adopt(&p->listener, w->loop, fd_take, on_accept, p);
    if (err < 0) {
        mem_free(p);
        return err;
    }
    *out = p;
    return 0;
}

void port_entry_close(struct port_entry **p)
{
    if (*p) {
        listener_close(&(*p)->listener);
        mem_free(*p);
        *p = NULL;
    }
}

int port_entry_detach_fd(struct port_entry **p)
{
    int fd = -1;

    if (*p) {
        fd = listener_detach_fd(&(*p)->listener);
        mem_free(*p);
        *p = NULL;
    }
    return fd;
}
