#include "relay/operator/admin_door.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "http/h1_server.h"
#include "net/listen.h"
#include "net/tcp.h"
#include "relay/workers/shared.h"

enum { VISITS_MAX = 16 }; /* more wait in the listening socket */

struct admin_door {
    struct relay *relay;
    struct loop *loop;
    struct listener *listener;
    struct list visits;
    unsigned visit_count;
};

struct visit {
    struct list node;
    struct admin_door *door;
    struct h1_server *server;
};

/* ---- what is answered ---- */

static bool is_own_host(const struct relay *r, struct slice host)
{
    struct addr literal;

    return addr_parse_host(host, 0, &literal) == 0 ||
           slice_equal_nocase(host, SLICE("localhost")) ||
           (r->config->domain && slice_equal_nocase(host, slice_str(r->config->domain)));
}

static uint16_t judge(const struct relay *r, const struct http_head *request)
{
    bool is_read = slice_is(request->method, "GET") || slice_is(request->method, "HEAD");

    if (http_head_find_name(request, SLICE("Origin")) || !is_own_host(r, http_head_host(request))) {
        return 403;
    }
    if (!slice_is(http_head_path_only(request), "/metrics")) {
        return 404;
    }
    return is_read ? 200 : 405;
}

static int send_metrics(struct exchange *x)
{
    struct http_head head = {0};
    struct text page = {0};

    metrics_show(&page);
    http_head_make_response(&head, 200);
    http_head_add_name(&head, SLICE("Content-Type"), SLICE("text/plain; version=0.0.4"));
    int err = exchange_answer(x, &head, text_slice(&page));
    http_head_clear(&head);
    text_deinit(&page);
    return err;
}

static void on_exchange(void *ctx, struct h1_server *server, struct exchange *x)
{
    const struct visit *v = ctx;
    struct http_head *request;
    int err = exchange_read_head(x, &request);

    (void)server;
    if (err == 0) {
        uint16_t status = judge(v->door->relay, request);
        err = status == 200 ? send_metrics(x) : exchange_answer_status(x, status);
    }
    if (err < 0) {
        exchange_abort(&x);
    } else {
        exchange_close(&x);
    }
}

/* ---- visits ---- */

static void end_visit(struct visit *v)
{
    list_remove(&v->node);
    v->door->visit_count--;
    listener_resume(v->door->listener);
    mem_free(v);
}

static void on_end(void *ctx, struct h1_server *server, int reason)
{
    (void)server;
    (void)reason;
    end_visit(ctx);
}

static void on_accept(void *ctx, int fd_take, const struct addr *peer)
{
    static const struct h1_server_user user = {.on_exchange = on_exchange, .on_end = on_end};
    struct admin_door *door = ctx;
    struct stream *s;

    (void)peer;
    if (tcp_open(&s, door->loop, fd_take) < 0) {
        return;
    }
    struct visit *v = NEW(struct visit);
    v->door = door;
    list_push_back(&door->visits, &v->node);
    v->server = h1_server_attach(s, NULL, NULL, &door->relay->log, &user, v);
    if (++door->visit_count >= VISITS_MAX) {
        listener_pause(door->listener);
    }
}

/* ---- life ---- */

int admin_door_open(struct admin_door **out, struct relay *relay, const struct addr *at,
                    struct errinfo *why)
{
    const struct listen_options options = {0};
    struct admin_door *door = NEW(struct admin_door);

    door->relay = relay;
    door->loop = relay->workers[0].loop;
    list_init(&door->visits);
    int err = listener_open(&door->listener, door->loop, at, &options, on_accept, door, why);
    if (err < 0) {
        mem_free(door);
        return err;
    }
    *out = door;
    return 0;
}

void admin_door_close(struct admin_door **door)
{
    struct admin_door *d = *door;

    if (!d) {
        return;
    }
    *door = NULL;
    LIST_EACH (&d->visits, node) {
        struct visit *v = LIST_ENTRY(node, struct visit, node);
        h1_server_abort(&v->server);
        end_visit(v);
    }
    listener_close(&d->listener);
    mem_free(d);
}
