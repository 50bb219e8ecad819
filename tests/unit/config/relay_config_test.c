/* relay.yml: one key per flag. */
#include "config/relay_config.h"

#include "support/check.h"

static struct relay_config config;
static struct problems problems;

static int setup(void **state)
{
    (void)state;
    relay_config_init(&config);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    relay_config_deinit(&config);
    problems_deinit(&problems);
    return 0;
}

static void an_empty_file_gives_the_contract_s_defaults(void **state)
{
    (void)state;
    assert_int_equal(relay_config_read(&config, "relay.yml", SLICE(""), &problems), 0);
    assert_string_equal(config.listen.host, "");
    assert_int_equal(config.listen.port, 8080);
    assert_int_equal(config.listen_tls.port, 0);
    assert_int_equal(config.admin.port, 0);
    assert_int_equal(config.tcp_ports.first, 1024);
    assert_int_equal(config.tcp_ports.last, 32767);
    assert_false(config.is_open);
    assert_null(config.domain);
    assert_int_equal(config.limits.handshake, 10000);
}

static void every_key_is_read(void **state)
{
    (void)state;
    assert_int_equal(relay_config_read(&config, "relay.yml",
                                       SLICE("listen: 127.0.0.1:80\nlisten_tls: \"[::]:443\"\n"
                                             "cert: c.pem\nkey: k.pem\ndomain: T.Example.com.\n"
                                             "data: /d\nopen: true\ninsecure: true\n"
                                             "admin: 127.0.0.1:9\ntcp_ports: 20000-20010\n"
                                             "workers: 3\naccess_log: \"-\"\n"
                                             "limits: {drain: 5s, head_size: 16K}\n"),
                                       &problems),
                     0);
    assert_int_equal(relay_config_check(&config, (struct origin){"relay.yml", 0}, &problems), 0);
    assert_string_equal(config.listen.host, "127.0.0.1");
    assert_string_equal(config.listen_tls.host, "::");
    assert_string_equal(config.domain, "t.example.com");
    assert_true(config.is_open);
    assert_true(config.is_insecure);
    assert_int_equal(config.workers, 3);
    assert_string_equal(config.access_log, "-");
    assert_int_equal(config.limits.drain, 5000);
    assert_int_equal(config.limits.head_size, 16384);
}

static void wrong_values_are_refused(void **state)
{
    (void)state;
    assert_int_equal(relay_config_read(&config, "relay.yml",
                                       SLICE("listen: nowhere\nworkers: 5000\ntcp_ports: 9-1\n"
                                             "limits: {drain: 5}\nlisten_tsl: 1\n"),
                                       &problems),
                     ERR_CONFIG);
    assert_int_equal(problems.count, 5);
    check_has(text_str(&problems.lines), "relay.yml:2: 'workers' must be a whole number from 0 to");
    check_has(text_str(&problems.lines), "did you mean 'listen_tls'?");
}

static void cert_and_key_belong_together(void **state)
{
    (void)state;
    assert_int_equal(relay_config_read(&config, "relay.yml", SLICE("cert: c.pem\n"), &problems), 0);
    assert_int_equal(relay_config_check(&config, (struct origin){"adit relay", 0}, &problems),
                     ERR_CONFIG);
    check_has(text_str(&problems.lines),
              "adit relay: cert and key belong together; key is missing");
}

static void a_domain_must_be_one(void **state)
{
    const char *const wrong[] = {"domain: '*.example.com'", "domain: a_b", "domain: 'x y'",
                                 "domain: a..b"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(relay_config_read(&config, "f", slice_str(wrong[i]), &problems), 0);
        assert_int_equal(relay_config_check(&config, (struct origin){"f", 0}, &problems),
                         ERR_CONFIG);
    }
}

int main(void)
{
#define CONFIG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(an_empty_file_gives_the_contract_s_defaults),
        CONFIG_TEST(every_key_is_read),
        CONFIG_TEST(wrong_values_are_refused),
        CONFIG_TEST(cert_and_key_belong_together),
        CONFIG_TEST(a_domain_must_be_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
