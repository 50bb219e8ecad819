/* The records of an open TLS 1.3 stream: taken over from the library when the handshake has ended,
 * and kept until the end. The library's session, 10 KB, is let go. */
#include "base/cursor.h"
#include "base/least.h"
#include "base/mem.h"
#include "tls/tls13_post_priv.h"
#include "tls/tls13_protect_priv.h"
#include "tls/tls_stream_priv.h"

/* What the library's callbacks tell, until the handshake has ended. */
struct secret {
    uint8_t bytes[TLS13_SECRET_MAX_BYTES];
    uint8_t length; /* 0: not told */
};

struct tls13_secrets {
    struct secret in;
    struct secret out;
    struct secret exporter;
};

struct tls13 {
    struct tls13_keys in;
    struct tls13_keys out;
    struct secret exporter;
    struct tls13_post post;
    bool owes_update;      /* the peer has asked for our next keys */
    uint64_t sent_records; /* with our present keys */
    uint64_t sent_bytes;
};

/* ---- taking over ---- */

static struct slice slice_of_secret(const struct secret *s)
{
    return slice_of(s->bytes, s->length);
}

static void keep(struct secret *to, const void *bytes, size_t n)
{
    if (bytes && n <= sizeof to->bytes) {
        memcpy(to->bytes, bytes, n);
        to->length = (uint8_t)n;
    }
}

static struct tls13_secrets *secrets_of(gnutls_session_t session)
{
    struct tls_stream *t = gnutls_session_get_ptr(session);

    if (!t->secrets) {
        t->secrets = NEW(struct tls13_secrets);
    }
    return t->secrets;
}

static int on_secret(gnutls_session_t session, gnutls_record_encryption_level_t level,
                     const void *in, const void *out, size_t n)
{
    if (level == GNUTLS_ENCRYPTION_LEVEL_APPLICATION) {
        keep(&secrets_of(session)->in, in, n);
        keep(&secrets_of(session)->out, out, n);
    }
    return 0;
}

/* The exporter's is told only here, where others write a log of keys. */
static int on_key_log(gnutls_session_t session, const char *label, const gnutls_datum_t *secret)
{
    if (strcmp(label, "EXPORTER_SECRET") == 0) {
        keep(&secrets_of(session)->exporter, secret->data, secret->size);
    }
    return 0;
}

void tls13_listen_for_secrets(struct tls_stream *t)
{
    gnutls_handshake_set_secret_function(t->session, on_secret);
    gnutls_session_set_keylog_function(t->session, on_key_log);
}

static void forget_secrets(struct tls_stream *t)
{
    if (t->secrets) {
        mem_wipe(t->secrets, sizeof *t->secrets);
        mem_free(t->secrets);
        t->secrets = NULL;
    }
}

/* The keys of one direction, going on where the library stopped; false unless ours are its own. */
static bool take_keys(struct tls_stream *t, struct tls13_keys *k, bool is_in)
{
    struct slice secret = slice_of_secret(is_in ? &t->secrets->in : &t->secrets->out);
    struct tls13_suite suite = {gnutls_cipher_get(t->session),
                                (gnutls_mac_algorithm_t)gnutls_prf_hash_get(t->session)};
    gnutls_datum_t mac, iv, key;
    uint8_t sequence[8];

    if (tls13_keys_init(k, suite, secret) < 0 ||
        gnutls_record_get_state(t->session, is_in, &mac, &iv, &key, sequence) < 0 ||
        iv.size != sizeof k->iv || !mem_equal_secret(iv.data, k->iv, sizeof k->iv)) {
        return false;
    }
    struct reader r = reader_of(slice_of(sequence, sizeof sequence));
    k->sequence = read_u64(&r);
    return true;
}

bool tls13_take_over(struct tls_stream *t)
{
    bool is_ours = t->secrets && t->secrets->exporter.length > 0 &&
                   gnutls_record_check_pending(t->session) == 0;

    if (is_ours) {
        t->tls13 = NEW(struct tls13);
        t->tls13->exporter = t->secrets->exporter;
        is_ours = take_keys(t, &t->tls13->in, true) && take_keys(t, &t->tls13->out, false);
    }
    forget_secrets(t);
    if (is_ours) {
        t->records = &tls13_records;
        gnutls_deinit(t->session);
        t->session = NULL;
        tls_identity_unref(&t->identity);
    } else {
        tls13_free(t);
    }
    return is_ours;
}

void tls13_exporter(const struct tls_stream *t, struct slice label, void *out, size_t n)
{
    tls13_export(t->tls13->in.suite.hash, slice_of_secret(&t->tls13->exporter), label, out, n);
}

void tls13_free(struct tls_stream *t)
{
    forget_secrets(t);
    if (t->tls13) {
        tls13_keys_deinit(&t->tls13->in);
        tls13_keys_deinit(&t->tls13->out);
        mem_wipe(t->tls13, sizeof *t->tls13);
        mem_free(t->tls13);
        t->tls13 = NULL;
    }
}

/* ---- out ---- */

static void send_bytes(struct tls_stream *t, enum tls13_type type, const void *bytes, size_t n)
{
    struct bufq q = {0};

    bufq_push(&q, bytes, n);
    tls13_seal(&t->tls13->out, type, &q, n, &t->tx);
}

/* Enough was sent with the present keys, or the peer wants others. */
static bool is_update_due(const struct tls_stream *t)
{
    const struct tls13 *own = t->tls13;

    return own->owes_update || own->sent_records >= t->limits.rekey_records ||
           own->sent_bytes >= t->limits.rekey_bytes;
}

static void send_key_update(struct tls_stream *t)
{
    struct tls13 *own = t->tls13;

    send_bytes(t, TLS13_HANDSHAKE, tls13_update, sizeof tls13_update);
    tls13_keys_update(&own->out);
    own->owes_update = false;
    own->sent_records = 0;
    own->sent_bytes = 0;
}

static void send_alert(struct tls_stream *t, gnutls_alert_description_t alert)
{
    enum { WARNING = 1, FATAL = 2 };
    const uint8_t bytes[] = {alert == GNUTLS_A_CLOSE_NOTIFY ? WARNING : FATAL, (uint8_t)alert};

    send_bytes(t, TLS13_ALERT, bytes, sizeof bytes);
}

static int encrypt(struct tls_stream *t)
{
    while (!bufq_is_empty(&t->unsent) && t->tx.bytes < STREAM_TX_BYTES) {
        if (is_update_due(t)) {
            send_key_update(t);
        }
        size_t n = least_size(t->unsent.bytes, TLS13_SEAL_BYTES);
        tls13_seal(&t->tls13->out, TLS13_DATA, &t->unsent, n, &t->tx);
        t->tls13->sent_records++;
        t->tls13->sent_bytes += n;
    }
    if (t->out == TLS_OUT_ENDING && bufq_is_empty(&t->unsent)) {
        send_alert(t, GNUTLS_A_CLOSE_NOTIFY);
        t->out = TLS_OUT_ENDED;
    }
    return 0;
}

/* ---- in: what is no data ---- */

static void refuse(struct tls_stream *t, gnutls_alert_description_t alert)
{
    const char *name = gnutls_alert_get_strname(alert);

    t->in_end = errinfo_set(tls_stream_errinfo(t), ERR_TLS, "the other side broke TLS: %s",
                            name ? name : "unknown");
    if (t->out != TLS_OUT_ENDED) {
        send_alert(t, alert);
    }
    tls_stream_fail(t, t->in_end);
}

static void take_alert(struct tls_stream *t, struct bufq *content)
{
    enum { ALERT_BYTES = 2 };
    uint8_t bytes[ALERT_BYTES];

    if (content->bytes != sizeof bytes) {
        refuse(t, GNUTLS_A_DECODE_ERROR);
        return;
    }
    bufq_peek(content, bytes, sizeof bytes);
    if (bytes[1] == GNUTLS_A_USER_CANCELED) {
        return; /* close_notify follows it (section 6.1) */
    }
    if (bytes[1] == GNUTLS_A_CLOSE_NOTIFY) {
        t->in_end = ERR_EOF;
        return;
    }
    t->in_end = tls_alert_error((gnutls_alert_description_t)bytes[1], tls_stream_errinfo(t));
    tls_stream_fail(t, t->in_end);
}

/* 0, or the alert. */
static int take_messages(struct tls_stream *t, struct bufq *content)
{
    struct tls13 *own = t->tls13;
    struct tls13_news news;
    int alert = tls13_post_read(&own->post, content, t->is_client, &news);

    if (alert == 0 && news.has_new_keys) {
        tls13_keys_update(&own->in);
    }
    own->owes_update |= news.wants_ours;
    return alert;
}

/* ---- in ---- */

/* Takes what a record held; data stays in `content`. */
static void take_content(struct tls_stream *t, enum tls13_type type, struct bufq *content)
{
    int alert = 0;

    if (type == TLS13_ALERT) {
        take_alert(t, content);
    } else if (type == TLS13_HANDSHAKE) {
        alert = take_messages(t, content);
    } else if (!tls13_post_is_between(&t->tls13->post)) {
        alert = GNUTLS_A_UNEXPECTED_MESSAGE; /* section 5.1 */
    }
    if (alert) {
        refuse(t, (gnutls_alert_description_t)alert);
    }
}

/* Opens the next record; reads from below for it. False: there is none now, or in_end. */
static bool open_next(struct tls_stream *t, struct bufq *content, enum tls13_type *type_out)
{
    gnutls_alert_description_t alert;
    int err = tls13_open(&t->tls13->in, &t->rx, content, type_out, &alert);

    while (err == ERR_MORE && tls_record_read_below(t)) {
        err = tls13_open(&t->tls13->in, &t->rx, content, type_out, &alert);
    }
    if (err == ERR_MORE && t->lower_end) {
        t->in_end = tls_record_cut_short(t);
    } else if (err == ERR_TLS) {
        refuse(t, alert);
    }
    return err == 0;
}

static size_t read_record(struct tls_stream *t, struct bufq *into, size_t max)
{
    struct bufq content = {0};
    enum tls13_type type;
    size_t got = 0;

    for (int i = 0; i < TLS_FRUITLESS_RECORDS_MAX && got == 0 && !t->in_end; i++) {
        if (!open_next(t, &content, &type)) {
            break;
        }
        take_content(t, type, &content);
        if (type == TLS13_DATA && !t->in_end) {
            got = bufq_move(into, &content, max);
            bufq_move(&t->ahead, &content, content.bytes);
        }
        bufq_clear(&content);
    }
    if (t->in_end) {
        bufq_clear(&t->rx);
        stream_unwant(t->lower, STREAM_READABLE);
    }
    return got;
}

static bool has_record(const struct tls_stream *t)
{
    return tls13_has_record(&t->rx);
}

const struct tls_records tls13_records = {
    .read = read_record,
    .encrypt = encrypt,
    .has_record = has_record,
};
