/* Life of a query:
 *
 *     WAITING --a place is free--> RUNNING --getaddrinfo returns--> ANSWERED --task--> told, gone
 *        |                            |
 *        +--stop, deadline--> gone    +--stop, deadline--> ABANDONED --returns--> gone
 *
 * getaddrinfo cannot be interrupted, so an abandoned query keeps its place until it returns. */
#include "net/dns.h"

#include <netdb.h>

#include "base/mem.h"
#include "net/loop_priv.h"

enum query_state { QUERY_WAITING, QUERY_RUNNING, QUERY_ANSWERED, QUERY_ABANDONED };

static const uint8_t may_follow[] = {
    [QUERY_WAITING] = 1 << QUERY_RUNNING | 1 << QUERY_ANSWERED,
    [QUERY_RUNNING] = 1 << QUERY_ANSWERED | 1 << QUERY_ABANDONED,
    [QUERY_ANSWERED] = 0,
    [QUERY_ABANDONED] = 0,
};

struct dns_query {
    uv_getaddrinfo_t uv;
    struct loop *loop;
    struct list node; /* in dns.waiting */
    enum query_state state;
    dns_fn *fn;
    void *ctx;
    struct timer deadline;
    struct task tell;
    struct grave grave;
    int err;
    struct errinfo info;
    size_t count;
    struct addr addrs[DNS_ADDRS_MAX];
    uint16_t port;
    char host[DNS_HOST_BYTES];
};

static void run_next(struct loop *loop);

static void set_state(struct dns_query *q, enum query_state next)
{
    ASSERT(may_follow[q->state] & 1 << next);
    q->state = next;
}

static void free_query(struct grave *g)
{
    mem_free(CONTAINER_OF(g, struct dns_query, grave));
}

static void leave_queue(struct dns_query *q)
{
    if (list_is_linked(&q->node)) {
        list_remove(&q->node);
        q->loop->dns.waiting_count--;
    }
}

/* Told or not wanted any more. */
static void let_go(struct dns_query *q)
{
    timer_disarm(q->loop, &q->deadline);
    loop_unschedule(&q->tell);
    leave_queue(q);
    if (q->state == QUERY_RUNNING) {
        set_state(q, QUERY_ABANDONED);
        uv_cancel((uv_req_t *)&q->uv); /* if no thread has begun with it */
        return;
    }
    loop_bury(q->loop, &q->grave, free_query);
}

static void tell(struct task *t)
{
    struct dns_query *q = CONTAINER_OF(t, struct dns_query, tell);

    let_go(q); /* its memory stays until the end of the turn */
    q->fn(q->ctx, q->err, q->addrs, q->err ? 0 : q->count, &q->info);
}

static void answer(struct dns_query *q, int err)
{
    q->err = err;
    loop_schedule(q->loop, &q->tell);
}

static void on_deadline(struct timer *t)
{
    struct dns_query *q = CONTAINER_OF(t, struct dns_query, deadline);

    answer(q,
           errinfo_set(&q->info, ERR_TIMEOUT, "the name server does not answer for %s", q->host));
}

static void keep_addrs(struct dns_query *q, const struct addrinfo *found)
{
    for (; found && q->count < DNS_ADDRS_MAX; found = found->ai_next) {
        if (found->ai_family == AF_INET || found->ai_family == AF_INET6) {
            struct sockaddr_storage storage = {0};
            memcpy(&storage, found->ai_addr, found->ai_addrlen);
            q->addrs[q->count] = addr_of(&storage, found->ai_addrlen);
            addr_set_port(&q->addrs[q->count++], q->port);
        }
    }
}

static int explain(struct dns_query *q, int status)
{
    if (status == UV_EAI_AGAIN) {
        return errinfo_set(&q->info, ERR_DNS, "the name server does not answer for %s", q->host);
    }
    if (status < 0 && status != UV_EAI_NONAME && status != UV_EAI_NODATA) {
        return errinfo_set(&q->info, ERR_DNS, "cannot look up %s: %s", q->host,
                           uv_strerror(status));
    }
    return errinfo_set(&q->info, ERR_DNS, "no such host: %s", q->host);
}

static void on_found(uv_getaddrinfo_t *uv, int status, struct addrinfo *found)
{
    struct dns_query *q = CONTAINER_OF(uv, struct dns_query, uv);
    struct loop *loop = q->loop;

    loop->dns.running_count--;
    if (q->state == QUERY_ABANDONED) {
        mem_free(q);
    } else {
        set_state(q, QUERY_ANSWERED);
        keep_addrs(q, found);
        answer(q, q->count > 0 ? 0 : explain(q, status));
    }
    uv_freeaddrinfo(found);
    run_next(loop);
}

static void run(struct dns_query *q)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int status = uv_getaddrinfo(&q->loop->uv, &q->uv, on_found, q->host, NULL, &hints);

    if (status < 0) {
        set_state(q, QUERY_ANSWERED);
        answer(q, explain(q, status));
        return;
    }
    set_state(q, QUERY_RUNNING);
    q->loop->dns.running_count++;
}

static void run_next(struct loop *loop)
{
    while (loop->dns.running_count < DNS_RUNNING_MAX && !list_is_empty(&loop->dns.waiting)) {
        struct dns_query *q = LIST_ENTRY(list_first(&loop->dns.waiting), struct dns_query, node);
        leave_queue(q);
        run(q);
    }
}

static int enter_queue(struct dns_query *q, struct slice host)
{
    if (host.len == 0 || host.len >= sizeof q->host || slice_index(host, '\0') < host.len) {
        return errinfo_set(&q->info, ERR_DNS, "not a host name");
    }
    memcpy(q->host, host.ptr, host.len);
    if (q->loop->dns.waiting_count >= DNS_WAITING_MAX) {
        return errinfo_set(&q->info, ERR_FULL, "too many look-ups are waiting");
    }
    list_push_back(&q->loop->dns.waiting, &q->node);
    q->loop->dns.waiting_count++;
    return 0;
}

struct dns_query *dns_start(struct loop *loop, struct slice host, uint16_t port,
                            uint64_t deadline_ms, dns_fn *fn, void *ctx)
{
    struct dns_query *q = NEW(struct dns_query);

    q->loop = loop;
    q->fn = fn;
    q->ctx = ctx;
    q->port = port;
    q->tell.run = tell;
    q->deadline.expired = on_deadline;
    timer_arm(loop, &q->deadline, deadline_ms);
    q->count = dns_known(host, port, q->addrs);
    int err = q->count > 0 ? 0 : enter_queue(q, host);
    if (q->count > 0 || err < 0) {
        answer(q, err);
    }
    run_next(loop);
    return q;
}

void dns_stop(struct dns_query **q)
{
    if (*q) {
        let_go(*q);
        *q = NULL;
    }
}

size_t dns_known(struct slice host, uint16_t port, struct addr out[2])
{
    if (addr_parse_host(host, port, &out[0]) == 0) {
        return 1;
    }
    if (!addr_is_localhost(host)) {
        return 0;
    }
    bool both = addr_parse_host(SLICE("127.0.0.1"), port, &out[0]) == 0 &&
                addr_parse_host(SLICE("::1"), port, &out[1]) == 0;
    return both ? 2 : 0;
}
