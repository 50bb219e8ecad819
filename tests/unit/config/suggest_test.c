/* "did you mean". */
#include "config/suggest.h"

#include "support/check.h"

static const char *const words[] = {"subdomain", "target", "port", "path", "up", "http", NULL};

static void distance_counts_changes_and_swaps(void **state)
{
    (void)state;
    assert_int_equal(suggest_distance(SLICE("port"), SLICE("port")), 0);
    assert_int_equal(suggest_distance(SLICE("prot"), SLICE("port")), 1);
    assert_int_equal(suggest_distance(SLICE(""), SLICE("port")), 4);
    assert_int_equal(suggest_distance(SLICE("kitten"), SLICE("sitting")), 3);
}

static void a_typo_finds_its_word(void **state)
{
    (void)state;
    assert_string_equal(suggest(SLICE("subdomian"), words), "subdomain");
    assert_string_equal(suggest(SLICE("upp"), words), "up");
    assert_string_equal(suggest(SLICE("PORT"), words), "port");
    assert_string_equal(suggest(SLICE("tagret"), words), "target");
}

static void a_word_far_from_all_finds_none(void **state)
{
    (void)state;
    assert_null(suggest(SLICE("banana"), words));
    assert_null(suggest(SLICE("x"), words));
    assert_null(suggest(SLICE("a-word-that-is-much-longer-than-any-word-should-be"), words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance_counts_changes_and_swaps),
        cmocka_unit_test(a_typo_finds_its_word),
        cmocka_unit_test(a_word_far_from_all_finds_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
