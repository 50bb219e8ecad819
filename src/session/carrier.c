#include "session/carrier.h"

#include "base/mem.h"
#include "base/text.h"
#include "net/dial.h"
#include "session/ws_upgrade.h"
#include "tls/tls_stream.h"

enum carrier_state {
    CARRIER_DIALLING,  /* name look-up and TCP */
    CARRIER_SECURING,  /* TLS handshake */
    CARRIER_UPGRADING, /* HTTP head out, 101 in */
};

static const uint8_t may_follow[] = {
    [CARRIER_DIALLING] = 1 << CARRIER_SECURING | 1 << CARRIER_UPGRADING,
    [CARRIER_SECURING] = 1 << CARRIER_UPGRADING,
    [CARRIER_UPGRADING] = 0,
};

struct carrier {
    struct loop *loop;
    enum carrier_state state;
    enum carrier_kind kind;
    char *host;
    char *where; /* host:port */
    struct tls_trust *trust;
    struct dial *dial;
    struct stream *stream; /* while SECURING */
    struct ws_upgrade *upgrade;
    struct timer timer;
    carrier_done_fn *done;
    void *ctx;
    struct grave grave;
};

static const struct {
    const char *name;
    bool is_encrypted;
    bool upgrades;
} kinds[] = {
#define X(id, name, is_encrypted, upgrades) {name, is_encrypted, upgrades},
    CARRIER_LIST(X)
#undef X
};

const char *carrier_name(enum carrier_kind kind)
{
    return kinds[kind].name;
}

static void set_state(struct carrier *c, enum carrier_state next)
{
    ASSERT(may_follow[c->state] & 1 << next);
    c->state = next;
}

static void bury(struct grave *grave)
{
    struct carrier *c = CONTAINER_OF(grave, struct carrier, grave);

    mem_free(c->host);
    mem_free(c->where);
    mem_free(c);
}

static void end(struct carrier *c)
{
    timer_disarm(c->loop, &c->timer);
    dial_stop(&c->dial);
    stream_abort(&c->stream);
    ws_upgrade_stop(&c->upgrade);
    tls_trust_unref(&c->trust);
    loop_bury(c->loop, &c->grave, bury);
}

static void finish(struct carrier *c, struct stream *s_take)
{
    end(c);
    c->done(c->ctx, 0, s_take, NULL);
}

static void fail(struct carrier *c, int err, const struct errinfo *why)
{
    end(c);
    c->done(c->ctx, err, NULL, why);
}

static void on_expired(struct timer *timer)
{
    static const char *const doing[] = {
        [CARRIER_DIALLING] = "connecting",
        [CARRIER_SECURING] = "the TLS handshake",
        [CARRIER_UPGRADING] = "the WebSocket upgrade",
    };
    struct carrier *c = CONTAINER_OF(timer, struct carrier, timer);
    struct errinfo why = {0};

    errinfo_set(&why, ERR_TIMEOUT, "%s took too long", doing[c->state]);
    fail(c, ERR_TIMEOUT, &why);
}

/* ---- step by step ---- */

static void on_upgraded(void *ctx, int err, struct stream *s_take, const struct errinfo *why)
{
    struct carrier *c = ctx;

    c->upgrade = NULL;
    if (err < 0) {
        fail(c, err, why);
        return;
    }
    finish(c, s_take);
}

/* Connected, and secured if it has to be. */
static void upgrade_or_finish(struct carrier *c, struct stream *s_take)
{
    if (!kinds[c->kind].upgrades) {
        finish(c, s_take);
        return;
    }
    set_state(c, CARRIER_UPGRADING);
    c->upgrade = ws_upgrade_start(s_take, slice_str(c->where), SLICE(CARRIER_PATH), on_upgraded, c);
}

static void on_secured(void *ctx, struct stream *s, int err, const struct errinfo *why)
{
    struct carrier *c = ctx;

    (void)s;
    if (err < 0) {
        stream_close(&c->stream); /* the alert goes out; `why` lives until the end of the turn */
        fail(c, err, why);
        return;
    }
    struct stream *secured = c->stream;
    c->stream = NULL;
    upgrade_or_finish(c, secured);
}

static void secure(struct carrier *c, struct stream *s_take)
{
    static const char *const link_alpn[] = {CARRIER_ALPN, NULL};
    static const char *const http_alpn[] = {"http/1.1", NULL};
    const struct tls_client_options options = {
        .trust = c->trust,
        .server_name = slice_str(c->host),
        .alpn = kinds[c->kind].upgrades ? http_alpn : link_alpn,
        .needs_tls13 = true,
    };

    set_state(c, CARRIER_SECURING);
    c->stream = tls_client_attach(s_take, &options, on_secured, c);
}

static void on_dialled(void *ctx, int err, struct stream *s_take, const struct errinfo *why)
{
    struct carrier *c = ctx;

    c->dial = NULL;
    if (err < 0) {
        fail(c, err, why);
    } else if (kinds[c->kind].is_encrypted) {
        secure(c, s_take);
    } else {
        upgrade_or_finish(c, s_take);
    }
}

/* ---- life ---- */

static char *show_where(const struct carrier_options *o)
{
    struct text where = {0};
    bool is_v6 = slice_index(o->host, ':') < o->host.len;

    text_addf(&where, is_v6 ? "[%.*s]:%u" : "%.*s:%u", SLICE_ARG(o->host), o->port);
    return text_take(&where);
}

struct carrier *carrier_start(struct loop *loop, const struct carrier_options *options,
                              carrier_done_fn *done, void *ctx)
{
    struct carrier *c = NEW(struct carrier);

    c->loop = loop;
    c->kind = options->kind;
    c->host = slice_dup(options->host);
    c->where = show_where(options);
    c->trust = kinds[options->kind].is_encrypted ? tls_trust_ref(options->trust) : NULL;
    c->done = done;
    c->ctx = ctx;
    c->timer.expired = on_expired;
    timer_arm(loop, &c->timer, options->limit_ms);
    c->dial = dial_start(loop, slice_str(c->where), options->limit_ms, on_dialled, c);
    return c;
}

void carrier_stop(struct carrier **c)
{
    if (*c) {
        end(*c);
        *c = NULL;
    }
}
