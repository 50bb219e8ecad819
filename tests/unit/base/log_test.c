/* Log lines: levels, chains, quoting, both formats. */
#include "base/log.h"

#include <string.h>

#include "base/log_limit.h"

#include "support/check.h"

static struct text lines;

static void keep(struct slice line, void *ctx)
{
    text_add(ctx, line);
    text_add_char(ctx, '\n');
}

static int setup(void **state)
{
    (void)state;
    log_set_sink(keep, &lines);
    log_set_level(LOG_INFO);
    log_set_format(LOG_LOGFMT);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    text_deinit(&lines);
    log_set_sink(NULL, NULL);
    return 0;
}

/* The line without its time, which is 24 characters and told apart. */
static const char *after_time(size_t prefix)
{
    return text_str(&lines) + prefix;
}

static void a_line_has_time_level_message_and_fields(void **state)
{
    (void)state;
    log_warn(NULL, "hello there", LOG_STR("who", "ann"), LOG_U64("n", 7), LOG_I64("d", -5));
    assert_int_equal(text_str(&lines)[23], 'Z');
    assert_string_equal(after_time(24), " level=warn msg=\"hello there\" who=ann n=7 d=-5\n");
}

static void a_line_carries_the_chain_of_its_scope(void **state)
{
    struct log_scope session = {.kind = "session", .id = 3};
    struct log_scope stream = {.parent = &session, .kind = "stream", .id = 17};
    (void)state;
    log_info(&stream, "closed", LOG_ERR(ERR_RESET));
    check_has(text_str(&lines), "msg=closed session=3 stream=17 reason=\"connection reset\"\n");
}

static void levels_below_the_set_one_are_silent(void **state)
{
    (void)state;
    log_debug(NULL, "quiet");
    assert_int_equal(lines.len, 0);
    log_set_level(LOG_DEBUG);
    log_debug(NULL, "loud");
    log_trace(NULL, "quiet");
    check_has(text_str(&lines), "loud");
    assert_null(strstr(text_str(&lines), "quiet"));
}

static void a_value_cannot_forge_a_line_or_a_field(void **state)
{
    (void)state;
    log_info(NULL, "m", LOG_STR("a", "x\nlevel=error"), LOG_STR("b", "y z=1"), LOG_STR("c", ""),
             LOG_STR("d", "q\"q"), LOG_STR("e", "\x1b[31m"));
    check_has(text_str(&lines),
              "a=\"x\\nlevel=error\" b=\"y z=1\" c=\"\" d=\"q\\\"q\" e=\"\\u001b[31m\"\n");
}

static void json_lines_are_objects(void **state)
{
    struct log_scope link = {.kind = "link", .id = 2};
    (void)state;
    log_set_format(LOG_JSON);
    log_error(&link, "a \"b\"", LOG_U64("n", UINT64_MAX), LOG_I64("min", INT64_MIN));
    assert_memory_equal(text_str(&lines), "{\"at\":\"", 7);
    assert_string_equal(after_time(7 + 24),
                        "\",\"level\":\"error\",\"msg\":\"a \\\"b\\\"\",\"link\":2,"
                        "\"n\":18446744073709551615,\"min\":-9223372036854775808}\n");
}

static unsigned line_count(void)
{
    unsigned count = 0;

    for (const char *at = text_str(&lines); (at = strchr(at, '\n')) != NULL; at++) {
        count++;
    }
    return count;
}

static void a_source_cannot_flood_the_log(void **state)
{
    struct log_scope visitor = {.kind = "visitor", .id = 1, .source = "192.0.2.1"};
    struct log_scope below = {.parent = &visitor};
    (void)state;
    for (int i = 0; i < 10 * LOG_LIMIT_LINES; i++) {
        log_info(&below, "flood");
    }
    assert_int_equal(line_count(), LOG_LIMIT_LINES);
    check_has(text_str(&lines), "msg=flood visitor=1\n");
}

static void lines_nobody_causes_are_not_counted(void **state)
{
    struct log_scope worker = {.kind = "worker", .id = 1};
    (void)state;
    for (int i = 0; i < 10 * LOG_LIMIT_LINES; i++) {
        log_info(&worker, "our own");
    }
    assert_int_equal(line_count(), 10 * LOG_LIMIT_LINES);
}

int main(void)
{
#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_line_has_time_level_message_and_fields),
        LOG_TEST(a_line_carries_the_chain_of_its_scope),
        LOG_TEST(levels_below_the_set_one_are_silent),
        LOG_TEST(a_value_cannot_forge_a_line_or_a_field),
        LOG_TEST(json_lines_are_objects),
        LOG_TEST(a_source_cannot_flood_the_log),
        LOG_TEST(lines_nobody_causes_are_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
