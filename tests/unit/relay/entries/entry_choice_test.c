#include "relay/entries/entry_choice.h"

#include "base/mem.h"
#include "net/loop.h"
#include "relay/entries/names.h"
#include "relay/workers/shared.h"
#include "store/store.h"
#include "support/check.h"

struct scene {
    struct loop *loop;
    struct relay_config config;
    struct relay relay;
    struct entry_choice choice;
    struct bind_request q;
};

static void open_scene(struct scene *s)
{
    *s = (struct scene){.loop = loop_new()};
    relay_config_init(&s->config);
    s->relay.config = &s->config;
    s->relay.store = store_open_memory(s->loop);
    s->relay.registry = registry_new(s->relay.store);
    s->choice.relay = &s->relay;
    s->q.word = mem_strdup("web http://127.0.0.1:3000");
    s->q.public_name = (struct public_name){.host = "x.org", .has_names = true, .port = 80};
}

static void close_scene(struct scene *s)
{
    bind_entries_deinit(&s->q.entries);
    mem_free(s->q.word);
    registry_free(&s->relay.registry);
    store_close(&s->relay.store);
    relay_config_deinit(&s->config);
    loop_free(&s->loop);
}

static uint64_t make_token(struct scene *s, const char *allowed)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    struct rights rights;
    uint64_t id = 0;

    assert_int_equal(rights_parse(slice_str(allowed), &rights, NULL), 0);
    assert_int_equal(store_create_token(s->relay.store, SLICE("bob"), &rights, 0, text, &id, NULL),
                     0);
    return id;
}

static int choose(struct scene *s)
{
    s->q.why = (struct errinfo){0};
    return entry_choice_make(&s->choice, &s->q);
}

static void ask_for(struct scene *s, char *name)
{
    s->q.names[0] = name;
    s->q.name_count = 1;
    bind_entries_deinit(&s->q.entries);
}

static void a_label_becomes_a_host_of_the_domain(void **state)
{
    (void)state;
    struct scene s;

    open_scene(&s);
    ask_for(&s, (char[]){"Blog"});
    assert_int_equal(choose(&s), 0);
    assert_int_equal(s.q.entries.count, 1);
    assert_string_equal(s.q.entries.items[0].name, "blog.x.org");
    assert_string_equal(s.q.entries.items[0].path, "/");
    close_scene(&s);
}

static void every_path_is_an_entry_of_its_own(void **state)
{
    (void)state;
    struct scene s;

    open_scene(&s);
    ask_for(&s, (char[]){"blog"});
    s.q.paths[0] = (char[]){"/api"};
    s.q.paths[1] = (char[]){"/img"};
    s.q.path_count = 2;
    assert_int_equal(choose(&s), 0);
    assert_int_equal(s.q.entries.count, 2);
    assert_string_equal(s.q.entries.items[1].name, "blog.x.org/img");
    assert_string_equal(s.q.entries.items[1].shown, "blog/img");
    bind_entries_deinit(&s.q.entries);
    s.q.paths[0] = (char[]){"api/"};
    assert_int_equal(choose(&s), ERR_INVALID);
    close_scene(&s);
}

static void the_relays_own_names_cannot_be_bound(void **state)
{
    (void)state;
    struct scene s;

    open_scene(&s);
    ask_for(&s, (char[]){"www"});
    assert_int_equal(choose(&s), ERR_INVALID);
    ask_for(&s, (char[]){"x.org"});
    assert_int_equal(choose(&s), ERR_INVALID);
    ask_for(&s, (char[]){"admin.x.org"}); /* the same as the label */
    assert_int_equal(choose(&s), ERR_INVALID);
    ask_for(&s, (char[]){"www.elsewhere.org"});
    assert_int_equal(choose(&s), 0);
    close_scene(&s);
}

static void nobody_asked_gives_the_same_two_words_again(void **state)
{
    (void)state;
    struct scene s;
    struct text first = {0};

    open_scene(&s);
    assert_int_equal(choose(&s), 0);
    assert_true(entry_choice_is_free(&s.q));
    text_add_str(&first, s.q.entries.items[0].name);
    assert_int_equal(choose(&s), 0);
    assert_string_equal(s.q.entries.items[0].name, text_str(&first));
    s.q.attempt = 1;
    assert_int_equal(choose(&s), 0);
    assert_string_not_equal(s.q.entries.items[0].name, text_str(&first));
    text_deinit(&first);
    close_scene(&s);
}

static void without_host_names_a_tunnel_gets_a_port(void **state)
{
    (void)state;
    struct scene s;

    open_scene(&s);
    s.q.public_name.has_names = false;
    assert_int_equal(choose(&s), 0);
    assert_null(s.q.entries.items[0].host);
    assert_int_equal(s.q.entries.items[0].port, 20000);
    assert_int_equal(choose(&s), 0);
    assert_int_equal(s.q.entries.items[0].port, 20001);
    close_scene(&s);
}

static void a_port_outside_the_range_is_refused_with_the_range(void **state)
{
    (void)state;
    struct scene s;

    open_scene(&s);
    s.q.kind = BIND_TCP;
    s.q.port = 80;
    assert_int_equal(choose(&s), ERR_INVALID);
    check_has(s.q.why.text, "1024-32767");
    s.q.port = 6000;
    assert_int_equal(choose(&s), 0);
    assert_string_equal(s.q.entries.items[0].name, ":6000");
    assert_string_equal(s.q.entries.items[0].shown, "port 6000");
    close_scene(&s);
}

/* The base is what the agent says it dialled. */
static void names_below_a_base_that_is_too_long_for_them_are_refused(void **state)
{
    (void)state;
    struct scene s;
    char label[NAME_LABEL_MAX + 1];

    open_scene(&s);
    memset(label, 'a', NAME_LABEL_MAX);
    label[NAME_LABEL_MAX] = '\0';
    memset(s.q.public_name.host, 'b', NAME_HOST_MAX - NAME_LABEL_MAX - 1);
    ask_for(&s, label);
    assert_int_equal(choose(&s), 0);
    assert_int_equal(strlen(s.q.entries.items[0].host), NAME_HOST_MAX);
    bind_entries_deinit(&s.q.entries);

    memset(s.q.public_name.host, 'b', NAME_HOST_MAX - NAME_LABEL_MAX);
    ask_for(&s, label);
    assert_int_equal(choose(&s), ERR_INVALID);
    check_has(s.q.why.text, "253");

    memset(s.q.public_name.host, 'b', NAME_HOST_MAX - 1);
    s.q.name_count = 0;
    assert_int_equal(choose(&s), ERR_INVALID);
    check_has(s.q.why.text, "253");
    close_scene(&s);
}

static void more_entries_than_a_tunnel_may_have_are_refused_not_left_out(void **state)
{
    (void)state;
    struct scene s;

    open_scene(&s);
    for (s.q.name_count = 0; s.q.name_count < 5; s.q.name_count++) {
        s.q.names[s.q.name_count] = "blog";
    }
    for (s.q.path_count = 0; s.q.path_count < 12; s.q.path_count++) {
        s.q.paths[s.q.path_count] = "/api";
    }
    assert_int_equal(choose(&s), 0);
    assert_int_equal(s.q.entries.count, 60);
    bind_entries_deinit(&s.q.entries);
    s.q.paths[s.q.path_count++] = "/more";
    assert_int_equal(choose(&s), ERR_INVALID);
    check_has(s.q.why.text, "64");
    close_scene(&s);
}

static void a_token_with_ports_of_its_own_is_given_one_of_them(void **state)
{
    (void)state;
    struct scene s;

    open_scene(&s);
    s.q.kind = BIND_TCP;
    s.q.owner.token_id = make_token(&s, "tcp port:6000-6001");
    assert_int_equal(choose(&s), 0);
    assert_int_equal(s.q.entries.items[0].port, 6000);
    assert_int_equal(choose(&s), 0);
    assert_int_equal(s.q.entries.items[0].port, 6001);
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_becomes_a_host_of_the_domain),
        cmocka_unit_test(every_path_is_an_entry_of_its_own),
        cmocka_unit_test(names_below_a_base_that_is_too_long_for_them_are_refused),
        cmocka_unit_test(more_entries_than_a_tunnel_may_have_are_refused_not_left_out),
        cmocka_unit_test(the_relays_own_names_cannot_be_bound),
        cmocka_unit_test(nobody_asked_gives_the_same_two_words_again),
        cmocka_unit_test(without_host_names_a_tunnel_gets_a_port),
        cmocka_unit_test(a_port_outside_the_range_is_refused_with_the_range),
        cmocka_unit_test(a_token_with_ports_of_its_own_is_given_one_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
