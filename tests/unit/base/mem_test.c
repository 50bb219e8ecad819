/* Heap, secrets, pools. */
#include "base/mem.h"

#include "support/check.h"

static void memory_comes_zeroed(void **state)
{
    unsigned char *p = mem_alloc(1000);
    uint64_t *array = mem_alloc_array(10, sizeof *array);
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(p[i], 0);
    }
    assert_int_equal(array[9], 0);
    mem_free(p);
    mem_free(array);
    mem_free(mem_alloc(0));
    mem_free(NULL);
}

static void copies_are_terminated(void **state)
{
    char *s = mem_strndup("hello", 2);
    (void)state;
    assert_string_equal(s, "he");
    mem_free(s);
    s = mem_strdup("");
    assert_string_equal(s, "");
    mem_free(s);
    s = mem_strndup(NULL, 0);
    assert_string_equal(s, "");
    mem_free(s);
}

static void a_secret_is_compared_and_wiped(void **state)
{
    char a[] = "same secret", b[] = "same secret";
    (void)state;
    assert_true(mem_equal_secret(a, b, sizeof a));
    b[0] = 'S';
    assert_false(mem_equal_secret(a, b, sizeof a));
    b[0] = 's';
    b[sizeof b - 2] = 'T';
    assert_false(mem_equal_secret(a, b, sizeof a));
    assert_true(mem_equal_secret(a, b, 0));
    mem_wipe(a, sizeof a);
    for (size_t i = 0; i < sizeof a; i++) {
        assert_int_equal(a[i], 0);
    }
}

struct thing {
    void *link;
    int value;
};

static void a_pool_gives_zeroed_objects_and_counts_them(void **state)
{
    struct mem_pool pool = MEM_POOL(struct thing, 2);
    struct thing *things[4];
    (void)state;
    for (int i = 0; i < 4; i++) {
        things[i] = mem_pool_get(&pool);
        assert_null(things[i]->link);
        assert_int_equal(things[i]->value, 0);
        things[i]->value = 7;
    }
    assert_int_equal(pool.in_use, 4);
    for (int i = 0; i < 4; i++) {
        mem_pool_put(&pool, things[i]);
    }
    assert_int_equal(pool.in_use, 0);
    assert_true(pool.spare_count <= 2);
    struct thing *again = mem_pool_get(&pool);
    assert_int_equal(again->value, 0);
    mem_pool_put(&pool, again);
    mem_pool_drain(&pool);
    assert_int_equal(pool.spare_count, 0);
}

static void the_machine_has_memory(void **state)
{
    (void)state;
    assert_true(mem_physical_bytes() >= (size_t)64 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_comes_zeroed),
        cmocka_unit_test(copies_are_terminated),
        cmocka_unit_test(a_secret_is_compared_and_wiped),
        cmocka_unit_test(a_pool_gives_zeroed_objects_and_counts_them),
        cmocka_unit_test(the_machine_has_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
