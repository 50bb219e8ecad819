/* Heads: found at every split, parsed into views, refused for each fault, written back. */
#include "wire/h1_head.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct h1_scan_limits limits = {.bytes = 4096, .target_bytes = 200, .fields = 8};

static const char typical[] = "GET /a/b?c=d HTTP/1.1\r\n"
                              "Host: example.com\r\n"
                              "X-One:1\r\n"
                              "Accept: \t text/html \t\r\n"
                              "SET-cookie: a=b\r\n"
                              "Set-Cookie: c=d\r\n"
                              "X-Empty:\r\n"
                              "\r\n";

/* What a head amounts to, scanned in pieces of `step` bytes from blocks of exactly their size (so
 * that ASan sees a read past the end), then parsed. */
struct outcome {
    int err;
    enum h1_fault fault;
    size_t bytes;
    struct h1_head head;
    struct http_field fields[16];
};

static int scan_in_pieces(struct slice input, size_t step, struct h1_scan *scan,
                          enum h1_fault *fault)
{
    int err = ERR_MORE;

    for (size_t at = 0; at < input.len && err == ERR_MORE; at += step) {
        struct slice piece = slice_sub(input, at, step);
        char *copy = malloc(piece.len);
        memcpy(copy, piece.ptr, piece.len);
        err = h1_scan_feed(scan, slice_of(copy, piece.len), &limits, fault);
        free(copy);
    }
    return err;
}

static void read_head(struct slice input, size_t step, bool is_request, struct outcome *o)
{
    struct h1_scan scan = {0};

    *o = (struct outcome){0};
    o->head.fields = o->fields;
    o->head.field_cap = 16;
    o->err = scan_in_pieces(input, step, &scan, &o->fault);
    o->bytes = scan.bytes;
    if (o->err == 0) {
        struct slice whole = slice_sub(input, 0, scan.bytes);
        o->err = is_request ? h1_request_parse(whole, &o->head, &o->fault)
                            : h1_response_parse(whole, &o->head, &o->fault);
    }
}

static enum h1_fault request_fault(const char *text, size_t len)
{
    struct outcome first;

    read_head(slice_of(text, len), len, true, &first);
    for (size_t step = 1; step < len; step++) { /* splitting changes nothing */
        struct outcome o;
        read_head(slice_of(text, len), step, true, &o);
        assert_int_equal(o.err, first.err);
        assert_int_equal(o.fault, first.fault);
    }
    assert_int_equal(first.err == 0, first.fault == H1_FAULT_NONE);
    return first.fault;
}
#define REQUEST_FAULT(literal) request_fault(literal, sizeof(literal) - 1)

static enum h1_fault response_fault(const char *text)
{
    struct outcome o;
    read_head(slice_str(text), strlen(text), false, &o);
    return o.fault;
}

static void a_request_is_parsed_into_views_in_order(void **state)
{
    struct outcome o;

    (void)state;
    read_head(slice_str(typical), 1, true, &o);
    assert_int_equal(o.err, 0);
    assert_int_equal(o.bytes, sizeof(typical) - 1);
    assert_true(slice_is(o.head.method, "GET"));
    assert_true(slice_is(o.head.target, "/a/b?c=d"));
    assert_int_equal(o.head.minor, 1);
    assert_int_equal(o.head.field_count, 6);
    assert_int_equal(o.fields[0].id, HTTP_HOST);
    assert_true(slice_is(o.fields[1].value, "1"));
    assert_true(slice_is(o.fields[2].value, "text/html"));
    assert_true(slice_is(o.fields[3].name, "SET-cookie"));
    assert_int_equal(o.fields[3].id, HTTP_SET_COOKIE);
    assert_int_equal(o.fields[4].id, HTTP_SET_COOKIE);
    assert_int_equal(o.fields[5].value.len, 0);
    assert_ptr_equal(o.head.method.ptr, typical); /* views, not copies */
}

static void every_split_finds_the_same_end_and_leaves_the_rest(void **state)
{
    char input[sizeof(typical) + 20];
    size_t len = sizeof(typical) - 1;

    (void)state;
    memcpy(input, typical, len);
    memcpy(input + len, "\r\n\r\nbody\r\n", 11);
    for (size_t step = 1; step < len + 10; step++) {
        struct outcome o;
        read_head(slice_of(input, len + 10), step, true, &o);
        assert_int_equal(o.err, 0);
        assert_int_equal(o.bytes, len);
    }
}

static void every_truncation_needs_more(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(typical) - 1; len++) {
        struct outcome o;
        read_head(slice_of(typical, len), 7, true, &o);
        assert_int_equal(o.err, ERR_MORE);
    }
}

static void each_byte_is_looked_at_once(void **state)
{
    struct h1_scan scan = {0};
    enum h1_fault fault;

    (void)state;
    for (size_t i = 0; i < sizeof(typical) - 2; i++) {
        assert_int_equal(h1_scan_feed(&scan, slice_of(typical + i, 1), &limits, &fault), ERR_MORE);
        assert_int_equal(scan.bytes, i + 1);
    }
    assert_int_equal(scan.start_line, strlen("GET /a/b?c=d HTTP/1.1\r\n"));
}

static void line_endings_are_crlf_and_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\nHost: a\r\n\r\n"), H1_FAULT_BARE_LF);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nHost: a\n\r\n"), H1_FAULT_BARE_LF);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nHost: a\r\n\n"), H1_FAULT_BARE_LF);
    assert_int_equal(REQUEST_FAULT("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), H1_FAULT_BARE_LF);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"), H1_FAULT_BARE_CR);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"), H1_FAULT_BARE_CR);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nX: a\rHost: b\r\n\r\n"), H1_FAULT_BARE_CR);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"), H1_FAULT_START_LINE);
}

static void field_lines_are_strict(void **state)
{
    (void)state;
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
                     H1_FAULT_BLANK_BEFORE_COLON);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n"),
                     H1_FAULT_BLANK_BEFORE_COLON);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"), H1_FAULT_FOLDED);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"), H1_FAULT_FOLDED);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\n: a\r\n\r\n"), H1_FAULT_FIELD_NAME);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nHost\r\n\r\n"), H1_FAULT_FIELD_NAME);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nHo(st: a\r\n\r\n"), H1_FAULT_FIELD_NAME);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nHo\0st: a\r\n\r\n"), H1_FAULT_FIELD_NAME);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nH\xc3\xb6st: a\r\n\r\n"),
                     H1_FAULT_FIELD_NAME);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"), H1_FAULT_FIELD_VALUE);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nHost: a\x1b\r\n\r\n"), H1_FAULT_FIELD_VALUE);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n"), H1_FAULT_FIELD_VALUE);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1\r\nX: \xc3\xa4\r\n\r\n"), H1_FAULT_NONE);
}

static void request_lines_are_strict(void **state)
{
    (void)state;
    assert_int_equal(REQUEST_FAULT("GET /\r\n\r\n"), H1_FAULT_HTTP_0_9);
    assert_int_equal(REQUEST_FAULT("GET  / HTTP/1.1\r\n\r\n"), H1_FAULT_TARGET);
    assert_int_equal(REQUEST_FAULT("GET /  HTTP/1.1\r\n\r\n"), H1_FAULT_START_LINE);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.1 \r\n\r\n"), H1_FAULT_START_LINE);
    assert_int_equal(REQUEST_FAULT("GET\t/ HTTP/1.1\r\n\r\n"), H1_FAULT_METHOD);
    assert_int_equal(REQUEST_FAULT(" GET / HTTP/1.1\r\n\r\n"), H1_FAULT_METHOD);
    assert_int_equal(REQUEST_FAULT("G@T / HTTP/1.1\r\n\r\n"), H1_FAULT_METHOD);
    assert_int_equal(REQUEST_FAULT("GET\r\n\r\n"), H1_FAULT_METHOD);
    assert_int_equal(REQUEST_FAULT("GET /a\0b HTTP/1.1\r\n\r\n"), H1_FAULT_TARGET);
    assert_int_equal(REQUEST_FAULT("GET /a#b HTTP/1.1\r\n\r\n"), H1_FAULT_TARGET);
    assert_int_equal(REQUEST_FAULT("GET /\xe4 HTTP/1.1\r\n\r\n"), H1_FAULT_TARGET);
    assert_int_equal(REQUEST_FAULT("GET /a b HTTP/1.1\r\n\r\n"), H1_FAULT_START_LINE);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/2.0\r\n\r\n"), H1_FAULT_VERSION);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/0.9\r\n\r\n"), H1_FAULT_VERSION);
    assert_int_equal(REQUEST_FAULT("GET / http/1.1\r\n\r\n"), H1_FAULT_START_LINE);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.11\r\n\r\n"), H1_FAULT_START_LINE);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1\r\n\r\n"), H1_FAULT_START_LINE);
    assert_int_equal(REQUEST_FAULT("GET / HTTP/1.2\r\n\r\n"), H1_FAULT_NONE);
    assert_int_equal(REQUEST_FAULT("M-SEARCH * HTTP/1.0\r\n\r\n"), H1_FAULT_NONE);
}

static void a_bad_first_line_is_known_before_the_head_is_complete(void **state)
{
    enum h1_fault fault = H1_FAULT_NONE;

    (void)state;
    assert_int_equal(h1_request_line_check(SLICE("GET /\r\n"), &fault), ERR_PROTOCOL);
    assert_int_equal(fault, H1_FAULT_HTTP_0_9);
    assert_int_equal(h1_request_line_check(SLICE("GET / HTTP/1.1\r\n"), &fault), 0);
}

static void status_lines_are_strict(void **state)
{
    struct outcome o;

    (void)state;
    read_head(SLICE("HTTP/1.1 200 Very OK\r\nA: b\r\n\r\n"), 3, false, &o);
    assert_int_equal(o.err, 0);
    assert_int_equal(o.head.status, 200);
    assert_true(slice_is(o.head.reason, "Very OK"));
    assert_int_equal(response_fault("HTTP/1.0 404\r\n\r\n"), H1_FAULT_NONE);
    assert_int_equal(response_fault("HTTP/1.1 204 \r\n\r\n"), H1_FAULT_NONE);
    assert_int_equal(response_fault("HTTP/1.1 2000 OK\r\n\r\n"), H1_FAULT_STATUS);
    assert_int_equal(response_fault("HTTP/1.1 20 OK\r\n\r\n"), H1_FAULT_STATUS);
    assert_int_equal(response_fault("HTTP/1.1 099 OK\r\n\r\n"), H1_FAULT_STATUS);
    assert_int_equal(response_fault("HTTP/1.1  200 OK\r\n\r\n"), H1_FAULT_STATUS);
    assert_int_equal(response_fault("HTTP/1.1 +20 OK\r\n\r\n"), H1_FAULT_STATUS);
    assert_int_equal(response_fault("HTTP/1.1 200 a\x01\r\n\r\n"), H1_FAULT_STATUS);
    assert_int_equal(response_fault("HTTP/2 200 OK\r\n\r\n"), H1_FAULT_STATUS);
    assert_int_equal(response_fault("HTTP/2.0 200 OK\r\n\r\n"), H1_FAULT_VERSION);
    assert_int_equal(response_fault("ICY 200 OK\r\n\r\n"), H1_FAULT_STATUS);
    assert_int_equal(response_fault("\r\nHTTP/1.1 200 OK\r\n\r\n"), H1_FAULT_STATUS);
}

/* "GET /aaa... HTTP/1.1" with a target of n bytes, then `fields` fields of `size` bytes each. */
static enum h1_fault fault_of_size(size_t target, size_t fields, size_t size)
{
    static char text[16384];
    size_t len = 0;
    struct outcome o;

    len += (size_t)sprintf(text, "GET /");
    memset(text + len, 'a', target - 1);
    len += target - 1;
    len += (size_t)sprintf(text + len, " HTTP/1.1\r\n");
    for (size_t i = 0; i < fields; i++) {
        memset(text + len, 'x', size);
        text[len + 1] = ':';
        memcpy(text + len + size - 2, "\r\n", 2);
        len += size;
    }
    memcpy(text + len, "\r\n", 2);
    read_head(slice_of(text, len + 2), 1000, true, &o);
    return o.fault;
}

static void each_limit_holds_and_one_more_is_refused(void **state)
{
    size_t rest = strlen("GET / HTTP/1.1\r\n") + 2; /* target of one byte, empty line */

    (void)state;
    assert_int_equal(fault_of_size(1, limits.fields, 10), H1_FAULT_NONE);
    assert_int_equal(fault_of_size(1, limits.fields + 1, 10), H1_FAULT_FIELDS_MANY);
    assert_int_equal(fault_of_size(limits.target_bytes, 1, 10), H1_FAULT_NONE);
    assert_int_equal(fault_of_size(limits.target_bytes + 70, 1, 10), H1_FAULT_TARGET_LONG);
    assert_int_equal(fault_of_size(1, 1, limits.bytes - rest), H1_FAULT_NONE);
    assert_int_equal(fault_of_size(1, 1, limits.bytes - rest + 1), H1_FAULT_HEAD_LONG);
}

static void an_endless_line_is_refused_at_the_limit(void **state)
{
    struct h1_scan scan = {0};
    enum h1_fault fault = H1_FAULT_NONE;
    size_t fed = 0;

    (void)state;
    while (h1_scan_feed(&scan, SLICE("a"), &limits, &fault) == ERR_MORE) {
        fed++;
        assert_true(fed <= limits.target_bytes + 64);
    }
    assert_int_equal(fault, H1_FAULT_TARGET_LONG);
    assert_int_equal(h1_fault_status(fault), 414);
}

static void more_fields_than_room_are_refused(void **state)
{
    struct http_field one;
    struct h1_head head = {.fields = &one, .field_cap = 1};
    enum h1_fault fault = H1_FAULT_NONE;

    (void)state;
    assert_int_equal(h1_fields_parse(SLICE("A: 1\r\nB: 2\r\n\r\n"), &head, &fault), ERR_TOO_LARGE);
    assert_int_equal(fault, H1_FAULT_FIELDS_MANY);
}

static void trailers_are_fields_and_an_empty_line(void **state)
{
    struct http_field fields[2];
    struct h1_head head = {.fields = fields, .field_cap = 2};
    enum h1_fault fault = H1_FAULT_NONE;

    (void)state;
    assert_int_equal(h1_fields_parse(SLICE("\r\n"), &head, &fault), 0);
    assert_int_equal(head.field_count, 0);
    assert_int_equal(h1_fields_parse(SLICE("Sum: 1\r\n\r\n"), &head, &fault), 0);
    assert_int_equal(head.field_count, 1);
}

static struct slice whole(struct bufq *q)
{
    return bufq_pullup(q, q->bytes);
}

static void what_is_written_reads_back(void **state)
{
    struct bufq out = {0};
    struct outcome o;

    (void)state;
    read_head(slice_str(typical), 5, true, &o);
    struct http_field extra = {SLICE("Via"), SLICE("1.1 adit"), HTTP_VIA};
    struct h1_lines lines = {o.fields, o.head.field_count, http_name_bit(HTTP_ACCEPT), &extra, 1};
    assert_int_equal(h1_request_write(&out, o.head.method, o.head.target, &lines), 0);
    assert_true(slice_is(whole(&out), "GET /a/b?c=d HTTP/1.1\r\n"
                                      "Host: example.com\r\n"
                                      "X-One: 1\r\n"
                                      "SET-cookie: a=b\r\n"
                                      "Set-Cookie: c=d\r\n"
                                      "X-Empty: \r\n"
                                      "Via: 1.1 adit\r\n"
                                      "\r\n"));
    bufq_clear(&out);
    lines = (struct h1_lines){0};
    assert_int_equal(h1_response_write(&out, 503, SLICE("Away"), &lines), 0);
    assert_true(slice_is(whole(&out), "HTTP/1.1 503 Away\r\n\r\n"));
    bufq_clear(&out);
    assert_int_equal(h1_fields_write(&out, &lines), 0);
    assert_true(slice_is(whole(&out), "\r\n"));
    bufq_clear(&out);
}

static void a_head_larger_than_a_chunk_is_written_whole(void **state)
{
    static char value[CHUNK_LARGE_BYTES];
    struct bufq out = {0};
    struct http_field field = {SLICE("X"), {value, sizeof(value)}, HTTP_OTHER};
    struct h1_lines lines = {&field, 1, 0, NULL, 0};

    (void)state;
    memset(value, 'v', sizeof(value));
    assert_int_equal(h1_response_write(&out, 200, SLICE("OK"), &lines), 0);
    assert_int_equal(out.bytes, strlen("HTTP/1.1 200 OK\r\nX: \r\n\r\n") + sizeof(value));
    bufq_clear(&out);
}

static void nothing_that_breaks_framing_can_be_written(void **state)
{
    struct bufq out = {0};
    struct http_field value = {SLICE("A"), SLICE("b\r\nC: d"), HTTP_OTHER};
    struct http_field name = {SLICE("A: b\r\nC"), SLICE("d"), HTTP_OTHER};
    struct h1_lines bad_value = {&value, 1, 0, NULL, 0};
    struct h1_lines bad_extra = {NULL, 0, 0, &name, 1};
    struct h1_lines none = {0};

    (void)state;
    assert_int_equal(h1_request_write(&out, SLICE("GET"), SLICE("/"), &bad_value), ERR_INVALID);
    assert_int_equal(h1_response_write(&out, 200, SLICE(""), &bad_extra), ERR_INVALID);
    assert_int_equal(h1_fields_write(&out, &bad_value), ERR_INVALID);
    assert_int_equal(h1_request_write(&out, SLICE("G T"), SLICE("/"), &none), ERR_INVALID);
    assert_int_equal(h1_request_write(&out, SLICE("GET"), SLICE("/ a"), &none), ERR_INVALID);
    assert_int_equal(h1_request_write(&out, SLICE("GET"), SLICE(""), &none), ERR_INVALID);
    assert_int_equal(h1_response_write(&out, 200, SLICE("O\nK"), &none), ERR_INVALID);
    assert_int_equal(h1_response_write(&out, 99, SLICE("OK"), &none), ERR_INVALID);
    assert_true(bufq_is_empty(&out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_parsed_into_views_in_order),
        cmocka_unit_test(every_split_finds_the_same_end_and_leaves_the_rest),
        cmocka_unit_test(every_truncation_needs_more),
        cmocka_unit_test(each_byte_is_looked_at_once),
        cmocka_unit_test(line_endings_are_crlf_and_nothing_else),
        cmocka_unit_test(field_lines_are_strict),
        cmocka_unit_test(request_lines_are_strict),
        cmocka_unit_test(a_bad_first_line_is_known_before_the_head_is_complete),
        cmocka_unit_test(status_lines_are_strict),
        cmocka_unit_test(each_limit_holds_and_one_more_is_refused),
        cmocka_unit_test(an_endless_line_is_refused_at_the_limit),
        cmocka_unit_test(more_fields_than_room_are_refused),
        cmocka_unit_test(trailers_are_fields_and_an_empty_line),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(a_head_larger_than_a_chunk_is_written_whole),
        cmocka_unit_test(nothing_that_breaks_framing_can_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
