/* AES-GCM by Intel's IPsec library, on processors with AES and carry-less products for whole
 * vectors. Built where the package is (x86-64); elsewhere there is no wide cipher. */
#include "tls/tls13_cipher_priv.h"

#ifndef ADIT_HAS_IPSEC_MB

struct tls13_cipher *tls13_cipher_wide(gnutls_cipher_algorithm_t cipher, struct slice key)
{
    (void)cipher, (void)key;
    return NULL;
}

#else

#include <pthread.h>
#include <stdalign.h>

#include <intel-ipsec-mb.h>

#include "base/least.h"
#include "base/mem.h"

static const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_AVX512_SKX | IMB_FEATURE_VAES |
                               IMB_FEATURE_VPCLMULQDQ | IMB_FEATURE_GFNI;

/* The library's functions for one size of key. */
struct gcm {
    aes_gcm_pre_t expand;
    aes_gcm_init_t begin;
    aes_gcm_enc_dec_update_t encrypt;
    aes_gcm_enc_dec_finalize_t end;
    aes_gcm_enc_dec_t decrypt;
};

struct wide_cipher {
    struct tls13_cipher cipher;
    const struct gcm *gcm;
    struct gcm_key_data key;
};

/* ---- the library ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_usable;
static struct gcm gcm128;
static struct gcm gcm256;

static void look_up(void)
{
    IMB_MGR *m;

    if ((imb_get_feature_flags() & needed) != needed || !(m = alloc_mb_mgr(0))) {
        return;
    }
    init_mb_mgr_avx512(m);
    is_usable = (m->features & IMB_FEATURE_SELF_TEST_PASS) != 0;
    gcm128 = (struct gcm){m->gcm128_pre, m->gcm128_init, m->gcm128_enc_update,
                          m->gcm128_enc_finalize, m->gcm128_dec};
    gcm256 = (struct gcm){m->gcm256_pre, m->gcm256_init, m->gcm256_enc_update,
                          m->gcm256_enc_finalize, m->gcm256_dec};
    free_mb_mgr(m); /* its functions know no state but what they are given */
}

static const struct gcm *find_gcm(gnutls_cipher_algorithm_t cipher)
{
    if (cipher != GNUTLS_CIPHER_AES_128_GCM && cipher != GNUTLS_CIPHER_AES_256_GCM) {
        return NULL;
    }
    ASSERT(pthread_once(&once, look_up) == 0);
    if (!is_usable) {
        return NULL;
    }
    return cipher == GNUTLS_CIPHER_AES_128_GCM ? &gcm128 : &gcm256;
}

/* ---- records ---- */

static struct wide_cipher *of_cipher(struct tls13_cipher *c)
{
    return CONTAINER_OF(c, struct wide_cipher, cipher);
}

static void seal(struct tls13_cipher *c, const uint8_t nonce[TLS13_IV_BYTES], uint8_t *record,
                 struct bufq *from, size_t n, uint8_t type)
{
    struct wide_cipher *w = of_cipher(c);
    struct gcm_context_data context;
    uint8_t *to = record + TLS13_HEAD_BYTES;

    w->gcm->begin(&w->key, &context, nonce, record, TLS13_HEAD_BYTES);
    while (n > 0) {
        struct slice piece = bufq_front(from);
        size_t part = least_size(n, piece.len);
        w->gcm->encrypt(&w->key, &context, to, (const uint8_t *)piece.ptr, part);
        bufq_drop(from, part);
        to += part;
        n -= part;
    }
    w->gcm->encrypt(&w->key, &context, to, &type, sizeof type);
    w->gcm->end(&w->key, &context, to + sizeof type, TLS13_TAG_BYTES);
}

static bool open(struct tls13_cipher *c, const uint8_t nonce[TLS13_IV_BYTES], const uint8_t *record,
                 size_t length, uint8_t *to)
{
    struct wide_cipher *w = of_cipher(c);
    const uint8_t *inner = record + TLS13_HEAD_BYTES;
    const size_t n = length - TLS13_TAG_BYTES;
    struct gcm_context_data context;
    uint8_t tag[TLS13_TAG_BYTES];

    w->gcm->decrypt(&w->key, &context, to, inner, n, nonce, record, TLS13_HEAD_BYTES, tag,
                    sizeof tag);
    return mem_equal_secret(tag, inner + n, sizeof tag);
}

static void do_free(struct tls13_cipher *c)
{
    struct wide_cipher *w = of_cipher(c);

    mem_wipe(w, sizeof *w);
    mem_free(w);
}

static const struct tls13_cipher_ops ops = {.seal = seal, .open = open, .free = do_free};

struct tls13_cipher *tls13_cipher_wide(gnutls_cipher_algorithm_t cipher, struct slice key)
{
    const struct gcm *gcm = find_gcm(cipher);

    if (!gcm) {
        return NULL;
    }
    struct wide_cipher *w = mem_alloc_aligned(sizeof *w, alignof(struct wide_cipher));
    w->cipher.ops = &ops;
    w->gcm = gcm;
    gcm->expand(key.ptr, &w->key);
    return &w->cipher;
}

#endif
