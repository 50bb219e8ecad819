/* Files over an exchange without any HTTP/1: what is found, what is never reached, parts of it. */
#include "http/static_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "http/file_path.h"
#include "support/fake_exchange.h"
#include "support/folder.h"
#include "support/request_head.h"

static struct loop *loop;
static struct folder root;
static struct static_files *files;
static struct exchange *visitor;
static struct http_head answer; /* a copy */
static struct text body;
static int body_end;
static size_t in_flight_max;

static void write_file(const char *name, size_t bytes, char fill)
{
    char *content = mem_alloc(bytes + 1);

    memset(content, fill, bytes);
    content[bytes] = '\0';
    folder_write(&root, name, content);
    mem_free(content);
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(folder_path(&root, name), 0755), 0);
}

static void make_link(const char *target, const char *name)
{
    assert_int_equal(symlink(target, folder_path(&root, name)), 0);
}

static int open_all(void **state)
{
    struct errinfo info = {0};

    (void)state;
    loop = loop_new();
    folder_make(&root);
    write_file("index.html", 10, 'i');
    write_file("a b.css", 20, 'c');
    write_file("large.bin", 1000000, 'L');
    write_file(".secret", 5, 's');
    make_folder("sub");
    make_folder("empty");
    make_folder(".well-known");
    write_file("sub/index.html", 3, 'S');
    write_file(".well-known/x.txt", 4, 'w');
    make_link("/etc/passwd", "link");
    make_link("/etc", "linked");
    assert_int_equal(static_files_open(root.path, &files, &info), 0);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    static_files_free(&files);
    loop_free(&loop);
    folder_remove(&root);
    return 0;
}

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    struct http_head *head;
    struct bufq bytes = {0};

    (void)ctx;
    (void)events;
    if (answer.status == 0 && exchange_read_head(visitor, &head) == 0) {
        http_head_copy(&answer, head);
    }
    int err = stream_read(s, &bytes, 10000);
    text_add(&body, bufq_pullup(&bytes, bytes.bytes));
    bufq_clear(&bytes);
    if (chunk_stats().bytes_in_use > in_flight_max) {
        in_flight_max = chunk_stats().bytes_in_use;
    }
    if (err < 0 && err != ERR_AGAIN) {
        body_end = err;
        stream_unwant(s, STREAM_READABLE);
    }
}

static void forget(void)
{
    exchange_abort(&visitor);
    loop_run_for(loop, 1);
    http_head_clear(&answer);
    text_deinit(&body);
    body_end = 0;
    in_flight_max = 0;
}

/* Asks for a path, with one more field if id is one; the answer stays until the next. */
static unsigned ask_with(const char *method, const char *path, enum http_name id, const char *value)
{
    struct http_head head = {0};
    struct exchange *front;

    forget();
    fake_exchange_open(loop, 50000, &visitor, &front);
    stream_set_user(&visitor->body, on_ready, NULL);
    stream_want(&visitor->body, STREAM_READABLE);
    request_head(&head, method, "h", path);
    if (id != HTTP_OTHER) {
        http_head_add(&head, id, slice_str(value));
    }
    assert_int_equal(exchange_send_head(visitor, &head), 0);
    http_head_clear(&head);
    static_files_serve(files, front);
    for (int i = 0; i < 200 && body_end == 0; i++) {
        loop_run_for(loop, 1);
    }
    return answer.status;
}

static unsigned ask(const char *path)
{
    return ask_with("GET", path, HTTP_OTHER, "");
}

static void assert_value(enum http_name id, const char *expected)
{
    struct slice value = http_head_value(&answer, id);
    assert_int_equal(value.len, strlen(expected));
    assert_memory_equal(value.ptr, expected, value.len);
}

static void files_come_with_their_type(void **state)
{
    (void)state;
    assert_int_equal(ask("/"), 200);
    assert_string_equal(text_str(&body), "iiiiiiiiii");
    assert_int_equal(body_end, ERR_EOF);
    assert_value(HTTP_CONTENT_TYPE, "text/html; charset=utf-8");
    assert_int_equal(ask("/a%20b.css?v=1"), 200);
    assert_int_equal(body.len, 20);
    assert_value(HTTP_CONTENT_TYPE, "text/css; charset=utf-8");
    assert_int_equal(ask("/.well-known/x.txt"), 200);
    assert_int_equal(ask("/sub/"), 200);
    assert_string_equal(text_str(&body), "SSS");
    forget();
}

static void a_folder_without_its_slash_is_redirected(void **state)
{
    (void)state;
    assert_int_equal(ask("/sub?q=1"), 301);
    assert_value(HTTP_LOCATION, "/sub/?q=1");
    forget();
}

static void nothing_outside_and_nothing_hidden_is_reached(void **state)
{
    const char *paths[] = {"/../etc/passwd",
                           "/..%2fetc/passwd",
                           "/%2e%2e/etc/passwd",
                           "/sub/../../etc/passwd",
                           "/sub/../index.html",
                           "/./index.html",
                           "//etc/passwd",
                           "/link",
                           "/linked/passwd",
                           "/.secret",
                           "/%2esecret",
                           "/a%00b",
                           "/%",
                           "/%zz",
                           "/index.html/",
                           "/index.html/x",
                           "/empty/",
                           "/nothing"};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_in_range(ask(paths[i]), 400, 404);
    }
    forget();
}

static void only_get_and_head_are_answered(void **state)
{
    (void)state;
    assert_int_equal(ask_with("POST", "/", HTTP_OTHER, ""), 405);
    assert_int_equal(ask_with("HEAD", "/large.bin", HTTP_OTHER, ""), 200);
    assert_int_equal(answer.body_bytes, 1000000);
    forget();
}

static void a_large_file_comes_whole_in_constant_memory(void **state)
{
    (void)state;
    assert_int_equal(ask("/large.bin"), 200);
    assert_int_equal(body.len, 1000000);
    assert_int_equal(body_end, ERR_EOF);
    assert_in_range(in_flight_max, 1, 400000);
    forget();
}

static void one_range_is_a_part(void **state)
{
    (void)state;
    assert_int_equal(ask_with("GET", "/large.bin", HTTP_RANGE, "bytes=10-14"), 206);
    assert_string_equal(text_str(&body), "LLLLL");
    assert_value(HTTP_CONTENT_RANGE, "bytes 10-14/1000000");
    assert_int_equal(ask_with("GET", "/large.bin", HTTP_RANGE, "bytes=1000000-"), 416);
    assert_value(HTTP_CONTENT_RANGE, "bytes */1000000");
    assert_int_equal(ask_with("GET", "/large.bin", HTTP_RANGE, "bytes=0-1,4-5"), 200);
    forget();
}

static void what_is_known_already_is_not_sent_again(void **state)
{
    char etag[64];
    char date[64];

    (void)state;
    assert_int_equal(ask("/"), 200);
    snprintf(etag, sizeof(etag), "%.*s", SLICE_ARG(http_head_value(&answer, HTTP_ETAG)));
    snprintf(date, sizeof(date), "%.*s", SLICE_ARG(http_head_value(&answer, HTTP_LAST_MODIFIED)));
    assert_int_equal(ask_with("GET", "/", HTTP_IF_NONE_MATCH, etag), 304);
    assert_int_equal(body.len, 0);
    assert_int_equal(ask_with("GET", "/", HTTP_IF_MODIFIED_SINCE, date), 304);
    assert_int_equal(ask_with("GET", "/", HTTP_IF_MATCH, "\"other\""), 412);
    forget();
}

static void one_file_is_served_alone(void **state)
{
    struct static_files *all = files;
    struct errinfo info = {0};

    (void)state;
    assert_int_equal(static_files_open(folder_path(&root, "a b.css"), &files, &info), 0);
    assert_int_equal(ask("/"), 200);
    assert_value(HTTP_CONTENT_TYPE, "text/css; charset=utf-8");
    assert_int_equal(ask("/index.html"), 404);
    forget();
    static_files_free(&files);
    files = all;
}

static void assets_are_served_from_memory(void **state)
{
    static const struct asset assets[] = {{"index.html", (const unsigned char *)"hello", 5},
                                          {"x.js", (const unsigned char *)"1", 1},
                                          {NULL, NULL, 0}};
    struct static_files *all = files;

    (void)state;
    files = static_files_of_assets(assets);
    assert_int_equal(ask("/"), 200);
    assert_string_equal(text_str(&body), "hello");
    assert_int_equal(ask("/x.js"), 200);
    assert_value(HTTP_CONTENT_TYPE, "text/javascript; charset=utf-8");
    assert_int_equal(ask_with("GET", "/", HTTP_RANGE, "bytes=1-2"), 206);
    assert_string_equal(text_str(&body), "el");
    assert_int_equal(ask("/sub/x.js"), 404);
    assert_int_equal(ask("/y.js"), 404);
    forget();
    static_files_free(&files);
    files = all;
}

static void a_folder_that_is_not_there_says_so(void **state)
{
    struct static_files *none = NULL;
    struct errinfo info = {0};

    (void)state;
    assert_int_equal(static_files_open("/nowhere/at/all", &none, &info), ERR_NOT_FOUND);
    assert_non_null(strstr(info.text, "/nowhere/at/all"));
}

static void a_visitor_that_leaves_frees_the_file(void **state)
{
    struct http_head head = {0};
    struct exchange *front;

    (void)state;
    forget();
    fake_exchange_open(loop, 100, &visitor, &front);
    request_head(&head, "GET", "h", "/large.bin");
    assert_int_equal(exchange_send_head(visitor, &head), 0);
    http_head_clear(&head);
    static_files_serve(files, front);
    loop_run_for(loop, 2);
    exchange_abort(&visitor);
    loop_run_for(loop, 2);
    assert_int_equal(chunk_stats().in_use, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_with_their_type),
        cmocka_unit_test(a_folder_without_its_slash_is_redirected),
        cmocka_unit_test(nothing_outside_and_nothing_hidden_is_reached),
        cmocka_unit_test(only_get_and_head_are_answered),
        cmocka_unit_test(a_large_file_comes_whole_in_constant_memory),
        cmocka_unit_test(one_range_is_a_part),
        cmocka_unit_test(what_is_known_already_is_not_sent_again),
        cmocka_unit_test(one_file_is_served_alone),
        cmocka_unit_test(assets_are_served_from_memory),
        cmocka_unit_test(a_folder_that_is_not_there_says_so),
        cmocka_unit_test(a_visitor_that_leaves_frees_the_file),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
