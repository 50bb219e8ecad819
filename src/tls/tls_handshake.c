/* Attaching TLS to a stream, and the handshake until its end is told.
 *
 * Steps run in the ready phase only, so that `done` may be called from them; the deadline, which
 * runs in the events phase, leaves the telling to the task.
 */
#include "base/mem.h"
#include "tls/tls_stream_priv.h"

enum {
    HANDSHAKE_MS = 10 * 1000,
    SERVER_NAME_MAX_BYTES = 255,
};
static const uint64_t REKEY_RECORDS = 1u << 23;
static const uint64_t REKEY_BYTES = 64000000000ull;

/* ---- what the library asks for ---- */

/* The server's certificate has come. */
static int on_certificate(gnutls_session_t session)
{
    struct tls_stream *t = gnutls_session_get_ptr(session);

    t->verdict = tls_trust_judge(t->trust, session, t->server_name, tls_stream_errinfo(t));
    return t->verdict < 0 ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

static void note_server_name(struct tls_stream *t)
{
    char name[SERVER_NAME_MAX_BYTES + 1];
    size_t length = sizeof name;
    unsigned type;

    if (gnutls_server_name_get(t->session, name, &length, &type, 0) == 0 &&
        type == GNUTLS_NAME_DNS) {
        for (char *c = name; *c; c++) {
            *c = ascii_lower(*c);
        }
        t->server_name = mem_strdup(name);
    }
}

/* The client's hello has been read, and is about to be answered. */
static int on_client_hello(gnutls_session_t session)
{
    struct tls_stream *t = gnutls_session_get_ptr(session);

    if (!t->server_name) { /* a second hello follows a HelloRetryRequest */
        note_server_name(t);
    }
    if (!t->identity) {
        struct tls_identity *found = t->find_identity(t->find_ctx, slice_str(t->server_name));
        if (!found) {
            return GNUTLS_E_UNRECOGNIZED_NAME;
        }
        t->identity = tls_identity_ref(found);
    }
    return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, t->identity->credentials);
}

/* ---- the end ---- */

static void tell_done(struct tls_stream *t)
{
    tls_done_fn *done = t->done;

    t->done = NULL;
    if (done && !t->is_abandoned) {
        done(t->done_ctx, &t->stream, t->failure, t->failure ? tls_stream_why(&t->stream) : NULL);
    }
}

static void note_alpn(struct tls_stream *t)
{
    gnutls_datum_t alpn;

    if (gnutls_alpn_get_selected_protocol(t->session, &alpn) == 0) {
        t->alpn = mem_strndup((const char *)alpn.data, alpn.size);
    }
}

/* What is not spoken below TLS 1.3. */
static bool is_tls13_protocol(const struct tls_stream *t)
{
    return t->tls13_alpn && t->alpn && strcmp(t->alpn, t->tls13_alpn) == 0;
}

/* Visitors come back; links carry their own resumption and need no ticket. */
static void send_ticket(struct tls_stream *t)
{
    if (!is_tls13_protocol(t) && t->identity && tls_session_is_tls13(t->session)) {
        (void)gnutls_session_ticket_send(t->session, 1, 0); /* one that is not sent is not missed */
    }
}

static void succeed(struct tls_stream *t)
{
    note_alpn(t);
    if (is_tls13_protocol(t) && !tls_session_is_tls13(t->session)) { /* chosen before the version */
        (void)gnutls_alert_send(t->session, GNUTLS_AL_FATAL, GNUTLS_A_PROTOCOL_VERSION);
        tls_stream_fail(
            t, errinfo_set(tls_stream_errinfo(t), ERR_TLS, "%s needs TLS 1.3", t->tls13_alpn));
        return;
    }
    if (t->trust) { /* judged: the roots need not stay in memory as long as the stream */
        gnutls_credentials_clear(t->session);
        tls_trust_unref(&t->trust);
    }
    send_ticket(t);
    if (tls_session_is_tls13(t->session) && !tls13_take_over(t)) {
        (void)gnutls_alert_send(t->session, GNUTLS_AL_FATAL, GNUTLS_A_INTERNAL_ERROR);
        tls_stream_fail(t, errinfo_set(tls_stream_errinfo(t), ERR_TLS,
                                       "the TLS library does not tell its keys"));
        return;
    }
    tls_stream_set_phase(t, TLS_OPEN);
    tls_stream_look_ahead(t);
    stream_raise(&t->stream, STREAM_WRITABLE);
}

static void give_up(struct tls_stream *t, int ret)
{
    struct errinfo *why = tls_stream_errinfo(t);
    int err = t->verdict;

    if (t->lower_end && t->lower_end != ERR_EOF) {
        err = errinfo_set(why, t->lower_end, "lost during the TLS handshake: %s",
                          err_text(t->lower_end));
    } else if (err == 0) {
        err = tls_session_error(t->session, ret, why);
    }
    if (!t->lower_end) {
        (void)gnutls_alert_send_appropriate(t->session, ret);
    }
    tls_stream_fail(t, err);
}

void tls_handshake_advance(struct tls_stream *t)
{
    int ret;

    do {
        ret = gnutls_handshake(t->session);
    } while (ret < 0 && !gnutls_error_is_fatal(ret) && tls_record_fill(t));
    stream_mark_dirty(&t->stream);
    if (ret < 0 && !gnutls_error_is_fatal(ret)) {
        return;
    }
    timer_disarm(t->stream.loop, &t->timer);
    if (ret == 0) {
        succeed(t);
    } else {
        give_up(t, ret);
    }
    tell_done(t);
}

void tls_handshake_expire(struct tls_stream *t)
{
    tls_stream_fail(t, errinfo_set(tls_stream_errinfo(t), ERR_TIMEOUT,
                                   "the TLS handshake has not ended within %u ms",
                                   t->limits.handshake_ms));
    loop_schedule(t->stream.loop, &t->task);
}

/* ---- attach ---- */

static void on_task(struct task *task)
{
    struct tls_stream *t = CONTAINER_OF(task, struct tls_stream, task);

    if (t->phase == TLS_HANDSHAKE) {
        tls_handshake_advance(t);
    } else {
        tell_done(t);
    }
}

static struct tls_limits with_defaults(struct tls_limits limits)
{
    limits.handshake_ms = limits.handshake_ms ? limits.handshake_ms : HANDSHAKE_MS;
    limits.rekey_records = limits.rekey_records ? limits.rekey_records : REKEY_RECORDS;
    limits.rekey_bytes = limits.rekey_bytes ? limits.rekey_bytes : REKEY_BYTES;
    return limits;
}

static struct tls_stream *new_stream(struct stream *lower, gnutls_session_t session,
                                     struct tls_limits limits, tls_done_fn *done, void *ctx)
{
    struct tls_stream *t = NEW(struct tls_stream);
    struct loop *loop = lower->loop;

    stream_init(&t->stream, &tls_stream_ops, loop, (uint8_t)(stream_level(lower) + 1));
    t->lower = lower;
    t->session = session;
    t->records = &tls_library_records;
    t->limits = with_defaults(limits);
    t->done = done;
    t->done_ctx = ctx;
    gnutls_session_set_ptr(session, t);
    tls_record_connect(t);
    tls13_listen_for_secrets(t);

    t->task.run = on_task;
    loop_schedule(loop, &t->task);
    t->timer.expired = tls_stream_on_timer;
    timer_arm(loop, &t->timer, t->limits.handshake_ms);
    stream_set_user(lower, tls_stream_on_lower_ready, t);
    stream_want(lower, STREAM_READABLE);
    return t;
}

struct stream *tls_client_attach(struct stream *lower_take,
                                 const struct tls_client_options *options, tls_done_fn *done,
                                 void *ctx)
{
    gnutls_session_t session = tls_session_new(TLS_CLIENT_SIDE, options->needs_tls13);
    struct tls_stream *t = new_stream(lower_take, session, options->limits, done, ctx);
    struct slice name = options->server_name;

    t->is_client = true;
    t->trust = tls_trust_ref(options->trust);
    t->server_name = slice_dup(name);
    tls_session_set_name(session, t->server_name);
    tls_session_set_alpn(session, TLS_CLIENT_SIDE, options->alpn);
    gnutls_session_set_verify_function(session, on_certificate);
    int ret = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, t->trust->credentials);
    ASSERT(ret == 0);
    return &t->stream;
}

struct stream *tls_server_attach(struct stream *lower_take, struct bufq *leftover_take,
                                 const struct tls_server_options *options, tls_done_fn *done,
                                 void *ctx)
{
    gnutls_session_t session = tls_session_new(TLS_SERVER_SIDE, false);
    struct tls_stream *t = new_stream(lower_take, session, options->limits, done, ctx);

    ASSERT(options->identity || options->find_identity);
    if (options->identity) {
        t->identity = tls_identity_ref(options->identity);
    }
    t->find_identity = options->find_identity;
    t->find_ctx = options->find_ctx;
    t->tls13_alpn = options->tls13_alpn;
    if (leftover_take) {
        bufq_move(&t->rx, leftover_take, leftover_take->bytes);
    }
    tls_session_enable_tickets(session);
    tls_session_set_alpn(session, TLS_SERVER_SIDE, options->alpn);
    gnutls_handshake_set_post_client_hello_function(session, on_client_hello);
    return &t->stream;
}
