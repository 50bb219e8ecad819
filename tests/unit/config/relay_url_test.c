/* Relay addresses and login words. */
#include "config/relay_url.h"

#include "support/check.h"

static struct relay_url parse(const char *s)
{
    struct relay_url url;
    struct errinfo info = {0};
    if (relay_url_parse(slice_str(s), &url, &info) < 0) {
        fail_msg("'%s': %s", s, info.text);
    }
    return url;
}

static void check_shown(const char *written, const char *shown)
{
    struct relay_url url = parse(written);
    struct text t = {0};
    relay_url_show(&t, &url);
    check_text(&t, shown);
}

static void a_bare_host_means_the_ladder_at_443(void **state)
{
    struct relay_url url = parse("T.Example.com");
    (void)state;
    assert_int_equal(url.carrier, RELAY_LADDER);
    assert_string_equal(url.host, "t.example.com");
    assert_int_equal(url.port, 443);
    assert_false(url.has_port);
    assert_true(parse("t.example.com:443").has_port);
}

static void every_carrier_has_its_port_and_shows_back(void **state)
{
    (void)state;
    check_shown("t.example.com", "t.example.com");
    check_shown("wss://t.example.com/", "wss://t.example.com");
    check_shown("ws://127.0.0.1:8080", "ws://127.0.0.1:8080");
    check_shown("ws://h:80", "ws://h");
    check_shown("tls://[::1]:8443", "tls://[::1]:8443");
    check_shown("tcp://h:8080", "tcp://h:8080");
}

static void check_refused(const char *s, const char *says)
{
    struct relay_url url;
    struct errinfo info = {0};
    if (relay_url_parse(slice_str(s), &url, &info) == 0) {
        fail_msg("'%s' was taken", s);
    }
    check_has(info.text, says);
}

static void what_is_no_relay_is_told_what_to_write(void **state)
{
    (void)state;
    check_refused("", "is no relay");
    check_refused("8080", "is no relay");
    check_refused(":8080", "is no relay");
    check_refused("wss://", "is no relay");
    check_refused("wss://h/path", "is no relay");
    check_refused("https://t.example.com", "write wss://t.example.com");
    check_refused("http://192.0.2.2:8080", "by http://; write 192.0.2.2:8080");
    check_refused("quic://h", "unknown carrier 'quic'");
}

static void only_real_loopback_counts_as_loopback(void **state)
{
    struct relay_url url = parse("ws://127.0.0.1:8080");
    (void)state;
    assert_true(relay_url_is_loopback(&url));
    url = parse("ws://[::1]:8080");
    assert_true(relay_url_is_loopback(&url));
    url = parse("ws://app.localhost");
    assert_true(relay_url_is_loopback(&url));
    url = parse("ws://127.0.0.1.example.com");
    assert_false(relay_url_is_loopback(&url));
    url = parse("ws://notlocalhost");
    assert_false(relay_url_is_loopback(&url));
}

static void only_ws_and_tcp_are_not_encrypted(void **state)
{
    struct relay_url url = parse("ws://h");
    (void)state;
    assert_false(relay_url_is_encrypted(&url));
    url = parse("tcp://h");
    assert_false(relay_url_is_encrypted(&url));
    url = parse("h");
    assert_true(relay_url_is_encrypted(&url));
}

#define PIN "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void a_login_word_has_a_relay_a_token_and_maybe_a_pin(void **state)
{
    struct slice relay, token, pin;
    (void)state;
    assert_int_equal(login_word_parse(SLICE("t.example.com#k7f2-abcd"), &relay, &token, &pin, NULL),
                     0);
    check_slice(relay, "t.example.com");
    check_slice(token, "k7f2-abcd");
    assert_int_equal(pin.len, 0);
    assert_int_equal(
        login_word_parse(SLICE("127.0.0.1:8080#k7f2#" PIN), &relay, &token, &pin, NULL), 0);
    check_slice(relay, "127.0.0.1:8080");
    check_slice(pin, PIN);
}

static void the_login_word_of_an_open_relay_has_no_token(void **state)
{
    struct slice relay, token, pin;
    (void)state;
    assert_int_equal(login_word_parse(SLICE("h:8080##" PIN), &relay, &token, &pin, NULL), 0);
    check_slice(relay, "h:8080");
    assert_int_equal(token.len, 0);
    check_slice(pin, PIN);
    assert_int_equal(login_word_parse(SLICE("h#"), &relay, &token, &pin, NULL), 0);
    assert_int_equal(token.len, 0);
}

static void a_login_word_with_a_part_missing_is_refused(void **state)
{
    struct slice relay, token, pin;
    const char *const wrong[] = {"", "t.example.com", "#k7f2", "h#k#", "h#k#sha1:x"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct errinfo info = {0};
        assert_true(login_word_parse(slice_str(wrong[i]), &relay, &token, &pin, &info) < 0);
        assert_true(info.text[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_host_means_the_ladder_at_443),
        cmocka_unit_test(every_carrier_has_its_port_and_shows_back),
        cmocka_unit_test(what_is_no_relay_is_told_what_to_write),
        cmocka_unit_test(only_real_loopback_counts_as_loopback),
        cmocka_unit_test(only_ws_and_tcp_are_not_encrypted),
        cmocka_unit_test(a_login_word_has_a_relay_a_token_and_maybe_a_pin),
        cmocka_unit_test(the_login_word_of_an_open_relay_has_no_token),
        cmocka_unit_test(a_login_word_with_a_part_missing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
