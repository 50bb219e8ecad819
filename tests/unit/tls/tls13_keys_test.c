/* Keys and records of TLS 1.3 against RFC 8448, and records of every size, cut and sort. */
#include "tls/tls13_protect_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"

static const struct tls13_suite suite = {GNUTLS_CIPHER_AES_128_GCM, GNUTLS_MAC_SHA256};
static const uint8_t secret[32] = {1, 2, 3};

static bool is_bulk; /* the first record is what makes the cipher for bulk take over */

static int start_bulk(void **state)
{
    (void)state;
    is_bulk = true;
    return 0;
}

static struct tls13_keys keys(void)
{
    struct tls13_keys k;

    assert_int_equal(tls13_keys_init(&k, suite, slice_of(secret, sizeof secret)), 0);
    k.small_bytes_left = is_bulk ? 1 : k.small_bytes_left;
    return k;
}

/* RFC 8448, section 3: "derive write traffic keys for handshake data" of the server. */
static void keys_are_those_of_the_rfc(void **state)
{
    static const uint8_t rfc_secret[] = {0xb6, 0x7b, 0x7d, 0x69, 0x0c, 0xc1, 0x6c, 0x4e,
                                         0x75, 0xe5, 0x42, 0x13, 0xcb, 0x2d, 0x37, 0xb4,
                                         0xe9, 0xc9, 0x12, 0xbc, 0xde, 0xd9, 0x10, 0x5d,
                                         0x42, 0xbe, 0xfd, 0x59, 0xd3, 0x91, 0xad, 0x38};
    static uint8_t rfc_key[] = {0x3f, 0xce, 0x51, 0x60, 0x09, 0xc2, 0x17, 0x27,
                                0xd0, 0xf2, 0xe4, 0xe8, 0x6e, 0xe4, 0x03, 0xbc};
    static const uint8_t rfc_iv[] = {0x5d, 0x31, 0x3e, 0xb2, 0x67, 0x12,
                                     0x76, 0xee, 0x13, 0x00, 0x0b, 0x30};
    const gnutls_datum_t key = {rfc_key, sizeof rfc_key};
    uint8_t head[TLS13_HEAD_BYTES], cipher[32], plain[32];
    size_t plain_bytes = sizeof plain;
    struct bufq text = {0}, record = {0};
    gnutls_aead_cipher_hd_t aead;
    struct tls13_keys k;

    (void)state;
    assert_int_equal(tls13_keys_init(&k, suite, slice_of(rfc_secret, sizeof rfc_secret)), 0);
    assert_memory_equal(k.iv, rfc_iv, sizeof rfc_iv);

    bufq_push_str(&text, "hello");
    tls13_seal(&k, TLS13_DATA, &text, 5, &record);
    assert_int_equal(record.bytes, 5 + TLS13_OVERHEAD_BYTES);
    bufq_peek(&record, head, sizeof head);
    bufq_drop(&record, sizeof head);
    bufq_peek(&record, cipher, record.bytes);
    assert_int_equal(gnutls_aead_cipher_init(&aead, suite.cipher, &key), 0);
    assert_int_equal(gnutls_aead_cipher_decrypt(aead, rfc_iv, sizeof rfc_iv, head, sizeof head,
                                                TLS13_TAG_BYTES, cipher, record.bytes, plain,
                                                &plain_bytes),
                     0);
    assert_int_equal(plain_bytes, 6);
    assert_memory_equal(plain, "hello\x17", 6);
    gnutls_aead_cipher_deinit(aead);
    bufq_clear(&record);
    tls13_keys_deinit(&k);
}

static void a_suite_of_other_sizes_is_not_ours(void **state)
{
    struct tls13_suite ccm8 = {GNUTLS_CIPHER_AES_128_CCM_8, GNUTLS_MAC_SHA256};
    struct tls13_keys k;

    (void)state;
    assert_int_equal(tls13_keys_init(&k, ccm8, slice_of(secret, 32)), ERR_UNSUPPORTED);
    assert_int_equal(tls13_keys_init(&k, suite, SLICE_NONE), ERR_UNSUPPORTED);
}

/* ---- there and back ---- */

/* Gives the record to `open` in two parts. */
static void assert_opens(struct tls13_keys *k, struct bufq *record, size_t cut,
                         const uint8_t *plain, size_t n)
{
    struct bufq in = {0}, out = {0};
    gnutls_alert_description_t alert;
    enum tls13_type type;
    uint8_t *copy = mem_alloc(n);

    cut = cut < record->bytes ? cut : record->bytes - 1;
    bufq_move(&in, record, cut);
    assert_false(tls13_has_record(&in));
    assert_int_equal(tls13_open(k, &in, &out, &type, &alert), ERR_MORE);
    bufq_move(&in, record, record->bytes);
    assert_true(tls13_has_record(&in));
    assert_int_equal(tls13_open(k, &in, &out, &type, &alert), 0);
    assert_int_equal(type, TLS13_DATA);
    assert_true(bufq_is_empty(&in));
    assert_int_equal(out.bytes, n);
    bufq_peek(&out, copy, n);
    assert_memory_equal(copy, plain, n);
    bufq_clear(&out);
    mem_free(copy);
}

static void what_was_sealed_opens_at_any_size_and_cut(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 16, 100, 4000, 4095, 4096, 9000, TLS13_SEAL_BYTES};
    static const size_t cuts[] = {0, 1, 4, 5, 6, 21, 5000, SIZE_MAX};
    struct tls13_keys there = keys(), back = keys();
    uint8_t *plain = mem_alloc(TLS13_SEAL_BYTES);
    struct bufq text = {0}, record = {0};

    (void)state;
    random_bytes(plain, TLS13_SEAL_BYTES);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        for (size_t j = 0; j < COUNT_OF(cuts); j++) {
            bufq_push(&text, plain, sizes[i]);
            tls13_seal(&there, TLS13_DATA, &text, sizes[i], &record);
            assert_true(bufq_is_empty(&text));
            assert_opens(&back, &record, cuts[j], plain, sizes[i]);
        }
        tls13_keys_update(&there);
        tls13_keys_update(&back);
    }
    mem_free(plain);
    tls13_keys_deinit(&there);
    tls13_keys_deinit(&back);
    assert_int_equal(chunk_stats().in_use, 0);
}

static void four_records_fill_a_chunk(void **state)
{
    struct tls13_keys k = keys();
    struct bufq text = {0}, records = {0};
    uint8_t *plain = mem_alloc(4 * TLS13_SEAL_BYTES);

    (void)state;
    bufq_push(&text, plain, 4 * TLS13_SEAL_BYTES);
    for (int i = 0; i < 4; i++) {
        tls13_seal(&k, TLS13_DATA, &text, TLS13_SEAL_BYTES, &records);
    }
    assert_int_equal(bufq_front(&records).len, CHUNK_LARGE_BYTES);
    bufq_clear(&records);
    mem_free(plain);
    tls13_keys_deinit(&k);
}

/* The cipher for bulk takes over on either side when that side has seen enough. */
static void bulk_and_new_keys_change_no_byte(void **state)
{
    enum { RECORDS = 3 * TLS13_WIDE_AFTER_BYTES / TLS13_SEAL_BYTES, UPDATE_EVERY = 50 };
    struct tls13_keys there = keys(), back = keys();
    uint8_t *plain = mem_alloc(TLS13_SEAL_BYTES);
    struct bufq text = {0}, record = {0};

    (void)state;
    random_bytes(plain, TLS13_SEAL_BYTES);
    for (int i = 1; i <= RECORDS; i++) {
        bufq_push(&text, plain, TLS13_SEAL_BYTES);
        tls13_seal(&there, TLS13_DATA, &text, TLS13_SEAL_BYTES, &record);
        assert_opens(&back, &record, 0, plain, TLS13_SEAL_BYTES);
        if (i % UPDATE_EVERY == 0) {
            tls13_keys_update(&there);
            tls13_keys_update(&back);
        }
    }
    assert_int_equal(there.small_bytes_left, 0);
    assert_int_equal(back.small_bytes_left, 0);
    mem_free(plain);
    tls13_keys_deinit(&there);
    tls13_keys_deinit(&back);
}

static void padding_is_taken_off(void **state)
{
    static const char padded[] = "padded\x17\0\0\0\0\0"; /* its own inner type, then padding */
    struct tls13_keys there = keys(), back = keys();
    struct bufq text = {0}, record = {0}, out = {0};
    gnutls_alert_description_t alert;
    enum tls13_type type;

    (void)state;
    bufq_push(&text, padded, sizeof padded - 1);
    tls13_seal(&there, 0, &text, text.bytes, &record);
    assert_int_equal(tls13_open(&back, &record, &out, &type, &alert), 0);
    assert_int_equal(type, TLS13_DATA);
    assert_true(slice_is(bufq_front(&out), "padded"));
    bufq_clear(&out);
    tls13_keys_deinit(&there);
    tls13_keys_deinit(&back);
}

/* A record of `length` behind the head: so much content, its type, and padding. */
static void seal_padded(struct tls13_keys *k, size_t content_bytes, size_t length,
                        struct bufq *record_out)
{
    const size_t n = length - TLS13_TAG_BYTES;
    const uint8_t head[TLS13_HEAD_BYTES] = {TLS13_DATA, 3, 3, (uint8_t)(length >> 8),
                                            (uint8_t)length};
    uint8_t *inner = mem_alloc(n), *record = mem_alloc(sizeof head + length);
    uint8_t nonce[TLS13_IV_BYTES];
    struct bufq text = {0};

    inner[content_bytes] = TLS13_DATA;
    memcpy(record, head, sizeof head);
    bufq_push(&text, inner, n - 1);
    tls13_keys_next(k, length, nonce);
    k->cipher->ops->seal(k->cipher, nonce, record, &text, n - 1, inner[n - 1]);
    bufq_push(record_out, record, sizeof head + length);
    mem_free(inner);
    mem_free(record);
}

static void the_largest_record_opens_and_no_larger_content(void **state)
{
    struct tls13_keys there = keys(), back = keys();
    struct bufq record = {0}, out = {0};
    gnutls_alert_description_t alert;
    enum tls13_type type;

    (void)state;
    for (int i = 0; i < 2; i++) { /* the second is behind the cipher's change, if there is one */
        seal_padded(&there, TLS13_PLAIN_MAX_BYTES, TLS13_CIPHER_MAX_BYTES, &record);
        assert_int_equal(tls13_open(&back, &record, &out, &type, &alert), 0);
        assert_int_equal(type, TLS13_DATA);
        assert_int_equal(out.bytes, TLS13_PLAIN_MAX_BYTES);
        assert_true(bufq_is_empty(&record));
        bufq_clear(&out);
    }
    seal_padded(&there, TLS13_PLAIN_MAX_BYTES + 1, TLS13_CIPHER_MAX_BYTES, &record);
    assert_int_equal(tls13_open(&back, &record, &out, &type, &alert), ERR_TLS);
    assert_int_equal(alert, GNUTLS_A_RECORD_OVERFLOW);
    assert_true(bufq_is_empty(&out));
    bufq_clear(&record);
    tls13_keys_deinit(&there);
    tls13_keys_deinit(&back);
}

/* ---- what is refused ---- */

static void assert_refused(const void *bytes, size_t n, gnutls_alert_description_t expected)
{
    struct tls13_keys k = keys();
    struct bufq in = {0}, out = {0};
    gnutls_alert_description_t alert = 0;
    enum tls13_type type;

    bufq_push(&in, bytes, n);
    assert_true(tls13_has_record(&in));
    assert_int_equal(tls13_open(&k, &in, &out, &type, &alert), ERR_TLS);
    assert_int_equal(alert, expected);
    assert_true(bufq_is_empty(&out));
    bufq_clear(&in);
    tls13_keys_deinit(&k);
}

static void heads_that_cannot_be_are_refused_before_the_rest_has_come(void **state)
{
    (void)state;
    assert_refused("\x16\x03\x03\x00\x40", 5, GNUTLS_A_UNEXPECTED_MESSAGE); /* not encrypted */
    assert_refused("\x14\x03\x03\x00\x01", 5, GNUTLS_A_UNEXPECTED_MESSAGE);
    assert_refused("\x17\x02\x03\x00\x40", 5, GNUTLS_A_UNEXPECTED_MESSAGE);
    assert_refused("\x17\x03\x03\x41\x01", 5, GNUTLS_A_RECORD_OVERFLOW);
    assert_refused("\x17\x03\x03\x00\x10", 5, GNUTLS_A_BAD_RECORD_MAC); /* a tag and nothing else */
    assert_refused("HTTP/1.1 400", 12, GNUTLS_A_UNEXPECTED_MESSAGE);
}

static void each_changed_bit_is_noticed(void **state)
{
    struct tls13_keys k = keys();
    struct bufq text = {0}, record = {0};
    uint8_t bytes[8 + TLS13_OVERHEAD_BYTES];

    (void)state;
    bufq_push(&text, "secret!!", 8);
    tls13_seal(&k, TLS13_DATA, &text, 8, &record);
    bufq_peek(&record, bytes, sizeof bytes);
    for (size_t i = 8 * TLS13_HEAD_BYTES; i < 8 * sizeof bytes; i++) {
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_refused(bytes, sizeof bytes, GNUTLS_A_BAD_RECORD_MAC);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    bytes[2] = 4; /* the head is sealed too */
    assert_refused(bytes, sizeof bytes, GNUTLS_A_BAD_RECORD_MAC);
    bufq_clear(&record);
    tls13_keys_deinit(&k);
}

static void a_record_twice_is_refused(void **state)
{
    struct tls13_keys there = keys(), back = keys();
    struct bufq text = {0}, record = {0}, out = {0};
    gnutls_alert_description_t alert;
    enum tls13_type type;
    uint8_t bytes[1 + TLS13_OVERHEAD_BYTES];

    (void)state;
    bufq_push(&text, "x", 1);
    tls13_seal(&there, TLS13_DATA, &text, 1, &record);
    bufq_peek(&record, bytes, sizeof bytes);
    bufq_push(&record, bytes, sizeof bytes);
    assert_int_equal(tls13_open(&back, &record, &out, &type, &alert), 0);
    assert_int_equal(tls13_open(&back, &record, &out, &type, &alert), ERR_TLS);
    bufq_clear(&record);
    bufq_clear(&out);
    tls13_keys_deinit(&there);
    tls13_keys_deinit(&back);
}

static void content_without_a_type_is_refused(void **state)
{
    static const uint8_t types[] = {0, 1, 20, 24, 255};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct tls13_keys k = keys();
        struct bufq text = {0}, record = {0};
        uint8_t bytes[TLS13_OVERHEAD_BYTES];

        tls13_seal(&k, (enum tls13_type)types[i], &text, 0, &record);
        bufq_peek(&record, bytes, sizeof bytes);
        assert_refused(bytes, sizeof bytes, GNUTLS_A_UNEXPECTED_MESSAGE);
        bufq_clear(&record);
        tls13_keys_deinit(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_those_of_the_rfc),
        cmocka_unit_test(a_suite_of_other_sizes_is_not_ours),
        cmocka_unit_test(what_was_sealed_opens_at_any_size_and_cut),
        cmocka_unit_test(four_records_fill_a_chunk),
        cmocka_unit_test(bulk_and_new_keys_change_no_byte),
        cmocka_unit_test(padding_is_taken_off),
        cmocka_unit_test(the_largest_record_opens_and_no_larger_content),
        cmocka_unit_test(heads_that_cannot_be_are_refused_before_the_rest_has_come),
        cmocka_unit_test(each_changed_bit_is_noticed),
        cmocka_unit_test(a_record_twice_is_refused),
        cmocka_unit_test(content_without_a_type_is_refused),
    };
    int failed_small = cmocka_run_group_tests_name("small", tests, NULL, NULL);
    int failed_bulk = cmocka_run_group_tests_name("bulk", tests, start_bulk, NULL);

    return failed_small + failed_bulk;
}
