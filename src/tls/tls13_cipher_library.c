#include "base/mem.h"
#include "tls/tls13_cipher_priv.h"

enum { SMALL_BYTES = 1024 }; /* below, a copy costs less than a call with vectors */

struct library_cipher {
    struct tls13_cipher cipher;
    gnutls_aead_cipher_hd_t aead;
};

static gnutls_aead_cipher_hd_t aead_of(struct tls13_cipher *c)
{
    return CONTAINER_OF(c, struct library_cipher, cipher)->aead;
}

static void take(struct bufq *from, size_t n, uint8_t type, uint8_t *to)
{
    bufq_peek(from, to, n);
    bufq_drop(from, n);
    to[n] = type;
}

static void seal_small(struct tls13_cipher *c, const uint8_t *nonce, uint8_t *record,
                       struct bufq *from, size_t n, uint8_t type)
{
    uint8_t inner[SMALL_BYTES];
    size_t cipher_bytes = n + 1 + TLS13_TAG_BYTES;

    take(from, n, type, inner);
    ASSERT(gnutls_aead_cipher_encrypt(aead_of(c), nonce, TLS13_IV_BYTES, record, TLS13_HEAD_BYTES,
                                      TLS13_TAG_BYTES, inner, n + 1, record + TLS13_HEAD_BYTES,
                                      &cipher_bytes) == 0);
}

static void seal_large(struct tls13_cipher *c, const uint8_t *nonce, uint8_t *record,
                       struct bufq *from, size_t n, uint8_t type)
{
    uint8_t *inner = record + TLS13_HEAD_BYTES;
    size_t tag_bytes = TLS13_TAG_BYTES;
    const giovec_t auth = {record, TLS13_HEAD_BYTES};
    const giovec_t plain = {inner, n + 1};

    take(from, n, type, inner);
    ASSERT(gnutls_aead_cipher_encryptv2(aead_of(c), nonce, TLS13_IV_BYTES, &auth, 1, &plain, 1,
                                        inner + n + 1, &tag_bytes) == 0);
}

static void seal(struct tls13_cipher *c, const uint8_t nonce[TLS13_IV_BYTES], uint8_t *record,
                 struct bufq *from, size_t n, uint8_t type)
{
    if (n < SMALL_BYTES) {
        seal_small(c, nonce, record, from, n, type);
    } else {
        seal_large(c, nonce, record, from, n, type);
    }
}

static bool open_in_place(struct tls13_cipher *c, const uint8_t *nonce, const uint8_t *record,
                          size_t length, uint8_t *inner)
{
    const size_t n = length - TLS13_TAG_BYTES;
    const giovec_t auth = {(void *)record, TLS13_HEAD_BYTES};
    const giovec_t cipher = {inner, n};

    return gnutls_aead_cipher_decryptv2(aead_of(c), nonce, TLS13_IV_BYTES, &auth, 1, &cipher, 1,
                                        inner + n, TLS13_TAG_BYTES) == 0;
}

static bool open(struct tls13_cipher *c, const uint8_t nonce[TLS13_IV_BYTES], const uint8_t *record,
                 size_t length, uint8_t *to)
{
    size_t n = length - TLS13_TAG_BYTES;

    if (to == record + TLS13_HEAD_BYTES) {
        return open_in_place(c, nonce, record, length, to);
    }
    return gnutls_aead_cipher_decrypt(aead_of(c), nonce, TLS13_IV_BYTES, record, TLS13_HEAD_BYTES,
                                      TLS13_TAG_BYTES, record + TLS13_HEAD_BYTES, length, to,
                                      &n) == 0;
}

static void do_free(struct tls13_cipher *c)
{
    gnutls_aead_cipher_deinit(aead_of(c));
    mem_free(CONTAINER_OF(c, struct library_cipher, cipher));
}

static const struct tls13_cipher_ops ops = {.seal = seal, .open = open, .free = do_free};

struct tls13_cipher *tls13_cipher_library(gnutls_cipher_algorithm_t cipher, struct slice key)
{
    struct library_cipher *c = NEW(struct library_cipher);
    const gnutls_datum_t datum = {(unsigned char *)key.ptr, (unsigned)key.len};

    c->cipher.ops = &ops;
    ASSERT(gnutls_aead_cipher_init(&c->aead, cipher, &datum) == 0);
    return &c->cipher;
}
