#include "relay/visitors/pages.h"

#include <jansson.h>

#include "relay/visitors/http_world.h"

/* The body of a page for nobody's host, asked for with these fields. */
static const char *page_for(const char *fields, const char *content_type)
{
    static char page[16 * 1024];
    struct stream_end v;
    struct text request = {0};

    text_addf(&request, "GET / HTTP/1.1\r\nHost: nobody\r\n%s\r\n", fields);
    say(visit(&v), text_str(&request));
    text_deinit(&request);
    hear(&v, "\r\nAdit-Error: NO_TUNNEL\r\n");
    hear(&v, "\r\nCache-Control: no-store\r\n");
    hear(&v, content_type);
    take(&v, "\r\n\r\n");
    pass_time(5);
    snprintf(page, sizeof page, "%.*s", (int)sizeof page - 1, heard(&v));
    stream_end_close(&v);
    return page;
}

#define TEXT "Content-Type: text/plain; charset=utf-8\r\n"
#define HTML "Content-Type: text/html; charset=utf-8\r\n"
#define JSON "Content-Type: application/json\r\n"

static void everybody_gets_what_they_ask_for(void **state)
{
    (void)state;
    page_for("", TEXT);
    page_for("Accept: */*\r\n", TEXT);
    page_for("Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n", HTML);
    page_for("Accept: application/json\r\n", JSON);
    page_for("Accept: application/json, text/plain, */*\r\n", JSON);
    page_for("Accept: text/html;q=0.5, application/json;q=0.75\r\n", JSON);
    page_for("Accept: text/html\r\nAccept: application/json;q=0.9\r\n", HTML);
    page_for("Accept: application/json;q=0\r\n", TEXT);
}

static void a_page_says_what_where_and_what_to_do(void **state)
{
    (void)state;
    const char *page = page_for("Accept: text/html\r\n", HTML);

    check_has(page, "<h1>No such tunnel</h1>");
    check_has(page, "Nothing is published as nobody right now.");
    check_has(page, "class=\"at-relay\"");
    check_has(page, "404 NO_TUNNEL");
    assert_null(strstr(page, "{{"));
}

static void json_is_json(void **state)
{
    (void)state;
    json_t *page = json_loads(page_for("Accept: application/json\r\n", JSON), 0, NULL);

    assert_non_null(page);
    assert_string_equal(json_string_value(json_object_get(page, "error")), "NO_TUNNEL");
    assert_int_equal(json_integer_value(json_object_get(page, "status")), 404);
    assert_string_equal(json_string_value(json_object_get(page, "host")), "nobody");
    json_decref(page);
}

static void every_page_and_reason_is_complete(void **state)
{
    (void)state;
    for (enum page p = PAGE_RELAY; p < PAGE_COUNT; p++) {
        assert_true(page_status(p) >= 200);
        assert_non_null(page_code(p));
    }
    for (uint16_t code = 0; code < 100; code++) {
        enum page page = page_for_reset(code);
        assert_true(page < PAGE_COUNT);
        assert_int_equal(page_status(page), code == 0 ? 502 : reset_meaning(code)->http_status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(everybody_gets_what_they_ask_for),
        WORLD_TEST(a_page_says_what_where_and_what_to_do),
        WORLD_TEST(json_is_json),
        cmocka_unit_test(every_page_and_reason_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
