#include "relay/tunnels/exchange_log.h"

#include "relay/tunnels/origin_stream.h"
#include "support/check.h"

enum { PATIENCE_MS = 3000 };

/* A session that only says what it was told. */
static struct world {
    struct worker worker;
    struct session session;
    struct text told;
    bool is_agent_slow;
} world;

/* ---- in place of a session and its tunnels ---- */

int origin_find_tunnel(struct worker *w, struct route route, struct tunnel **tunnel_out)
{
    (void)w, (void)route, (void)tunnel_out;
    return ERR_NOT_FOUND;
}

void session_tell(struct session *s, const struct control_message *m)
{
    assert_ptr_equal(s, &world.session);
    for (size_t i = 0; i < m->exchanges.count; i++) {
        const struct control_exchange *e = &m->exchanges.items[i];
        text_addf(&world.told, "%u %.*s %.*s %u %.*s\n", e->tunnel, SLICE_ARG(e->method),
                  SLICE_ARG(e->path), e->status, SLICE_ARG(e->visitor));
    }
    text_addf(&world.told, "skipped %u\n", m->exchanges.skipped);
}

bool session_keeps_up(const struct session *s)
{
    assert_ptr_equal(s, &world.session);
    return !world.is_agent_slow;
}

/* ---- life ---- */

static int world_setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    world.worker.loop = loop_new();
    world.session.worker = &world.worker;
    return 0;
}

static int world_teardown(void **state)
{
    (void)state;
    exchange_log_free(&world.session.exchanges);
    text_deinit(&world.told);
    loop_free(&world.worker.loop);
    return 0;
}

/* ---- acting ---- */

static void add(const char *path)
{
    struct control_exchange e = {
        .tunnel = 7,
        .status = 200,
        .method = SLICE("GET"),
        .path = slice_str(path),
        .visitor = SLICE("192.0.2.1"),
    };
    exchange_log_add(&world.session, &e);
}

static void wait_for_news(void)
{
    for (int ms = 0; world.told.len == 0 && ms < PATIENCE_MS; ms++) {
        loop_run_for(world.worker.loop, 1);
    }
}

/* ---- tests ---- */

static void exchanges_are_told_together(void **state)
{
    (void)state;
    add("/a");
    add("/b");
    assert_int_equal(world.told.len, 0);
    wait_for_news();
    check_text(&world.told, "7 GET /a 200 192.0.2.1\n7 GET /b 200 192.0.2.1\nskipped 0\n");
    add("/c");
    wait_for_news();
    check_text(&world.told, "7 GET /c 200 192.0.2.1\nskipped 0\n");
}

static void what_is_too_much_is_counted(void **state)
{
    (void)state;
    for (int i = 0; i < CONTROL_EXCHANGES_MAX + 5; i++) {
        add("/");
    }
    wait_for_news();
    check_has(text_str(&world.told), "skipped 5\n");
}

static void an_agent_that_does_not_keep_up_hears_how_many_it_missed(void **state)
{
    (void)state;
    world.is_agent_slow = true;
    add("/a");
    add("/b");
    loop_run_for(world.worker.loop, 80);
    assert_int_equal(world.told.len, 0);
    world.is_agent_slow = false;
    add("/c");
    wait_for_news();
    check_text(&world.told, "7 GET /c 200 192.0.2.1\nskipped 2\n");
}

static void texts_are_cut_and_made_harmless(void **state)
{
    (void)state;
    char path[CONTROL_EXCHANGE_PATH_MAX + 100];

    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    memcpy(path, "/\x1b[2J\xff", 6);
    add(path);
    wait_for_news();
    check_has(text_str(&world.told), "GET /?[2J?xxx");
    assert_true(world.told.len < CONTROL_EXCHANGE_PATH_MAX + 60);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(exchanges_are_told_together),
        WORLD_TEST(what_is_too_much_is_counted),
        WORLD_TEST(an_agent_that_does_not_keep_up_hears_how_many_it_missed),
        WORLD_TEST(texts_are_cut_and_made_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
