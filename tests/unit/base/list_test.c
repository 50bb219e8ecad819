/* The ring. */
#include "base/list.h"

#include "base/mem.h"
#include "support/check.h"

struct member {
    char letter;
    struct list node;
};

static struct list head;
static struct member a, b, c;

static int setup(void **state)
{
    (void)state;
    list_init(&head);
    a = (struct member){.letter = 'a'};
    b = (struct member){.letter = 'b'};
    c = (struct member){.letter = 'c'};
    return 0;
}

static void check_members(struct list *of, const char *letters)
{
    struct text found = {0};
    LIST_EACH (of, node) {
        text_add_char(&found, LIST_ENTRY(node, struct member, node)->letter);
    }
    check_text(&found, letters);
}

static void members_stand_in_the_order_they_joined(void **state)
{
    (void)state;
    assert_true(list_is_empty(&head));
    assert_null(list_first(&head));
    list_push_back(&head, &b.node);
    list_push_back(&head, &c.node);
    list_push_front(&head, &a.node);
    check_members(&head, "abc");
    assert_ptr_equal(list_first(&head), &a.node);
}

static void removing_twice_is_once(void **state)
{
    (void)state;
    list_push_back(&head, &a.node);
    list_push_back(&head, &b.node);
    assert_true(list_is_linked(&a.node));
    list_remove(&a.node);
    list_remove(&a.node);
    assert_false(list_is_linked(&a.node));
    check_members(&head, "b");
    list_remove(&c.node); /* zeroed memory is in no list */
    assert_false(list_is_linked(&c.node));
}

static void the_current_one_may_go_while_visiting(void **state)
{
    (void)state;
    list_push_back(&head, &a.node);
    list_push_back(&head, &b.node);
    list_push_back(&head, &c.node);
    LIST_EACH (&head, node) {
        list_remove(node);
    }
    assert_true(list_is_empty(&head));
}

static void popping_takes_from_the_front(void **state)
{
    (void)state;
    list_push_back(&head, &a.node);
    list_push_back(&head, &b.node);
    assert_ptr_equal(list_pop_front(&head), &a.node);
    assert_ptr_equal(list_pop_front(&head), &b.node);
    assert_null(list_pop_front(&head));
}

static void joining_moves_all_to_the_end(void **state)
{
    struct list other;
    (void)state;
    list_init(&other);
    list_push_back(&head, &a.node);
    list_push_back(&other, &b.node);
    list_push_back(&other, &c.node);
    list_join(&head, &other);
    check_members(&head, "abc");
    assert_true(list_is_empty(&other));
    list_join(&head, &other);
    check_members(&head, "abc");
}

static void a_zeroed_head_is_an_empty_list(void **state)
{
    struct list zeroed = {0};
    (void)state;
    assert_true(list_is_empty(&zeroed));
    assert_null(list_pop_front(&zeroed));
    check_members(&zeroed, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(members_stand_in_the_order_they_joined, setup),
        cmocka_unit_test_setup(removing_twice_is_once, setup),
        cmocka_unit_test_setup(the_current_one_may_go_while_visiting, setup),
        cmocka_unit_test_setup(popping_takes_from_the_front, setup),
        cmocka_unit_test_setup(joining_moves_all_to_the_end, setup),
        cmocka_unit_test_setup(a_zeroed_head_is_an_empty_list, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
