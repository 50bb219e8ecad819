#include "relay/entries/public_name.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/random.h"
#include "net/addr.h"
#include "net/dns.h"
#include "relay/workers/shared.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443, LOOKUP_MS = 5000 };

/* Two lookups: the host that was dialled, and a name below it that only a wildcard answers. */
struct lookup {
    struct public_name name;
    struct loop *loop;
    struct addr host_addrs[DNS_ADDRS_MAX];
    size_t host_count;
    public_name_fn *done;
    void *ctx;
    struct task task;
};

static void tell(struct task *task)
{
    struct lookup *l = CONTAINER_OF(task, struct lookup, task);

    l->done(l->ctx, &l->name);
    mem_free(l);
}

static void finish(struct lookup *l)
{
    l->task.run = tell;
    loop_schedule(l->loop, &l->task);
}

static bool is_address_of_host(const struct lookup *l, const struct addr *addr)
{
    for (size_t i = 0; i < l->host_count; i++) {
        if (addr_equal_host(&l->host_addrs[i], addr)) {
            return true;
        }
    }
    return false;
}

static void on_below(void *ctx, int err, const struct addr *addrs, size_t count,
                     const struct errinfo *info)
{
    struct lookup *l = ctx;

    (void)info;
    for (size_t i = 0; err == 0 && i < count; i++) {
        l->name.has_names = l->name.has_names || is_address_of_host(l, &addrs[i]);
    }
    finish(l);
}

static void on_host(void *ctx, int err, const struct addr *addrs, size_t count,
                    const struct errinfo *info)
{
    struct lookup *l = ctx;
    struct text below = {0};

    (void)info;
    if (err < 0) {
        finish(l);
        return;
    }
    memcpy(l->host_addrs, addrs, count * sizeof *addrs);
    l->host_count = count;
    text_addf(&below, "adit-%08x.%s", (unsigned)random_below(UINT32_MAX), l->name.host);
    dns_start(l->loop, text_slice(&below), 0, LOOKUP_MS, on_below, l);
    text_deinit(&below);
}

static void set_hosts(struct public_name *n, struct slice host, struct slice port_host)
{
    snprintf(n->host, sizeof n->host, "%.*s", SLICE_ARG(host));
    snprintf(n->port_host, sizeof n->port_host, "%.*s", SLICE_ARG(port_host));
}

void public_name_find(const struct relay *relay, struct loop *loop, struct slice dialled,
                      public_name_fn *done, void *ctx)
{
    struct lookup *l = NEW(struct lookup);
    struct slice host = SLICE("localhost");
    struct addr literal;

    l->loop = loop;
    l->done = done;
    l->ctx = ctx;
    if (addr_split(dialled, &host, &l->name.port) < 0) {
        l->name.port = relay->port;
    }
    if (relay->config->domain) {
        set_hosts(&l->name, slice_str(relay->config->domain), slice_str(relay->config->domain));
        l->name.has_names = true;
        l->name.is_https = relay->has_certificate;
        l->name.port = relay->has_certificate && relay->port_tls ? relay->port_tls : relay->port;
        finish(l);
    } else if (addr_is_loopback_host(host)) {
        set_hosts(&l->name, SLICE("localhost"), host);
        l->name.has_names = true;
        finish(l);
    } else if (addr_parse_host(host, 0, &literal) == 0) {
        set_hosts(&l->name, host, host);
        finish(l);
    } else {
        set_hosts(&l->name, host, host);
        dns_start(loop, host, 0, LOOKUP_MS, on_host, l);
    }
}

/* ---- URLs ---- */

static void add_host(struct text *out, struct slice host)
{
    bool is_v6 = slice_index(host, ':') < host.len;
    text_addf(out, is_v6 ? "[%.*s]" : "%.*s", SLICE_ARG(host));
}

void public_name_show_url(const struct public_name *n, struct slice host, struct slice path,
                          struct text *out)
{
    text_addf(out, "%s://", n->is_https ? "https" : "http");
    add_host(out, host);
    if (n->port != (n->is_https ? HTTPS_PORT : HTTP_PORT)) {
        text_addf(out, ":%u", n->port);
    }
    if (!slice_is(path, "/")) {
        text_add(out, path);
    }
}

void public_name_show_port(const struct public_name *n, const char *scheme, uint16_t port,
                           struct text *out)
{
    text_addf(out, "%s://", scheme);
    add_host(out, slice_str(n->port_host));
    text_addf(out, ":%u", port);
}
