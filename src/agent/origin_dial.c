#include "agent/origin_dial.h"

#include "base/mem.h"
#include "config/value.h"
#include "net/addr.h"
#include "net/dial.h"
#include "tls/tls_stream.h"
#include "wire/reset_code.h"

struct origin_dial {
    struct loop *loop;
    struct dial *dial;
    struct stream *secured; /* while the TLS handshake runs */
    char *tls_name;         /* NULL: no TLS */
    struct origin_trust *trust;
    uint64_t deadline_ms;
    origin_dial_fn *done;
    void *ctx;
    struct grave grave;
};

/* ---- trust ---- */

static int find_trust(struct origin_trust *t, struct slice host, struct tls_trust **out,
                      struct errinfo *why)
{
    bool is_near = addr_is_loopback_host(host);
    struct tls_trust **place = is_near ? &t->anybody : &t->roots;
    const struct tls_trust_options options = {.trusts_everybody = is_near};

    if (!*place) {
        TRY(tls_trust_new(&options, place, why));
    }
    *out = *place;
    return 0;
}

void origin_trust_deinit(struct origin_trust *t)
{
    tls_trust_unref(&t->roots);
    tls_trust_unref(&t->anybody);
}

/* ---- the end ---- */

static void bury(struct grave *grave)
{
    struct origin_dial *d = CONTAINER_OF(grave, struct origin_dial, grave);

    mem_free(d->tls_name);
    mem_free(d);
}

static void end(struct origin_dial *d)
{
    dial_stop(&d->dial);
    stream_abort(&d->secured);
    loop_bury(d->loop, &d->grave, bury);
}

static void finish(struct origin_dial *d, int err, struct stream *s_take, const struct errinfo *why)
{
    end(d);
    d->done(d->ctx, err, s_take, why);
}

/* ---- step by step ---- */

static void on_secured(void *ctx, struct stream *s, int err, const struct errinfo *why)
{
    struct origin_dial *d = ctx;

    if (err == 0) {
        d->secured = NULL;
    }
    stream_close(&d->secured); /* a failure's alert goes out */
    finish(d, err, err == 0 ? s : NULL, why);
}

static void secure(struct origin_dial *d, struct stream *s_take)
{
    static const char *const alpn[] = {"http/1.1", NULL};
    struct tls_client_options options = {
        .server_name = slice_str(d->tls_name),
        .alpn = alpn,
        .limits = {.handshake_ms = (uint32_t)d->deadline_ms},
    };
    struct errinfo why = {0};
    int err = find_trust(d->trust, options.server_name, &options.trust, &why);

    if (err < 0) {
        stream_abort(&s_take);
        finish(d, err, NULL, &why);
        return;
    }
    d->secured = tls_client_attach(s_take, &options, on_secured, d);
}

static void on_dialled(void *ctx, int err, struct stream *s_take, const struct errinfo *why)
{
    struct origin_dial *d = ctx;

    d->dial = NULL;
    if (err == 0 && d->tls_name) {
        secure(d, s_take);
    } else {
        finish(d, err, s_take, why);
    }
}

static void show_where(const struct target *target, struct text *out)
{
    struct address address = {.port = target->port};

    if (target->scheme == TARGET_UNIX) {
        text_addf(out, "unix:%s", target->path);
        return;
    }
    memcpy(address.host, target->host, strlen(target->host));
    value_show_address(out, &address);
}

struct origin_dial *origin_dial_start(struct loop *loop, const struct target *target,
                                      struct origin_trust *trust, uint64_t deadline_ms,
                                      origin_dial_fn *done, void *ctx)
{
    struct origin_dial *d = NEW(struct origin_dial);
    struct text where = {0};

    ASSERT(target->scheme != TARGET_FILE && target->scheme != TARGET_NONE);
    d->loop = loop;
    d->tls_name = target->scheme == TARGET_HTTPS ? mem_strdup(target->host) : NULL;
    d->trust = trust;
    d->deadline_ms = deadline_ms;
    d->done = done;
    d->ctx = ctx;
    show_where(target, &where);
    d->dial = dial_start(loop, text_slice(&where), deadline_ms, on_dialled, d);
    text_deinit(&where);
    return d;
}

void origin_dial_stop(struct origin_dial **d)
{
    if (*d) {
        end(*d);
        *d = NULL;
    }
}

uint16_t origin_dial_reset_code(int err)
{
    switch (err) {
    case ERR_TIMEOUT:
        return RESET_TIMEOUT;
    case ERR_DNS:
        return RESET_DNS;
    case ERR_TLS:
    case ERR_DENIED: /* its certificate */
    case ERR_TRUNCATED:
        return RESET_TLS;
    case ERR_FULL:
        return RESET_LIMIT;
    default:
        return RESET_REFUSED;
    }
}
