/* Files that a config file names are looked at: there, and readable. */
#include "config/named_files.h"

#include "config/agent_config.h"
#include "config/relay_config.h"
#include "support/check.h"
#include "support/folder.h"

static struct folder folder;
static struct problems problems;

static int setup(void **state)
{
    (void)state;
    folder_make(&folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    problems_deinit(&problems);
    folder_remove(&folder);
    return 0;
}

/* Writes the config and looks at what it names. */
static const char *check(const struct schema *schema, const char *config)
{
    folder_write(&folder, "c.yml", config);
    problems_deinit(&problems);
    named_files_check(schema, folder_path(&folder, "c.yml"), &problems);
    return text_str(&problems.lines);
}

static void a_missing_file_is_named_with_its_line(void **state)
{
    (void)state;
    const char *says = check(&relay_schema, "open: true\ncert: /no/c.pem\nkey: /no/k.pem\n");
    assert_int_equal(problems.count, 2);
    check_has(says, "c.yml:2: cannot read '/no/c.pem': No such file or directory\n");
    check_has(says, "c.yml:3: cannot read '/no/k.pem': No such file or directory\n");
    says = check(&agent_schema, "tunnels: {web: 1}\nca: /no/ca.pem\n");
    check_has(says, "c.yml:2: cannot read '/no/ca.pem': No such file or directory\n");
}

static void a_folder_is_no_file(void **state)
{
    (void)state;
    check_has(check(&agent_schema, "ca: /\n"), "c.yml:1: cannot read '/': Is a directory\n");
}

static void what_can_be_read_is_no_problem(void **state)
{
    struct text config = {0};

    (void)state;
    folder_write(&folder, "c.pem", "");
    text_addf(&config, "cert: %s\ndata: /no/folder\n", folder_path(&folder, "c.pem"));
    assert_string_equal(check(&relay_schema, text_str(&config)), "");
    text_deinit(&config);
}

/* The reader of the file has told it already. */
static void a_file_that_is_no_yaml_is_not_told_twice(void **state)
{
    (void)state;
    assert_string_equal(check(&relay_schema, "cert: {\n"), "");
    named_files_check(&relay_schema, folder_path(&folder, "none.yml"), &problems);
    assert_int_equal(problems.count, 0);
}

int main(void)
{
#define FILES_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        FILES_TEST(a_missing_file_is_named_with_its_line),
        FILES_TEST(a_folder_is_no_file),
        FILES_TEST(what_can_be_read_is_no_problem),
        FILES_TEST(a_file_that_is_no_yaml_is_not_told_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
