#include "net/addr.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/mem.h"

static const char *shown(const char *text)
{
    static char out[ADDR_TEXT_BYTES];
    struct addr a;

    return addr_parse(slice_str(text), &a) == 0 ? addr_show(&a, out) : "invalid";
}

static void addresses_are_shown_as_they_are_written(void **state)
{
    (void)state;
    static const char *const same[] = {
        "127.0.0.1:80",    "0.0.0.0:0",          "[::1]:65535",   "[::]:443",
        "[2001:db8::7]:1", "unix:/run/app.sock", "unix:relative", "[fe80::1%1]:22",
    };

    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_string_equal(shown(same[i]), same[i]);
    }
    assert_string_equal(shown(":8080"), "[::]:8080");
    assert_string_equal(shown("[0:0:0:0:0:0:0:1]:9"), "[::1]:9");
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "80",
        "localhost:80",
        "1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3:80",
        "1.2.3.4:+1",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1:80",
        "[]:80",
        "[::1]:80x",
        "unix:",
        "[::g]:80",
        "[::1%]:80",
        "[::1%nosuchif0]:80",
        "1.2.3.4:80 ",
        "[1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20]:80",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_string_equal(shown(wrong[i]), "invalid");
    }
}

static void a_unix_path_must_fit_and_hold_no_nul(void **state)
{
    (void)state;
    char path[200] = "unix:/";
    struct addr a;

    memset(path + 6, 'x', 106);
    assert_int_equal(addr_parse(slice_of(path, 5 + 107), &a), 0);
    assert_int_equal(addr_parse(slice_of(path, 5 + 108), &a), ERR_INVALID);
    assert_int_equal(addr_parse(slice_of("unix:/a\0b", 9), &a), ERR_INVALID);
    assert_int_equal(addr_parse(slice_of("127.0.0.1\0:80", 13), &a), ERR_INVALID);
}

static void host_and_port_come_apart(void **state)
{
    (void)state;
    struct slice host;
    uint16_t port;

    assert_int_equal(addr_split(SLICE("db.example:5432"), &host, &port), 0);
    assert_true(slice_is(host, "db.example"));
    assert_int_equal(port, 5432);
    assert_int_equal(addr_split(SLICE("[::1]:1"), &host, &port), 0);
    assert_true(slice_is(host, "::1"));
    assert_int_equal(addr_split(SLICE(":1"), &host, &port), 0);
    assert_int_equal(host.len, 0);
}

static void mapped_ipv4_becomes_ipv4(void **state)
{
    (void)state;
    struct addr mapped;
    struct addr plain;
    char text[ADDR_TEXT_BYTES];

    assert_int_equal(addr_parse(SLICE("[::ffff:10.1.2.3]:99"), &mapped), 0);
    assert_int_equal(addr_parse(SLICE("10.1.2.3:99"), &plain), 0);
    struct addr a = addr_of(&mapped.storage, mapped.len);
    assert_true(addr_equal(&a, &plain));
    assert_int_equal(a.len, sizeof(struct sockaddr_in));
    assert_string_equal(addr_show_host(&a, text), "10.1.2.3");
}

static struct addr parsed(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(slice_str(text), &a), 0);
    return a;
}

static void loopback_and_any_are_known(void **state)
{
    (void)state;
    struct addr a;

    a = parsed("127.9.9.9:1");
    assert_true(addr_is_loopback(&a));
    a = parsed("[::1]:1");
    assert_true(addr_is_loopback(&a) && !addr_is_any(&a));
    a = parsed("unix:/x");
    assert_true(addr_is_loopback(&a));
    a = parsed("128.0.0.1:1");
    assert_false(addr_is_loopback(&a));
    a = parsed(":1");
    assert_true(addr_is_any(&a) && !addr_is_loopback(&a));
}

static void hosts_of_this_machine_are_known(void **state)
{
    static const char *const near[] = {"localhost", "LocalHost", "a.b.localhost", "127.9.9.9",
                                       "::1"};
    static const char *const far[] = {"", "localhost.example", "xlocalhost", "128.0.0.1", "::2"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(near); i++) {
        assert_true(addr_is_loopback_host(slice_str(near[i])));
        assert_false(addr_is_loopback_host(slice_str(far[i])));
    }
}

static void an_ip_address_is_kept_in_brief(void **state)
{
    static const char *const texts[] = {"203.0.113.7:50000", "[2001:db8::7]:443"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct addr whole;
        assert_int_equal(addr_parse(slice_str(texts[i]), &whole), 0);
        struct addr_brief brief = addr_shorten(&whole);
        struct addr again = addr_lengthen(&brief);
        assert_int_equal(again.len, whole.len);
        assert_true(addr_equal(&again, &whole));
    }
    struct addr unix_socket;
    assert_int_equal(addr_parse(SLICE("unix:/run/app.sock"), &unix_socket), 0);
    struct addr_brief none = addr_shorten(&unix_socket);
    assert_int_equal(none.length, 0);
    assert_int_equal(addr_lengthen(&none).storage.ss_family, 0);
}

static void equality_looks_at_host_and_port(void **state)
{
    (void)state;
    struct addr a = parsed("10.0.0.1:1");
    struct addr b = parsed("10.0.0.1:2");
    struct addr c = parsed("unix:/a");
    struct addr d = parsed("unix:/b");

    assert_true(addr_equal_host(&a, &b));
    assert_false(addr_equal(&a, &b));
    addr_set_port(&b, 1);
    assert_true(addr_equal(&a, &b));
    assert_false(addr_equal(&a, &c));
    assert_false(addr_equal(&c, &d));
    assert_true(addr_equal(&c, &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_shown_as_they_are_written),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_unix_path_must_fit_and_hold_no_nul),
        cmocka_unit_test(host_and_port_come_apart),
        cmocka_unit_test(mapped_ipv4_becomes_ipv4),
        cmocka_unit_test(loopback_and_any_are_known),
        cmocka_unit_test(hosts_of_this_machine_are_known),
        cmocka_unit_test(an_ip_address_is_kept_in_brief),
        cmocka_unit_test(equality_looks_at_host_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
