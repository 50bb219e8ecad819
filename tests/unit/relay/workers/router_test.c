#include "relay/workers/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct route tunnel(uint32_t id)
{
    return (struct route){.worker = 0, .session = 1, .tunnel = id};
}

/* The tunnel that serves it, 0 for an unknown host, -1 for an unknown path, -3 if it is away. */
static int served_by(struct router *r, const char *host, const char *path)
{
    struct route route = {0};

    switch (router_find(r, slice_str(host), slice_str(path), &route)) {
    case ROUTER_FOUND:
        return (int)route.tunnel;
    case ROUTER_NO_HOST:
        return 0;
    case ROUTER_NO_PATH:
        return -1;
    case ROUTER_AWAY:
        return -3;
    }
    return -2;
}

static void a_host_is_found_in_any_case(void **state)
{
    (void)state;
    struct router r = {0};

    router_add(&r, SLICE("blog.example.org"), SLICE("/"), tunnel(1));
    assert_int_equal(served_by(&r, "Blog.Example.ORG", "/any/path"), 1);
    assert_int_equal(served_by(&r, "log.example.org", "/"), 0);
    router_deinit(&r);
}

static void the_longest_path_wins_and_ends_at_a_segment(void **state)
{
    (void)state;
    struct router r = {0};

    router_add(&r, SLICE("h"), SLICE("/api"), tunnel(2));
    router_add(&r, SLICE("h"), SLICE("/"), tunnel(1));
    router_add(&r, SLICE("h"), SLICE("/api/v2"), tunnel(3));
    assert_int_equal(served_by(&r, "h", "/api"), 2);
    assert_int_equal(served_by(&r, "h", "/api/v1"), 2);
    assert_int_equal(served_by(&r, "h", "/api/v2/x"), 3);
    assert_int_equal(served_by(&r, "h", "/apix"), 1);
    router_remove(&r, SLICE("h"), SLICE("/"), tunnel(1));
    assert_int_equal(served_by(&r, "h", "/apix"), -1);
    router_deinit(&r);
}

static void a_reserved_place_outlives_its_routes(void **state)
{
    (void)state;
    struct router r = {0};

    router_add(&r, SLICE("*"), SLICE("/"), tunnel(9));
    router_reserve(&r, SLICE("h"), SLICE("/"));
    assert_int_equal(served_by(&r, "h", "/"), -3); /* nobody stands in for it */
    router_add(&r, SLICE("h"), SLICE("/"), tunnel(1));
    assert_int_equal(served_by(&r, "h", "/"), 1);
    router_remove(&r, SLICE("h"), SLICE("/"), tunnel(1));
    assert_int_equal(served_by(&r, "h", "/"), -3);
    assert_true(router_is_claimed(&r, SLICE("h")));
    router_release(&r, SLICE("h"), SLICE("/"));
    assert_int_equal(served_by(&r, "h", "/"), 9);
    assert_false(router_is_claimed(&r, SLICE("h")));
    router_deinit(&r);
}

static void a_released_place_keeps_its_routes(void **state)
{
    (void)state;
    struct router r = {0};

    router_reserve(&r, SLICE("h"), SLICE("/api"));
    router_add(&r, SLICE("h"), SLICE("/api"), tunnel(1));
    router_add(&r, SLICE("h"), SLICE("/"), tunnel(2));
    router_release(&r, SLICE("h"), SLICE("/api"));
    router_release(&r, SLICE("h"), SLICE("/other")); /* nothing is there */
    router_release(&r, SLICE("other"), SLICE("/"));
    assert_int_equal(served_by(&r, "h", "/api"), 1);
    router_remove(&r, SLICE("h"), SLICE("/api"), tunnel(1));
    assert_int_equal(served_by(&r, "h", "/api"), 2);
    router_deinit(&r);
}

static void the_nearest_wildcard_stands_in_for_unknown_hosts(void **state)
{
    (void)state;
    struct router r = {0};

    router_add(&r, SLICE("*"), SLICE("/"), tunnel(9));
    router_add(&r, SLICE("*.example.org"), SLICE("/"), tunnel(1));
    router_add(&r, SLICE("*.b.example.org"), SLICE("/"), tunnel(2));
    router_add(&r, SLICE("a.example.org"), SLICE("/only"), tunnel(3));
    assert_int_equal(served_by(&r, "x.example.org", "/"), 1);
    assert_int_equal(served_by(&r, "x.y.example.org", "/"), 1);
    assert_int_equal(served_by(&r, "x.b.example.org", "/"), 2);
    assert_int_equal(served_by(&r, "example.org", "/"), 9);
    assert_int_equal(served_by(&r, "a.example.org", "/only"), 3);
    assert_int_equal(served_by(&r, "a.example.org", "/else"), 1);
    router_deinit(&r);
}

static void the_star_claims_no_host(void **state)
{
    (void)state;
    struct router r = {0};

    router_add(&r, SLICE("*"), SLICE("/"), tunnel(1));
    assert_false(router_is_claimed(&r, SLICE("a.example.org")));
    router_add(&r, SLICE("*.example.org"), SLICE("/"), tunnel(2));
    assert_true(router_is_claimed(&r, SLICE("a.example.org")));
    assert_false(router_is_claimed(&r, SLICE("example.net")));
    router_deinit(&r);
}

static void replicas_take_turns_and_leave_alone(void **state)
{
    (void)state;
    struct router r = {0};
    int seen[3] = {0};

    router_add(&r, SLICE("h"), SLICE("/"), tunnel(1));
    router_add(&r, SLICE("h"), SLICE("/"), tunnel(2));
    for (int i = 0; i < 10; i++) {
        seen[served_by(&r, "h", "/")]++;
    }
    assert_int_equal(seen[1], 5);
    assert_int_equal(seen[2], 5);
    router_remove(&r, SLICE("h"), SLICE("/"), tunnel(1));
    assert_int_equal(served_by(&r, "h", "/"), 2);
    router_remove(&r, SLICE("h"), SLICE("/"), tunnel(1)); /* nobody there: nothing happens */
    router_remove(&r, SLICE("h"), SLICE("/"), tunnel(2));
    assert_int_equal(served_by(&r, "h", "/"), 0);
    assert_int_equal(r.hosts.count, 0);
    router_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_found_in_any_case),
        cmocka_unit_test(the_longest_path_wins_and_ends_at_a_segment),
        cmocka_unit_test(a_reserved_place_outlives_its_routes),
        cmocka_unit_test(a_released_place_keeps_its_routes),
        cmocka_unit_test(the_nearest_wildcard_stands_in_for_unknown_hosts),
        cmocka_unit_test(the_star_claims_no_host),
        cmocka_unit_test(replicas_take_turns_and_leave_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
