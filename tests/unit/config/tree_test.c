/* YAML as a tree: shape, lines, and everything that is refused. */
#include "config/tree.h"

#include "support/check.h"

static struct tree *parse(const char *yaml)
{
    struct problems problems = {0};
    struct tree *root;
    if (tree_parse(slice_str(yaml), "f.yml", &root, &problems) < 0) {
        fail_msg("%s", text_str(&problems.lines));
    }
    problems_deinit(&problems);
    return root;
}

static void nodes_know_their_lines(void **state)
{
    struct tree *root = parse("a: 1\n# why\nb:\n  c: [x,\n    y]\n  d: {e: f}\n");
    (void)state;
    assert_int_equal(root->count, 2);
    const struct tree *b = tree_find(root, "b");
    assert_int_equal(root->keys[1]->line, 3);
    assert_int_equal(b->keys[0]->column, 2);
    assert_int_equal(tree_find(b, "c")->line, 4);
    assert_int_equal(tree_find(b, "c")->last_line, 5);
    assert_true(tree_find(b, "d")->is_flow);
    assert_int_equal(b->last_line, 6);
    assert_null(tree_find(b, "e"));
    tree_free(&root);
    assert_null(root);
}

static void values_stay_as_they_are_written(void **state)
{
    struct tree *root = parse("a: no\nb: 010\nc: 22:22\nd: '1'\ne: ~\nf: 1e3\n");
    (void)state;
    check_slice(tree_text(tree_find(root, "a")), "no");
    check_slice(tree_text(tree_find(root, "b")), "010");
    check_slice(tree_text(tree_find(root, "c")), "22:22");
    check_slice(tree_text(tree_find(root, "d")), "1");
    check_slice(tree_text(tree_find(root, "e")), "~");
    check_slice(tree_text(tree_find(root, "f")), "1e3");
    tree_free(&root);
}

static void an_empty_file_is_an_empty_map(void **state)
{
    struct tree *root = parse("# nothing yet\n");
    (void)state;
    assert_int_equal(root->kind, TREE_MAP);
    assert_int_equal(root->count, 0);
    tree_free(&root);
}

static void check_refused(struct slice yaml, const char *says)
{
    struct problems problems = {0};
    struct tree *root;
    assert_int_equal(tree_parse(yaml, "f.yml", &root, &problems), ERR_CONFIG);
    assert_null(root);
    check_has(text_str(&problems.lines), says);
    problems_deinit(&problems);
}

static void what_is_not_needed_is_refused_with_its_line(void **state)
{
    (void)state;
    check_refused(SLICE("a: 1\nb: 2\na: 3\n"), "f.yml:3: 'a' stands here twice, first in line 1");
    check_refused(SLICE("a: &x 1\n"), "f.yml:1: anchors");
    check_refused(SLICE("a: 1\nb: *x\n"), "f.yml:2: anchors");
    check_refused(SLICE("a: !!int 1\n"), "f.yml:1: tags");
    check_refused(SLICE("a: 1\n---\nb: 2\n"), "second document");
    check_refused(SLICE("[a]: 1\n"), "a key must be a word");
    check_refused(SLICE("a: \"x\\0y\"\n"), "NUL");
}

static void broken_yaml_is_refused_with_its_line(void **state)
{
    (void)state;
    check_refused(SLICE("a: 1\n  b: 2\n"), "f.yml:2: no valid YAML");
    check_refused(SLICE("a: [1\n"), "no valid YAML");
    check_refused(SLICE("a: \"x\n"), "no valid YAML");
    check_refused(SLICE("a: \xff\xfe\n"), "no valid YAML");
    check_refused(SLICE("a: 1\x00 2\n"), "no valid YAML");
}

static void depth_is_bounded(void **state)
{
    char deep[200];
    (void)state;
    memset(deep, '[', sizeof deep);
    check_refused(slice_of(deep, sizeof deep), "nested too deeply");
}

static void the_number_of_nodes_is_bounded(void **state)
{
    struct text many = {0};
    (void)state;
    for (int i = 0; i <= TREE_NODES_MAX; i++) {
        text_add_str(&many, "- 1\n");
    }
    check_refused(text_slice(&many), "too many values");
    text_deinit(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_know_their_lines),
        cmocka_unit_test(values_stay_as_they_are_written),
        cmocka_unit_test(an_empty_file_is_an_empty_map),
        cmocka_unit_test(what_is_not_needed_is_refused_with_its_line),
        cmocka_unit_test(broken_yaml_is_refused_with_its_line),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(the_number_of_nodes_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
