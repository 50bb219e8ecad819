/* Preconditions and ranges, as tables. */
#include "http/condition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/mem.h"
#include "support/request_head.h"

static const struct version_facts version = {{"\"v1\"", 4}, 784111777};
#define THEN   "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"

static struct http_head request_with(enum http_name id, const char *value)
{
    struct http_head h = {0};

    request_head(&h, "GET", "a", "/");
    http_head_add(&h, id, slice_str(value));
    return h;
}

static void preconditions_decide(void **state)
{
    const struct {
        enum http_name id;
        const char *value;
        unsigned status;
    } rows[] = {
        {HTTP_IF_NONE_MATCH, "\"v1\"", 304},
        {HTTP_IF_NONE_MATCH, "W/\"v1\"", 304},
        {HTTP_IF_NONE_MATCH, "\"v0\", \"v1\"", 304},
        {HTTP_IF_NONE_MATCH, "*", 304},
        {HTTP_IF_NONE_MATCH, "\"v2\"", 0},
        {HTTP_IF_MATCH, "\"v1\"", 0},
        {HTTP_IF_MATCH, "W/\"v1\"", 412},
        {HTTP_IF_MATCH, "\"v2\"", 412},
        {HTTP_IF_MATCH, "*", 0},
        {HTTP_IF_MODIFIED_SINCE, THEN, 304},
        {HTTP_IF_MODIFIED_SINCE, BEFORE, 0},
        {HTTP_IF_MODIFIED_SINCE, "yesterday", 0},
        {HTTP_IF_UNMODIFIED_SINCE, THEN, 0},
        {HTTP_IF_UNMODIFIED_SINCE, BEFORE, 412},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_head h = request_with(rows[i].id, rows[i].value);
        assert_int_equal(condition_judge(&h, &version), rows[i].status);
        http_head_clear(&h);
    }
}

static void an_etag_beats_a_date(void **state)
{
    struct http_head h = request_with(HTTP_IF_NONE_MATCH, "\"v2\"");

    (void)state;
    http_head_add(&h, HTTP_IF_MODIFIED_SINCE, SLICE(THEN));
    assert_int_equal(condition_judge(&h, &version), 0);
    http_head_clear(&h);
}

static void ranges_are_cut_to_the_whole(void **state)
{
    const struct {
        const char *value;
        enum range_verdict verdict;
        uint64_t first;
        uint64_t count;
    } rows[] = {
        {"bytes=0-0", RANGE_PART, 0, 1},
        {"bytes=0-499", RANGE_PART, 0, 100},
        {"bytes=10-19", RANGE_PART, 10, 10},
        {"bytes=99-", RANGE_PART, 99, 1},
        {"bytes=-1", RANGE_PART, 99, 1},
        {"bytes=-500", RANGE_PART, 0, 100},
        {"bytes=100-", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=20-10", RANGE_NONE, 0, 0},
        {"bytes=-", RANGE_NONE, 0, 0},
        {"bytes=", RANGE_NONE, 0, 0},
        {"bytes=a-b", RANGE_NONE, 0, 0},
        {"bytes=0-1,5-6", RANGE_NONE, 0, 0},
        {"lines=0-1", RANGE_NONE, 0, 0},
        {"bytes=18446744073709551615-", RANGE_NONE, 0, 0},
        {"bytes=99999999999999999999-", RANGE_NONE, 0, 0},
        {"bytes=0-18446744073709551615", RANGE_NONE, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_head h = request_with(HTTP_RANGE, rows[i].value);
        struct range range = {0};
        assert_int_equal(range_judge(&h, &version, 100, &range), rows[i].verdict);
        if (rows[i].verdict == RANGE_PART) {
            assert_true(range.first == rows[i].first && range.count == rows[i].count);
        }
        http_head_clear(&h);
    }
}

static void if_range_wants_the_same_whole(void **state)
{
    const char *same[] = {"\"v1\"", THEN};
    const char *other[] = {"\"v2\"", "W/\"v1\"", BEFORE, "rubbish"};
    struct range range;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        struct http_head h = request_with(HTTP_RANGE, "bytes=0-1");
        http_head_add(&h, HTTP_IF_RANGE, slice_str(same[i]));
        assert_int_equal(range_judge(&h, &version, 100, &range), RANGE_PART);
        http_head_clear(&h);
    }
    for (size_t i = 0; i < COUNT_OF(other); i++) {
        struct http_head h = request_with(HTTP_RANGE, "bytes=0-1");
        http_head_add(&h, HTTP_IF_RANGE, slice_str(other[i]));
        assert_int_equal(range_judge(&h, &version, 100, &range), RANGE_NONE);
        http_head_clear(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preconditions_decide),
        cmocka_unit_test(an_etag_beats_a_date),
        cmocka_unit_test(ranges_are_cut_to_the_whole),
        cmocka_unit_test(if_range_wants_the_same_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
