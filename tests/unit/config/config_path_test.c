/* Where files are looked for. */
#include "config/config_path.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/check.h"
#include "support/folder.h"

static void the_users_folder_follows_the_working_one(void **state)
{
    struct folder home;
    struct text found = {0};
    char here[512];
    (void)state;

    assert_non_null(getcwd(here, sizeof here));
    folder_make(&home);
    setenv("XDG_CONFIG_HOME", home.path, 1);
    assert_int_equal(chdir(home.path), 0);

    assert_int_equal(config_path_find("adit-x.yml", &found), ERR_NOT_FOUND);
    check_has(text_str(&found), "./adit-x.yml, /tmp/adit-test-");
    check_has(text_str(&found), "/adit/adit-x.yml, /etc/adit/adit-x.yml");

    mkdir(folder_path(&home, "adit"), 0700);
    folder_write(&home, "adit/adit-x.yml", "");
    assert_int_equal(config_path_find("adit-x.yml", &found), 0);
    check_has(text_str(&found), "/adit/adit-x.yml");

    folder_write(&home, "adit-x.yml", "");
    assert_int_equal(config_path_find("adit-x.yml", &found), 0);
    check_text(&found, "./adit-x.yml");

    assert_int_equal(chdir(here), 0);
    folder_remove(&home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_users_folder_follows_the_working_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
