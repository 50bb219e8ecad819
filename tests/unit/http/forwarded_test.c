/* What origins are told of visitors: strangers' claims go, listed proxies' stay. */
#include "http/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/text.h"
#include "support/request_head.h"

static const struct forwarded_facts stranger = {.address = {"203.0.113.5", 11},
                                                .proto = {"https", 5}};
static const struct forwarded_facts proxy = {
    .address = {"10.0.0.1", 8}, .proto = {"http", 4}, .is_peer_trusted = true};
static const struct forwarded_facts six = {.address = {"2001:db8::1", 11}, .proto = {"http", 4}};

static struct http_head request(void)
{
    struct http_head h = {0};

    request_head(&h, "GET", "site:8080", "/");
    return h;
}

static void assert_fields(const struct http_head *h, const char *expected)
{
    struct text t = {0};

    HTTP_HEAD_EACH (h, field) {
        text_addf(&t, "%.*s: %.*s\n", SLICE_ARG(field->name), SLICE_ARG(field->value));
    }
    assert_string_equal(text_str(&t), expected);
    text_deinit(&t);
}

static void claims_under_other_names_go_too(void **state)
{
    static const char *const claims[] = {
        "X_Forwarded_For",  "x_real-ip",
        "Content_Length",   "TRANSFER_ENCODING",
        "X-Forwarded-User", "X_Forwarded-Email",
        "X-Forwarded-",     "X-Forwarded-A-Name-That-Is-Longer-Than-Any-We-Know",
    };
    struct http_head h = request();

    (void)state;
    forwarded_add(&h, &stranger);
    uint32_t before = h.field_count;
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        http_head_add_name(&h, slice_str(claims[i]), SLICE("1.1.1.1"));
    }
    http_head_add_name(&h, SLICE("api_key"), SLICE("stays"));
    http_head_add_name(&h, SLICE("X-Forward"), SLICE("stays"));
    forwarded_add(&h, &stranger);
    assert_int_equal(h.field_count, before + 2);
    assert_non_null(http_head_find_name(&h, SLICE("api_key")));
    http_head_clear(&h);
}

static void strangers_claims_are_replaced(void **state)
{
    struct http_head h = request();

    (void)state;
    http_head_add_name(&h, SLICE("x-forwarded-for"), SLICE("1.1.1.1"));
    http_head_add_name(&h, SLICE("X-FORWARDED-FOR"), SLICE("2.2.2.2"));
    http_head_add(&h, HTTP_X_FORWARDED_PORT, SLICE("1"));
    http_head_add(&h, HTTP_X_REAL_IP, SLICE("1.1.1.1"));
    http_head_add(&h, HTTP_FORWARDED, SLICE("for=1.1.1.1"));
    assert_true(slice_is(forwarded_visitor(&h, &stranger), "203.0.113.5"));
    forwarded_add(&h, &stranger);
    assert_fields(&h, "X-Forwarded-For: 203.0.113.5\n"
                      "X-Forwarded-Proto: https\n"
                      "X-Forwarded-Host: site:8080\n"
                      "X-Real-IP: 203.0.113.5\n"
                      "Forwarded: for=203.0.113.5;host=\"site:8080\";proto=https\n");
    http_head_clear(&h);
}

static void trusted_proxies_claims_are_extended(void **state)
{
    struct http_head h = request();

    (void)state;
    http_head_add(&h, HTTP_X_FORWARDED_FOR, SLICE("9.9.9.9"));
    http_head_add(&h, HTTP_X_FORWARDED_FOR, SLICE("1.1.1.1"));
    http_head_add(&h, HTTP_X_FORWARDED_PROTO, SLICE("https"));
    http_head_add(&h, HTTP_FORWARDED, SLICE("for=1.1.1.1"));
    assert_true(slice_is(forwarded_visitor(&h, &proxy), "1.1.1.1"));
    forwarded_add(&h, &proxy);
    assert_fields(&h, "X-Forwarded-Proto: https\n"
                      "X-Real-IP: 1.1.1.1\n"
                      "X-Forwarded-For: 9.9.9.9, 1.1.1.1, 10.0.0.1\n"
                      "X-Forwarded-Host: site:8080\n"
                      "Forwarded: for=1.1.1.1, for=10.0.0.1;host=\"site:8080\";proto=http\n");
    http_head_clear(&h);
}

static void a_trusted_proxy_that_says_nothing_is_the_visitor(void **state)
{
    struct http_head h = request();

    (void)state;
    forwarded_add(&h, &proxy);
    assert_true(slice_is(http_head_value(&h, HTTP_X_FORWARDED_FOR), "10.0.0.1"));
    assert_true(slice_is(http_head_value(&h, HTTP_X_REAL_IP), "10.0.0.1"));
    http_head_clear(&h);
}

static void v6_addresses_are_bracketed_where_the_rfc_says(void **state)
{
    struct http_head h = request();

    (void)state;
    forwarded_add(&h, &six);
    assert_true(slice_is(http_head_value(&h, HTTP_X_FORWARDED_FOR), "2001:db8::1"));
    assert_true(slice_is(http_head_value(&h, HTTP_FORWARDED),
                         "for=\"[2001:db8::1]\";host=\"site:8080\";proto=http"));
    http_head_clear(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_claims_are_replaced),
        cmocka_unit_test(claims_under_other_names_go_too),
        cmocka_unit_test(trusted_proxies_claims_are_extended),
        cmocka_unit_test(a_trusted_proxy_that_says_nothing_is_the_visitor),
        cmocka_unit_test(v6_addresses_are_bracketed_where_the_rfc_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
