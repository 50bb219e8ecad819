/* The command line: words to flags, flags to values, and who beats whom. */
#include "cmd/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/commands.h"
#include "support/check.h"
#include "support/folder.h"

enum { WORDS_MAX = 20 };

static struct folder folder;
static char here[512];
static char words[WORDS_MAX][200];
static char *argv[WORDS_MAX + 1];
static int argc;
static struct command_line line;
static struct options options;
static struct problems problems;

static int setup(void **state)
{
    (void)state;
    assert_non_null(getcwd(here, sizeof here));
    folder_make(&folder);
    assert_int_equal(chdir(folder.path), 0);
    setenv("XDG_CONFIG_HOME", folder.path, 1);
    const char *const variables[] = {"ADIT_RELAY", "ADIT_TOKEN", "ADIT_CONFIG", "ADIT_STATE"};
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        unsetenv(variables[i]);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    command_line_deinit(&line);
    options_deinit(&options);
    problems_deinit(&problems);
    assert_int_equal(chdir(here), 0);
    folder_remove(&folder);
    return 0;
}

/* "http 3000 --json" as main would get it. */
static int parse(const char *text)
{
    struct slice rest = slice_str(text);

    argc = 0;
    snprintf(words[argc], sizeof words[0], "adit");
    argv[argc] = words[argc];
    argc++;
    while (rest.ptr && text[0]) {
        struct slice word = slice_cut(&rest, ' ');
        snprintf(words[argc], sizeof words[0], "%.*s", SLICE_ARG(word));
        argv[argc] = words[argc];
        argc++;
    }
    argv[argc] = NULL;
    command_line_deinit(&line);
    return options_parse(argc, argv, &line, &problems);
}

static int load(const char *text)
{
    if (parse(text) < 0) {
        return ERR_INVALID;
    }
    options_deinit(&options);
    return options_load(&line, &options, &problems);
}

static void load_good(const char *text)
{
    if (load(text) < 0) {
        fail_msg("%s: %s", text, text_str(&problems.lines));
    }
}

static void check_wrong(const char *text, const char *says)
{
    problems_deinit(&problems);
    if (load(text) == 0) {
        fail_msg("was taken: %s", text);
    }
    check_has(text_str(&problems.lines), says);
    assert_int_equal(problems.count, 1);
    problems_deinit(&problems);
}

/* ---- words ---- */

static void the_first_word_is_the_command(void **state)
{
    (void)state;
    assert_int_equal(parse("relay"), 0);
    assert_int_equal(line.command->id, COMMAND_RELAY);
    assert_int_equal(parse(""), 0);
    assert_int_equal(line.command->id, COMMAND_HELP);
    assert_int_equal(parse("--version"), 0);
    assert_int_equal(line.command->id, COMMAND_VERSION);
    assert_int_equal(parse("-h"), 0);
    assert_int_equal(line.command->id, COMMAND_HELP);
}

static void a_target_alone_means_http(void **state)
{
    const char *const targets[] = {"3000", "app:3000", "https://app", "unix:/run/x", "[::1]:80"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        assert_int_equal(parse(targets[i]), 0);
        assert_int_equal(line.command->id, COMMAND_HTTP);
        assert_string_equal(line.args[0], targets[i]);
    }
}

static void a_command_of_another_milestone_is_unknown(void **state)
{
    const char *const later[] = {"udp", "tls", "doctor", "connect", "peer", "wstunnel", "service"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(later); i++) {
        problems_deinit(&problems);
        assert_int_equal(parse(later[i]), ERR_INVALID);
        check_has(text_str(&problems.lines), "unknown command '");
    }
    check_wrong("upp", "adit: unknown command 'upp'; did you mean 'up'?");
}

static void flags_and_arguments_may_be_mixed(void **state)
{
    (void)state;
    assert_int_equal(parse("http --json 3000 --path=/api blog --host a.b --host c.d"), 0);
    assert_int_equal(line.arg_count, 2);
    assert_string_equal(line.args[1], "blog");
    assert_int_equal(line.flag_count, 4);
    assert_string_equal(line.flags[1].value, "/api");
}

static void two_hyphens_end_the_flags(void **state)
{
    (void)state;
    assert_int_equal(parse("check -- --strange.yml"), 0);
    assert_string_equal(line.args[0], "--strange.yml");
}

static void wrong_words_are_told_in_one_line_with_the_fix(void **state)
{
    (void)state;
    check_wrong("relay --lisen :80", "unknown flag '--lisen' of relay; did you mean '--listen'?");
    check_wrong("relay --listen-tsl :80", "did you mean '--listen-tls'?");
    check_wrong("http 3000 --banana", "`adit help http` lists them all");
    check_wrong("http 3000 -x", "flags are words");
    check_wrong("http", "http needs more: adit http TARGET [NAME]");
    check_wrong("http 3000 a b", "'b' is one word too many");
    check_wrong("relay --listen", "--listen: needs a value: --listen ADDR:PORT");
    check_wrong("http 3000 --relay --json", "--relay: needs a value");
    check_wrong("relay --listen nowhere:port", "--listen: must be an address with a port");
    check_wrong("relay --open=perhaps", "--open: must be true or false, not 'perhaps'");
    check_wrong("relay --workers 5000", "--workers: must be a whole number from 0 to 64");
    check_wrong("relay --cert c.pem", "cert and key belong together; key is missing");
    check_wrong("http 99999999", "TARGET: '99999999' is no target");
    check_wrong("http 3000 a_b", "NAME: 'a_b' is no name");
    check_wrong("tcp 22 :0", ":PORT: must be a port");
    check_wrong("tcp http://h", "a tcp tunnel leads to a tcp or unix target");
    check_wrong("http 3000 --relay https://h", "write wss://h");
    check_wrong("http 3000 --pin x", "pin: must be sha256:BASE64");
    check_wrong("http 3000 --relay=", "--relay: has no value");
    check_wrong("help --completion tcsh", "one of none, bash, zsh, fish, not 'tcsh'");
    /* A flag is asked for where it belongs only. */
    check_wrong("http 3000 --listen :80", "unknown flag '--listen' of http");
    check_wrong("tcp 22 --path /x", "unknown flag '--path' of tcp");
    check_wrong("http 3000 --target 4", "unknown flag '--target'");
}

static void help_is_shown_whatever_else_is_missing(void **state)
{
    (void)state;
    assert_int_equal(parse("http --help"), 0);
    assert_true(command_line_asks_help(&line));
    assert_int_equal(parse("token -h"), 0);
    assert_true(command_line_asks_help(&line));
    assert_int_equal(parse("relay"), 0);
    assert_false(command_line_asks_help(&line));
}

static void secrets_are_wiped_from_argv(void **state)
{
    (void)state;
    load_good("http 3000 --token k7f2-secret");
    assert_string_equal(options.agent.token.text, "k7f2-secret");
    assert_string_equal(argv[4], "");
    load_good("http 3000 --token=k7f2-secret");
    assert_string_equal(options.agent.token.text, "k7f2-secret");
    assert_string_equal(argv[3], "--token=");
    assert_int_equal(parse("login t.example.com#k7f2-secret"), 0);
    assert_string_equal(line.args[0], "t.example.com#k7f2-secret");
    assert_string_equal(argv[2], "t.example.com");
}

/* ---- values ---- */

static void defaults_hold_where_nothing_is_said(void **state)
{
    (void)state;
    load_good("relay");
    assert_int_equal(options.relay.listen.port, 8080);
    assert_int_equal(options.common.log_level, LOG_INFO);
    assert_null(options.config_path);
    load_good("http 3000");
    assert_null(options.agent.relay);
    assert_int_equal(options.agent.limits.grace, 60000);
    assert_false(options.common.is_json);
}

static void flags_beat_variables_and_variables_beat_the_file(void **state)
{
    (void)state;
    folder_write(&folder, "adit.yml", "relay: file.example.com\nstate: /file\ntoken: file\n");
    load_good("http 3000");
    assert_string_equal(options.config_path, "./adit.yml");
    assert_string_equal(options.agent.relay, "file.example.com");
    setenv("ADIT_RELAY", "env.example.com", 1);
    setenv("ADIT_TOKEN", "env", 1);
    load_good("http 3000");
    assert_string_equal(options.agent.relay, "env.example.com");
    assert_string_equal(options.agent.token.text, "env");
    assert_string_equal(options.agent.state, "/file");
    load_good("http 3000 --relay flag.example.com --state /flag");
    assert_string_equal(options.agent.relay, "flag.example.com");
    assert_string_equal(options.agent.token.text, "env");
    assert_string_equal(options.agent.state, "/flag");
}

static void the_last_of_equal_flags_counts(void **state)
{
    (void)state;
    load_good("relay --domain a.example.com --domain b.example.com --open --open=false");
    assert_string_equal(options.relay.domain, "b.example.com");
    assert_false(options.relay.is_open);
}

static void the_relay_reads_its_own_file(void **state)
{
    (void)state;
    folder_write(&folder, "relay.yml", "domain: t.example.com\nlimits: {drain: 1s, grace: 2s}\n");
    folder_write(&folder, "adit.yml", "this is broken: [\n");
    load_good("relay --drain 3s");
    assert_string_equal(options.relay.domain, "t.example.com");
    assert_int_equal(options.relay.limits.drain, 3000);
    assert_int_equal(options.relay.limits.grace, 2000);
}

static void a_named_file_is_read_instead(void **state)
{
    (void)state;
    folder_write(&folder, "a.yml", "relay: a.example.com\n");
    folder_write(&folder, "b.yml", "relay: b.example.com\ntunnels: {web: 3000}\n");
    load_good("http 3000 --config a.yml");
    assert_string_equal(options.agent.relay, "a.example.com");
    setenv("ADIT_CONFIG", "b.yml", 1);
    load_good("http 3000");
    assert_string_equal(options.agent.relay, "b.example.com");
    load_good("up a.yml");
    assert_string_equal(options.agent.relay, "a.example.com");
    load_good("up");
    assert_string_equal(options.agent.tunnels.items[0].key, "web");
    check_wrong("http 3000 --config none.yml", "none.yml: cannot be opened");
}

static void up_needs_a_file(void **state)
{
    (void)state;
    check_wrong("up", "there is no file; looked for ./adit.yml");
}

static void a_broken_file_is_told_with_its_line(void **state)
{
    (void)state;
    folder_write(&folder, "adit.yml", "relay: h\ntunels: {}\n");
    check_wrong("up", "./adit.yml:2: unknown key 'tunels'; did you mean 'tunnels'?");
}

static void a_token_that_shall_come_from_a_variable_must_come(void **state)
{
    (void)state;
    folder_write(&folder, "adit.yml", "token: {env: ADIT_TEST_NONE}\ntunnels: {web: 3000}\n");
    unsetenv("ADIT_TEST_NONE");
    check_wrong("up", "token: shall come from the variable ADIT_TEST_NONE, which is not set");
    load_good("up --token other");
    assert_string_equal(options.agent.token.text, "other");
}

/* ---- the tunnel of the command line ---- */

static const struct tunnel_config *only_tunnel(const char *text)
{
    load_good(text);
    assert_int_equal(options.agent.tunnels.count, 1);
    return &options.agent.tunnels.items[0];
}

static void http_publishes_its_target_and_nothing_of_the_file(void **state)
{
    (void)state;
    folder_write(&folder, "adit.yml", "relay: h\ntunnels: {a: 1, b: 2}\n");
    const struct tunnel_config *t = only_tunnel("http 3000 --path /api --share");
    assert_int_equal(t->kind, TUNNEL_HTTP);
    assert_int_equal(t->target.port, 3000);
    assert_string_equal(t->key, "http-3000");
    assert_null(t->subdomain);
    assert_string_equal(t->path, "/api");
    assert_true(t->is_shared);
}

static void a_name_is_a_label_or_with_a_dot_a_host(void **state)
{
    (void)state;
    const struct tunnel_config *t = only_tunnel("http 3000 Blog");
    assert_string_equal(t->subdomain, "blog");
    assert_string_equal(t->key, "Blog");
    t = only_tunnel("http 3000 blog.example.com --host www.example.com");
    assert_null(t->subdomain);
    assert_int_equal(t->hosts.count, 2);
}

static void flags_replace_the_list_of_a_file(void **state)
{
    (void)state;
    const struct tunnel_config *t = only_tunnel("http 3000 --host a.b --host c.d");
    assert_int_equal(t->hosts.count, 2);
    assert_string_equal(t->hosts.items[0], "a.b");
}

static void tcp_takes_a_port(void **state)
{
    (void)state;
    const struct tunnel_config *t = only_tunnel("tcp 22 :6000");
    assert_int_equal(t->kind, TUNNEL_TCP);
    assert_int_equal(t->port, 6000);
    assert_string_equal(t->key, "tcp-22");
    t = only_tunnel("tcp db.lan:5432");
    assert_int_equal(t->port, 0);
    assert_string_equal(t->key, "tcp-db-lan-5432");
    t = only_tunnel("tcp unix:/run/app.sock");
    assert_string_equal(t->key, "tcp-run-app-sock");
}

static void a_key_made_of_a_long_target_stays_a_key(void **state)
{
    (void)state;
    const struct tunnel_config *t =
        only_tunnel("http a-host-name.that-is-very-long.and-goes-on.for-a-while.example.com:65535");
    assert_true(strlen(t->key) <= TUNNEL_KEY_MAX);
    check_has(t->key, "-65535");
}

static void try_takes_flags_of_both_sides(void **state)
{
    (void)state;
    load_good("try --data ./d --listen :9");
    assert_string_equal(options.relay.listen.host, "");
    assert_int_equal(options.relay.listen.port, 9);
    assert_int_equal(options.agent.tunnels.count, 0);
    assert_string_equal(options.relay.data, "./d");
    assert_int_equal(only_tunnel("try 3000 blog --path /x")->target.port, 3000);
}

static void try_is_for_this_machine_unless_told_otherwise(void **state)
{
    (void)state;
    load_good("try");
    assert_string_equal(options.relay.listen.host, "127.0.0.1");
    assert_int_equal(options.relay.listen.port, 8080);
    load_good("relay");
    assert_string_equal(options.relay.listen.host, "");
}

static void token_and_check_take_theirs(void **state)
{
    (void)state;
    load_good("token create bob --allow http --allow name:x --expires 30d --data /d --json");
    assert_int_equal(options.token.allow.count, 2);
    assert_int_equal(options.token.expires_ms, 30ull * 86400000);
    assert_string_equal(options.relay.data, "/d");
    assert_true(options.common.is_json);
    load_good("check --defaults --kind relay");
    assert_true(options.check.wants_defaults);
    assert_int_equal(options.check.kind, CHECK_RELAY);
}

int main(void)
{
#define OPTIONS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        OPTIONS_TEST(the_first_word_is_the_command),
        OPTIONS_TEST(a_target_alone_means_http),
        OPTIONS_TEST(a_command_of_another_milestone_is_unknown),
        OPTIONS_TEST(flags_and_arguments_may_be_mixed),
        OPTIONS_TEST(two_hyphens_end_the_flags),
        OPTIONS_TEST(wrong_words_are_told_in_one_line_with_the_fix),
        OPTIONS_TEST(help_is_shown_whatever_else_is_missing),
        OPTIONS_TEST(secrets_are_wiped_from_argv),
        OPTIONS_TEST(defaults_hold_where_nothing_is_said),
        OPTIONS_TEST(flags_beat_variables_and_variables_beat_the_file),
        OPTIONS_TEST(the_last_of_equal_flags_counts),
        OPTIONS_TEST(the_relay_reads_its_own_file),
        OPTIONS_TEST(a_named_file_is_read_instead),
        OPTIONS_TEST(up_needs_a_file),
        OPTIONS_TEST(a_broken_file_is_told_with_its_line),
        OPTIONS_TEST(a_token_that_shall_come_from_a_variable_must_come),
        OPTIONS_TEST(http_publishes_its_target_and_nothing_of_the_file),
        OPTIONS_TEST(a_name_is_a_label_or_with_a_dot_a_host),
        OPTIONS_TEST(flags_replace_the_list_of_a_file),
        OPTIONS_TEST(tcp_takes_a_port),
        OPTIONS_TEST(a_key_made_of_a_long_target_stays_a_key),
        OPTIONS_TEST(try_takes_flags_of_both_sides),
        OPTIONS_TEST(try_is_for_this_machine_unless_told_otherwise),
        OPTIONS_TEST(token_and_check_take_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
