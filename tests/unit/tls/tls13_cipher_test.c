/* The wide cipher against the library's: each opens what the other sealed. */
#include "tls/tls13_cipher_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"

enum {
    CONTENT_MAX_BYTES = 16384,
    RECORD_MAX_BYTES = TLS13_HEAD_BYTES + CONTENT_MAX_BYTES + 1 + TLS13_TAG_BYTES,
    TYPE = 23,
};

static const uint8_t head[TLS13_HEAD_BYTES] = {TYPE, 3, 3, 1, 2};

/* The same key, twice. */
struct pair {
    struct tls13_cipher *library;
    struct tls13_cipher *wide;
};

static struct pair pair_of(gnutls_cipher_algorithm_t cipher)
{
    uint8_t key[32];
    struct slice part = slice_of(key, gnutls_cipher_get_key_size(cipher));

    random_bytes(key, sizeof key);
    return (struct pair){tls13_cipher_library(cipher, part), tls13_cipher_wide(cipher, part)};
}

static void pair_free(struct pair *p)
{
    tls13_cipher_free(&p->library);
    tls13_cipher_free(&p->wide);
}

static bool has_wide(void)
{
    struct pair p = pair_of(GNUTLS_CIPHER_AES_128_GCM);
    bool is_there = p.wide != NULL;

    pair_free(&p);
    return is_there;
}

/* Content in pieces of uneven sizes, in chunks of their own. */
static void push_pieces(struct bufq *q, const uint8_t *content, size_t n)
{
    for (size_t at = 0, part = 1; at < n; at += part, part = part * 7 + 4096) {
        struct bufq piece = {0};
        part = part < n - at ? part : n - at;
        bufq_push(&piece, content + at, part);
        bufq_move(q, &piece, part);
    }
}

static void assert_passes(struct tls13_cipher *from, struct tls13_cipher *to,
                          const uint8_t *content, size_t n, bool is_in_place)
{
    const size_t length = n + 1 + TLS13_TAG_BYTES;
    uint8_t *record = mem_alloc(RECORD_MAX_BYTES), *elsewhere = mem_alloc(RECORD_MAX_BYTES);
    uint8_t *opened = is_in_place ? record + TLS13_HEAD_BYTES : elsewhere;
    uint8_t nonce[TLS13_IV_BYTES];
    struct bufq text = {0};

    random_bytes(nonce, sizeof nonce);
    memcpy(record, head, sizeof head);
    push_pieces(&text, content, n);
    bufq_push_str(&text, "behind");
    from->ops->seal(from, nonce, record, &text, n, TYPE);
    assert_int_equal(text.bytes, strlen("behind"));
    assert_true(to->ops->open(to, nonce, record, length, opened));
    assert_memory_equal(opened, content, n);
    assert_int_equal(opened[n], TYPE);
    bufq_clear(&text);
    mem_free(record);
    mem_free(elsewhere);
}

static void each_opens_what_the_other_sealed(void **state)
{
    static const gnutls_cipher_algorithm_t ciphers[] = {GNUTLS_CIPHER_AES_128_GCM,
                                                        GNUTLS_CIPHER_AES_256_GCM};
    static const size_t large[] = {1023, 1024, 4095, 4096, 9001, CONTENT_MAX_BYTES};
    uint8_t *content = mem_alloc(CONTENT_MAX_BYTES);

    (void)state;
    if (!has_wide()) {
        skip(); /* this processor has no AES on whole vectors, or the package is not there */
    }
    random_bytes(content, CONTENT_MAX_BYTES);
    for (size_t i = 0; i < COUNT_OF(ciphers); i++) {
        struct pair p = pair_of(ciphers[i]);
        for (size_t size = 0; size < 300 + COUNT_OF(large); size++) {
            size_t n = size < 300 ? size : large[size - 300];
            assert_passes(p.library, p.wide, content, n, false);
            assert_passes(p.library, p.wide, content, n, true);
            assert_passes(p.wide, p.library, content, n, false);
            assert_passes(p.wide, p.library, content, n, true);
        }
        pair_free(&p);
    }
    mem_free(content);
    assert_int_equal(chunk_stats().in_use, 0);
}

static void nothing_forged_opens(void **state)
{
    enum { BYTES = 100, LENGTH = BYTES + 1 + TLS13_TAG_BYTES };
    struct pair p = pair_of(GNUTLS_CIPHER_AES_256_GCM);
    uint8_t record[TLS13_HEAD_BYTES + LENGTH] = {0}, opened[LENGTH];
    const uint8_t nonce[TLS13_IV_BYTES] = {1};
    const uint8_t content[BYTES] = {2};
    struct bufq text = {0};

    (void)state;
    if (!p.wide) {
        pair_free(&p);
        skip(); /* as above */
    }
    bufq_push(&text, content, BYTES);
    p.wide->ops->seal(p.wide, nonce, record, &text, BYTES, TYPE);
    for (size_t bit = 0; bit < 8 * sizeof record; bit++) {
        record[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(p.wide->ops->open(p.wide, nonce, record, LENGTH, opened));
        record[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(p.wide->ops->open(p.wide, nonce, record, LENGTH, opened));
    pair_free(&p);
}

static void other_ciphers_are_the_librarys(void **state)
{
    struct pair p = pair_of(GNUTLS_CIPHER_CHACHA20_POLY1305);

    (void)state;
    assert_null(p.wide);
    pair_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_opens_what_the_other_sealed),
        cmocka_unit_test(nothing_forged_opens),
        cmocka_unit_test(other_ciphers_are_the_librarys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
