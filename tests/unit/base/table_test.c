/* The hash table whose members carry their nodes. */
#include "base/table.h"

#include "base/mem.h"
#include "support/check.h"

struct member {
    uint64_t key;
    struct table_node node;
};

static struct table table;

static int teardown(void **state)
{
    (void)state;
    table_deinit(&table);
    return 0;
}

static struct member *of(struct table_node *node)
{
    return CONTAINER_OF(node, struct member, node);
}

static struct member *find(uint64_t key)
{
    TABLE_EACH_MATCH (&table, table_hash_u64(key), node) {
        if (of(node)->key == key) {
            return of(node);
        }
    }
    return NULL;
}

static void zeroed_memory_is_an_empty_table(void **state)
{
    (void)state;
    assert_null(table_first(&table, 7));
    assert_null(table_walk(&table, NULL));
}

static void thousands_are_found_walked_and_removed(void **state)
{
    enum { MANY = 5000 };
    struct member *members = mem_alloc_array(MANY, sizeof *members);
    uint64_t sum = 0;
    size_t walked = 0;
    (void)state;
    for (uint64_t i = 0; i < MANY; i++) {
        members[i].key = i * 1000;
        table_add(&table, &members[i].node, table_hash_u64(members[i].key));
    }
    assert_int_equal(table.count, MANY);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_ptr_equal(find(i * 1000), &members[i]);
        assert_null(find(i * 1000 + 1));
    }
    TABLE_EACH (&table, node) {
        sum += of(node)->key;
        walked++;
    }
    assert_int_equal(walked, MANY);
    assert_true(sum == 1000ull * MANY * (MANY - 1) / 2);
    for (uint64_t i = 0; i < MANY; i += 2) {
        table_remove(&table, &members[i].node);
    }
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(find(i * 1000) != NULL, i % 2);
    }
    assert_int_equal(table.count, MANY / 2);
    TABLE_EACH (&table, node) {
        table_remove(&table, node);
    }
    assert_int_equal(table.count, 0);
    table_deinit(&table);
    mem_free(members);
}

static void members_of_one_hash_are_all_matched(void **state)
{
    struct member same[3] = {{.key = 1}, {.key = 2}, {.key = 3}};
    struct member neighbour = {.key = 9};
    uint64_t sum = 0;
    (void)state;
    table_add(&table, &neighbour.node, 5 + 16); /* the same bucket, another hash */
    for (int i = 0; i < 3; i++) {
        table_add(&table, &same[i].node, 5);
    }
    TABLE_EACH_MATCH (&table, 5, node) {
        sum += of(node)->key;
    }
    assert_int_equal(sum, 6);
    table_remove(&table, &same[1].node);
    sum = 0;
    TABLE_EACH_MATCH (&table, 5, node) {
        sum += of(node)->key;
    }
    assert_int_equal(sum, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(zeroed_memory_is_an_empty_table, teardown),
        cmocka_unit_test_teardown(thousands_are_found_walked_and_removed, teardown),
        cmocka_unit_test_teardown(members_of_one_hash_are_all_matched, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
