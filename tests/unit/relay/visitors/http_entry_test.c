#include "relay/visitors/http_entry.h"

#include "relay/visitors/http_world.h"

#define REQUEST(method, host, path, fields)                                                        \
    method " " path " HTTP/1.1\r\nHost: " host "\r\n" fields "\r\n"
#define GET(host, path) REQUEST("GET", host, path, "")

#define LINK_FIELDS                                                                                \
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"                   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void check_answer(const char *request, const char *status, const char *part)
{
    struct stream_end v;

    say(visit(&v), request);
    hear(&v, status);
    hear(&v, part);
    assert_int_equal(world.origin_count, 0);
    stream_end_close(&v);
}

static void check_reaches_origin(const char *request)
{
    struct stream_end v;
    int number = world.origin_count;

    say(visit(&v), request);
    hear(origin(number), "\r\n\r\n");
    stream_end_close(&v);
}

/* ---- routing ---- */

static void a_host_leads_to_its_tunnel_however_it_is_written(void **state)
{
    (void)state;
    check_reaches_origin(GET("blog.t.example.com", "/"));
    check_reaches_origin(GET("BLOG.T.example.COM.:80", "/x?y"));
}

static void a_tunnels_host_belongs_wholly_to_its_origin(void **state)
{
    (void)state;
    check_reaches_origin(GET(HOST, "/_adit/health"));
    check_reaches_origin(REQUEST("GET", HOST, "/_adit/link", LINK_FIELDS));
}

static void unknown_hosts_and_paths_are_404(void **state)
{
    (void)state;
    router_add(&world.workers[0].router, SLICE("a.example.org"), SLICE("/api"),
               (struct route){.tunnel = 7});
    check_answer(GET("nobody.t.example.com", "/"), "HTTP/1.1 404 ", "Adit-Error: NO_TUNNEL\r\n");
    check_answer(GET("a.example.org", "/other"), "HTTP/1.1 404 ", "Adit-Error: NO_PATH\r\n");
    check_reaches_origin(GET("a.example.org", "/api/x"));
}

static void no_star_takes_the_relays_own_hosts(void **state)
{
    (void)state;
    router_add(&world.workers[0].router, SLICE("*"), SLICE("/"), (struct route){.tunnel = 7});
    check_answer(GET("t.example.com", "/"), "HTTP/1.1 200 ", "An adit relay");
    check_answer(GET("127.0.0.1:8080", "/"), "HTTP/1.1 200 ", "An adit relay");
    check_answer(GET("[::1]:8080", "/x"), "HTTP/1.1 404 ", "Adit-Error: NOT_HERE\r\n");
    check_answer(GET("localhost", "/"), "HTTP/1.1 200 ", "An adit relay");
    check_reaches_origin(GET("else.example.org", "/"));
}

static void the_relay_tells_that_it_is_alive(void **state)
{
    (void)state;
    check_answer(GET("t.example.com", "/_adit/health"), "HTTP/1.1 200 ", "\r\n\r\n200 OK\n");
    check_answer(GET("nobody.example.org", "/_adit/health"), "HTTP/1.1 200 ", "200 OK\n");
}

static void a_port_of_its_own_belongs_wholly_to_its_tunnel(void **state)
{
    (void)state;
    struct route route = {.tunnel = 7};
    struct http_entry_facts facts = {.scheme = SLICE("http"), .fixed_route = &route};
    struct stream_end v;

    say(visit_with(&v, &facts), GET("203.0.113.5:20001", "/_adit/health"));
    hear(origin(0), "\r\nHost: 203.0.113.5:20001\r\n");
    stream_end_close(&v);
}

static void requests_of_one_connection_are_routed_one_by_one(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), GET("nobody.example.org", "/") GET(HOST, "/"));
    take(&v, "for nobody.example.org)\n");
    hear(origin(0), "\r\n\r\n");
    say(origin(0), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    hear(&v, "\r\n\r\nok");
    stream_end_close(&v);
}

/* ---- links ---- */

static void an_upgrade_becomes_a_link(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), REQUEST("GET", "t.example.com", "/_adit/link", LINK_FIELDS) "frames");
    take(&v, "HTTP/1.1 101 Switching Protocols\r\n");
    hear(&v, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    assert_string_equal(world.carrier, "ws");
    assert_string_equal(heard(&world.link), "frames");
    say(&v, " and more");
    hear(&world.link, "frames and more");
    assert_true(list_is_empty(&world.workers[0].visitors));
    stream_end_close(&v);
}

static void a_link_over_tls_is_wss(void **state)
{
    (void)state;
    struct http_entry_facts facts = {.scheme = SLICE("https")};
    struct stream_end v;

    say(visit_with(&v, &facts), REQUEST("GET", "127.0.0.1", "/_adit/link", LINK_FIELDS));
    hear(&v, "HTTP/1.1 101 ");
    assert_string_equal(world.carrier, "wss");
    stream_end_close(&v);
}

static void a_web_page_cannot_open_a_link(void **state)
{
    (void)state;
    check_answer(REQUEST("GET", "t.example.com", "/_adit/link",
                         LINK_FIELDS "Origin: https://evil.example\r\n"),
                 "HTTP/1.1 403 ", "Adit-Error: LINK_FROM_WEB\r\n");
    assert_null(world.carrier);
}

/* RFC 9110 section 15.5.22 wants it to say what is required. */
static void a_request_for_the_link_without_an_upgrade_is_told_so(void **state)
{
    (void)state;
    check_answer(GET("t.example.com", "/_adit/link"), "HTTP/1.1 426 ",
                 "Sec-WebSocket-Version: 13\r\nAdit-Error: LINK_NO_UPGRADE\r\n");
    check_answer(GET("t.example.com", "/_adit/link"), "HTTP/1.1 426 ",
                 "Upgrade: websocket\r\nConnection: Upgrade\r\n");
    assert_null(world.carrier);
}

static void a_link_that_is_none_is_refused(void **state)
{
    (void)state;
    check_answer(REQUEST("POST", "t.example.com", "/_adit/link", LINK_FIELDS), "HTTP/1.1 405 ",
                 "Allow: GET\r\nAdit-Error: LINK_NOT_GET\r\n");
    check_answer(REQUEST("GET", "t.example.com", "/_adit/link",
                         "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                         "Sec-WebSocket-Version: 13\r\n"),
                 "HTTP/1.1 400 ", "Adit-Error: LINK_BAD\r\n");
    assert_null(world.carrier);
}

/* ---- the end ---- */

static void a_draining_relay_finishes_what_is_open(void **state)
{
    (void)state;
    struct stream_end idle;
    struct stream_end busy;

    visit(&idle);
    say(visit(&busy), GET(HOST, "/"));
    hear(origin(0), "\r\n\r\n");
    http_entries_drain(&world.workers[0]);
    hear_end(&idle, ERR_EOF);
    say(origin(0), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    hear(&busy, "\r\nConnection: close\r\n");
    hear_end(&busy, ERR_EOF);
    stream_end_close(&idle);
    stream_end_close(&busy);
}

static void sent_away_means_cut(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), GET(HOST, "/"));
    hear(origin(0), "\r\n\r\n");
    http_entries_send_away(&world.workers[0]);
    hear_end(&v, ERR_RESET);
    hear_end(origin(0), ERR_RESET);
    assert_true(list_is_empty(&world.workers[0].visitors));
    stream_end_close(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_host_leads_to_its_tunnel_however_it_is_written),
        WORLD_TEST(a_tunnels_host_belongs_wholly_to_its_origin),
        WORLD_TEST(unknown_hosts_and_paths_are_404),
        WORLD_TEST(no_star_takes_the_relays_own_hosts),
        WORLD_TEST(the_relay_tells_that_it_is_alive),
        WORLD_TEST(a_port_of_its_own_belongs_wholly_to_its_tunnel),
        WORLD_TEST(requests_of_one_connection_are_routed_one_by_one),
        WORLD_TEST(an_upgrade_becomes_a_link),
        WORLD_TEST(a_link_over_tls_is_wss),
        WORLD_TEST(a_web_page_cannot_open_a_link),
        WORLD_TEST(a_request_for_the_link_without_an_upgrade_is_told_so),
        WORLD_TEST(a_link_that_is_none_is_refused),
        WORLD_TEST(a_draining_relay_finishes_what_is_open),
        WORLD_TEST(sent_away_means_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
