/* Values of files and flags: what is read, what is refused, and that shown values read back. */
#include "config/value.h"

#include "support/check.h"

static void durations_need_a_unit_and_zero_does_not(void **state)
{
    uint64_t ms = 7;
    (void)state;
    assert_int_equal(value_duration_ms(SLICE("500ms"), &ms), 0);
    assert_int_equal(ms, 500);
    assert_int_equal(value_duration_ms(SLICE("10s"), &ms), 0);
    assert_int_equal(ms, 10000);
    assert_int_equal(value_duration_ms(SLICE("24h"), &ms), 0);
    assert_int_equal(ms, 86400000);
    assert_int_equal(value_duration_ms(SLICE("0"), &ms), 0);
    assert_int_equal(ms, 0);
    const char *const wrong[] = {"", "10", "s", "-1s", "1.5s", "10 s", "10S", "10sec", "s10"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(value_duration_ms(slice_str(wrong[i]), &ms), ERR_INVALID);
    }
}

static void a_value_that_does_not_fit_is_too_large(void **state)
{
    uint64_t n;
    (void)state;
    assert_int_equal(value_duration_ms(SLICE("999999999999999999d"), &n), ERR_TOO_LARGE);
    assert_int_equal(value_size_bytes(SLICE("17179869184G"), &n), ERR_TOO_LARGE);
    assert_int_equal(value_size_bytes(SLICE("99999999999999999999"), &n), ERR_TOO_LARGE);
}

static void sizes_are_powers_of_1024(void **state)
{
    uint64_t n;
    (void)state;
    assert_int_equal(value_size_bytes(SLICE("64K"), &n), 0);
    assert_int_equal(n, 65536);
    assert_int_equal(value_size_bytes(SLICE("4096"), &n), 0);
    assert_int_equal(n, 4096);
    assert_int_equal(value_size_bytes(SLICE("1k"), &n), ERR_INVALID);
}

static void ports_are_1_to_65535(void **state)
{
    uint16_t port = 0;
    (void)state;
    assert_int_equal(value_port(SLICE("65535"), &port), 0);
    assert_int_equal(port, 65535);
    assert_true(value_port(SLICE("0"), &port) < 0);
    assert_true(value_port(SLICE("65536"), &port) < 0);
    assert_true(value_port(SLICE("22:22"), &port) < 0);
    assert_true(value_port(SLICE(" 22"), &port) < 0);
}

static void port_ranges_go_upward(void **state)
{
    struct port_range r;
    (void)state;
    assert_int_equal(value_port_range(SLICE("1024-32767"), &r), 0);
    assert_int_equal(r.first, 1024);
    assert_int_equal(r.last, 32767);
    assert_int_equal(value_port_range(SLICE("6000"), &r), 0);
    assert_int_equal(r.last, 6000);
    assert_true(value_port_range(SLICE("7000-6000"), &r) < 0);
    assert_true(value_port_range(SLICE("6000-"), &r) < 0);
    assert_true(value_port_range(SLICE("-6000"), &r) < 0);
    assert_true(value_port_range(SLICE("1-2-3"), &r) < 0);
}

static void check_address(const char *s, uint16_t default_port, const char *host, unsigned port)
{
    struct address a;
    assert_int_equal(value_address(slice_str(s), default_port, &a), 0);
    assert_string_equal(a.host, host);
    assert_int_equal(a.port, port);
}

static void addresses_of_every_form_are_cut(void **state)
{
    (void)state;
    check_address("127.0.0.1:8080", 0, "127.0.0.1", 8080);
    check_address("[::]:443", 0, "::", 443);
    check_address("[2001:db8::1]", 80, "2001:db8::1", 80);
    check_address(":8080", 0, "", 8080);
    check_address("8080", 0, "", 8080);
    check_address("t.example.com", 443, "t.example.com", 443);
}

static void what_is_no_address_is_refused(void **state)
{
    struct address a;
    const char *const wrong[] = {"",       "host",   "host:",   "host:0",    "a b:1",
                                 "::1:80", "[::1",   "[::1]80", "[zz]:80",   "host:80:80",
                                 "a/b:80", "a..b:1", "[::1]:",  "host:http", "user@h:1"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (value_address(slice_str(wrong[i]), 0, &a) == 0) {
            fail_msg("'%s' was taken", wrong[i]);
        }
    }
}

static void a_v6_address_is_shown_in_brackets(void **state)
{
    struct text t = {0};
    (void)state;
    value_show_address(&t, &(struct address){"::1", 80});
    check_text(&t, "[::1]:80");
    value_show_address(&t, &(struct address){"", 8080});
    check_text(&t, ":8080");
}

static void bools_are_words(void **state)
{
    bool b = false;
    (void)state;
    assert_int_equal(value_bool(SLICE("yes"), &b), 0);
    assert_true(b);
    assert_int_equal(value_bool(SLICE("Off"), &b), 0);
    assert_false(b);
    assert_int_equal(value_bool(SLICE("1"), &b), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_need_a_unit_and_zero_does_not),
        cmocka_unit_test(a_value_that_does_not_fit_is_too_large),
        cmocka_unit_test(sizes_are_powers_of_1024),
        cmocka_unit_test(ports_are_1_to_65535),
        cmocka_unit_test(port_ranges_go_upward),
        cmocka_unit_test(addresses_of_every_form_are_cut),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_v6_address_is_shown_in_brackets),
        cmocka_unit_test(bools_are_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
