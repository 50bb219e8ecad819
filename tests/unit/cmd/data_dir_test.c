/* Where things are kept when nobody says otherwise. */
#include "cmd/data_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/check.h"
#include "support/folder.h"

static struct folder folder;
static struct text path;

static int setup(void **state)
{
    (void)state;
    folder_make(&folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    text_deinit(&path);
    unsetenv("XDG_STATE_HOME");
    folder_remove(&folder);
    return 0;
}

static void the_state_home_comes_first(void **state)
{
    struct text expected = {0};
    (void)state;
    setenv("XDG_STATE_HOME", folder.path, 1);
    assert_int_equal(data_dir_open(NULL, &path, NULL), 0);
    text_addf(&expected, "%s/adit", folder.path);
    assert_string_equal(text_str(&path), text_str(&expected));
    assert_int_equal(folder_mode(&folder, "adit"), 0700);
    text_deinit(&expected);
}

static void without_it_root_and_people_differ(void **state)
{
    (void)state;
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", "/home/ann", 1);
    assert_int_equal(data_dir_find(NULL, &path, NULL), 0);
    assert_string_equal(text_str(&path),
                        geteuid() == 0 ? "/var/lib/adit" : "/home/ann/.local/state/adit");
}

static void what_is_wanted_wins_and_becomes_absolute(void **state)
{
    char here[512];
    (void)state;
    setenv("XDG_STATE_HOME", "/nonexistent", 1);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(folder.path), 0);
    assert_int_equal(data_dir_open("./deep/er/data", &path, NULL), 0);
    check_has(text_str(&path), "/deep/er/data");
    assert_int_equal(text_str(&path)[0], '/');
    assert_null(strstr(text_str(&path), "./"));
    assert_int_equal(folder_mode(&folder, "deep/er/data"), 0700);
    assert_int_equal(chdir(here), 0);
}

static void an_existing_folder_keeps_its_mode(void **state)
{
    (void)state;
    mkdir(folder_path(&folder, "mine"), 0750);
    char wanted[128];
    snprintf(wanted, sizeof wanted, "%s/mine", folder.path);
    assert_int_equal(data_dir_open(wanted, &path, NULL), 0);
    assert_int_equal(folder_mode(&folder, "mine"), 0750);
}

static void what_is_no_folder_is_told(void **state)
{
    struct errinfo info = {0};
    char wanted[128];
    (void)state;
    folder_write(&folder, "file", "x");
    snprintf(wanted, sizeof wanted, "%s/file", folder.path);
    assert_true(data_dir_open(wanted, &path, &info) < 0);
    check_has(info.text, "file is no folder");
    info = (struct errinfo){0};
    snprintf(wanted, sizeof wanted, "%s/file/below", folder.path);
    assert_true(data_dir_open(wanted, &path, &info) < 0);
    check_has(info.text, "cannot make");
}

int main(void)
{
#define FOLDER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(the_state_home_comes_first),
        FOLDER_TEST(without_it_root_and_people_differ),
        FOLDER_TEST(what_is_wanted_wins_and_becomes_absolute),
        FOLDER_TEST(an_existing_folder_keeps_its_mode),
        FOLDER_TEST(what_is_no_folder_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
