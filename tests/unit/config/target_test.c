/* TARGET: every form of the grammar, and what a wrong one is told. */
#include "config/target.h"

#include "support/check.h"

static void check_shown(const char *written, bool is_http, const char *shown)
{
    struct target target;
    struct errinfo info = {0};
    struct text t = {0};

    if (target_parse(slice_str(written), &target, &info) < 0) {
        fail_msg("'%s': %s", written, info.text);
    }
    target_show(&t, &target, is_http);
    check_text(&t, shown);
    target_deinit(&target);
}

static void a_bare_port_is_on_this_machine(void **state)
{
    (void)state;
    check_shown("3000", true, "http://127.0.0.1:3000");
    check_shown(":3000", true, "http://127.0.0.1:3000");
    check_shown("22", false, "tcp://127.0.0.1:22");
}

static void a_host_with_a_port_takes_the_kind_of_its_tunnel(void **state)
{
    (void)state;
    check_shown("db:5432", false, "tcp://db:5432");
    check_shown("[::1]:3000", true, "http://[::1]:3000");
}

static void urls_keep_their_scheme_and_default_port(void **state)
{
    (void)state;
    check_shown("http://app", true, "http://app:80");
    check_shown("https://app/", true, "https://app:443");
    check_shown("HTTP://app:3000", true, "http://app:3000");
    check_shown("tcp://127.0.0.1:22", true, "tcp://127.0.0.1:22");
}

static void sockets_and_folders_are_paths(void **state)
{
    (void)state;
    check_shown("unix:/run/app.sock", true, "unix:/run/app.sock");
    check_shown("file:/srv/www", true, "file:/srv/www");
    check_shown("file:///srv/www", true, "file:/srv/www");
    check_shown("file:./site", true, "file:./site");
}

static void check_refused(const char *written, const char *says)
{
    struct target target;
    struct errinfo info = {0};

    if (target_parse(slice_str(written), &target, &info) == 0) {
        fail_msg("'%s' was taken", written);
    }
    check_has(info.text, says);
    assert_null(target.host);
    assert_null(target.path);
}

static void a_wrong_target_says_what_to_write(void **state)
{
    (void)state;
    check_refused("", "is no target");
    check_refused("0", "is no target");
    check_refused("70000", "is no target");
    check_refused("host", "is no target");
    check_refused("tcp://host", "is no target");
    check_refused("http://host:3000/api", "a target has no path");
    check_refused("http://user@host:3000", "is no target");
    check_refused("http:3000", "write http://HOST:3000");
    check_refused("unix:", "no path");
    check_refused("udp://127.0.0.1:19132", "unknown scheme 'udp'");
    check_refused("quic://h:1", "unknown scheme 'quic'");
}

static void equal_targets_are_equal_however_written(void **state)
{
    struct target a, b, c;
    (void)state;
    assert_int_equal(target_parse(SLICE("3000"), &a, NULL), 0);
    assert_int_equal(target_parse(SLICE("127.0.0.1:3000"), &b, NULL), 0);
    assert_int_equal(target_parse(SLICE("http://127.0.0.1:3000"), &c, NULL), 0);
    assert_true(target_equal(&a, &b));
    assert_false(target_equal(&a, &c));
    target_deinit(&a);
    target_deinit(&b);
    target_deinit(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_port_is_on_this_machine),
        cmocka_unit_test(a_host_with_a_port_takes_the_kind_of_its_tunnel),
        cmocka_unit_test(urls_keep_their_scheme_and_default_port),
        cmocka_unit_test(sockets_and_folders_are_paths),
        cmocka_unit_test(a_wrong_target_says_what_to_write),
        cmocka_unit_test(equal_targets_are_equal_however_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
