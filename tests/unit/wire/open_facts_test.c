#include "wire/open_facts.h"

#include "wire/wire_check.h"

static void facts_come_back_as_they_were(void **state)
{
    struct open_facts in = {
        .visitor = SLICE("\xcb\0\x71\5"),
        .visitor_port = 54321,
        .relay_host = SLICE("blog.t.example.com"),
        .relay_port = 443,
        .scheme = SLICE("https"),
        .is_exchange = true,
    };
    struct open_facts out;
    uint8_t bytes[OPEN_FACTS_MAX_BYTES];
    size_t n;

    (void)state;
    assert_int_equal(open_facts_encode(&in, bytes, sizeof bytes, &n), 0);
    struct slice tight = tight_copy(slice_of(bytes, n));
    assert_int_equal(open_facts_decode(tight, &out, NULL), 0);
    assert_true(slice_equal(out.visitor, in.visitor) && out.visitor_port == 54321);
    assert_true(slice_equal(out.relay_host, in.relay_host) && out.relay_port == 443);
    assert_true(slice_is(out.scheme, "https") && out.is_exchange);
    free((void *)tight.ptr);
}

static void the_encoding_is_the_page_s_vector(void **state)
{
    struct open_facts in = {
        .visitor = SLICE("\x7f\0\0\1"), .visitor_port = 80, .is_exchange = true};
    uint8_t bytes[OPEN_FACTS_MAX_BYTES];
    struct bufq q = {0};
    size_t n;

    (void)state;
    assert_int_equal(open_facts_encode(&in, bytes, sizeof bytes, &n), 0);
    bufq_push(&q, bytes, n);
    assert_hex(&q, "0001 0004 7f000001 0002 0002 0050 8006 0000");
}

static void the_largest_facts_fit_and_larger_ones_do_not(void **state)
{
    static const char text[OPEN_TEXT_MAX_BYTES + 1] = {0};
    struct slice longest = slice_of(text, OPEN_TEXT_MAX_BYTES);
    struct open_facts f = {SLICE("0123456789abcdef"), 1, longest, 1, longest, true};
    uint8_t bytes[OPEN_FACTS_MAX_BYTES];
    size_t n;

    (void)state;
    assert_int_equal(open_facts_encode(&f, bytes, sizeof bytes, &n), 0);
    assert_int_equal(open_facts_encode(&f, bytes, n - 1, &n), ERR_TOO_LARGE);
    f.scheme = slice_of(text, sizeof text);
    assert_int_equal(open_facts_encode(&f, bytes, sizeof bytes, &n), ERR_TOO_LARGE);
}

static void an_address_has_four_or_sixteen_bytes(void **state)
{
    struct open_facts out;

    (void)state;
    assert_int_equal(open_facts_decode(SLICE("\0\1\0\5abcde"), &out, NULL), ERR_PROTOCOL);
    assert_int_equal(open_facts_decode(SLICE(""), &out, NULL), 0);
    assert_int_equal(out.visitor.len, 0);
}

static void opened_tells_the_alpn(void **state)
{
    struct opened_facts out;
    uint8_t bytes[OPEN_FACTS_MAX_BYTES];
    size_t n;

    (void)state;
    assert_int_equal(
        opened_facts_encode(&(struct opened_facts){SLICE("h2")}, bytes, sizeof bytes, &n), 0);
    assert_int_equal(opened_facts_decode(slice_of(bytes, n), &out, NULL), 0);
    assert_true(slice_is(out.alpn, "h2"));
    assert_int_equal(opened_facts_decode(slice_of(bytes, n - 1), &out, NULL), ERR_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_come_back_as_they_were),
        cmocka_unit_test(the_encoding_is_the_page_s_vector),
        cmocka_unit_test(the_largest_facts_fit_and_larger_ones_do_not),
        cmocka_unit_test(an_address_has_four_or_sixteen_bytes),
        cmocka_unit_test(opened_tells_the_alpn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
