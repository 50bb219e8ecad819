#include "tls/tls13_keys_priv.h"

#include <string.h>

#include "base/cursor.h"
#include "base/least.h"
#include "base/mem.h"

enum {
    KEY_MAX_BYTES = 32,
    FULL_LABEL_MAX_BYTES = 255, /* with the prefix that all labels have */
};

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

static void make_cipher(struct tls13_keys *k)
{
    uint8_t key[KEY_MAX_BYTES];
    const size_t n = gnutls_cipher_get_key_size(k->suite.cipher);

    expand(k, "key", key, n);
    tls13_cipher_free(&k->cipher);
    if (k->small_bytes_left == 0) {
        k->cipher = tls13_cipher_wide(k->suite.cipher, slice_of(key, n));
    }
    if (!k->cipher) {
        k->cipher = tls13_cipher_library(k->suite.cipher, slice_of(key, n));
    }
    mem_wipe(key, sizeof key);
}

static void use_secret(struct tls13_keys *k)
{
    make_cipher(k);
    expand(k, "iv", k->iv, sizeof k->iv);
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
    *k = (struct tls13_keys){.suite = suite,
                             .secret_bytes = (uint8_t)secret.len,
                             .small_bytes_left = TLS13_WIDE_AFTER_BYTES};
    memcpy(k->secret, secret.ptr, secret.len);
    use_secret(k);
    return 0;
}

void tls13_keys_deinit(struct tls13_keys *k)
{
    tls13_cipher_free(&k->cipher);
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

void tls13_keys_next(struct tls13_keys *k, size_t n, uint8_t nonce[TLS13_IV_BYTES])
{
    if (k->small_bytes_left > 0) {
        k->small_bytes_left -= (uint32_t)least_size(n, k->small_bytes_left);
        if (k->small_bytes_left == 0) {
            make_cipher(k);
        }
    }
    memcpy(nonce, k->iv, TLS13_IV_BYTES);
    for (unsigned i = 0; i < sizeof k->sequence; i++) {
        nonce[TLS13_IV_BYTES - 1 - i] ^= (uint8_t)(k->sequence >> (8 * i));
    }
    k->sequence++;
}
