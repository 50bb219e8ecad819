#include "tls/tls13_protect_priv.h"

#include <string.h>

enum { SMALL_BYTES = 1024 }; /* below, what was opened is copied anyway */

/* ---- sealing ---- */

static void write_head(uint8_t head[TLS13_HEAD_BYTES], size_t length)
{
    head[0] = TLS13_DATA;
    head[1] = 3; /* TLS 1.2, as section 5.1 wants it */
    head[2] = 3;
    head[3] = (uint8_t)(length >> 8);
    head[4] = (uint8_t)length;
}

void tls13_seal(struct tls13_keys *k, enum tls13_type type, struct bufq *from, size_t n,
                struct bufq *out)
{
    uint8_t nonce[TLS13_IV_BYTES];
    size_t room;

    ASSERT(n <= TLS13_SEAL_BYTES && n <= from->bytes);
    uint8_t *record = bufq_reserve(out, n + TLS13_OVERHEAD_BYTES, &room);
    write_head(record, n + 1 + TLS13_TAG_BYTES);
    tls13_keys_next(k, n, nonce);
    k->cipher->ops->seal(k->cipher, nonce, record, from, n, (uint8_t)type);
    bufq_commit(out, n + TLS13_OVERHEAD_BYTES);
}

/* ---- opening ---- */

struct head {
    uint8_t type;
    uint8_t major;
    uint16_t length;
};

static bool peek_head(const struct bufq *in, struct head *h)
{
    uint8_t bytes[TLS13_HEAD_BYTES];

    if (in->bytes < sizeof bytes) {
        return false;
    }
    bufq_peek(in, bytes, sizeof bytes);
    h->type = bytes[0];
    h->major = bytes[1];
    h->length = (uint16_t)(bytes[3] << 8 | bytes[4]);
    return true;
}

/* 0, or the alert. */
static int judge_head(const struct head *h)
{
    if (h->type != TLS13_DATA || h->major != 3) {
        return GNUTLS_A_UNEXPECTED_MESSAGE;
    }
    if (h->length > TLS13_CIPHER_MAX_BYTES) {
        return GNUTLS_A_RECORD_OVERFLOW;
    }
    return h->length > TLS13_TAG_BYTES ? 0 : GNUTLS_A_BAD_RECORD_MAC;
}

bool tls13_has_record(const struct bufq *in)
{
    struct head h;

    return peek_head(in, &h) &&
           (judge_head(&h) != 0 || in->bytes >= TLS13_HEAD_BYTES + (size_t)h.length);
}

/* Opens the record whose head is at `record`, into `to`: where it lies, or elsewhere. */
static bool decrypt(struct tls13_keys *k, const uint8_t *record, size_t length, uint8_t *to)
{
    uint8_t nonce[TLS13_IV_BYTES];

    tls13_keys_next(k, length, nonce);
    return k->cipher->ops->open(k->cipher, nonce, record, length, to);
}

/* The inner type is the last byte that is not padding (section 5.4). */
static size_t content_bytes(const uint8_t *inner, size_t n, enum tls13_type *type_out)
{
    while (n > 0 && inner[n - 1] == 0) {
        n--;
    }
    *type_out = n > 0 ? (enum tls13_type)inner[n - 1] : 0;
    return n > 0 ? n - 1 : 0;
}

static int judge_content(enum tls13_type type, size_t n)
{
    if (type != TLS13_DATA && type != TLS13_HANDSHAKE && type != TLS13_ALERT) {
        return GNUTLS_A_UNEXPECTED_MESSAGE;
    }
    return n <= TLS13_PLAIN_MAX_BYTES ? 0 : GNUTLS_A_RECORD_OVERFLOW;
}

static int refuse(int alert, gnutls_alert_description_t *alert_out)
{
    *alert_out = (gnutls_alert_description_t)alert;
    return ERR_TLS;
}

static int open_large(struct tls13_keys *k, struct bufq *in, size_t length, struct bufq *out,
                      enum tls13_type *type_out, gnutls_alert_description_t *alert_out)
{
    uint8_t *record = bufq_pullup_own(in, TLS13_HEAD_BYTES + length);
    uint8_t *inner = record + TLS13_HEAD_BYTES;

    if (!decrypt(k, record, length, inner)) {
        return refuse(GNUTLS_A_BAD_RECORD_MAC, alert_out);
    }
    size_t n = content_bytes(inner, length - TLS13_TAG_BYTES, type_out);
    int alert = judge_content(*type_out, n);
    if (alert) {
        return refuse(alert, alert_out);
    }
    bufq_drop(in, TLS13_HEAD_BYTES);
    bufq_move(out, in, n);
    bufq_drop(in, length - n);
    return 0;
}

/* What is small would be copied anyway. */
static int open_small(struct tls13_keys *k, struct bufq *in, size_t length, struct bufq *out,
                      enum tls13_type *type_out, gnutls_alert_description_t *alert_out)
{
    const char *record = bufq_pullup(in, TLS13_HEAD_BYTES + length).ptr;
    size_t n = 0, room;
    uint8_t *inner = bufq_reserve(out, length, &room);
    int alert = GNUTLS_A_BAD_RECORD_MAC;

    if (decrypt(k, (const uint8_t *)record, length, inner)) {
        n = content_bytes(inner, length - TLS13_TAG_BYTES, type_out);
        alert = judge_content(*type_out, n);
    }
    bufq_commit(out, alert ? 0 : n);
    bufq_drop(in, TLS13_HEAD_BYTES + length);
    return alert ? refuse(alert, alert_out) : 0;
}

int tls13_open(struct tls13_keys *k, struct bufq *in, struct bufq *out, enum tls13_type *type_out,
               gnutls_alert_description_t *alert_out)
{
    struct head h;

    if (!peek_head(in, &h)) {
        return ERR_MORE;
    }
    int alert = judge_head(&h);
    if (alert) {
        return refuse(alert, alert_out);
    }
    if (in->bytes < TLS13_HEAD_BYTES + (size_t)h.length) {
        return ERR_MORE;
    }
    return h.length < SMALL_BYTES ? open_small(k, in, h.length, out, type_out, alert_out)
                                  : open_large(k, in, h.length, out, type_out, alert_out);
}
