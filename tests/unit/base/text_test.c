/* Growing text, and text made safe for JSON and HTML. */
#include "base/text.h"

#include "base/mem.h"
#include "support/check.h"

static void zeroed_memory_is_an_empty_text(void **state)
{
    struct text t = {0};
    (void)state;
    assert_string_equal(text_str(&t), "");
    assert_int_equal(text_slice(&t).len, 0);
    text_clear(&t);
    text_deinit(&t);
}

static void it_grows_and_stays_terminated(void **state)
{
    struct text t = {0};
    (void)state;
    for (int i = 0; i < 1000; i++) {
        text_addf(&t, "%d,", i % 10);
        assert_int_equal(strlen(text_str(&t)), t.len);
    }
    assert_int_equal(t.len, 2000);
    text_clear(&t);
    assert_string_equal(text_str(&t), "");
    text_add(&t, SLICE_NONE);
    text_add_char(&t, 'x');
    check_text(&t, "x");
}

static void taking_leaves_it_empty(void **state)
{
    struct text t = {0};
    (void)state;
    text_add_str(&t, "abc");
    char *s = text_take(&t);
    assert_string_equal(s, "abc");
    assert_string_equal(text_str(&t), "");
    mem_free(s);
    s = text_take(&t);
    assert_string_equal(s, "");
    mem_free(s);
}

static void check_json(struct slice raw, const char *escaped)
{
    struct text t = {0};
    text_add_json(&t, raw);
    check_text(&t, escaped);
}

static void json_escapes_what_json_needs(void **state)
{
    (void)state;
    check_json(SLICE("plain"), "plain");
    check_json(SLICE("a\"b\\c"), "a\\\"b\\\\c");
    check_json(SLICE("\n\r\t\x01\x7f"), "\\n\\u000d\\u0009\\u0001\\u007f");
    check_json(slice_of("a\0b", 3), "a\\u0000b");
}

static void json_keeps_utf8_and_replaces_what_is_none(void **state)
{
    (void)state;
    check_json(SLICE("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
               "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    check_json(SLICE("\xff"), "\\ufffd");
    check_json(SLICE("\xc3"), "\\ufffd");            /* cut off */
    check_json(SLICE("\xc0\x80"), "\\ufffd\\ufffd"); /* overlong */
    check_json(SLICE("\xe0\x80\x80"), "\\ufffd\\ufffd\\ufffd");
    check_json(SLICE("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd"); /* a surrogate */
    check_json(SLICE("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd");
    check_json(SLICE("\xe2\x82x"), "\\ufffd\\ufffdx");
}

static void html_escapes_markup_and_quotes(void **state)
{
    struct text t = {0};
    (void)state;
    text_add_html(&t, SLICE("<a href=\"x\">'&</a>"));
    check_text(&t, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&lt;/a&gt;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_memory_is_an_empty_text),
        cmocka_unit_test(it_grows_and_stays_terminated),
        cmocka_unit_test(taking_leaves_it_empty),
        cmocka_unit_test(json_escapes_what_json_needs),
        cmocka_unit_test(json_keeps_utf8_and_replaces_what_is_none),
        cmocka_unit_test(html_escapes_markup_and_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
