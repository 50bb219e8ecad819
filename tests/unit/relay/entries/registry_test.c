#include "relay/entries/registry.h"

#include "net/loop.h"
#include "support/check.h"

struct scene {
    struct loop *loop;
    struct store *store;
    struct registry *registry;
    uint64_t alice;
    uint64_t bob;
};

static uint64_t make_token(struct store *store, const char *name)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    struct rights rights = {0};
    uint64_t id = 0;

    assert_int_equal(store_create_token(store, slice_str(name), &rights, 0, text, &id, NULL), 0);
    return id;
}

static void open_scene(struct scene *s)
{
    s->loop = loop_new();
    s->store = store_open_memory(s->loop);
    s->registry = registry_new(s->store);
    s->alice = make_token(s->store, "alice");
    s->bob = make_token(s->store, "bob");
}

static void close_scene(struct scene *s)
{
    registry_free(&s->registry);
    store_close(&s->store);
    loop_free(&s->loop);
}

/* Agent and run are told apart by one letter each; the session is the run's. */
static struct claim claim_of(uint64_t token, char agent, char run)
{
    struct claim c = {
        .owner.token_id = token,
        .holder = SLICE("box"),
        .tunnel = SLICE("web"),
        .shown = SLICE("blog"),
        .route = {.session = (uint64_t)run, .tunnel = 1},
    };
    c.owner.agent_id[0] = (uint8_t)agent;
    c.run_id[0] = (uint8_t)run;
    return c;
}

static enum claim_result ask(struct scene *s, const struct claim *c, const struct route *silent,
                             struct route *other, const char *why_part)
{
    struct errinfo why = {0};
    enum claim_result result = registry_claim(s->registry, SLICE("blog.x"), c, silent, other, &why);

    if (why_part) {
        check_has(why.text, why_part);
    }
    return result;
}

static void another_token_is_told_whose_the_name_is(void **state)
{
    (void)state;
    struct scene s;
    struct route other;
    open_scene(&s);
    struct claim first = claim_of(s.bob, 'a', '1');
    struct claim second = claim_of(s.alice, 'b', '2');

    assert_int_equal(ask(&s, &first, NULL, &other, NULL), CLAIM_GRANTED);
    assert_int_equal(ask(&s, &second, NULL, &other, "blog belongs to token bob"), CLAIM_REFUSED);
    close_scene(&s);
}

static void a_name_stays_reserved_when_its_session_is_gone(void **state)
{
    (void)state;
    struct scene s;
    struct route other;
    open_scene(&s);
    struct claim first = claim_of(s.bob, 'a', '1');
    struct claim second = claim_of(s.alice, 'b', '2');

    assert_int_equal(ask(&s, &first, NULL, &other, NULL), CLAIM_GRANTED);
    registry_leave(s.registry, SLICE("blog.x"), first.route, false);
    assert_false(registry_is_held(s.registry, SLICE("blog.x")));
    assert_int_equal(ask(&s, &second, NULL, &other, "belongs to token bob"), CLAIM_REFUSED);
    assert_int_equal(ask(&s, &first, NULL, &other, NULL), CLAIM_GRANTED);
    registry_leave(s.registry, SLICE("blog.x"), first.route, true);
    assert_int_equal(ask(&s, &second, NULL, &other, NULL), CLAIM_GRANTED);
    close_scene(&s);
}

static void the_same_run_takes_over_at_once(void **state)
{
    (void)state;
    struct scene s;
    struct route other = {0};
    open_scene(&s);
    struct claim first = claim_of(s.bob, 'a', '1');
    struct claim again = first;

    again.route.session = 77;
    assert_int_equal(ask(&s, &first, NULL, &other, NULL), CLAIM_GRANTED);
    assert_int_equal(ask(&s, &again, NULL, &other, NULL), CLAIM_SUPERSEDES);
    assert_int_equal(other.session, first.route.session);
    /* The loser leaves: it holds nothing any more. */
    registry_leave(s.registry, SLICE("blog.x"), first.route, false);
    assert_true(registry_is_held(s.registry, SLICE("blog.x")));
    close_scene(&s);
}

static void another_run_wins_only_over_a_silent_holder(void **state)
{
    (void)state;
    struct scene s;
    struct route other = {0};
    struct route nobody = {.worker = UINT32_MAX};
    open_scene(&s);
    struct claim first = claim_of(s.bob, 'a', '1');
    struct claim restarted = claim_of(s.bob, 'a', '2');

    assert_int_equal(ask(&s, &first, NULL, &other, NULL), CLAIM_GRANTED);
    assert_int_equal(ask(&s, &restarted, NULL, &other, NULL), CLAIM_PROBE);
    assert_int_equal(other.session, first.route.session);
    /* It lives: refused, and told where. */
    assert_int_equal(ask(&s, &restarted, &nobody, &other, "served by box"), CLAIM_REFUSED);
    /* It is silent: taken over. */
    assert_int_equal(ask(&s, &restarted, &first.route, &other, NULL), CLAIM_SUPERSEDES);
    close_scene(&s);
}

static void two_agents_share_when_both_say_so(void **state)
{
    (void)state;
    struct scene s;
    struct route other;
    open_scene(&s);
    struct claim first = claim_of(s.bob, 'a', '1');
    struct claim second = claim_of(s.bob, 'b', '2');

    first.is_shared = true;
    assert_int_equal(ask(&s, &first, NULL, &other, NULL), CLAIM_GRANTED);
    assert_int_equal(ask(&s, &second, NULL, &other, NULL), CLAIM_PROBE);
    second.is_shared = true;
    assert_int_equal(ask(&s, &second, NULL, &other, NULL), CLAIM_GRANTED);
    registry_leave(s.registry, SLICE("blog.x"), first.route, false);
    assert_true(registry_is_held(s.registry, SLICE("blog.x")));
    registry_leave(s.registry, SLICE("blog.x"), second.route, false);
    assert_false(registry_is_held(s.registry, SLICE("blog.x")));
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_token_is_told_whose_the_name_is),
        cmocka_unit_test(a_name_stays_reserved_when_its_session_is_gone),
        cmocka_unit_test(the_same_run_takes_over_at_once),
        cmocka_unit_test(another_run_wins_only_over_a_silent_holder),
        cmocka_unit_test(two_agents_share_when_both_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
