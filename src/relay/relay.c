#include "relay/relay.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "gen/version.h"
#include "net/addr.h"
#include "net/ifaddr.h"
#include "relay/binder.h"
#include "relay/control_socket.h"
#include "relay/front_door.h"
#include "relay/http_entry.h"
#include "relay/link_door.h"
#include "relay/port_entry.h"
#include "relay/registry.h"
#include "relay/session.h"
#include "store/store.h"
#include "wire/mux_frame.h"
#include "wire/reset_code.h"

enum {
    DRAIN_LOOK_MS = 100,  /* how often a draining relay looks whether visitors are left */
    SETTLE_TURNS_MAX = 200, /* of a millisecond: what was cut has ended after so many */
};

const char *relay_version(void)
{
    return ADIT_VERSION;
}

/* ---- workers ---- */

static size_t budget_bytes(void)
{
    return mem_physical_bytes() / 4;
}

static void worker_init(struct worker *w, struct relay *r, uint32_t index, struct loop *loop)
{
    w->relay = r;
    w->index = index;
    w->loop = loop;
    w->budget.limit_bytes = budget_bytes() / r->worker_count;
    w->log = (struct log_scope){.parent = &r->log, .kind = "worker", .id = index};
    list_init(&w->doors);
    list_init(&w->newcomers);
    list_init(&w->arrivals);
    list_init(&w->visitors);
    list_init(&w->tcp_visitors);
}

static void each_session(struct worker *w, void (*visit)(struct session *s))
{
    struct table_node *n = table_walk(&w->sessions, NULL);

    while (n) {
        struct table_node *next = table_walk(&w->sessions, n);
        visit(CONTAINER_OF(n, struct session, node));
        n = next;
    }
}

/* ---- opening ---- */

static int open_identity(struct relay *r, struct errinfo *why)
{
    const struct relay_config *c = r->config;
    struct tls_pin pin;

    r->has_certificate = c->cert != NULL;
    if (r->has_certificate) {
        TRY(tls_identity_load(c->cert, c->key, &r->identity, why));
    } else {
        TRY(tls_identity_load_or_make(r->data, c->domain ? c->domain : "adit relay", &r->identity,
                                      why));
    }
    /* The relay is known by its key: ids that are made of it stay while the key does. */
    tls_identity_pin(r->identity, &pin);
    memcpy(r->node_id, pin.sha256, sizeof r->node_id);
    memcpy(&r->id, pin.sha256, sizeof r->id);
    random_bytes(r->run_id, sizeof r->run_id);
    r->generation = (uint32_t)random_u64();
    return 0;
}

static int open_store(struct relay *r, struct loop *loop, struct errinfo *why)
{
    struct text path = {0};

    text_addf(&path, "%s/relay.db", r->data);
    int err = store_open_sqlite(loop, text_str(&path), &r->store, why);
    text_deinit(&path);
    return err;
}

static int addr_of_config(const struct address *a, uint16_t port, struct addr *out,
                          struct errinfo *why)
{
    struct text literal = {0};
    bool is_v6 = strchr(a->host, ':') != NULL;

    text_addf(&literal, is_v6 ? "[%s]:%u" : "%s:%u", a->host, port);
    int err = addr_parse(text_slice(&literal), out);
    text_deinit(&literal);
    return err < 0 ? errinfo_set(why, ERR_INVALID,
                                 "--listen %s: an address of this machine is due, not a name",
                                 a->host)
                   : 0;
}

int relay_listen_addr(const struct relay *r, uint16_t port, struct addr *out, struct errinfo *why)
{
    return addr_of_config(&r->config->listen, port, out, why);
}

static int open_door(struct relay *r, const struct address *at, bool is_tls_only,
                     uint16_t *port_out, struct errinfo *why)
{
    struct addr wanted;
    struct addr bound;

    TRY(addr_of_config(at, at->port, &wanted, why));
    for (uint32_t i = 0; i < r->worker_count; i++) {
        TRY(front_door_open(&r->workers[i], &wanted, is_tls_only, &bound, why));
        addr_set_port(&wanted, addr_port(&bound));
    }
    *port_out = addr_port(&bound);
    return 0;
}

static int open_doors(struct relay *r, struct errinfo *why)
{
    TRY(open_door(r, &r->config->listen, false, &r->port, why));
    if (r->config->listen_tls.port != 0) {
        TRY(open_door(r, &r->config->listen_tls, true, &r->port_tls, why));
    }
    return 0;
}

/* Sessions end with their token, on every worker. */
struct token_gone {
    struct worker *worker;
    uint64_t token_id;
};

static _Thread_local uint64_t gone_token;

static void end_if_gone(struct session *s)
{
    if (s->owner.token_id == gone_token) {
        session_end(s, RESET_DENIED, GOAWAY_REVOKED, "its token was revoked");
    }
}

static void token_gone_on_worker(void *arg)
{
    struct token_gone *g = arg;

    gone_token = g->token_id;
    each_session(g->worker, end_if_gone);
    mem_free(g);
}

static void on_token_gone(void *ctx, uint64_t token_id)
{
    struct relay *r = ctx;

    for (uint32_t i = 0; i < r->worker_count; i++) {
        struct token_gone *g = NEW(struct token_gone);
        *g = (struct token_gone){.worker = &r->workers[i], .token_id = token_id};
        loop_post(r->workers[i].loop, token_gone_on_worker, g);
    }
}

int relay_new(struct relay **out, struct loop *loop, const struct relay_config *config,
              const char *data, struct errinfo *why)
{
    struct relay *r = NEW(struct relay);
    int err;

    r->config = config;
    r->data = mem_strdup(data);
    r->log = (struct log_scope){.kind = "relay"};
    r->started_at = clock_wall_ms();
    r->worker_count = 1;
    r->workers = mem_alloc_array(r->worker_count, sizeof *r->workers);
    worker_init(&r->workers[0], r, 0, loop);
    err = open_identity(r, why);
    if (err == 0) {
        err = open_store(r, loop, why);
    }
    if (err == 0) {
        r->registry = registry_new(r->store);
        r->binder = binder_new(r);
        store_on_token_gone(r->store, on_token_gone, r);
        err = control_socket_open(&r->control, r, why);
    }
    if (err == 0) {
        err = open_doors(r, why);
    }
    if (err < 0) {
        relay_free(&r);
        return err;
    }
    *out = r;
    return 0;
}

void relay_reload(struct relay *r)
{
    struct tls_identity *fresh = NULL;
    struct errinfo why = {0};

    if (!r->has_certificate) {
        return;
    }
    int err = tls_identity_load(r->config->cert, r->config->key, &fresh, &why);
    if (err < 0) {
        log_error(&r->log, "certificate not reloaded", LOG_STR("reason", errinfo_text(&why, err)));
        return;
    }
    tls_identity_unref(&r->identity);
    r->identity = fresh;
    log_info(&r->log, "certificate reloaded", LOG_STR("file", r->config->cert));
}

/* ---- the end ---- */

static void say_goodbye(struct session *s)
{
    mux_goaway(s->mux, GOAWAY_SHUTDOWN);
}

static bool has_visitors(const struct relay *r)
{
    for (uint32_t i = 0; i < r->worker_count; i++) {
        const struct worker *w = &r->workers[i];
        if (!list_is_empty(&w->visitors) || !list_is_empty(&w->tcp_visitors)) {
            return true;
        }
    }
    return false;
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

    if (!has_visitors(r) || now >= r->drain_until_ms) {
        stop(r);
    } else {
        timer_arm(r->workers[0].loop, timer, DRAIN_LOOK_MS);
    }
}

void relay_drain(struct relay *r, void (*on_stopped)(void *ctx), void *ctx)
{
    struct worker *w = &r->workers[0];

    r->on_stopped = on_stopped;
    r->ctx = ctx;
    if (r->is_draining) {
        r->drain_until_ms = 0;
    } else {
        r->is_draining = true;
        r->drain_until_ms = loop_now_ms(w->loop) + r->config->limits.drain;
        front_doors_close(w);
        each_session(w, say_goodbye);
        http_entries_drain(w);
    }
    r->drain_timer.expired = on_drain_look;
    timer_arm(w->loop, &r->drain_timer, 0);
}

static void end_session(struct session *s)
{
    session_end(s, RESET_SHUTDOWN, GOAWAY_SHUTDOWN, "the relay stops");
}

static void cut_worker(struct worker *w)
{
    front_doors_close(w);
    front_door_send_away(w);
    link_door_send_away(w);
    http_entries_send_away(w);
    port_entries_send_away(w);
    each_session(w, end_session);
    for (int i = 0; i < SETTLE_TURNS_MAX && w->sessions.count > 0; i++) {
        loop_run_for(w->loop, 1);
    }
    loop_run_for(w->loop, 2);
    table_deinit(&w->sessions);
    router_deinit(&w->router);
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
    for (uint32_t i = 0; i < r->worker_count; i++) {
        cut_worker(&r->workers[i]);
    }
    if (r->registry) {
        registry_free(&r->registry);
        binder_free(&r->binder);
    }
    store_close(&r->store);
    tls_identity_unref(&r->identity);
    mem_free(r->workers);
    mem_free(r->data);
    mem_free(r);
}

/* ---- for people ---- */

enum { HTTPS_PORT = 443 };

/* The name or address by which others dial this relay. */
static void show_own_host(const struct relay *r, struct text *out)
{
    struct addr at;
    char text[ADDR_TEXT_BYTES];

    if (r->config->domain) {
        text_add_str(out, r->config->domain);
        return;
    }
    if (relay_listen_addr(r, r->port, &at, NULL) < 0 || addr_is_any(&at)) {
        at = ifaddr_public();
    }
    bool is_v6 = at.storage.ss_family == AF_INET6;
    text_addf(out, is_v6 ? "[%s]" : "%s", addr_show_host(&at, text));
}

void relay_show_login(const struct relay *r, struct slice token, struct text *out)
{
    uint16_t port = r->port_tls ? r->port_tls : r->port;
    struct tls_pin pin;
    char text[TLS_PIN_TEXT_BYTES];

    show_own_host(r, out);
    if (port != HTTPS_PORT) {
        text_addf(out, ":%u", port);
    }
    text_addf(out, "#%.*s", SLICE_ARG(token));
    if (!r->has_certificate) {
        tls_identity_pin(r->identity, &pin);
        tls_pin_show(&pin, text);
        text_addf(out, "#%s", text);
    }
}

void relay_show_url(const struct relay *r, struct text *out)
{
    bool is_https = r->has_certificate;
    uint16_t port = is_https && r->port_tls ? r->port_tls : r->port;

    text_addf(out, "%s://", is_https ? "https" : "http");
    show_own_host(r, out);
    if (port != (is_https ? HTTPS_PORT : 80)) {
        text_addf(out, ":%u", port);
    }
}
