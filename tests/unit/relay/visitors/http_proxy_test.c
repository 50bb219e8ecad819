#include "relay/visitors/http_proxy.h"

#include "relay/visitors/body_flow.h"
#include "relay/visitors/http_world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: " HOST "\r\n\r\n"
#define POST(body, length)                                                                         \
    "POST / HTTP/1.1\r\nHost: " HOST "\r\nContent-Length: " length "\r\n\r\n" body
#define OK(body, length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" body

/* A whole exchange on an origin, so that its connection is idle afterwards. */
static void exchange_once(struct stream_end *visitor, struct stream_end *(*of)(int), int number)
{
    say(visitor, GET("/warm"));
    take(of(number), "\r\n\r\n");
    say(of(number), OK("warm", "4"));
    take(visitor, "warm");
}

/* ---- passing on ---- */

static void a_request_reaches_the_origin_as_it_was(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), "GET /a?b=c HTTP/1.1\r\nHost: " HOST "\r\nX-Odd:  1\r\nx-odd: 2\r\n\r\n");
    hear(origin(0), "GET /a?b=c HTTP/1.1\r\n");
    hear(origin(0), "\r\nHost: " HOST "\r\n");
    hear(origin(0), "\r\nX-Odd: 1\r\nx-odd: 2\r\n");
    stream_end_close(&v);
}

static void the_origin_learns_who_visits(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), "GET / HTTP/1.1\r\nHost: " HOST "\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n");
    hear(origin(0), "\r\nX-Forwarded-For: -\r\n"); /* a pipe has no address */
    hear(origin(0), "\r\nX-Forwarded-Proto: http\r\n");
    assert_null(strstr(heard(origin(0)), "6.6.6.6"));
    stream_end_close(&v);
}

static void an_answer_reaches_the_visitor_as_it_was(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), GET("/"));
    hear(origin(0), "\r\n\r\n");
    say(origin(0), "HTTP/1.1 404 Nope\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n"
                   "Content-Length: 2\r\n\r\nno");
    hear(&v, "HTTP/1.1 404 Nope\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n");
    hear(&v, "\r\n\r\nno");
    stream_end_close(&v);
}

/* RFC 9110 section 15.5.22: what 426 requires is in a field that otherwise ends at each hop. */
static void a_required_upgrade_reaches_the_visitor(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), GET("/"));
    hear(origin(0), "\r\n\r\n");
    say(origin(0), "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: TLS/1.3\r\n"
                   "Content-Length: 0\r\n\r\n");
    hear(&v, "\r\nUpgrade: TLS/1.3\r\nConnection: Upgrade\r\n");
    stream_end_close(&v);
}

static void bodies_and_trailers_pass_both_ways(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), "POST / HTTP/1.1\r\nHost: " HOST "\r\nTransfer-Encoding: chunked\r\n"
                   "TE: trailers\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n");
    hear(origin(0), "3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n");
    say(origin(0), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "4\r\ndefg\r\n0\r\nX-End: 1\r\n\r\n");
    hear(&v, "4\r\ndefg\r\n0\r\nX-End: 1\r\n\r\n");
    stream_end_close(&v);
}

static void informational_heads_come_before_the_answer(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), "POST / HTTP/1.1\r\nHost: " HOST "\r\nExpect: 100-continue\r\n"
                   "Content-Length: 2\r\n\r\n");
    hear(origin(0), "Expect: 100-continue\r\n");
    say(origin(0), "HTTP/1.1 100 Continue\r\n\r\n");
    take(&v, "HTTP/1.1 100 Continue\r\n\r\n");
    say(&v, "hi");
    hear(origin(0), "\r\n\r\nhi");
    say(origin(0), OK("yes", "3"));
    hear(&v, "HTTP/1.1 200 OK\r\n");
    stream_end_close(&v);
}

static void an_early_answer_ends_the_exchange(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), POST("abc", "1000000"));
    hear(origin(0), "\r\n\r\nabc");
    say(origin(0), "HTTP/1.1 413 Content Too Large\r\nContent-Length: 6\r\n\r\nenough");
    hear(&v, "HTTP/1.1 413 ");
    hear(&v, "enough");
    hear_end(origin(0), ERR_RESET); /* a half that is not complete: never used again */
    stream_end_close(&v);
}

static void an_upgraded_exchange_is_plain_bytes(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), "GET /ws HTTP/1.1\r\nHost: " HOST "\r\nConnection: Upgrade\r\n"
                   "Upgrade: websocket\r\n\r\nearly");
    hear(origin(0), "Upgrade: websocket\r\n");
    assert_null(strstr(heard(origin(0)), "early")); /* not before the origin agrees */
    say(origin(0), "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                   "Upgrade: websocket\r\n\r\nhello");
    hear(&v, "HTTP/1.1 101 ");
    hear(&v, "\r\n\r\nhello");
    hear(origin(0), "\r\n\r\nearly");
    say(&v, "more");
    hear(origin(0), "earlymore");

    origin(0)->shuts = true;
    say(origin(0), "bye");
    hear(&v, "hellobye");
    hear_end(&v, ERR_EOF); /* one direction ends, the other goes on */
    say(&v, "rest");
    hear(origin(0), "earlymorerest");
    stream_end_close(&v);
    hear_end(origin(0), ERR_EOF);
}

static void cookies_for_all_tunnels_become_cookies_of_one(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), GET("/"));
    hear(origin(0), "\r\n\r\n");
    say(origin(0), "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Domain=t.example.com; Path=/\r\n"
                   "Content-Length: 0\r\n\r\n");
    hear(&v, "\r\nSet-Cookie: a=1; Path=/\r\n");
    stream_end_close(&v);
}

/* ---- origin connections ---- */

static void an_idle_connection_is_used_again(void **state)
{
    (void)state;
    struct stream_end v;

    visit(&v);
    exchange_once(&v, origin, 0);
    exchange_once(&v, origin, 0);
    assert_int_equal(world.origin_count, 1);
    assert_int_equal(world.origins[0].begin_count, 2);
    assert_int_equal(world.tunnel.open_count, 1);
    assert_int_equal(world.tunnel.exchange_count, 2);
    stream_end_close(&v);
}

static void a_connection_the_origin_closes_is_not_used_again(void **state)
{
    (void)state;
    struct stream_end v;

    visit(&v);
    say(&v, GET("/"));
    hear(origin(0), "\r\n\r\n");
    say(origin(0), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    take(&v, "ok");
    exchange_once(&v, origin, 1);
    exchange_once(&v, origin, 1);
    stream_close(&origin(1)->stream);
    pass_time(5);
    exchange_once(&v, origin, 2);
    stream_end_close(&v);
}

static void an_origin_that_names_its_limit_is_left_before_it(void **state)
{
    (void)state;
    struct stream_end v;

    visit(&v);
    say(&v, GET("/"));
    hear(origin(0), "\r\n\r\n");
    say(origin(0), "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok");
    take(&v, "ok");
    exchange_once(&v, origin, 1);
    stream_end_close(&v);
}

static void idle_connections_end_after_a_while(void **state)
{
    (void)state;
    struct stream_end v;

    world.config.limits.origin_idle = 30;
    visit(&v);
    exchange_once(&v, origin, 0);
    assert_int_equal(origin(0)->end, 0);
    hear_end(origin(0), ERR_EOF);
    assert_int_equal(world.tunnel.open_count, 0);
    stream_end_close(&v);
}

static void no_more_than_the_limit_are_kept_idle(void **state)
{
    (void)state;
    struct stream_end v[3];

    world.config.limits.origin_idle_max = 2;
    for (int i = 0; i < 3; i++) {
        say(visit(&v[i]), GET("/"));
        hear(origin(i), "\r\n\r\n");
    }
    for (int i = 0; i < 3; i++) {
        say(origin(i), OK("ok", "2"));
        take(&v[i], "ok");
    }
    hear_end(origin(2), ERR_EOF);
    assert_int_equal(world.tunnel.open_count, 2);
    for (int i = 0; i < 3; i++) {
        stream_end_close(&v[i]);
    }
}

static void exchanges_outlive_their_tunnels_pool(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), GET("/"));
    hear(origin(0), "\r\n\r\n");
    origin_pool_free(&world.tunnel.origins);
    world.find_result = ERR_NOT_FOUND;
    say(origin(0), OK("still here", "10"));
    hear(&v, "still here");
    hear_end(origin(0), ERR_EOF);
    stream_end_close(&v);
}

static void login_at(struct stream_end *visitor, int number)
{
    say(visitor, GET("/login"));
    take(origin(number), "\r\n\r\n");
    say(origin(number), "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\n"
                        "Content-Length: 2\r\n\r\nno");
    take(visitor, "no");
}

static void a_connection_that_knows_its_visitor_is_for_nobody_else(void **state)
{
    (void)state;
    struct stream_end v;
    struct stream_end stranger;

    visit(&v);
    visit(&stranger);
    login_at(&v, 0);
    say(&v, "GET / HTTP/1.1\r\nHost: " HOST "\r\nAuthorization: NTLM abc=\r\n\r\n");
    take(origin(0), "\r\nAuthorization: NTLM abc=\r\n");
    say(origin(0), OK("hello ann", "9"));
    take(&v, "hello ann");
    exchange_once(&stranger, origin, 1);
    exchange_once(&v, origin, 0); /* still ann's */
    stream_abort(&v.stream);
    hear_end(origin(0), ERR_EOF);
    stream_end_close(&v);
    stream_end_close(&stranger);
}

static void a_lost_connection_of_ones_own_is_replaced(void **state)
{
    (void)state;
    struct stream_end v;

    visit(&v);
    login_at(&v, 0);
    stream_close(&origin(0)->stream);
    pass_time(5);
    exchange_once(&v, origin, 1);
    login_at(&v, 1);
    origin_pool_free(&world.tunnel.origins);
    stream_end_close(&v);
}

/* ---- once more ---- */

static void reset_by_agent(int number, uint16_t code)
{
    world.origins[number].relay_side->reset_code = code;
    pipe_cut(origin(number)->stream, ERR_RESET);
}

static void unsent_is_sent_again_whatever_the_method(void **state)
{
    (void)state;
    struct stream_end v;

    visit(&v);
    exchange_once(&v, origin, 0);
    say(&v, POST("precious", "8"));
    hear(origin(0), "\r\n\r\nprecious");
    reset_by_agent(0, RESET_UNSENT);
    hear(origin(1), "POST / HTTP/1.1\r\n");
    hear(origin(1), "\r\n\r\nprecious");
    say(origin(1), OK("done", "4"));
    hear(&v, "done");
    stream_end_close(&v);
}

static void the_rest_of_a_body_follows_what_was_sent_again(void **state)
{
    (void)state;
    struct stream_end v;

    visit(&v);
    exchange_once(&v, origin, 0);
    say(&v, POST("pre", "8"));
    hear(origin(0), "\r\n\r\npre");
    reset_by_agent(0, RESET_UNSENT);
    hear(origin(1), "\r\n\r\npre");
    say(&v, "cious");
    hear(origin(1), "\r\n\r\nprecious");
    stream_end_close(&v);
}

static void a_body_too_long_to_keep_is_not_sent_again(void **state)
{
    (void)state;
    static char body[BODY_KEPT_BYTES + 1000];
    struct stream_end v;

    memset(body, 'x', sizeof body);
    say(visit(&v), POST("", "1000000"));
    stream_end_send(&v, body, sizeof body);
    origin(0);
    for (int ms = 0; origin(0)->received < sizeof body && ms < PATIENCE_MS; ms++) {
        pass_time(1);
    }
    reset_by_agent(0, RESET_UNSENT);
    hear(&v, "HTTP/1.1 502 ");
    assert_int_equal(world.origin_count, 1);
    stream_end_close(&v);
}

static void unsent_for_ever_is_an_error(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), GET("/"));
    for (int i = 0; i < 3; i++) {
        hear(origin(i), "\r\n\r\n");
        reset_by_agent(i, RESET_UNSENT);
    }
    hear(&v, "HTTP/1.1 502 ");
    hear(&v, "\r\nAdit-Error: NO_ANSWER\r\n");
    assert_int_equal(world.origin_count, 3);
    stream_end_close(&v);
}

static void a_used_connection_that_is_lost_costs_no_idempotent_request(void **state)
{
    (void)state;
    struct stream_end v;

    visit(&v);
    exchange_once(&v, origin, 0);
    say(&v, GET("/again"));
    hear(origin(0), "/again");
    stream_close(&origin(0)->stream);
    hear(origin(1), "GET /again HTTP/1.1\r\n");
    say(origin(1), OK("ok", "2"));
    hear(&v, "HTTP/1.1 200 OK");
    stream_end_close(&v);
}

static void a_post_may_have_had_its_effect(void **state)
{
    (void)state;
    struct stream_end v;

    visit(&v);
    exchange_once(&v, origin, 0);
    say(&v, POST("x", "1"));
    hear(origin(0), "POST");
    stream_close(&origin(0)->stream);
    hear(&v, "HTTP/1.1 502 ");
    assert_int_equal(world.origin_count, 1);
    stream_end_close(&v);
}

static void a_fresh_connection_that_is_lost_is_an_answer(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), GET("/"));
    hear(origin(0), "\r\n\r\n");
    stream_close(&origin(0)->stream);
    hear(&v, "HTTP/1.1 502 ");
    assert_int_equal(world.origin_count, 1);
    stream_end_close(&v);
}

/* ---- cutting ---- */

static void a_visitor_that_goes_away_cancels_the_origin(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), GET("/slow"));
    hear(origin(0), "\r\n\r\n");
    stream_abort(&v.stream);
    hear_end(origin(0), ERR_RESET);
    stream_end_close(&v);
}

static void an_answer_cut_short_never_looks_complete(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), GET("/"));
    hear(origin(0), "\r\n\r\n");
    say(origin(0), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    stream_close(&origin(0)->stream);
    hear(&v, "abc"); /* what came before is not lost */
    hear_end(&v, ERR_RESET);
    assert_null(strstr(heard(&v), "\r\n0\r\n"));
    stream_end_close(&v);
}

static void a_body_cut_short_cancels_the_origin(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), POST("abc", "100"));
    hear(origin(0), "abc");
    stream_abort(&v.stream);
    hear_end(origin(0), ERR_RESET);
    stream_end_close(&v);
}

static void a_malformed_body_is_refused_and_cancelled(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), "POST / HTTP/1.1\r\nHost: " HOST "\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\n");
    hear(origin(0), "abc");
    say(&v, "zz\r\n");
    hear(&v, "HTTP/1.1 400 ");
    hear_end(origin(0), ERR_RESET);
    stream_end_close(&v);
}

/* ---- pages ---- */

static void reasons_of_the_agent_become_pages(void **state)
{
    (void)state;
    static const struct {
        uint16_t code;
        const char *status;
        const char *field;
    } cases[] = {
        {RESET_REFUSED, "HTTP/1.1 502 ", "\r\nAdit-Error: REFUSED\r\n"},
        {RESET_TIMEOUT, "HTTP/1.1 504 ", "\r\nAdit-Error: TIMEOUT\r\n"},
        {RESET_DENIED, "HTTP/1.1 403 ", "\r\nAdit-Error: DENIED\r\n"},
        {RESET_GRACE, "HTTP/1.1 503 ", "\r\nRetry-After: 5\r\n"},
    };
    struct stream_end v;

    visit(&v);
    for (int i = 0; i < (int)COUNT_OF(cases); i++) {
        say(&v, GET("/"));
        hear(origin(i), "\r\n\r\n");
        reset_by_agent(i, cases[i].code);
        hear(&v, cases[i].status);
        hear(&v, cases[i].field);
        take(&v, HOST ")\n");
    }
    stream_end_close(&v);
}

static void what_is_not_http_is_a_bad_answer(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), GET("/"));
    hear(origin(0), "\r\n\r\n");
    origin(0)->shuts = true;
    say(origin(0), "SSH-2.0-Nonsense\r\n");
    hear(&v, "HTTP/1.1 502 ");
    hear(&v, "\r\nAdit-Error: BAD_ANSWER\r\n");
    stream_end_close(&v);
}

static void an_answer_that_does_not_come_times_out(void **state)
{
    (void)state;
    struct stream_end v;

    world.config.limits.response_head = 20;
    say(visit(&v), GET("/"));
    hear(&v, "HTTP/1.1 504 ");
    hear(&v, "\r\nAdit-Error: ANSWER_TIMEOUT\r\n");
    hear_end(origin(0), ERR_RESET);
    stream_end_close(&v);
}

static void no_deadline_expires_while_the_link_is_away(void **state)
{
    (void)state;
    struct stream_end v;

    world.config.limits.response_head = 100;
    say(visit(&v), GET("/"));
    hear(origin(0), "\r\n\r\n");
    origin_pool_hold(world.tunnel.origins, true);
    pass_time(150);
    assert_int_equal(v.received, 0);
    origin_pool_hold(world.tunnel.origins, false);
    hear(&v, "HTTP/1.1 504 ");
    stream_end_close(&v);
}

static void out_of_budget_is_told(void **state)
{
    (void)state;
    struct stream_end v;

    world.open_result = ERR_FULL;
    say(visit(&v), GET("/"));
    hear(&v, "HTTP/1.1 503 ");
    hear(&v, "\r\nAdit-Error: OUT_OF_BUDGET\r\n");
    stream_end_close(&v);
}

/* ---- an agent that is away ---- */

static void come_back(bool is_attached)
{
    for (int ms = 0; !world.waiter && ms < PATIENCE_MS; ms++) {
        pass_time(1);
    }
    assert_non_null(world.waiter);
    world.find_result = is_attached ? 0 : ERR_AGAIN;
    world.waiter->done(world.waiter, is_attached);
}

static void a_request_waits_for_the_agent(void **state)
{
    (void)state;
    struct stream_end v;

    world.find_result = ERR_AGAIN;
    say(visit(&v), POST("patience", "8"));
    come_back(true);
    hear(origin(0), "\r\n\r\npatience");
    say(origin(0), OK("ok", "2"));
    hear(&v, "HTTP/1.1 200 OK");
    stream_end_close(&v);
}

static void an_agent_that_stays_away_is_503(void **state)
{
    (void)state;
    struct stream_end v;

    world.find_result = ERR_AGAIN;
    say(visit(&v), GET("/"));
    come_back(false);
    hear(&v, "HTTP/1.1 503 ");
    hear(&v, "\r\nRetry-After: 5\r\n");
    hear(&v, "\r\nAdit-Error: AGENT_AWAY\r\n");
    assert_null(world.waiter);
    stream_end_close(&v);
}

static void too_many_waiting_visitors_are_503_at_once(void **state)
{
    (void)state;
    struct stream_end v;

    world.find_result = ERR_AGAIN;
    world.wait_result = ERR_FULL;
    say(visit(&v), GET("/"));
    hear(&v, "\r\nAdit-Error: AGENT_BUSY\r\n");
    stream_end_close(&v);
}

static void a_visitor_that_gives_up_waits_no_more(void **state)
{
    (void)state;
    struct stream_end v;

    world.find_result = ERR_AGAIN;
    say(visit(&v), GET("/"));
    for (int ms = 0; !world.waiter && ms < PATIENCE_MS; ms++) {
        pass_time(1);
    }
    stream_abort(&v.stream);
    for (int ms = 0; world.waiter && ms < PATIENCE_MS; ms++) {
        pass_time(1);
    }
    assert_null(world.waiter);
    stream_end_close(&v);
}

/* ---- a session on another worker ---- */

#define FAR_HOST "far.t.example.com"
#define FAR_GET  "GET /far HTTP/1.1\r\nHost: " FAR_HOST "\r\n\r\n"

static void move_tunnel_away(void)
{
    router_add(&world.workers[0].router, SLICE(FAR_HOST), SLICE("/"),
               (struct route){.worker = 1, .tunnel = 7});
}

static void a_session_on_another_worker_is_reached_too(void **state)
{
    (void)state;
    struct stream_end v;

    move_tunnel_away();
    world.tunnel.wants_exchanges = true;
    visit(&v);
    for (int i = 0; i < 2; i++) {
        say(&v, FAR_GET);
        take(origin(i), "GET /far HTTP/1.1\r\n");
        assert_int_equal(world.origins[i].begin_count, 1);
        say(origin(i), OK("from afar", "9"));
        take(&v, "from afar");
    }
    for (int ms = 0; world.told.len == 0 && ms < PATIENCE_MS; ms++) {
        pass_time(1);
    }
    check_has(text_str(&world.told), "7 GET /far 200 0 9 -\n");
    assert_int_equal(world.tunnel.exchange_count, 2);
    stream_end_close(&v);
}

static void cancel_and_loss_cross_workers(void **state)
{
    (void)state;
    struct stream_end v;
    struct stream_end w;

    move_tunnel_away();
    say(visit(&v), FAR_GET);
    hear(origin(0), "\r\n\r\n");
    stream_abort(&v.stream);
    hear_end(origin(0), ERR_RESET);
    say(visit(&w), FAR_GET);
    hear(origin(1), "\r\n\r\n");
    pipe_cut(origin(1)->stream, ERR_RESET);
    hear(&w, "HTTP/1.1 502 ");
    stream_end_close(&v);
    stream_end_close(&w);
}

static void the_reason_of_a_reset_crosses_workers(void **state)
{
    (void)state;
    struct stream_end v;

    move_tunnel_away();
    say(visit(&v), FAR_GET);
    hear(origin(0), "\r\n\r\n");
    reset_by_agent(0, RESET_DNS);
    hear(&v, "HTTP/1.1 502 ");
    hear(&v, "\r\nAdit-Error: DNS\r\n");
    say(&v, FAR_GET);
    hear(origin(1), "\r\n\r\n");
    reset_by_agent(1, RESET_UNSENT);
    hear(origin(2), "GET /far HTTP/1.1\r\n"); /* once more */
    stream_end_close(&v);
}

static void a_far_session_without_room_is_503(void **state)
{
    (void)state;
    struct stream_end v;

    move_tunnel_away();
    world.open_result = ERR_FULL;
    say(visit(&v), FAR_GET);
    hear(&v, "\r\nAdit-Error: OUT_OF_BUDGET\r\n");
    stream_end_close(&v);
}

static void a_far_agent_that_is_away_is_waited_for(void **state)
{
    (void)state;
    struct stream_end v;

    move_tunnel_away();
    world.find_result = ERR_AGAIN;
    say(visit(&v), FAR_GET);
    come_back(true);
    hear(origin(0), "GET /far HTTP/1.1\r\n");
    say(origin(0), OK("ok", "2"));
    hear(&v, "HTTP/1.1 200 OK");
    world.find_result = ERR_AGAIN;
    say(&v, FAR_GET);
    come_back(false);
    hear(&v, "\r\nAdit-Error: AGENT_AWAY\r\n");
    stream_end_close(&v);
}

static void a_far_session_that_is_gone_is_a_page(void **state)
{
    (void)state;
    struct stream_end v;

    move_tunnel_away();
    world.find_result = ERR_NOT_FOUND;
    say(visit(&v), FAR_GET);
    hear(&v, "\r\nAdit-Error: AGENT_AWAY\r\n");
    stream_end_close(&v);
}

/* ---- memory ---- */

enum { BULK_BYTES = 4 * 1024 * 1024, BULK_PIECE = 64 * 1024, MEMORY_MAX = 1024 * 1024 };

/* Sends pieces as room comes, and looks at what is in flight all the while. */
static size_t pump_bulk(struct stream_end *from, struct stream_end *to, bool reads)
{
    static char piece[BULK_PIECE];
    size_t most = 0;
    uint64_t start = to->received;

    if (!reads) {
        stream_unwant(to->stream, STREAM_READABLE);
    }
    for (size_t sent = 0; sent < BULK_BYTES; pass_time(0)) {
        if (bufq_is_empty(&from->out)) {
            stream_end_send(from, piece, sizeof piece);
            sent += sizeof piece;
        }
        if (reads) {
            bufq_clear(&to->in);
        }
        size_t now = chunk_stats().bytes_in_use;
        most = now > most ? now : most;
        if (!reads && !bufq_is_empty(&from->out) && sent > BULK_PIECE) {
            return most; /* nothing goes in any more */
        }
    }
    for (int ms = 0; to->received - start < BULK_BYTES && ms < PATIENCE_MS; ms++) {
        bufq_clear(&to->in);
        pass_time(1);
    }
    assert_true(to->received - start >= BULK_BYTES);
    return most;
}

static void bodies_of_any_size_pass_in_constant_memory(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), POST("", "4194304"));
    hear(origin(0), "\r\n\r\n");
    assert_true(pump_bulk(&v, origin(0), true) < MEMORY_MAX);
    say(origin(0), "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n");
    hear(&v, "\r\n\r\n");
    assert_true(pump_bulk(origin(0), &v, true) < MEMORY_MAX);
    stream_end_close(&v);
}

static void a_visitor_that_does_not_read_stops_the_origin(void **state)
{
    (void)state;
    struct stream_end v;

    say(visit(&v), GET("/"));
    hear(origin(0), "\r\n\r\n");
    say(origin(0), "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n");
    hear(&v, "\r\n\r\n");
    assert_true(pump_bulk(origin(0), &v, false) < MEMORY_MAX);
    stream_end_close(&v);
}

/* ---- telling the agent ---- */

static void finished_exchanges_are_told_to_an_agent_that_asks(void **state)
{
    (void)state;
    struct stream_end v;

    world.tunnel.wants_exchanges = true;
    visit(&v);
    exchange_once(&v, origin, 0);
    say(&v, POST("abc", "3"));
    take(origin(0), "abc");
    say(origin(0), OK("", "0"));
    take(&v, "\r\n\r\n");
    for (int ms = 0; world.told.len == 0 && ms < PATIENCE_MS; ms++) {
        pass_time(1);
    }
    check_text(&world.told, "7 GET /warm 200 0 4 -\n7 POST / 200 3 0 -\nskipped 0\n");
    stream_end_close(&v);
}

static void nobody_is_told_who_did_not_ask(void **state)
{
    (void)state;
    struct stream_end v;

    visit(&v);
    exchange_once(&v, origin, 0);
    pass_time(80);
    assert_int_equal(world.told.len, 0);
    assert_null(world.session.exchanges);
    stream_end_close(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_request_reaches_the_origin_as_it_was),
        WORLD_TEST(the_origin_learns_who_visits),
        WORLD_TEST(an_answer_reaches_the_visitor_as_it_was),
        WORLD_TEST(a_required_upgrade_reaches_the_visitor),
        WORLD_TEST(bodies_and_trailers_pass_both_ways),
        WORLD_TEST(informational_heads_come_before_the_answer),
        WORLD_TEST(an_early_answer_ends_the_exchange),
        WORLD_TEST(an_upgraded_exchange_is_plain_bytes),
        WORLD_TEST(cookies_for_all_tunnels_become_cookies_of_one),
        WORLD_TEST(an_idle_connection_is_used_again),
        WORLD_TEST(a_connection_the_origin_closes_is_not_used_again),
        WORLD_TEST(an_origin_that_names_its_limit_is_left_before_it),
        WORLD_TEST(idle_connections_end_after_a_while),
        WORLD_TEST(no_more_than_the_limit_are_kept_idle),
        WORLD_TEST(exchanges_outlive_their_tunnels_pool),
        WORLD_TEST(a_connection_that_knows_its_visitor_is_for_nobody_else),
        WORLD_TEST(a_lost_connection_of_ones_own_is_replaced),
        WORLD_TEST(unsent_is_sent_again_whatever_the_method),
        WORLD_TEST(the_rest_of_a_body_follows_what_was_sent_again),
        WORLD_TEST(a_body_too_long_to_keep_is_not_sent_again),
        WORLD_TEST(unsent_for_ever_is_an_error),
        WORLD_TEST(a_used_connection_that_is_lost_costs_no_idempotent_request),
        WORLD_TEST(a_post_may_have_had_its_effect),
        WORLD_TEST(a_fresh_connection_that_is_lost_is_an_answer),
        WORLD_TEST(a_visitor_that_goes_away_cancels_the_origin),
        WORLD_TEST(an_answer_cut_short_never_looks_complete),
        WORLD_TEST(a_body_cut_short_cancels_the_origin),
        WORLD_TEST(a_malformed_body_is_refused_and_cancelled),
        WORLD_TEST(reasons_of_the_agent_become_pages),
        WORLD_TEST(what_is_not_http_is_a_bad_answer),
        WORLD_TEST(an_answer_that_does_not_come_times_out),
        WORLD_TEST(no_deadline_expires_while_the_link_is_away),
        WORLD_TEST(out_of_budget_is_told),
        WORLD_TEST(a_request_waits_for_the_agent),
        WORLD_TEST(an_agent_that_stays_away_is_503),
        WORLD_TEST(too_many_waiting_visitors_are_503_at_once),
        WORLD_TEST(a_visitor_that_gives_up_waits_no_more),
        WORLD_TEST(a_session_on_another_worker_is_reached_too),
        WORLD_TEST(cancel_and_loss_cross_workers),
        WORLD_TEST(the_reason_of_a_reset_crosses_workers),
        WORLD_TEST(a_far_session_without_room_is_503),
        WORLD_TEST(a_far_agent_that_is_away_is_waited_for),
        WORLD_TEST(a_far_session_that_is_gone_is_a_page),
        WORLD_TEST(bodies_of_any_size_pass_in_constant_memory),
        WORLD_TEST(a_visitor_that_does_not_read_stops_the_origin),
        WORLD_TEST(finished_exchanges_are_told_to_an_agent_that_asks),
        WORLD_TEST(nobody_is_told_who_did_not_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
