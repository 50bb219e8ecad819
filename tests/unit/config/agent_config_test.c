/* adit.yml: what it says, what is wrong with it, what changed, and saving one tunnel into it. */
#include "config/agent_config.h"

#include <stdlib.h>
#include <unistd.h>

#include "support/check.h"
#include "support/folder.h"

static struct agent_config config;
static struct problems problems;

static int setup(void **state)
{
    (void)state;
    agent_config_init(&config);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    agent_config_deinit(&config);
    problems_deinit(&problems);
    return 0;
}

static void read_good(const char *yaml)
{
    if (agent_config_read(&config, "adit.yml", slice_str(yaml), &problems) < 0) {
        fail_msg("%s", text_str(&problems.lines));
    }
}

static void check_wrong(const char *yaml, const char *says)
{
    struct agent_config wrong;
    struct problems found = {0};

    agent_config_init(&wrong);
    if (agent_config_read(&wrong, "adit.yml", slice_str(yaml), &found) == 0) {
        fail_msg("was taken: %s", yaml);
    }
    check_has(text_str(&found.lines), says);
    agent_config_deinit(&wrong);
    problems_deinit(&found);
}

static void the_file_of_the_contract_is_read(void **state)
{
    (void)state;
    setenv("ADIT_TEST_TOKEN", "k7f2-secret", 1);
    read_good("relay: wss://t.example.com\n"
              "token: {env: ADIT_TEST_TOKEN}\n"
              "tunnels:\n"
              "  web:   3000\n"
              "  blog:  {target: 8080, subdomain: Journal, path: /b, share: yes}\n"
              "  shop:  {target: \"https://10.0.0.2\", host: [shop.example.com, "
              "\"*.shop.example.com\"]}\n"
              "  ssh:   {target: \"tcp://127.0.0.1:22\", port: 6000}\n"
              "  db:    {target: db:5432, port: 6001}\n"
              "  app:   {target: unix:/run/app.sock, kind: tcp}\n");
    assert_string_equal(config.relay, "wss://t.example.com");
    assert_string_equal(config.token.text, "k7f2-secret");
    assert_int_equal(config.tunnels.count, 6);
    const struct tunnel_config *t = agent_config_find(&config, "web");
    assert_int_equal(t->kind, TUNNEL_HTTP);
    assert_string_equal(t->subdomain, "web");
    assert_int_equal(t->target.port, 3000);
    t = agent_config_find(&config, "blog");
    assert_string_equal(t->subdomain, "journal");
    assert_string_equal(t->path, "/b");
    assert_true(t->is_shared);
    t = agent_config_find(&config, "shop");
    assert_null(t->subdomain);
    assert_string_equal(t->hosts.items[1], "*.shop.example.com");
    t = agent_config_find(&config, "ssh");
    assert_int_equal(t->kind, TUNNEL_TCP);
    assert_int_equal(t->port, 6000);
    assert_int_equal(agent_config_find(&config, "db")->kind, TUNNEL_TCP);
    assert_int_equal(agent_config_find(&config, "app")->kind, TUNNEL_TCP);
    assert_null(agent_config_find(&config, "nobody"));
}

static void text_keys_keep_what_yaml_would_guess(void **state)
{
    (void)state;
    read_good("token: 010\nstate: no\ntunnels: {web: {target: 1, subdomain: 22}}\n");
    assert_string_equal(config.token.text, "010");
    assert_string_equal(config.state, "no");
    assert_string_equal(config.tunnels.items[0].subdomain, "22");
}

static void defaults_hold_where_the_file_is_silent(void **state)
{
    (void)state;
    read_good("limits: {origin_connect: 3s}\ntunnels:\n");
    assert_int_equal(config.limits.origin_connect, 3000);
    assert_int_equal(config.limits.grace, 60000);
    assert_int_equal(config.limits.initial_window, 8192);
    assert_int_equal(config.tunnels.count, 0);
    assert_null(config.relay);
}

static void an_unknown_key_is_told_with_line_and_suggestion(void **state)
{
    (void)state;
    check_wrong("relay: h\ntunnels:\n  web:\n    target: 3000\n    subdomian: x\n",
                "adit.yml:5: unknown key 'subdomian'; did you mean 'subdomain'?\n");
    check_wrong("banana: 1\n", "adit.yml:1: unknown key 'banana'; remove it\n");
}

static void wrong_values_are_told_with_what_fits(void **state)
{
    (void)state;
    check_wrong("insecure: 1\n", "adit.yml:1: 'insecure' must be true or false, not '1'");
    check_wrong("limits: {grace: 60}\n", "'grace' must be a duration with its unit");
    check_wrong("limits: {grace: 48h}\n", "from 0 to 24h, not '48h'");
    check_wrong("relay: [a]\n", "'relay' must be a text, not a list");
    check_wrong("relay:\n", "'relay' has no value");
    check_wrong("relay: http://h\n", "adit.yml:1: a relay is not named by http://");
    check_wrong("pin: md5:x\n", "'pin' must be sha256:BASE64");
    check_wrong("tunnels: 3000\n", "'tunnels' must be a map");
    check_wrong("just text\n", "a map is expected");
    check_wrong("tunnels: {a: {target: 1, port: 22:22}}\n", "'port' must be a port (1-65535)");
    check_wrong("tunnels: {a: {target: 1, kind: udp}}\n", "one of auto, http, tcp, not 'udp'");
}

static void two_tunnels_of_one_entry_are_told(void **state)
{
    (void)state;
    check_wrong("tunnels:\n  a: {target: 1, host: x.org}\n  b: {target: 2, host: [y.org, X.org]}\n",
                "adit.yml:3: tunnel 'b': tunnel 'a' has x.org, too");
    check_wrong("tunnels: {a: 1, b: {target: 2, subdomain: a}}\n", "tunnel 'a' has a, too");
    check_wrong("tunnels: {a: {target: \"tcp://h:1\", port: 6000}, b: {target: 22, port: 6000}}\n",
                "tunnel 'a' has port 6000, too");
    read_good("tunnels: {a: 1, b: {target: 2, subdomain: a, path: /b}}\n");
    read_good("tunnels: {a: \"tcp://h:1\", b: \"tcp://h:1\"}\n");
}

static void tunnels_that_cannot_be_are_told_why(void **state)
{
    (void)state;
    check_wrong("tunnels: {a: {}}\n", "tunnel 'a': it has no target");
    check_wrong("tunnels: {a: \"udp://h:1\"}\n", "unknown scheme 'udp'");
    check_wrong("tunnels: {a: {target: \"http://h\", port: 80}}\n", "only a tcp tunnel has a port");
    check_wrong("tunnels: {a: {target: \"tcp://h:1\", path: /}}\n", "neither names nor a path");
    check_wrong("tunnels: {a: {target: \"http://h\", kind: tcp}}\n", "leads to a tcp or unix");
    check_wrong("tunnels: {a: {target: \"tcp://h:1\", kind: http}}\n", "leads to an http");
    check_wrong("tunnels: {my_app: 3000}\n", "its name must be letters, digits and hyphens");
    check_wrong("tunnels: {a: {target: 1, host: \"x y\"}}\n", "'x y' is no host name");
    check_wrong("tunnels: {a: {target: 1, path: b}}\n", "a path begins with /");
    check_wrong("tunnels: {\"a b\": 1}\n", "a tunnel's name has letters");
    check_wrong("tunnels: {a: {target: 1, subdomain: b, words: true}}\n", "remove `words`");
    check_wrong("tunnels: {a: {target: \"tcp://h:1\", words: true}}\n", "neither names nor a path");
}

static void everything_wrong_is_told_at_once(void **state)
{
    struct agent_config wrong;
    (void)state;
    agent_config_init(&wrong);
    assert_int_equal(agent_config_read(&wrong, "f", SLICE("a: 1\nb: 2\ninsecure: x\n"), &problems),
                     ERR_CONFIG);
    assert_int_equal(problems.count, 3);
    agent_config_deinit(&wrong);
}

static void no_more_than_twenty_are_shown(void **state)
{
    struct text yaml = {0}, shown = {0};
    (void)state;
    for (int i = 0; i < 25; i++) {
        text_addf(&yaml, "key%d: 1\n", i);
    }
    assert_int_equal(agent_config_read(&config, "f", text_slice(&yaml), &problems), ERR_CONFIG);
    assert_int_equal(problems.count, 25);
    problems_show(&problems, &shown);
    check_has(text_str(&shown), "f:20: ");
    check_has(text_str(&shown), "and 5 more\n");
    assert_null(strstr(text_str(&shown), "f:21: "));
    text_deinit(&yaml);
    text_deinit(&shown);
}

static void secrets_come_from_variables_and_files(void **state)
{
    struct folder f;
    struct text yaml = {0};
    (void)state;
    folder_make(&f);
    folder_write(&f, "token", "k7f2-from-file \r\nignored\n");
    text_addf(&yaml, "token: {file: \"%s\"}\n", folder_path(&f, "token"));
    read_good(text_str(&yaml));
    assert_string_equal(config.token.text, "k7f2-from-file");
    text_deinit(&yaml);
    unsetenv("ADIT_TEST_NONE");
    read_good("token: {env: ADIT_TEST_NONE}\n");
    assert_null(config.token.text);
    assert_string_equal(config.token.absent, "ADIT_TEST_NONE");
    check_wrong("token: {file: /nonexistent/x}\n", "adit.yml:1: /nonexistent/x: cannot be opened");
    check_wrong("token: {password: x}\n", "{env: NAME} or {file: PATH}");
    folder_remove(&f);
}

static void a_missing_file_is_told_by_its_name(void **state)
{
    (void)state;
    assert_int_equal(agent_config_load(&config, "/nonexistent/adit.yml", &problems), ERR_CONFIG);
    check_has(text_str(&problems.lines), "/nonexistent/adit.yml: cannot be opened");
}

/* ---- changes ---- */

static void note_change(void *ctx, enum tunnel_change change, const struct tunnel_config *tunnel)
{
    static const char *const signs[] = {"-", "~", "+"};
    text_addf(ctx, "%s%s ", signs[change], tunnel->key);
}

static void a_saved_file_shows_what_changed(void **state)
{
    struct agent_config next;
    struct text story = {0};
    (void)state;
    read_good("relay: h\ntunnels: {a: 1, b: 2, c: 3}\n");
    agent_config_init(&next);
    assert_int_equal(agent_config_read(
                         &next, "adit.yml",
                         SLICE("relay: h\ntunnels: {d: 4, c: \"127.0.0.1:3\", b: 5}\n"), &problems),
                     0);
    agent_config_diff(&config, &next, note_change, &story);
    check_text(&story, "-a ~b +d ");
    assert_true(agent_config_same_link(&config, &next));
    next.is_insecure = true;
    assert_false(agent_config_same_link(&config, &next));
    agent_config_deinit(&next);
}

static void any_difference_of_a_tunnel_is_a_change(void **state)
{
    const char *const different[] = {
        "{target: 2}",           "{target: 1, subdomain: x}", "{target: 1, host: x.y}",
        "{target: 1, path: /x}", "{target: 1, share: true}",  "{target: 1, port: 5}"};
    (void)state;
    read_good("tunnels: {a: 1}\n");
    for (size_t i = 0; i < sizeof different / sizeof different[0]; i++) {
        struct agent_config other;
        struct text yaml = {0};
        agent_config_init(&other);
        text_addf(&yaml, "tunnels: {a: %s}", different[i]);
        assert_int_equal(agent_config_read(&other, "f", text_slice(&yaml), &problems), 0);
        assert_false(tunnel_config_equal(&config.tunnels.items[0], &other.tunnels.items[0]));
        text_deinit(&yaml);
        agent_config_deinit(&other);
    }
}

static void a_name_with_a_dot_is_a_host(void **state)
{
    struct tunnel_config t = {.key = NULL};
    struct origin at = {"NAME", 0};
    (void)state;
    assert_int_equal(tunnel_config_set_name(&t, SLICE("blog"), at, &problems), 0);
    assert_string_equal(t.subdomain, "blog");
    assert_int_equal(tunnel_config_set_name(&t, SLICE("blog.example.com"), at, &problems), 0);
    assert_string_equal(t.hosts.items[0], "blog.example.com");
    assert_true(tunnel_config_set_name(&t, SLICE("a_b"), at, &problems) < 0);
    tunnel_config_deinit(&t);
}

/* ---- saving ---- */

static void check_saved(const char *before, const char *key, const char *after)
{
    struct folder f;
    struct errinfo info = {0};
    struct tunnel_config t = {.key = (char *)key, .kind = TUNNEL_HTTP, .subdomain = (char *)"n"};

    folder_make(&f);
    if (before) {
        folder_write(&f, "adit.yml", before);
    }
    assert_int_equal(target_parse(SLICE("3000"), &t.target, NULL), 0);
    const char *path = folder_path(&f, "adit.yml");
    if (agent_config_save_tunnel(path, &t, &info) < 0) {
        fail_msg("%s", info.text);
    }
    assert_string_equal(folder_read(&f, "adit.yml"), after);
    target_deinit(&t.target);
    folder_remove(&f);
}

#define LINE(key) "\"" key "\": {target: \"http://127.0.0.1:3000\", subdomain: \"n\"}\n"

static void saving_makes_a_file(void **state)
{
    (void)state;
    check_saved(NULL, "web", "tunnels:\n  " LINE("web"));
}

static void saving_appends_below_the_others_and_keeps_comments(void **state)
{
    (void)state;
    check_saved("# mine\nrelay: h # yes\ntunnels:\n    a: 1 # one\n    b:\n        target: 2\n\n"
                "state: /x\n",
                "web",
                "# mine\nrelay: h # yes\ntunnels:\n    a: 1 # one\n    b:\n        target: 2\n"
                "    " LINE("web") "\nstate: /x\n");
}

static void saving_replaces_the_tunnel_of_that_name(void **state)
{
    (void)state;
    check_saved("tunnels:\n  a: 1\n  # the site\n  web:\n    target: 9\n    path: /x\n  z: 2\n",
                "web", "tunnels:\n  a: 1\n  # the site\n  " LINE("web") "  z: 2\n");
}

static void saving_works_without_tunnels_and_without_a_last_newline(void **state)
{
    (void)state;
    check_saved("relay: h", "web", "relay: h\ntunnels:\n  " LINE("web"));
    check_saved("tunnels:\nrelay: h\n", "web", "tunnels:\n  " LINE("web") "relay: h\n");
}

static void a_tunnel_saved_without_a_name_has_none_when_it_is_read(void **state)
{
    struct folder f;
    struct errinfo info = {0};
    struct tunnel_config t = {.key = (char *)"http-3000", .kind = TUNNEL_HTTP};
    (void)state;
    folder_make(&f);
    assert_int_equal(target_parse(SLICE("3000"), &t.target, NULL), 0);
    const char *path = folder_path(&f, "adit.yml");
    assert_int_equal(agent_config_save_tunnel(path, &t, &info), 0);
    read_good(folder_read(&f, "adit.yml"));
    assert_string_equal(config.tunnels.items[0].key, "http-3000");
    assert_null(config.tunnels.items[0].subdomain);
    target_deinit(&t.target);
    folder_remove(&f);
}

static void saving_refuses_what_it_cannot_change_safely(void **state)
{
    struct folder f;
    struct errinfo info = {0};
    struct tunnel_config t = {.key = (char *)"web", .kind = TUNNEL_HTTP};
    (void)state;
    folder_make(&f);
    folder_write(&f, "adit.yml", "tunnels: {a: 1}\n");
    assert_int_equal(target_parse(SLICE("3000"), &t.target, NULL), 0);
    assert_true(agent_config_save_tunnel(folder_path(&f, "adit.yml"), &t, &info) < 0);
    check_has(info.text, "braces");
    assert_string_equal(folder_read(&f, "adit.yml"), "tunnels: {a: 1}\n");
    folder_write(&f, "adit.yml", "tunnels:\n  a: 1\nbroken: 1\n");
    info = (struct errinfo){0};
    assert_true(agent_config_save_tunnel(folder_path(&f, "adit.yml"), &t, &info) < 0);
    check_has(info.text, "not saved: ");
    check_has(info.text, "unknown key 'broken'");
    assert_string_equal(folder_read(&f, "adit.yml"), "tunnels:\n  a: 1\nbroken: 1\n");
    target_deinit(&t.target);
    folder_remove(&f);
}

int main(void)
{
#define CONFIG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CONFIG_TEST(the_file_of_the_contract_is_read),
        CONFIG_TEST(text_keys_keep_what_yaml_would_guess),
        CONFIG_TEST(defaults_hold_where_the_file_is_silent),
        CONFIG_TEST(an_unknown_key_is_told_with_line_and_suggestion),
        CONFIG_TEST(wrong_values_are_told_with_what_fits),
        CONFIG_TEST(two_tunnels_of_one_entry_are_told),
        CONFIG_TEST(tunnels_that_cannot_be_are_told_why),
        CONFIG_TEST(everything_wrong_is_told_at_once),
        CONFIG_TEST(no_more_than_twenty_are_shown),
        CONFIG_TEST(secrets_come_from_variables_and_files),
        CONFIG_TEST(a_missing_file_is_told_by_its_name),
        CONFIG_TEST(a_saved_file_shows_what_changed),
        CONFIG_TEST(any_difference_of_a_tunnel_is_a_change),
        CONFIG_TEST(a_name_with_a_dot_is_a_host),
        CONFIG_TEST(saving_makes_a_file),
        CONFIG_TEST(saving_appends_below_the_others_and_keeps_comments),
        CONFIG_TEST(saving_replaces_the_tunnel_of_that_name),
        CONFIG_TEST(saving_works_without_tunnels_and_without_a_last_newline),
        CONFIG_TEST(a_tunnel_saved_without_a_name_has_none_when_it_is_read),
        CONFIG_TEST(saving_refuses_what_it_cannot_change_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
