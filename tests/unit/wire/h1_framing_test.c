/* What heads mean: targets against Host, where bodies end, what connections do next. */
#include "wire/h1_framing.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

struct parsed {
    struct h1_head head;
    struct http_field fields[80];
    enum h1_fault fault;
};

static struct h1_head *parse(struct parsed *p, const char *text)
{
    *p = (struct parsed){0};
    p->head.fields = p->fields;
    p->head.field_cap = 80;
    if (strncmp(text, "HTTP/", 5) == 0) {
        assert_int_equal(h1_response_parse(slice_str(text), &p->head, &p->fault), 0);
    } else {
        assert_int_equal(h1_request_parse(slice_str(text), &p->head, &p->fault), 0);
    }
    return &p->head;
}

/* ---- target ---- */

static enum h1_fault target_fault(const char *text)
{
    struct parsed p;
    struct h1_target target;

    parse(&p, text);
    int err = h1_target_judge(&p.head, &target, &p.fault);
    assert_int_equal(err == 0, p.fault == H1_FAULT_NONE);
    return p.fault;
}

static void assert_target(const char *text, const char *scheme, const char *authority,
                          const char *path)
{
    struct parsed p;
    struct h1_target target;

    parse(&p, text);
    assert_int_equal(h1_target_judge(&p.head, &target, &p.fault), 0);
    assert_true(slice_is(target.scheme, scheme));
    assert_true(slice_is(target.authority, authority));
    assert_true(slice_is(target.path, path));
}

static void each_form_of_target_is_taken_apart(void **state)
{
    (void)state;
    assert_target("GET /a?b HTTP/1.1\r\nHost: h:8080\r\n\r\n", "", "h:8080", "/a?b");
    assert_target("GET / HTTP/1.0\r\n\r\n", "", "", "/");
    assert_target("GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n", "http", "h", "/a");
    assert_target("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", "http", "h", "/");
    assert_target("GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n", "http", "h", "?q");
    assert_target("GET HTTPS://h:443/ HTTP/1.1\r\nHost: H\r\n\r\n", "HTTPS", "h:443", "/");
    assert_target("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "", "h", "*");
    assert_target("OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n", "http", "h", "*");
    assert_target("OPTIONS http://h/h HTTP/1.1\r\nHost: h\r\n\r\n", "http", "h", "/h");
    assert_target("CONNECT h:22 HTTP/1.1\r\nHost: h:22\r\n\r\n", "", "h:22", "");
}

static void an_absolute_target_must_agree_with_host(void **state)
{
    (void)state;
    assert_int_equal(target_fault("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"),
                     H1_FAULT_HOST_DIFFERS);
    assert_int_equal(target_fault("GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n"),
                     H1_FAULT_HOST_DIFFERS);
    assert_int_equal(target_fault("GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n"),
                     H1_FAULT_HOST_DIFFERS);
    assert_int_equal(target_fault("CONNECT a:22 HTTP/1.1\r\nHost: b:22\r\n\r\n"),
                     H1_FAULT_HOST_DIFFERS);
}

static void hosts_are_one_and_well_formed(void **state)
{
    (void)state;
    assert_int_equal(target_fault("GET / HTTP/1.1\r\n\r\n"), H1_FAULT_HOST_MISSING);
    assert_int_equal(target_fault("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
                     H1_FAULT_HOST_TWICE);
    assert_int_equal(target_fault("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n"),
                     H1_FAULT_HOST_TWICE);
    assert_int_equal(target_fault("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), H1_FAULT_HOST_BAD);
    assert_int_equal(target_fault("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), H1_FAULT_HOST_BAD);
    assert_int_equal(target_fault("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), H1_FAULT_HOST_BAD);
    assert_int_equal(target_fault("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"), H1_FAULT_HOST_BAD);
}

static void targets_of_no_form_are_refused(void **state)
{
    (void)state;
    assert_int_equal(target_fault("GET a HTTP/1.1\r\nHost: h\r\n\r\n"), H1_FAULT_TARGET);
    assert_int_equal(target_fault("GET * HTTP/1.1\r\nHost: h\r\n\r\n"), H1_FAULT_TARGET);
    assert_int_equal(target_fault("GET http:/h/ HTTP/1.1\r\nHost: h\r\n\r\n"), H1_FAULT_TARGET);
    assert_int_equal(target_fault("GET http:///p HTTP/1.1\r\nHost: h\r\n\r\n"), H1_FAULT_TARGET);
    assert_int_equal(target_fault("GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n"), H1_FAULT_TARGET);
    assert_int_equal(target_fault("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"), H1_FAULT_TARGET);
    assert_int_equal(target_fault("CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n"), H1_FAULT_TARGET);
    assert_int_equal(target_fault("CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n"), H1_FAULT_TARGET);
    assert_int_equal(target_fault("CONNECT h: HTTP/1.1\r\nHost: h\r\n\r\n"), H1_FAULT_TARGET);
    assert_int_equal(target_fault("CONNECT :22 HTTP/1.1\r\nHost: h\r\n\r\n"), H1_FAULT_TARGET);
}

/* ---- body ---- */

static enum h1_fault body_fault(const char *text)
{
    struct parsed p;
    struct h1_framing framing;

    parse(&p, text);
    int err = h1_request_body(&p.head, &framing, &p.fault);
    assert_int_equal(err == 0, p.fault == H1_FAULT_NONE);
    return p.fault;
}

static void assert_request_body(const char *text, enum h1_body body, uint64_t bytes)
{
    struct parsed p;
    struct h1_framing framing;

    assert_int_equal(h1_request_body(parse(&p, text), &framing, &p.fault), 0);
    assert_int_equal(framing.body, body);
    assert_true(framing.bytes == bytes);
}

static void requests_end_where_their_framing_says(void **state)
{
    (void)state;
    assert_request_body("POST / HTTP/1.1\r\n\r\n", H1_BODY_NONE, 0);
    assert_request_body("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", H1_BODY_NONE, 0);
    assert_request_body("GET / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", H1_BODY_SIZED, 5);
    assert_request_body("PUT / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n", H1_BODY_CHUNKED, 0);
}

static void every_framing_attack_is_refused(void **state)
{
#define POST(fields) body_fault("POST / HTTP/1.1\r\n" fields "\r\n")
    (void)state;
    assert_int_equal(POST("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
                     H1_FAULT_LENGTH_AND_CODING);
    assert_int_equal(POST("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
                     H1_FAULT_LENGTH_AND_CODING);
    assert_int_equal(POST("Content-Length: 1\r\nContent-Length: 2\r\n"), H1_FAULT_LENGTH_TWICE);
    assert_int_equal(POST("Content-Length: 1\r\ncontent-length: 1\r\n"), H1_FAULT_LENGTH_TWICE);
    assert_int_equal(POST("Content-Length: 1, 1\r\n"), H1_FAULT_LENGTH_BAD);
    assert_int_equal(POST("Content-Length: +1\r\n"), H1_FAULT_LENGTH_BAD);
    assert_int_equal(POST("Content-Length: -1\r\n"), H1_FAULT_LENGTH_BAD);
    assert_int_equal(POST("Content-Length: 0x1\r\n"), H1_FAULT_LENGTH_BAD);
    assert_int_equal(POST("Content-Length: 1 2\r\n"), H1_FAULT_LENGTH_BAD);
    assert_int_equal(POST("Content-Length:\r\n"), H1_FAULT_LENGTH_BAD);
    assert_int_equal(POST("Content-Length: 9223372036854775808\r\n"), H1_FAULT_LENGTH_BAD);
    assert_int_equal(POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
                     H1_FAULT_CODING_TWICE);
    assert_int_equal(POST("Transfer-Encoding: chunked, chunked\r\n"), H1_FAULT_CODING_UNKNOWN);
    assert_int_equal(POST("Transfer-Encoding: gzip, chunked\r\n"), H1_FAULT_CODING_UNKNOWN);
    assert_int_equal(POST("Transfer-Encoding: chunked, identity\r\n"), H1_FAULT_CODING_UNKNOWN);
    assert_int_equal(POST("Transfer-Encoding: xchunked\r\n"), H1_FAULT_CODING_UNKNOWN);
    assert_int_equal(POST("Transfer-Encoding: \"chunked\"\r\n"), H1_FAULT_CODING_UNKNOWN);
    assert_int_equal(POST("Transfer-Encoding:\r\n"), H1_FAULT_CODING_UNKNOWN);
    assert_int_equal(body_fault("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
                     H1_FAULT_CODING_IN_1_0);
    assert_int_equal(h1_fault_status(H1_FAULT_CODING_UNKNOWN), 501);
#undef POST
}

static void assert_response_body(const char *text, struct h1_asked asked, enum h1_body body)
{
    struct parsed p;
    struct h1_framing framing;

    assert_int_equal(h1_response_body(parse(&p, text), asked, &framing, &p.fault), 0);
    assert_int_equal(framing.body, body);
}

static void responses_end_where_status_and_request_say(void **state)
{
    const struct h1_asked get = {0};
    const struct h1_asked head = {.is_head = true};
    const struct h1_asked connect = {.is_connect = true};
    const char *sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";

    (void)state;
    assert_response_body(sized, get, H1_BODY_SIZED);
    assert_response_body(sized, head, H1_BODY_NONE);
    assert_response_body(sized, connect, H1_BODY_NONE);
    assert_response_body("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", get, H1_BODY_NONE);
    assert_response_body("HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\n", connect, H1_BODY_SIZED);
    assert_response_body("HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n", get, H1_BODY_NONE);
    assert_response_body("HTTP/1.1 204 X\r\n\r\n", get, H1_BODY_NONE);
    assert_response_body("HTTP/1.1 100 X\r\n\r\n", get, H1_BODY_NONE);
    assert_response_body("HTTP/1.1 200 OK\r\n\r\n", get, H1_BODY_UNTIL_CLOSE);
    assert_response_body("HTTP/1.0 200 OK\r\n\r\n", get, H1_BODY_UNTIL_CLOSE);
    assert_response_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", get,
                         H1_BODY_CHUNKED);
}

static void responses_with_two_framings_are_refused(void **state)
{
    struct parsed p;
    struct h1_framing framing;

    (void)state;
    parse(&p, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(h1_response_body(&p.head, (struct h1_asked){0}, &framing, &p.fault),
                     ERR_PROTOCOL);
    assert_int_equal(p.fault, H1_FAULT_LENGTH_AND_CODING);
}

/* ---- connection ---- */

static struct h1_connection connection_of(const char *text)
{
    static struct parsed p;
    struct h1_connection c;

    assert_int_equal(h1_connection_judge(parse(&p, text), &c, &p.fault), 0);
    return c;
}

static void connections_are_kept_by_version_and_option(void **state)
{
    (void)state;
    assert_true(connection_of("GET / HTTP/1.1\r\n\r\n").is_kept);
    assert_false(connection_of("GET / HTTP/1.0\r\n\r\n").is_kept);
    assert_true(connection_of("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").is_kept);
    assert_false(connection_of("GET / HTTP/1.1\r\nConnection: x, CLOSE\r\n\r\n").is_kept);
    assert_false(connection_of("GET / HTTP/1.1\r\nConnection: keep-alive\r\nConnection: "
                               "close\r\n\r\n")
                     .is_kept);
    assert_int_equal(
        connection_of("HTTP/1.1 200 OK\r\nKeep-Alive: max=5, timeout=7\r\n\r\n").keep_alive_s, 7);
    assert_int_equal(connection_of("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=x\r\n\r\n").keep_alive_s,
                     0);
}

static void upgrade_counts_only_when_connection_names_it(void **state)
{
    struct h1_connection c =
        connection_of("GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");

    (void)state;
    assert_true(slice_is(c.upgrade, "websocket"));
    c = connection_of("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
    assert_int_equal(c.upgrade.len, 0);
    c = connection_of("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_int_equal(c.upgrade.len, 0);
    c = connection_of("GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: H2C\r\n\r\n");
    assert_int_equal(c.upgrade.len, 0);
}

static void too_many_connection_options_are_refused(void **state)
{
    char text[256] = "GET / HTTP/1.1\r\nConnection: ";
    struct parsed p;
    struct h1_connection c;

    (void)state;
    for (int i = 0; i < 33; i++) {
        strcat(text, "a,");
    }
    strcat(text, "\r\n\r\n");
    parse(&p, text);
    assert_int_equal(h1_connection_judge(&p.head, &c, &p.fault), ERR_PROTOCOL);
    assert_int_equal(p.fault, H1_FAULT_CONNECTION_MANY);
}

static void hop_fields_go_and_the_others_keep_their_order(void **state)
{
    struct parsed p;
    const char *left[] = {"Host", "A", "Content-Length", "Expect", "Z"};

    (void)state;
    parse(&p, "POST / HTTP/1.1\r\n"
              "Host: h\r\n"
              "Connection: keep-alive, X-Hop, host, content-length, Expect, cookie\r\n"
              "A: 1\r\n"
              "Keep-Alive: timeout=5\r\n"
              "x-hop: 1\r\n"
              "TE: trailers\r\n"
              "Cookie: a\r\n"
              "X-HOP: 2\r\n"
              "Content-Length: 4\r\n"
              "Upgrade: websocket\r\n"
              "Proxy-Authorization: secret\r\n"
              "Proxy-Connection: keep-alive\r\n"
              "HTTP2-Settings: x\r\n"
              "Expect: 100-continue\r\n"
              "Z: 2\r\n\r\n");
    h1_hop_fields_remove(&p.head);
    assert_int_equal(p.head.field_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(slice_is(p.fields[i].name, left[i]));
    }
}

static void trailers_lose_what_may_not_come_late(void **state)
{
    struct http_field fields[8];
    struct h1_head head = {.fields = fields, .field_cap = 8};
    enum h1_fault fault;

    (void)state;
    assert_int_equal(h1_fields_parse(SLICE("Content-Length: 5\r\nHost: evil\r\nSum: 1\r\n"
                                           "Transfer-Encoding: chunked\r\nAuthorization: x\r\n"
                                           "Grpc-Status: 0\r\n\r\n"),
                                     &head, &fault),
                     0);
    h1_trailer_fields_remove(&head);
    assert_int_equal(head.field_count, 2);
    assert_true(slice_is(fields[0].name, "Sum"));
    assert_true(slice_is(fields[1].name, "Grpc-Status"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_target_is_taken_apart),
        cmocka_unit_test(an_absolute_target_must_agree_with_host),
        cmocka_unit_test(hosts_are_one_and_well_formed),
        cmocka_unit_test(targets_of_no_form_are_refused),
        cmocka_unit_test(requests_end_where_their_framing_says),
        cmocka_unit_test(every_framing_attack_is_refused),
        cmocka_unit_test(responses_end_where_status_and_request_say),
        cmocka_unit_test(responses_with_two_framings_are_refused),
        cmocka_unit_test(connections_are_kept_by_version_and_option),
        cmocka_unit_test(upgrade_counts_only_when_connection_names_it),
        cmocka_unit_test(too_many_connection_options_are_refused),
        cmocka_unit_test(hop_fields_go_and_the_others_keep_their_order),
        cmocka_unit_test(trailers_lose_what_may_not_come_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
