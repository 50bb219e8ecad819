/* Heads: order, duplicates, changing in place, memory of their own. */
#include "http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/text.h"
#include "support/request_head.h"

static struct text shown;

static const char *show(const struct http_head *h)
{
    text_clear(&shown);
    HTTP_HEAD_EACH (h, field) {
        text_addf(&shown, "%.*s=%.*s;", SLICE_ARG(field->name), SLICE_ARG(field->value));
    }
    return text_str(&shown);
}

static struct http_head sample(void)
{
    struct http_head h = {0};

    request_head(&h, "GET", "[::1]:80", "/a?b?c");
    http_head_add_name(&h, SLICE("X-a"), SLICE("1"));
    http_head_add(&h, HTTP_SET_COOKIE, SLICE("c=1"));
    http_head_add_name(&h, SLICE("x-A"), SLICE("2"));
    http_head_add(&h, HTTP_SET_COOKIE, SLICE("c=2"));
    return h;
}

static int drop_text(void **state)
{
    (void)state;
    text_deinit(&shown);
    assert_int_equal(chunk_stats().in_use, 0);
    return 0;
}

static void fields_keep_order_case_and_duplicates(void **state)
{
    struct http_head h = sample();

    (void)state;
    assert_string_equal(show(&h), "X-a=1;Set-Cookie=c=1;x-A=2;Set-Cookie=c=2;");
    struct http_field *cookie = http_head_find(&h, HTTP_SET_COOKIE);
    assert_true(slice_is(cookie->value, "c=1"));
    cookie = http_head_next(&h, cookie);
    assert_true(slice_is(cookie->value, "c=2"));
    assert_null(http_head_next(&h, cookie));
    assert_null(http_head_find(&h, HTTP_DATE));
    struct http_field *other = http_head_find_name(&h, SLICE("X-A"));
    assert_true(slice_is(http_head_next(&h, other)->value, "2"));
    http_head_clear(&h);
}

static void removing_takes_all_of_a_name(void **state)
{
    struct http_head h = sample();

    (void)state;
    assert_true(http_head_remove(&h, HTTP_SET_COOKIE));
    assert_false(http_head_remove(&h, HTTP_SET_COOKIE));
    assert_string_equal(show(&h), "X-a=1;x-A=2;");
    http_head_clear(&h);
}

static void a_list_grows_as_far_as_needed(void **state)
{
    struct http_head h = {0};
    char name[16];

    (void)state;
    for (int i = 0; i < 500; i++) {
        int n = snprintf(name, sizeof(name), "N-%d", i);
        http_head_add_name(&h, slice_of(name, (size_t)n), slice_of(name, (size_t)n));
    }
    assert_int_equal(h.field_count, 500);
    assert_true(slice_is(h.fields[0].name, "N-0"));
    assert_true(slice_is(h.fields[499].value, "N-499"));
    http_head_clear(&h);
}

static void a_copy_lives_alone(void **state)
{
    struct http_head h = sample();
    struct http_head copy = {0};

    (void)state;
    http_head_copy(&copy, &h);
    http_head_clear(&h);
    assert_string_equal(show(&copy), "X-a=1;Set-Cookie=c=1;x-A=2;Set-Cookie=c=2;");
    assert_true(slice_is(copy.path, "/a?b?c"));
    assert_true(slice_is(copy.method, "GET"));
    http_head_clear(&copy);
}

static void authority_and_path_have_parts(void **state)
{
    struct http_head h = sample();

    (void)state;
    assert_true(slice_is(http_head_host(&h), "[::1]"));
    assert_true(slice_is(http_head_path_only(&h), "/a"));
    http_head_add(&h, HTTP_HOST, h.authority);
    http_head_set_authority(&h, SLICE("other:1"));
    assert_true(slice_is(http_head_value(&h, HTTP_HOST), "other:1"));
    assert_true(slice_is(http_head_host(&h), "other"));
    http_head_clear(&h);
}

static void text_is_put_together_in_the_heads_memory(void **state)
{
    struct http_head h = {0};
    const struct slice parts[] = {SLICE("a"), SLICE(""), SLICE("bc")};

    (void)state;
    assert_true(slice_is(http_head_keepf(&h, "%d-%s", 7, "x"), "7-x"));
    assert_true(slice_is(http_head_keep_joined(&h, parts, 3), "abc"));
    assert_int_equal(http_head_keep(&h, SLICE_NONE).len, 0);
    http_head_clear(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_keep_order_case_and_duplicates),
        cmocka_unit_test(removing_takes_all_of_a_name),
        cmocka_unit_test(a_list_grows_as_far_as_needed),
        cmocka_unit_test(a_copy_lives_alone),
        cmocka_unit_test(authority_and_path_have_parts),
        cmocka_unit_test(text_is_put_together_in_the_heads_memory),
    };
    return cmocka_run_group_tests(tests, NULL, drop_text);
}
