/* What a token may do: words in, words out, questions. */
#include "store/rights.h"

#include "support/check.h"

static struct rights parse(const char *words)
{
    struct rights r;
    struct errinfo info = {0};
    if (rights_parse(slice_str(words), &r, &info) < 0) {
        fail_msg("'%s': %s", words, info.text);
    }
    return r;
}

static void the_ordinary_token_may_everything_but_admin(void **state)
{
    struct rights r = parse("");
    (void)state;
    assert_true(rights_allow_kind(&r, RIGHTS_HTTP));
    assert_true(rights_allow_kind(&r, RIGHTS_TCP));
    assert_true(rights_allow_name(&r, SLICE("anything.example.com")));
    assert_true(rights_allow_port(&r, 1));
    assert_false(r.is_admin);
}

static void words_are_shown_in_one_order_and_read_back(void **state)
{
    struct rights r = parse("port:6000-6100, tcp name:App-* http,port:22");
    struct text t = {0};
    (void)state;
    rights_show(&r, &t);
    check_text(&t, "http tcp name:app-* port:6000-6100 port:22");
    rights_deinit(&r);
    r = parse("admin");
    rights_show(&r, &t);
    check_text(&t, "admin");
}

static void kinds_limit_kinds(void **state)
{
    struct rights r = parse("http");
    (void)state;
    assert_true(rights_allow_kind(&r, RIGHTS_HTTP));
    assert_false(rights_allow_kind(&r, RIGHTS_TCP));
}

static void names_limit_names_and_stars_match(void **state)
{
    struct rights r = parse("name:blog name:app-* name:*.shop.example.com name:a*b*c");
    (void)state;
    assert_true(rights_allow_name(&r, SLICE("blog")));
    assert_true(rights_allow_name(&r, SLICE("BLOG")));
    assert_false(rights_allow_name(&r, SLICE("blogs")));
    assert_true(rights_allow_name(&r, SLICE("app-")));
    assert_true(rights_allow_name(&r, SLICE("app-7")));
    assert_true(rights_allow_name(&r, SLICE("x.shop.example.com")));
    assert_false(rights_allow_name(&r, SLICE("shop.example.com")));
    assert_true(rights_allow_name(&r, SLICE("axxbbyc")));
    assert_false(rights_allow_name(&r, SLICE("axxbbycd")));
    assert_false(rights_allow_name(&r, SLICE("")));
    rights_deinit(&r);
}

static void ports_limit_ports_at_both_ends(void **state)
{
    struct rights r = parse("port:6000-6002");
    (void)state;
    assert_false(rights_allow_port(&r, 5999));
    assert_true(rights_allow_port(&r, 6000));
    assert_true(rights_allow_port(&r, 6002));
    assert_false(rights_allow_port(&r, 6003));
}

static void what_is_no_right_is_told(void **state)
{
    const char *const wrong[] = {"udp",         "name:",      "name:a_b", "port:0",
                                 "port:9-1",    "port:70000", "port:",    "HTTP",
                                 "port:1-2-3x", "name:\"x\"", "http;tcp"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct rights r;
        struct errinfo info = {0};
        if (rights_parse(slice_str(wrong[i]), &r, &info) == 0) {
            fail_msg("'%s' was taken", wrong[i]);
        }
        check_has(info.text, "is no right");
        assert_int_equal(r.name_count, 0);
    }
}

static void their_number_is_bounded(void **state)
{
    struct text words = {0};
    struct rights r;
    (void)state;
    for (int i = 0; i <= RIGHTS_NAMES_MAX; i++) {
        text_addf(&words, "name:n%d ", i);
    }
    assert_int_equal(rights_parse(text_slice(&words), &r, NULL), ERR_FULL);
    text_deinit(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ordinary_token_may_everything_but_admin),
        cmocka_unit_test(words_are_shown_in_one_order_and_read_back),
        cmocka_unit_test(kinds_limit_kinds),
        cmocka_unit_test(names_limit_names_and_stars_match),
        cmocka_unit_test(ports_limit_ports_at_both_ends),
        cmocka_unit_test(what_is_no_right_is_told),
        cmocka_unit_test(their_number_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
