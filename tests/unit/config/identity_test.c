/* Who an agent is: made once, read for ever, never shown to others. */
#include "config/identity.h"

#include <stdio.h>

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

static void an_identity_is_made_once_and_stays(void **state)
{
    struct identity first, second;
    (void)state;
    assert_int_equal(identity_load(folder.path, &first, NULL), 0);
    assert_int_equal(identity_load(folder.path, &second, NULL), 0);
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(folder_mode(&folder, "agent"), 0600);
}

static void two_folders_are_two_agents(void **state)
{
    struct folder other;
    struct identity a, b;
    (void)state;
    folder_make(&other);
    assert_int_equal(identity_load(folder.path, &a, NULL), 0);
    assert_int_equal(identity_load(other.path, &b, NULL), 0);
    assert_memory_not_equal(a.agent_id, b.agent_id, AGENT_ID_BYTES);
    folder_remove(&other);
}

static void an_id_follows_from_the_secret(void **state)
{
    struct identity identity, again;
    char secret[65] = "";
    (void)state;
    assert_int_equal(identity_load(folder.path, &identity, NULL), 0);
    for (size_t i = 0; i < AGENT_SECRET_BYTES; i++) {
        snprintf(secret + 2 * i, 3, "%02x", identity.secret[i]);
    }
    struct text stolen = {0};
    text_addf(&stolen, "id ffffffffffffffffffffffffffffffff\nsecret %s\n", secret);
    folder_write(&folder, "agent", text_str(&stolen));
    assert_int_equal(identity_load(folder.path, &again, NULL), 0);
    assert_memory_equal(again.agent_id, identity.agent_id, AGENT_ID_BYTES);
    text_deinit(&stolen);
}

static void a_broken_identity_is_told_and_kept(void **state)
{
    struct identity identity;
    const char *const broken[] = {"", "id 00\nsecret 00\n", "id zz", "secret 1\nid 2\n"};
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct errinfo info = {0};
        folder_write(&folder, "agent", broken[i]);
        assert_int_equal(identity_load(folder.path, &identity, &info), ERR_STORAGE);
        check_has(info.text, "agent is broken");
        assert_string_equal(folder_read(&folder, "agent"), broken[i]);
    }
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    struct identity identity;
    struct errinfo info = {0};
    (void)state;
    assert_true(identity_load("/nonexistent/folder", &identity, &info) < 0);
    check_has(info.text, "/nonexistent/folder/agent: cannot be written");
}

int main(void)
{
#define STATE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        STATE_TEST(an_identity_is_made_once_and_stays),
        STATE_TEST(two_folders_are_two_agents),
        STATE_TEST(an_id_follows_from_the_secret),
        STATE_TEST(a_broken_identity_is_told_and_kept),
        STATE_TEST(a_folder_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
