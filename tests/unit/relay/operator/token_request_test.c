#include "relay/operator/token_request.h"

#include "base/mem.h"
#include "net/loop.h"
#include "store/store.h"
#include "support/check.h"

static struct loop *loop;
static struct store *store;
static json_t *answer;
static struct errinfo why;

static int open_store(void **state)
{
    (void)state;
    loop = loop_new();
    store = store_open_memory(loop);
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    json_decref(answer);
    answer = NULL;
    store_close(&store);
    loop_free(&loop);
    return 0;
}

/* Runs a request written as JSON; the answer, or why not, stands in the variables above. */
static int run(const char *json)
{
    json_t *request = json_loads(json, 0, NULL);

    assert_non_null(request);
    json_decref(answer);
    answer = NULL;
    why = (struct errinfo){0};
    int result = token_request_run(store, request, &answer, &why);
    json_decref(request);
    return result;
}

static const char *text_at(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_t *row(size_t i)
{
    return json_array_get(json_object_get(answer, "tokens"), i);
}

static int check(const char *text)
{
    const struct store_token *found;
    return store_check_token(store, slice_str(text), &found, NULL);
}

static void a_token_is_made_and_lets_its_holder_in(void **state)
{
    (void)state;
    assert_int_equal(run("{\"do\":\"token_create\",\"name\":\"bob\"}"), 0);
    assert_true(json_is_true(json_object_get(answer, "ok")));
    assert_int_equal(check(text_at(answer, "token")), 0);
    assert_int_equal(check("guess-guess-guess"), ERR_DENIED);
}

static void rights_admin_and_expiry_are_taken_over(void **state)
{
    (void)state;
    assert_int_equal(run("{\"do\":\"token_create\",\"name\":\"bob\",\"allow\":\"http name:blog\","
                         "\"expires_ms\":60000}"),
                     0);
    assert_int_equal(run("{\"do\":\"token_create\",\"name\":\"root\",\"admin\":true}"), 0);
    assert_int_equal(run("{\"do\":\"token_list\"}"), 0);
    assert_int_equal(json_array_size(json_object_get(answer, "tokens")), 2);
    assert_string_equal(text_at(row(0), "allow"), "http name:blog");
    assert_non_null(text_at(row(0), "expires_at"));
    assert_string_equal(text_at(row(1), "allow"), "admin");
    assert_true(json_is_null(json_object_get(row(1), "expires_at")));
}

static void a_list_does_not_tell_the_tokens(void **state)
{
    (void)state;
    assert_int_equal(run("{\"do\":\"token_create\",\"name\":\"bob\"}"), 0);
    char *token = mem_strdup(text_at(answer, "token"));
    assert_int_equal(run("{\"do\":\"token_list\"}"), 0);
    assert_string_equal(text_at(row(0), "name"), "bob");
    assert_null(json_object_get(row(0), "token"));
    assert_int_equal(check(token), 0);
    mem_free(token);
}

static void a_revoked_token_is_refused_and_stays_in_the_list(void **state)
{
    (void)state;
    assert_int_equal(run("{\"do\":\"token_create\",\"name\":\"bob\"}"), 0);
    char *token = mem_strdup(text_at(answer, "token"));
    assert_int_equal(run("{\"do\":\"token_revoke\",\"id\":1}"), 0);
    assert_string_equal(text_at(answer, "name"), "bob");
    assert_int_equal(check(token), ERR_DENIED);
    assert_int_equal(run("{\"do\":\"token_list\"}"), 0);
    assert_non_null(text_at(row(0), "revoked_at"));
    assert_int_equal(run("{\"do\":\"token_revoke\",\"id\":1}"), 0);
    mem_free(token);
}

static void what_is_not_there_is_told(void **state)
{
    (void)state;
    assert_int_equal(run("{\"do\":\"token_revoke\",\"id\":7}"), ERR_NOT_FOUND);
    check_has(why.text, "7");
    assert_int_equal(run("{\"do\":\"token_revoke\",\"id\":-1}"), ERR_NOT_FOUND);
    assert_int_equal(run("{\"do\":\"status\"}"), ERR_UNSUPPORTED);
    assert_int_equal(run("{}"), ERR_UNSUPPORTED);
    assert_int_equal(run("[]"), ERR_UNSUPPORTED);
    assert_int_equal(run("{\"do\":3}"), ERR_UNSUPPORTED);
}

static void requests_are_taken_strictly(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{\"do\":\"token_create\"}",
        "{\"do\":\"token_create\",\"name\":3}",
        "{\"do\":\"token_create\",\"name\":\"\"}",
        "{\"do\":\"token_create\",\"name\":\"no blanks\"}",
        "{\"do\":\"token_create\",\"name\":\"bob\",\"allow\":\"everything\"}",
        "{\"do\":\"token_create\",\"name\":\"bob\",\"admin\":1}",
        "{\"do\":\"token_create\",\"name\":\"bob\",\"expires_ms\":-1}",
        "{\"do\":\"token_create\",\"name\":\"bob\",\"expires_ms\":9000000000000000000}",
        "{\"do\":\"token_create\",\"name\":\"bob\",\"colour\":\"red\"}",
        "{\"do\":\"token_list\",\"all\":true}",
        "{\"do\":\"token_revoke\"}",
        "{\"do\":\"token_revoke\",\"id\":\"1\"}",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(run(wrong[i]), ERR_INVALID);
        assert_null(answer);
        assert_true(why.text[0] != '\0');
    }
    assert_true(store_is_new(store));
}

static void a_name_is_given_once(void **state)
{
    (void)state;
    assert_int_equal(run("{\"do\":\"token_create\",\"name\":\"bob\"}"), 0);
    assert_int_equal(run("{\"do\":\"token_create\",\"name\":\"bob\"}"), ERR_BUSY);
}

static void a_told_token_can_be_wiped(void **state)
{
    (void)state;
    assert_int_equal(run("{\"do\":\"token_create\",\"name\":\"bob\"}"), 0);
    token_answer_wipe(answer);
    assert_string_equal(text_at(answer, "token"), "");
    token_answer_wipe(NULL);
}

int main(void)
{
#define TOKEN_TEST(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)
    const struct CMUnitTest tests[] = {
        TOKEN_TEST(a_token_is_made_and_lets_its_holder_in),
        TOKEN_TEST(rights_admin_and_expiry_are_taken_over),
        TOKEN_TEST(a_list_does_not_tell_the_tokens),
        TOKEN_TEST(a_revoked_token_is_refused_and_stays_in_the_list),
        TOKEN_TEST(what_is_not_there_is_told),
        TOKEN_TEST(requests_are_taken_strictly),
        TOKEN_TEST(a_name_is_given_once),
        TOKEN_TEST(a_told_token_can_be_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
