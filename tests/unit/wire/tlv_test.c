#include "wire/tlv.h"

#include "base/mem.h"
#include "wire/wire_check.h"

struct sample {
    struct slice name;
    struct slice blob;
    uint16_t port;
    uint32_t limit;
    bool is_shared;
};

static const struct tlv_rule rules[] = {
    {1, TLV_KIND_TEXT, 8, offsetof(struct sample, name)},
    {2, TLV_KIND_BLOB, 4, offsetof(struct sample, blob)},
    {3, TLV_KIND_U16, 0, offsetof(struct sample, port)},
    {4, TLV_KIND_U32, 0, offsetof(struct sample, limit)},
    {5 | TLV_CRITICAL, TLV_KIND_FLAG, 0, offsetof(struct sample, is_shared)},
};

static int decode(struct slice bytes, struct sample *out)
{
    struct slice tight = tight_copy(bytes);
    struct reader r = reader_of(tight);

    *out = (struct sample){0};
    int err = tlv_read_record(&r, rules, COUNT_OF(rules), out, NULL);
    free((void *)tight.ptr);
    return err;
}

static void a_record_comes_back_as_it_was(void **state)
{
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct sample in = {SLICE("name"), SLICE("\0\1\2"), 80, 1u << 31, true}, out = {0};

    (void)state;
    tlv_write_record(&w, rules, COUNT_OF(rules), &in);
    assert_false(w.has_failed);
    struct reader r = reader_of(slice_of(bytes, writer_len(&w)));
    assert_int_equal(tlv_read_record(&r, rules, COUNT_OF(rules), &out, NULL), 0);
    assert_true(slice_is(out.name, "name") && slice_equal(out.blob, in.blob));
    assert_true(out.port == 80 && out.limit == 1u << 31 && out.is_shared);
}

static void what_is_empty_costs_nothing(void **state)
{
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);

    (void)state;
    tlv_write_record(&w, rules, COUNT_OF(rules), &(struct sample){0});
    assert_int_equal(writer_len(&w), 0);
}

static void every_truncation_but_between_facts_is_refused(void **state)
{
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct sample out;

    (void)state;
    tlv_write_u16(&w, 3, 80);
    tlv_write(&w, 1, SLICE("name"));
    for (size_t n = 0; n <= writer_len(&w); n++) {
        bool is_between = n == 0 || n == 6 || n == writer_len(&w);
        assert_int_equal(decode(slice_of(bytes, n), &out), is_between ? 0 : ERR_PROTOCOL);
    }
}

static void limits_sizes_and_repeats_are_refused(void **state)
{
    struct sample out;

    (void)state;
    assert_int_equal(decode(SLICE("\0\1\0\10abcdefgh"), &out), 0);
    assert_int_equal(decode(SLICE("\0\1\0\11abcdefghi"), &out), ERR_TOO_LARGE);
    assert_int_equal(decode(SLICE("\0\2\0\5abcde"), &out), ERR_TOO_LARGE);
    assert_int_equal(decode(SLICE("\0\3\0\3abc"), &out), ERR_PROTOCOL);
    assert_int_equal(decode(SLICE("\0\4\0\2ab"), &out), ERR_PROTOCOL);
    assert_int_equal(decode(SLICE("\x80\5\0\1a"), &out), ERR_PROTOCOL);
    assert_int_equal(decode(SLICE("\0\1\0\1a\0\1\0\1a"), &out), ERR_PROTOCOL);
    assert_int_equal(decode(SLICE("\0\1\0\2a\n"), &out), ERR_PROTOCOL);
    assert_int_equal(decode(SLICE("\0\2\0\2a\n"), &out), 0);

    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    tlv_write_record(&w, rules, COUNT_OF(rules), &(struct sample){.name = SLICE("too long a")});
    assert_true(w.has_failed);
}

static void unknown_facts_are_skipped_unless_critical(void **state)
{
    struct sample out;

    (void)state;
    assert_int_equal(decode(SLICE("\x7f\1\0\3abc\0\3\0\2\0\x50"), &out), 0);
    assert_int_equal(out.port, 80);
    assert_int_equal(decode(SLICE("\xff\1\0\3abc"), &out), ERR_PROTOCOL);
    assert_int_equal(decode(SLICE("\0\5\0\0"), &out), 0); /* known, told without the bit */
    assert_true(out.is_shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_comes_back_as_it_was),
        cmocka_unit_test(what_is_empty_costs_nothing),
        cmocka_unit_test(every_truncation_but_between_facts_is_refused),
        cmocka_unit_test(limits_sizes_and_repeats_are_refused),
        cmocka_unit_test(unknown_facts_are_skipped_unless_critical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
