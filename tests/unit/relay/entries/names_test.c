#include "relay/entries/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/table.h"

static int check_label(const char *label, const char *expected)
{
    struct text out = {0};
    int err = names_check_label(slice_str(label), &out, NULL);

    if (err == 0) {
        assert_string_equal(text_str(&out), expected);
    }
    text_deinit(&out);
    return err;
}

static int check_host(const char *host, const char *expected)
{
    struct text out = {0};
    int err = names_check_host(slice_str(host), &out, NULL);

    if (err == 0) {
        assert_string_equal(text_str(&out), expected);
    }
    text_deinit(&out);
    return err;
}

static void labels_become_lower_case(void **state)
{
    (void)state;
    assert_int_equal(check_label("Blog", "blog"), 0);
    assert_int_equal(check_label("a-1", "a-1"), 0);
}

static void what_is_no_label_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",         "-a",
        "a-",       "a_b",
        "a.b",      "a b",
        "\xc3\xa4", "0123456789012345678901234567890123456789012345678901234567890123",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(check_label(wrong[i], ""), ERR_INVALID);
    }
}

static void the_relay_keeps_some_labels_for_itself(void **state)
{
    (void)state;
    static const char *const kept[] = {"www", "Admin", "api", "relay", "mail", "_acme", "_"};

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        assert_int_equal(check_label(kept[i], ""), ERR_INVALID);
    }
}

static void a_host_may_begin_with_a_star(void **state)
{
    (void)state;
    assert_int_equal(check_host("*.Example.org", "*.example.org"), 0);
    assert_int_equal(check_host("*", "*"), 0);
    assert_int_equal(check_host("www.example.org", "www.example.org"), 0);
    assert_int_equal(check_host("a.*.org", ""), ERR_INVALID);
    assert_int_equal(check_host("a..b", ""), ERR_INVALID);
    assert_int_equal(check_host("a.b.", ""), ERR_INVALID);
}

static void the_same_seed_gives_the_same_two_words(void **state)
{
    (void)state;
    struct text a = {0};
    struct text b = {0};
    struct text other = {0};

    names_two_words(42, 0, &a);
    names_two_words(42, 0, &b);
    names_two_words(42, 1, &other);
    assert_string_equal(text_str(&a), text_str(&b));
    assert_string_not_equal(text_str(&a), text_str(&other));
    assert_int_equal(check_label(text_str(&a), text_str(&a)), 0);
    text_deinit(&a);
    text_deinit(&b);
    text_deinit(&other);
}

struct taken {
    struct table_node node;
    char *name;
};

/* True if it was free. */
static bool take_name(struct table *names, const char *name)
{
    uint64_t hash = slice_hash(slice_str(name));

    TABLE_EACH_MATCH (names, hash, n) {
        if (strcmp(CONTAINER_OF(n, struct taken, node)->name, name) == 0) {
            return false;
        }
    }
    struct taken *taken = NEW(struct taken);
    taken->name = mem_strdup(name);
    table_add(names, &taken->node, hash);
    return true;
}

/* 30,000 agents and 11,000 pairs of words: everybody finds a name soon. */
static void there_are_more_names_than_pairs_of_words(void **state)
{
    (void)state;
    struct table names = {0};

    for (uint64_t seed = 1; seed <= 30000; seed++) {
        unsigned attempt = 0;
        for (bool is_mine = false; !is_mine; attempt++) {
            struct text name = {0};
            assert_true(attempt < 16);
            names_two_words(table_hash_u64(seed), attempt, &name);
            is_mine = take_name(&names, text_str(&name));
            text_deinit(&name);
        }
    }
    TABLE_EACH (&names, n) {
        struct taken *taken = CONTAINER_OF(n, struct taken, node);
        table_remove(&names, n);
        mem_free(taken->name);
        mem_free(taken);
    }
    table_deinit(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_become_lower_case),
        cmocka_unit_test(what_is_no_label_is_refused),
        cmocka_unit_test(the_relay_keeps_some_labels_for_itself),
        cmocka_unit_test(a_host_may_begin_with_a_star),
        cmocka_unit_test(the_same_seed_gives_the_same_two_words),
        cmocka_unit_test(there_are_more_names_than_pairs_of_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
