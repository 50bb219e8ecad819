/* Where an agent is logged in: the last one first, one per relay. */
#include "config/logins.h"

#include "support/check.h"
#include "support/folder.h"

static struct folder folder;

static int setup(void **state)
{
    (void)state;
    folder_make(&folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

static void the_last_login_is_the_default(void **state)
{
    struct logins logins;
    struct login a = {.relay = "a.example.com", .token = "token-a"};
    struct login b = {"b.example.com", "token-b", "sha256:x", "/etc/my \"ca\".pem"};
    (void)state;
    assert_int_equal(logins_save(folder.path, &a, NULL), 0);
    assert_int_equal(logins_save(folder.path, &b, NULL), 0);
    assert_int_equal(folder_mode(&folder, "logins.yml"), 0600);
    assert_int_equal(logins_load(folder.path, &logins, NULL), 0);
    assert_int_equal(logins.count, 2);
    assert_string_equal(logins_find(&logins, NULL)->relay, "b.example.com");
    assert_string_equal(logins_find(&logins, NULL)->pin, "sha256:x");
    assert_string_equal(logins_find(&logins, NULL)->ca, "/etc/my \"ca\".pem");
    assert_string_equal(logins_find(&logins, "a.example.com")->token, "token-a");
    assert_null(logins_find(&logins, "a.example.com")->pin);
    assert_null(logins_find(&logins, "a.example.com")->ca);
    assert_null(logins_find(&logins, "c.example.com"));
    logins_deinit(&logins);
}

static void a_new_login_replaces_the_old_one_of_its_relay(void **state)
{
    struct logins logins;
    struct login first = {.relay = "a.example.com", .token = "old"};
    struct login again = {.relay = "a.example.com", .token = "new \"quoted\" \\ token"};
    (void)state;
    assert_int_equal(logins_save(folder.path, &first, NULL), 0);
    assert_int_equal(logins_save(folder.path, &again, NULL), 0);
    assert_int_equal(logins_load(folder.path, &logins, NULL), 0);
    assert_int_equal(logins.count, 1);
    assert_string_equal(logins.items[0].token, "new \"quoted\" \\ token");
    logins_deinit(&logins);
}

static void no_login_yet_is_an_empty_list(void **state)
{
    struct logins logins;
    (void)state;
    assert_int_equal(logins_load(folder.path, &logins, NULL), 0);
    assert_null(logins_find(&logins, NULL));
    logins_deinit(&logins);
}

static void broken_logins_are_told(void **state)
{
    const char *const broken[] = {"logins: 1\n", "logins:\n - {token: x}\n", "other: 1\n",
                                  "a: [\n"};
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct logins logins;
        struct errinfo info = {0};
        folder_write(&folder, "logins.yml", broken[i]);
        assert_int_equal(logins_load(folder.path, &logins, &info), ERR_STORAGE);
        check_has(info.text, "log in again");
    }
}

int main(void)
{
#define STATE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        STATE_TEST(the_last_login_is_the_default),
        STATE_TEST(a_new_login_replaces_the_old_one_of_its_relay),
        STATE_TEST(no_login_yet_is_an_empty_list),
        STATE_TEST(broken_logins_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
