#include "relay/relay.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "net/addr.h"
#include "net/listen.h"
#include "relay/entries/registry.h"
#include "relay/entries/reserved.h"
#include "relay/front_door.h"
#include "relay/operator/admin_door.h"
#include "relay/operator/control_socket.h"
#include "relay/tunnels/binder.h"
#include "relay/tunnels/session_tunnels.h"
#include "relay/visitors/access_log.h"
#include "relay/visitors/port_visitor.h"
#include "relay/worker_life.h"
#include "store/store.h"
#include "wire/mux_frame.h"
#include "wire/reset_code.h"

enum { WORKERS_MAX = 64 }; /* as `workers` allows in relay_config.c */

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

    text_addf(&path, "%s/" RELAY_STORE_NAME, r->data);
    int err = store_open_sqlite(loop, text_str(&path), &r->store, why);
    text_deinit(&path);
    return err;
}

/* Workers share a port by SO_REUSEPORT, and so could another relay, unnoticed: whether the port is
 * free shows only to a socket that does not share. */
static int check_port_is_free(struct relay *r, const struct addr *at, struct errinfo *why)
{
    struct listener *alone = NULL;
    struct listen_options options = {0};

    if (r->worker_count == 1 || addr_port(at) == 0) {
        return 0;
    }
    TRY(listener_open(&alone, r->workers[0].loop, at, &options, NULL, NULL, why));
    listener_close(&alone);
    return 0;
}

/* What could not be opened, and for a port that is taken the flag that names another. */
static int refuse_address(int err, const struct errinfo *cause, const char *flag,
                          struct errinfo *why)
{
    if (err == ERR_BUSY) {
        return errinfo_set(why, err, "%s; end what listens there, or choose another with %s",
                           errinfo_text(cause, err), flag);
    }
    return errinfo_set(why, err, "%s", errinfo_text(cause, err));
}

static int open_on_workers(struct relay *r, struct addr *at, bool is_tls_only, struct errinfo *why)
{
    struct addr bound;

    TRY(check_port_is_free(r, at, why));
    for (uint32_t i = 0; i < r->worker_count; i++) {
        TRY(front_door_open(&r->workers[i], at, is_tls_only, &bound, why));
        addr_set_port(at, addr_port(&bound));
    }
    return 0;
}

static int open_door(struct relay *r, const char *flag, const struct address *at, bool is_tls_only,
                     uint16_t *port_out, struct errinfo *why)
{
    struct errinfo cause = {0};
    struct addr wanted;

    TRY(relay_addr(flag, at, at->port, &wanted, why));
    int err = open_on_workers(r, &wanted, is_tls_only, &cause);
    if (err < 0) {
        return refuse_address(err, &cause, flag, why);
    }
    *port_out = addr_port(&wanted);
    return 0;
}

static int open_doors(struct relay *r, struct errinfo *why)
{
    TRY(open_door(r, "--listen", &r->config->listen, false, &r->port, why));
    if (r->config->listen_tls.port != 0) {
        TRY(open_door(r, "--listen-tls", &r->config->listen_tls, true, &r->port_tls, why));
    }
    return 0;
}

static int open_admin(struct relay *r, struct errinfo *why)
{
    const struct address *at = &r->config->admin;
    struct errinfo cause = {0};
    struct addr wanted;

    if (at->port == 0) {
        return 0;
    }
    TRY(relay_addr("--admin", at, at->port, &wanted, why));
    int err = admin_door_open(&r->admin, r, &wanted, &cause);
    return err < 0 ? refuse_address(err, &cause, "--admin", why) : 0;
}

/* Sessions end with their token, on every worker. */
struct token_gone {
    struct worker *worker;
    uint64_t token_id;
};

static void end_if_gone(void *ctx, struct session *s)
{
    const struct token_gone *g = ctx;

    if (s->owner.token_id == g->token_id) {
        session_end(s, RESET_DENIED, GOAWAY_REVOKED, "its token was revoked");
    }
}

static void token_gone_on_worker(void *arg)
{
    struct token_gone *g = arg;

    sessions_each(g->worker, end_if_gone, g);
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

static void make_workers(struct relay *r, struct loop *loop)
{
    uint64_t wanted = r->config->workers ? r->config->workers : loop_cores();

    r->worker_count = (uint32_t)(wanted < WORKERS_MAX ? wanted : WORKERS_MAX);
    r->workers = mem_alloc_array(r->worker_count, sizeof *r->workers);
    for (uint32_t i = 0; i < r->worker_count; i++) {
        worker_init(&r->workers[i], r, i, i == 0 ? loop : loop_new());
    }
}

/* All doors are open before the first thread runs. */
static int start_workers(struct relay *r, struct errinfo *why)
{
    for (uint32_t i = 1; i < r->worker_count; i++) {
        TRY(worker_start(&r->workers[i], why));
        r->started_count = i;
    }
    return 0;
}

static int open_all(struct relay *r, struct loop *loop, struct errinfo *why)
{
    TRY(open_identity(r, why));
    TRY(access_log_open(r, why));
    TRY(open_store(r, loop, why));
    r->registry = registry_new(r->store);
    r->binder = binder_new(r);
    store_on_token_gone(r->store, on_token_gone, r);
    TRY(control_socket_open(&r->control, r, why));
    TRY(open_doors(r, why));
    TRY(open_admin(r, why));
    reserved_watch(r);
    return start_workers(r, why);
}

int relay_new(struct relay **out, struct loop *loop, const struct relay_config *config,
              const char *data, struct errinfo *why)
{
    struct relay *r = NEW(struct relay);

    r->config = config;
    r->session_user = &session_tunnels;
    r->enter_port = port_visitor_enter;
    r->data = mem_strdup(data);
    pthread_mutex_init(&r->identity_lock, NULL);
    r->log = (struct log_scope){.kind = "relay"};
    r->started_at = clock_wall_ms();
    make_workers(r, loop);
    int err = open_all(r, loop, why);
    if (err < 0) {
        relay_free(&r);
        return err;
    }
    *out = r;
    return 0;
}

static void reload_identity(struct relay *r)
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
    pthread_mutex_lock(&r->identity_lock);
    tls_identity_unref(&r->identity);
    r->identity = fresh;
    pthread_mutex_unlock(&r->identity_lock);
    log_info(&r->log, "certificate reloaded", LOG_STR("file", r->config->cert));
}

void relay_reload(struct relay *r)
{
    reload_identity(r);
    access_log_reopen(r);
}
