/* TLS as a stream: its reading, writing and closing. Records are cut and read in tls_record.c and
 * tls13_record.c, the handshake is told in tls_handshake.c. */
#include "base/mem.h"
#include "tls/tls_stream_priv.h"

static struct tls_stream *of_stream(const struct stream *s)
{
    return CONTAINER_OF(s, struct tls_stream, stream);
}

void tls_stream_set_phase(struct tls_stream *t, enum tls_phase next)
{
    ASSERT(next > t->phase);
    t->phase = next;
}

struct errinfo *tls_stream_errinfo(struct tls_stream *t)
{
    if (!t->why) {
        t->why = NEW(struct errinfo);
    }
    return t->why;
}

/* ---- end ---- */

static void do_free(struct stream *s)
{
    struct tls_stream *t = of_stream(s);

    tls13_free(t);
    if (t->session) {
        gnutls_deinit(t->session);
    }
    tls_trust_unref(&t->trust);
    tls_identity_unref(&t->identity);
    mem_free(t->server_name);
    mem_free(t->alpn);
    mem_free(t->why);
    mem_free(t);
}

static void leave(struct tls_stream *t, bool is_abort)
{
    struct loop *loop = t->stream.loop;

    bufq_clear(&t->unsent);
    bufq_clear(&t->tx);
    bufq_clear(&t->rx);
    bufq_clear(&t->ahead);
    timer_disarm(loop, &t->timer);
    loop_unschedule(&t->task);
    list_remove(&t->background.node);
    if (is_abort) {
        stream_abort(&t->lower);
    } else {
        stream_close(&t->lower);
    }
    stream_free_soon(&t->stream);
}

void tls_stream_fail(struct tls_stream *t, int err)
{
    if (t->phase == TLS_DEAD) {
        return;
    }
    if (t->phase == TLS_HANDSHAKE) {
        t->in_end = err;
    }
    tls_stream_set_phase(t, TLS_DEAD);
    t->failure = err;
    bufq_clear(&t->unsent);
    stream_mark_dirty(&t->stream); /* an alert may wait in tx */
    stream_raise(&t->stream, STREAM_BROKEN | (t->in_end ? STREAM_READABLE : 0));
}

/* ---- in ---- */

/* Also when it is dead because writing failed: what came before that counts. */
static bool may_decrypt(const struct tls_stream *t)
{
    return t->phase != TLS_HANDSHAKE && !t->in_end;
}

static bool has_input(const struct stream *s)
{
    const struct tls_stream *t = of_stream(s);

    return !bufq_is_empty(&t->ahead) || t->in_end || (may_decrypt(t) && t->records->has_record(t));
}

void tls_stream_look_ahead(struct tls_stream *t)
{
    if (may_decrypt(t) && bufq_is_empty(&t->ahead)) {
        t->records->read(t, &t->ahead, TLS_RECORD_BYTES);
    }
    if (has_input(&t->stream)) {
        stream_raise(&t->stream, STREAM_READABLE);
    }
}

/* The user waits for more. After a read that stopped at its limit there may be half a record in
 * rx: looking ahead keeps it from being told as READABLE. */
static void want_more(struct tls_stream *t, bool is_limited)
{
    if (is_limited) {
        tls_stream_look_ahead(t);
    }
    if (may_decrypt(t)) {
        stream_want(t->lower, STREAM_READABLE);
    }
}

static int do_read(struct stream *s, struct bufq *into, size_t max)
{
    struct tls_stream *t = of_stream(s);
    size_t got = bufq_move(into, &t->ahead, max);

    while (may_decrypt(t) && got < max) {
        size_t n = t->records->read(t, into, max - got);
        if (n == 0) {
            break;
        }
        got += n;
    }
    if (s->wanted & STREAM_READABLE) {
        want_more(t, got == max);
    }
    if (got > 0) {
        return 0;
    }
    return t->in_end ? t->in_end : t->phase == TLS_DEAD ? t->failure : ERR_AGAIN;
}

static void do_want(struct stream *s, unsigned added, unsigned removed)
{
    struct tls_stream *t = of_stream(s);

    (void)removed; /* the lower stream is told when it says READABLE and nobody wants it */
    if (added & STREAM_READABLE) {
        want_more(t, true);
    }
}

/* ---- out ---- */

/* Hands tx to the lower stream. */
static int push_down(struct tls_stream *t)
{
    size_t before = t->tx.bytes;
    int err = stream_write(t->lower, &t->tx);

    if (err == ERR_AGAIN) {
        stream_want(t->lower, STREAM_WRITABLE);
        err = 0;
    }
    bool has_progress = t->tx.bytes < before || !timer_is_armed(&t->timer);
    if (t->is_abandoned && t->phase == TLS_OPEN && has_progress) {
        timer_arm(t->stream.loop, &t->timer, STREAM_LINGER_MS);
    }
    return err;
}

static size_t room(const struct stream *s)
{
    const struct tls_stream *t = of_stream(s);
    size_t held = t->unsent.bytes + t->tx.bytes;

    if (t->phase == TLS_DEAD || t->out != TLS_OUT_OPEN) {
        return 0;
    }
    return held < STREAM_TX_BYTES ? STREAM_TX_BYTES - held : 0;
}

static int do_write(struct stream *s, struct bufq *from)
{
    struct tls_stream *t = of_stream(s);

    if (t->phase == TLS_DEAD) {
        return t->failure;
    }
    if (t->out != TLS_OUT_OPEN) {
        return ERR_CLOSED;
    }
    if (bufq_move(&t->unsent, from, room(s)) > 0) {
        stream_mark_dirty(s);
    }
    return bufq_is_empty(from) ? 0 : ERR_AGAIN;
}

static bool is_sent(const struct tls_stream *t)
{
    return bufq_is_empty(&t->tx) && (t->phase == TLS_DEAD || t->out == TLS_OUT_ENDED);
}

static void do_flush(struct stream *s)
{
    struct tls_stream *t = of_stream(s);
    int err = t->phase == TLS_OPEN ? t->records->encrypt(t) : 0;

    if (err == 0) {
        err = push_down(t);
    }
    if (err < 0) {
        bufq_clear(&t->tx); /* the lower stream is dead: no alert will pass either */
        tls_stream_fail(t, err);
    }
    if (t->is_abandoned && is_sent(t)) {
        leave(t, err < 0);
        return;
    }
    if (t->phase == TLS_OPEN && bufq_is_empty(&t->tx) && !bufq_is_empty(&t->unsent)) {
        stream_mark_dirty(s);
    }
    if (room(s) > 0) {
        stream_raise(s, STREAM_WRITABLE);
    }
}

static bool is_tls13(const struct tls_stream *t)
{
    return t->tls13 || tls_session_is_tls13(t->session);
}

static int do_shutdown(struct stream *s)
{
    struct tls_stream *t = of_stream(s);

    if (t->phase == TLS_DEAD) {
        return t->failure;
    }
    if (t->phase == TLS_HANDSHAKE || !is_tls13(t)) {
        return ERR_UNSUPPORTED;
    }
    if (t->out == TLS_OUT_OPEN) {
        t->out = TLS_OUT_ENDING;
        stream_mark_dirty(s);
    }
    return 0;
}

/* ---- what happens below ---- */

void tls_stream_on_lower_ready(void *ctx, struct stream *lower, unsigned events)
{
    struct tls_stream *t = ctx;

    if (events & STREAM_WRITABLE) {
        stream_mark_dirty(&t->stream);
    }
    if (t->phase == TLS_HANDSHAKE) {
        tls_handshake_advance(t);
        return;
    }
    if (t->is_abandoned) {
        if (events & STREAM_BROKEN) {
            leave(t, true);
        }
        return;
    }
    if (events & STREAM_READABLE) {
        if (has_input(&t->stream) || !(t->stream.wanted & STREAM_READABLE)) {
            stream_unwant(lower, STREAM_READABLE); /* until the user has read */
        } else {
            tls_stream_look_ahead(t);
        }
    }
    if (events & STREAM_BROKEN) {
        tls_stream_fail(t, t->lower_end && t->lower_end != ERR_EOF ? t->lower_end : ERR_RESET);
    }
    stream_tell(&t->stream);
}

/* ---- close ---- */

static void cut(struct background *b)
{
    leave(CONTAINER_OF(b, struct tls_stream, background), true);
}

void tls_stream_on_timer(struct timer *timer)
{
    struct tls_stream *t = CONTAINER_OF(timer, struct tls_stream, timer);

    if (t->phase == TLS_HANDSHAKE) {
        tls_handshake_expire(t);
    }
    if (t->is_abandoned) {
        leave(t, true);
    }
}

static void do_close(struct stream *s, bool is_abort)
{
    struct tls_stream *t = of_stream(s);

    if (is_abort) {
        leave(t, true);
        return;
    }
    if (t->phase == TLS_DEAD || (t->phase == TLS_HANDSHAKE && bufq_is_empty(&t->unsent))) {
        int err = push_down(t); /* the alert, if there is room for it */
        leave(t, err < 0);
        return;
    }
    t->is_abandoned = true;
    if (t->out == TLS_OUT_OPEN) {
        t->out = TLS_OUT_ENDING;
    }
    if (t->phase == TLS_OPEN) {
        stream_unwant(t->lower, STREAM_READABLE);
        timer_arm(s->loop, &t->timer, STREAM_LINGER_MS);
    }
    loop_add_background(s->loop, &t->background, cut);
    stream_mark_dirty(s);
}

/* ---- questions ---- */

static void do_facts(const struct stream *s, struct stream_facts *out)
{
    const struct tls_stream *t = of_stream(s);

    stream_facts(t->lower, out);
    out->transport = "tls";
    out->tls_layer = s;
    out->is_encrypted = true;
    out->eof_is_authentic = true;
    out->can_half_close = t->phase != TLS_HANDSHAKE && is_tls13(t);
    out->server_name = slice_str(t->server_name);
    out->alpn = slice_str(t->alpn);
}

int tls_stream_exporter(const struct stream *s, struct slice label, void *out, size_t n)
{
    const struct tls_stream *t = of_stream(s);

    ASSERT(s->ops == &tls_stream_ops);
    if (t->phase != TLS_OPEN) {
        return ERR_UNSUPPORTED;
    }
    if (t->tls13) {
        tls13_exporter(t, label, out, n);
        return 0;
    }
    int ret = gnutls_prf_rfc5705(t->session, label.len, label.ptr, 0, NULL, n, out);
    return ret == 0 ? 0 : ERR_UNSUPPORTED;
}

const struct errinfo *tls_stream_why(const struct stream *s)
{
    ASSERT(s->ops == &tls_stream_ops);
    struct tls_stream *t = of_stream(s);
    struct errinfo *why = tls_stream_errinfo(t);

    if (t->failure && why->text[0] == '\0') {
        errinfo_set(why, t->failure, "%s", err_text(t->failure));
    }
    return why;
}

const struct stream_ops tls_stream_ops = {
    .read = do_read,
    .write = do_write,
    .room = room,
    .shutdown = do_shutdown,
    .want = do_want,
    .has_input = has_input,
    .flush = do_flush,
    .close = do_close,
    .facts = do_facts,
    .free = do_free,
};
