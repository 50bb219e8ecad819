#include "tls/tls13_keys_priv.h"

#include <string.h>

#include "base/cursor.h"
#include "base/mem.h"

enum {
    KEY_MAX_BYTES = 32,
    FULL_LABEL_MAX_BYTES = 255, /* with the prefix that all labels have */
    SMALL_BYTES = 1024,         /* below, a copy costs less than a call with vectors */
};

/* ---- from a secret (section 7.1) ---- */

/* HKDF-Expand-Label. */
static void expand_label(gnutls_mac_algorithm_t hash, struct slice secret, struct slice label,
                         struct slice context, void *out, size_t n)
{
    const struct slice prefix = SLICE("tls13 ");
    uint8_t bytes[2 + 1 + FULL_LABEL_MAX_BYTES + 1 + TLS13_SECRET_MAX_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);
    const gnutls_datum_t key = {(unsigned char *)secret.ptr, (unsigned)secret.len};

    ASSERT(label.len <= TLS13_LABEL_MAX_BYTES);
    write_u16(&w, (uint16_t)n);
    write_u8(&w, (uint8_t)(prefix.len + label.len));
    write_slice(&w, prefix);
    write_slice(&w, label);
    write_u8(&w, (uint8_t)context.len);
    write_slice(&w, context);
    ASSERT(!w.has_failed);
    const gnutls_datum_t info = {bytes, (unsigned)writer_len(&w)};
    ASSERT(gnutls_hkdf_expand(hash, &key, &info, out, n) == 0);
}

static void expand(const struct tls13_keys *k, const char *label, void *out, size_t n)
{
    expand_label(k->suite.hash, slice_of(k->secret, k->secret_bytes), slice_str(label), SLICE_NONE,
                 out, n);
}

static void use_secret(struct tls13_keys *k)
{
    uint8_t bytes[KEY_MAX_BYTES];
    const gnutls_datum_t key = {bytes, (unsigned)gnutls_cipher_get_key_size(k->suite.cipher)};

    expand(k, "key", key.data, key.size);
    expand(k, "iv", k->iv, sizeof k->iv);
    if (k->aead) {
        gnutls_aead_cipher_deinit(k->aead);
    }
    ASSERT(gnutls_aead_cipher_init(&k->aead, k->suite.cipher, &key) == 0);
    mem_wipe(bytes, sizeof bytes);
    k->sequence = 0;
}

int tls13_keys_init(struct tls13_keys *k, struct tls13_suite suite, struct slice secret)
{
    if (gnutls_cipher_get_iv_size(suite.cipher) != TLS13_IV_BYTES ||
        gnutls_cipher_get_tag_size(suite.cipher) != TLS13_TAG_BYTES ||
        gnutls_cipher_get_key_size(suite.cipher) > KEY_MAX_BYTES || secret.len > sizeof k->secret ||
        secret.len == 0) {
        return ERR_UNSUPPORTED;
    }
    *k = (struct tls13_keys){.suite = suite, .secret_bytes = (uint8_t)secret.len};
    memcpy(k->secret, secret.ptr, secret.len);
    use_secret(k);
    return 0;
}

void tls13_keys_deinit(struct tls13_keys *k)
{
    if (k->aead) {
        gnutls_aead_cipher_deinit(k->aead);
    }
    mem_wipe(k, sizeof *k);
}

void tls13_keys_update(struct tls13_keys *k)
{
    uint8_t next[TLS13_SECRET_MAX_BYTES];

    expand(k, "traffic upd", next, k->secret_bytes);
    memcpy(k->secret, next, k->secret_bytes);
    mem_wipe(next, sizeof next);
    use_secret(k);
}

void tls13_export(gnutls_mac_algorithm_t hash, struct slice secret, struct slice label, void *out,
                  size_t n)
{
    uint8_t nothing[TLS13_SECRET_MAX_BYTES]; /* the digest of no messages, and of no context */
    uint8_t derived[TLS13_SECRET_MAX_BYTES];
    struct slice digest = slice_of(nothing, gnutls_hmac_get_len(hash));

    ASSERT(digest.len <= sizeof nothing);
    ASSERT(gnutls_hash_fast((gnutls_digest_algorithm_t)hash, "", 0, nothing) == 0);
    expand_label(hash, secret, label, digest, derived, digest.len);
    expand_label(hash, slice_of(derived, digest.len), SLICE("exporter"), digest, out, n);
    mem_wipe(derived, sizeof derived);
}

/* The nonce of the next record (section 5.3). */
static void take_nonce(struct tls13_keys *k, uint8_t nonce[TLS13_IV_BYTES])
{
    memcpy(nonce, k->iv, TLS13_IV_BYTES);
    for (unsigned i = 0; i < sizeof k->sequence; i++) {
        nonce[TLS13_IV_BYTES - 1 - i] ^= (uint8_t)(k->sequence >> (8 * i));
    }
    k->sequence++;
}

/* ---- sealing ---- */

static void write_head(uint8_t head[TLS13_HEAD_BYTES], size_t length)
{
    head[0] = TLS13_DATA;
    head[1] = 3; /* TLS 1.2, as section 5.1 wants it */
    head[2] = 3;
    head[3] = (uint8_t)(length >> 8);
    head[4] = (uint8_t)length;
}

/* Seals the n bytes behind the head where they lie. */
static void encrypt(struct tls13_keys *k, uint8_t *head, size_t n)
{
    uint8_t nonce[TLS13_IV_BYTES];
    uint8_t *inner = head + TLS13_HEAD_BYTES;
    size_t tag_bytes = TLS13_TAG_BYTES;
    const giovec_t auth = {head, TLS13_HEAD_BYTES};
    const giovec_t plain = {inner, n};

    take_nonce(k, nonce);
    ASSERT(gnutls_aead_cipher_encryptv2(k->aead, nonce, sizeof nonce, &auth, 1, &plain, 1,
                                        inner + n, &tag_bytes) == 0);
}

/* The same from elsewhere: a call with vectors costs more than a small record. */
static void encrypt_small(struct tls13_keys *k, uint8_t *head, const uint8_t *inner, size_t n)
{
    uint8_t nonce[TLS13_IV_BYTES];
    size_t cipher_bytes = n + TLS13_TAG_BYTES;

    take_nonce(k, nonce);
    ASSERT(gnutls_aead_cipher_encrypt(k->aead, nonce, sizeof nonce, head, TLS13_HEAD_BYTES,
                                      TLS13_TAG_BYTES, inner, n, head + TLS13_HEAD_BYTES,
                                      &cipher_bytes) == 0);
}

void tls13_seal(struct tls13_keys *k, enum tls13_type type, struct bufq *from, size_t n,
                struct bufq *out)
{
    uint8_t small[SMALL_BYTES];
    size_t room;

    ASSERT(n <= TLS13_SEAL_BYTES && n <= from->bytes);
    uint8_t *head = bufq_reserve(out, n + TLS13_OVERHEAD_BYTES, &room);
    uint8_t *inner = n < sizeof small ? small : head + TLS13_HEAD_BYTES;
    write_head(head, n + 1 + TLS13_TAG_BYTES);
    bufq_peek(from, inner, n);
    bufq_drop(from, n);
    inner[n] = (uint8_t)type;
    if (inner == small) {
        encrypt_small(k, head, inner, n + 1);
    } else {
        encrypt(k, head, n + 1);
    }
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

/* Opens a record whose head is at `head` where it lies. */
static bool decrypt(struct tls13_keys *k, uint8_t *head, size_t length)
{
    uint8_t nonce[TLS13_IV_BYTES];
    uint8_t *inner = head + TLS13_HEAD_BYTES;
    const giovec_t auth = {head, TLS13_HEAD_BYTES};
    const giovec_t cipher = {inner, length - TLS13_TAG_BYTES};

    take_nonce(k, nonce);
    return gnutls_aead_cipher_decryptv2(k->aead, nonce, sizeof nonce, &auth, 1, &cipher, 1,
                                        inner + length - TLS13_TAG_BYTES, TLS13_TAG_BYTES) == 0;
}

/* The same into `inner`. */
static bool decrypt_small(struct tls13_keys *k, const uint8_t *head, size_t length, uint8_t *inner)
{
    uint8_t nonce[TLS13_IV_BYTES];
    size_t n = length - TLS13_TAG_BYTES;

    take_nonce(k, nonce);
    return gnutls_aead_cipher_decrypt(k->aead, nonce, sizeof nonce, head, TLS13_HEAD_BYTES,
                                      TLS13_TAG_BYTES, head + TLS13_HEAD_BYTES, length, inner,
                                      &n) == 0;
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
    uint8_t *head = bufq_pullup_own(in, TLS13_HEAD_BYTES + length);

    if (!decrypt(k, head, length)) {
        return refuse(GNUTLS_A_BAD_RECORD_MAC, alert_out);
    }
    size_t n = content_bytes(head + TLS13_HEAD_BYTES, length - TLS13_TAG_BYTES, type_out);
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
    const char *head = bufq_pullup(in, TLS13_HEAD_BYTES + length).ptr;
    size_t n = 0, room;
    uint8_t *inner = bufq_reserve(out, length, &room);
    int alert = GNUTLS_A_BAD_RECORD_MAC;

    if (decrypt_small(k, (const uint8_t *)head, length, inner)) {
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
