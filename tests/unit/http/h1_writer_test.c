/* How messages are framed on the wire, as a table: what the head says, whom it answers, the bytes.
 */
#include "http/h1_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/mem.h"

struct row {
    uint16_t status;
    enum http_body body;
    uint64_t body_bytes;
    const char *length_field; /* NULL: none */
    struct h1_answer answer;
    const char *head; /* on the wire */
    enum h1_writer_state next;
    bool is_kept;
};

#define TO_GET                                                                                     \
    {                                                                                              \
        .version = HTTP_1_1, .is_kept = true                                                       \
    }
#define TO_HEAD                                                                                    \
    {                                                                                              \
        .version = HTTP_1_1, .is_kept = true, .is_to_head = true                                   \
    }
#define TO_1_0                                                                                     \
    {                                                                                              \
        .version = HTTP_1_0, .is_kept = true                                                       \
    }
#define TO_LAST                                                                                    \
    {                                                                                              \
        .version = HTTP_1_1                                                                        \
    }

static const struct row rows[] = {
    {200, HTTP_BODY_NONE, 0, NULL, TO_GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
     H1_WRITER_DONE, true},
    {200, HTTP_BODY_SIZED, 5, NULL, TO_GET, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
     H1_WRITER_SIZED, true},
    {200, HTTP_BODY_SIZED, 5, "5", TO_GET, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
     H1_WRITER_SIZED, true},
    {200, HTTP_BODY_SIZED, 5, "6", TO_GET, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
     H1_WRITER_SIZED, true},
    {200, HTTP_BODY_SIZED, 5, "junk", TO_GET, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
     H1_WRITER_SIZED, true},
    {200, HTTP_BODY_OPEN, 0, "6", TO_GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     H1_WRITER_CHUNKED, true},
    {200, HTTP_BODY_OPEN, 0, NULL, TO_1_0, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
     H1_WRITER_UNTIL_CLOSE, false},
    {200, HTTP_BODY_NONE, 0, NULL, TO_1_0,
     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", H1_WRITER_DONE,
     true},
    {200, HTTP_BODY_NONE, 0, NULL, TO_LAST,
     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", H1_WRITER_DONE, false},
    {200, HTTP_BODY_NONE, 0, "7", TO_HEAD, "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n",
     H1_WRITER_DONE, true},
    {200, HTTP_BODY_OPEN, 0, NULL, TO_HEAD, "HTTP/1.1 200 OK\r\n\r\n", H1_WRITER_DONE, true},
    {204, HTTP_BODY_NONE, 0, "7", TO_GET, "HTTP/1.1 204 No Content\r\n\r\n", H1_WRITER_DONE, true},
    {304, HTTP_BODY_NONE, 0, "7", TO_GET, "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n",
     H1_WRITER_DONE, true},
    {103, HTTP_BODY_NONE, 0, "7", TO_GET, "HTTP/1.1 103 Early Hints\r\n\r\n", H1_WRITER_HEAD, true},
    {599, HTTP_BODY_NONE, 0, "0", TO_GET, "HTTP/1.1 599 \r\ncontent-length: 0\r\n\r\n",
     H1_WRITER_DONE, true},
};

static void assert_out(struct h1_writer *w, const char *expected)
{
    struct slice out = bufq_pullup(&w->out, w->out.bytes);

    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.ptr, expected, out.len);
    bufq_clear(&w->out);
}

static void responses_are_framed_by_body_version_and_question(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct h1_writer w = {0};
        struct http_head head = {0};
        struct h1_answer answer = rows[i].answer;

        http_head_make_response(&head, rows[i].status);
        head.body = rows[i].body;
        head.body_bytes = rows[i].body_bytes;
        if (rows[i].length_field) {
            http_head_add_name(&head, SLICE("content-length"), slice_str(rows[i].length_field));
        }
        assert_int_equal(h1_writer_response(&w, &head, &answer), 0);
        assert_out(&w, rows[i].head);
        assert_int_equal(w.state, rows[i].next);
        assert_int_equal(answer.is_kept, rows[i].is_kept);
        http_head_clear(&head);
    }
}

static void fields_of_one_connection_are_never_passed_on(void **state)
{
    struct h1_writer w = {0};
    struct http_head head = {0};
    struct h1_answer answer = TO_GET;

    (void)state;
    http_head_make_response(&head, 204);
    http_head_add(&head, HTTP_CONNECTION, SLICE("close"));
    http_head_add(&head, HTTP_TRANSFER_ENCODING, SLICE("chunked"));
    http_head_add(&head, HTTP_UPGRADE, SLICE("x"));
    http_head_add(&head, HTTP_KEEP_ALIVE, SLICE("timeout=1"));
    http_head_add(&head, HTTP_VIA, SLICE("kept"));
    assert_int_equal(h1_writer_response(&w, &head, &answer), 0);
    assert_out(&w, "HTTP/1.1 204 No Content\r\nVia: kept\r\n\r\n");
    http_head_clear(&head);
}

static void a_body_ends_where_it_was_said_to(void **state)
{
    struct h1_writer w = {0};
    struct http_head head = {0};
    struct h1_answer answer = TO_GET;
    struct bufq body = {0};

    (void)state;
    http_head_make_response(&head, 200);
    head.body = HTTP_BODY_SIZED;
    head.body_bytes = 3;
    assert_int_equal(h1_writer_response(&w, &head, &answer), 0);
    bufq_push_str(&body, "abcd");
    assert_int_equal(h1_writer_body(&w, &body, 4), ERR_INVALID);
    assert_int_equal(h1_writer_body(&w, &body, 2), 0);
    assert_int_equal(h1_writer_end(&w), ERR_INVALID);
    assert_int_equal(h1_writer_body(&w, &body, 1), 0);
    assert_int_equal(h1_writer_end(&w), 0);
    assert_int_equal(h1_writer_end(&w), 0);
    assert_int_equal(h1_writer_body(&w, &body, 1), ERR_CLOSED);
    bufq_clear(&w.out);
    bufq_clear(&body);
    http_head_clear(&head);
}

static void trailers_that_would_break_framing_are_refused(void **state)
{
    struct h1_writer w = {0};
    struct http_head head = {0};
    struct h1_answer answer = TO_GET;

    (void)state;
    http_head_make_response(&head, 200);
    head.body = HTTP_BODY_OPEN;
    assert_int_equal(h1_writer_response(&w, &head, &answer), 0);
    bufq_clear(&w.out);
    http_head_clear(&head);
    http_head_add_name(&head, SLICE("A"), SLICE("b\r\nC: d"));
    assert_int_equal(h1_writer_trailers(&w, &head), ERR_INVALID);
    assert_true(bufq_is_empty(&w.out));
    assert_int_equal(h1_writer_end(&w), 0);
    assert_out(&w, "0\r\n\r\n");
    http_head_clear(&head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_are_framed_by_body_version_and_question),
        cmocka_unit_test(fields_of_one_connection_are_never_passed_on),
        cmocka_unit_test(a_body_ends_where_it_was_said_to),
        cmocka_unit_test(trailers_that_would_break_framing_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
