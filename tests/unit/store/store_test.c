/* The port of the store: every test runs on both drivers. */
#include "store/store.h"

#include "base/mem.h"
#include "net/loop.h"
#include "store/store_priv.h"
#include "support/check.h"
#include "support/folder.h"

static struct folder folder;
static struct loop *loop;
static struct store *store;
static uint64_t now_ms;

static uint64_t wall_ms(void)
{
    return now_ms;
}

static void use_store(struct store *opened)
{
    store = opened;
    store->wall_ms = wall_ms;
}

static int open_memory(void **state)
{
    (void)state;
    now_ms = 1700000000000;
    loop = loop_new();
    use_store(store_open_memory(loop));
    return 0;
}

static int open_sqlite(void **state)
{
    struct store *opened;
    (void)state;
    now_ms = 1700000000000;
    folder_make(&folder);
    loop = loop_new();
    assert_int_equal(store_open_sqlite(loop, folder_path(&folder, "adit.db"), &opened, NULL), 0);
    use_store(opened);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    store_close(&store);
    loop_free(&loop);
    if (folder.path[0]) {
        folder_remove(&folder);
        folder.path[0] = '\0';
    }
    return 0;
}

/* ---- tokens ---- */

static uint64_t create(const char *name, const char *words, char text[STORE_TOKEN_TEXT_BYTES])
{
    struct rights rights;
    struct errinfo info = {0};
    uint64_t id;

    assert_int_equal(rights_parse(slice_str(words), &rights, NULL), 0);
    if (store_create_token(store, slice_str(name), &rights, 0, text, &id, &info) < 0) {
        fail_msg("%s", info.text);
    }
    return id;
}

static int check(const char *text)
{
    const struct store_token *token;
    return store_check_token(store, slice_str(text), &token, NULL);
}

static void a_token_s_text_opens_and_another_does_not(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES], other[STORE_TOKEN_TEXT_BYTES];
    const struct store_token *token;
    (void)state;
    uint64_t id = create("bob", "http name:blog", text);
    assert_int_equal(strlen(text), STORE_TOKEN_TEXT_BYTES - 1);
    assert_int_equal(store_check_token(store, slice_str(text), &token, NULL), 0);
    assert_int_equal(token->id, id);
    assert_string_equal(token->name, "bob");
    assert_false(rights_allow_name(&token->rights, SLICE("shop")));
    create("ann", "", other);
    assert_string_not_equal(text, other);
    text[0] = text[0] == '0' ? '1' : '0';
    assert_int_equal(check(text), ERR_DENIED);
    assert_int_equal(check(""), ERR_DENIED);
}

static void a_retyped_token_still_opens(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES], retyped[STORE_TOKEN_TEXT_BYTES];
    size_t n = 0;
    (void)state;
    create("bob", "", text);
    for (size_t i = 0; text[i]; i++) {
        if (text[i] != '-') {
            retyped[n++] = text[i] >= 'a' ? (char)(text[i] - 32) : text[i];
        }
    }
    retyped[n] = '\0';
    assert_int_equal(check(retyped), 0);
}

static void a_token_longer_than_any_is_refused(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    struct text longer = {0};
    (void)state;
    create("bob", "", text);
    text_addf(&longer, "%s%s%s", text, text, text);
    assert_int_equal(check(text_str(&longer)), ERR_DENIED);
    text_deinit(&longer);
}

static void a_name_is_taken_until_its_token_is_revoked(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    struct rights none = {0};
    struct errinfo info = {0};
    uint64_t id;
    (void)state;
    uint64_t first = create("bob", "", text);
    assert_int_equal(store_create_token(store, SLICE("bob"), &none, 0, text, &id, &info), ERR_BUSY);
    check_has(info.text, "a token named bob exists");
    assert_int_equal(store_revoke_token(store, first), 0);
    assert_true(create("bob", "", text) > first);
    assert_int_equal(store_find_token_named(store, SLICE("bob"))->id, first + 1);
}

static void a_name_must_be_one(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    struct rights none = {0};
    uint64_t id;
    const char *const wrong[] = {
        "", "a b", "a/b", "\xc3\xa4",
        "a-name-that-is-longer-than-sixty-three-characters-is-refused-here"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(store_create_token(store, slice_str(wrong[i]), &none, 0, text, &id, NULL),
                         ERR_INVALID);
    }
    assert_true(store_is_new(store));
}

static void note_gone(void *ctx, uint64_t id)
{
    text_addf(ctx, "%llu ", (unsigned long long)id);
}

static void a_revoked_token_is_refused_and_told_once(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    struct text gone = {0};
    struct errinfo info = {0};
    const struct store_token *token;
    (void)state;
    uint64_t id = create("bob", "", text);
    store_on_token_gone(store, note_gone, &gone);
    assert_int_equal(store_revoke_token(store, id), 0);
    assert_int_equal(gone.len, 0); /* never from inside the call */
    assert_int_equal(store_check_token(store, slice_str(text), &token, &info), ERR_DENIED);
    assert_string_equal(info.text, "token bob is revoked");
    assert_int_equal(store_revoke_token(store, id), 0);
    assert_int_equal(store_revoke_token(store, 99), ERR_NOT_FOUND);
    loop_run_for(loop, 20);
    check_text(&gone, "1 ");
    assert_int_equal(store_find_token(store, id)->revoked_at, now_ms);
}

static void an_expired_token_is_refused_and_told(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    struct text gone = {0};
    struct rights none = {0};
    uint64_t id;
    (void)state;
    assert_int_equal(store_create_token(store, SLICE("bob"), &none, now_ms + 1000, text, &id, NULL),
                     0);
    store_on_token_gone(store, note_gone, &gone);
    now_ms += 999;
    assert_int_equal(check(text), 0);
    now_ms += 1;
    assert_int_equal(check(text), ERR_DENIED);
    store->sweep_timer.expired(&store->sweep_timer);
    loop_run_for(loop, 20);
    check_text(&gone, "1 ");
}

static void the_last_use_is_kept_to_the_minute(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    (void)state;
    uint64_t id = create("bob", "", text);
    store_touch_token(store, id);
    uint64_t first = now_ms;
    now_ms += 30000;
    store_touch_token(store, id);
    assert_int_equal(store_find_token(store, id)->used_at, first);
    now_ms += 30000;
    store_touch_token(store, id);
    assert_int_equal(store_find_token(store, id)->used_at, now_ms);
    store_touch_token(store, 99);
}

static void count_token(void *ctx, const struct store_token *token)
{
    text_addf(ctx, "%s ", token->name);
}

static void all_tokens_are_listed_in_order(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    struct text names = {0};
    (void)state;
    assert_true(store_is_new(store));
    create("c", "", text);
    create("a", "", text);
    create("b", "", text);
    assert_false(store_is_new(store));
    store_each_token(store, count_token, &names);
    check_text(&names, "c a b ");
}

/* ---- reservations ---- */

static const struct store_owner bob = {1, "agent-1"};
static const struct store_owner bob_elsewhere = {1, "agent-2"};
static const struct store_owner ann = {2, "agent-3"};
static const struct store_owner nobody = {0, "agent-4"};
static const struct store_owner nobody_else = {0, "agent-5"};

static int reserve(const char *entry, const struct store_owner *owner)
{
    const struct store_reservation *other;
    return store_reserve(store, slice_str(entry), owner, SLICE("web 3000"), SLICE("host"), &other);
}

static void a_name_belongs_to_its_token(void **state)
{
    const struct store_reservation *other;
    (void)state;
    assert_int_equal(reserve("blog.t", &bob), 0);
    assert_int_equal(reserve("blog.t", &bob), 0);
    assert_int_equal(reserve("blog.t", &bob_elsewhere), 0);
    assert_int_equal(store_reserve(store, SLICE("blog.t"), &ann, SLICE("x"), SLICE("h"), &other),
                     ERR_DENIED);
    assert_int_equal(other->owner.token_id, 1);
    assert_string_equal(other->holder, "host");
    assert_int_equal(reserve("shop.t", &ann), 0);
}

static void without_a_token_it_belongs_to_the_agent(void **state)
{
    (void)state;
    assert_int_equal(reserve("blog.t", &nobody), 0);
    assert_int_equal(reserve("blog.t", &nobody_else), ERR_DENIED);
    assert_int_equal(reserve("blog.t", &bob), ERR_DENIED);
}

static void it_lasts_a_day_after_the_last_link(void **state)
{
    (void)state;
    assert_int_equal(reserve("blog.t", &bob), 0);
    now_ms += 10ull * STORE_RESERVED_MS;
    assert_int_equal(reserve("blog.t", &ann), ERR_DENIED); /* a link holds it */
    store_leave(store, SLICE("blog.t"), &ann);             /* not hers to leave */
    assert_int_equal(store_find_reservation(store, SLICE("blog.t"))->expires_at, 0);
    store_leave(store, SLICE("blog.t"), &bob_elsewhere);
    now_ms += STORE_RESERVED_MS - 1;
    assert_int_equal(reserve("blog.t", &ann), ERR_DENIED);
    now_ms += 1;
    assert_null(store_find_reservation(store, SLICE("blog.t")));
    assert_int_equal(reserve("blog.t", &ann), 0);
}

static void coming_back_in_time_holds_it_again(void **state)
{
    (void)state;
    assert_int_equal(reserve("blog.t", &bob), 0);
    store_leave(store, SLICE("blog.t"), &bob);
    now_ms += STORE_RESERVED_MS / 2;
    assert_int_equal(reserve("blog.t", &bob), 0);
    now_ms += STORE_RESERVED_MS;
    store_sweep_reservations(store);
    assert_int_equal(store_find_reservation(store, SLICE("blog.t"))->expires_at, 0);
}

static void note_change(void *ctx, struct slice entry, bool is_reserved)
{
    text_addf(ctx, "%c%.*s ", is_reserved ? '+' : '-', SLICE_ARG(entry));
}

static void a_listener_hears_what_is_reserved_and_what_is_free_again(void **state)
{
    struct text heard = {0};

    (void)state;
    assert_int_equal(reserve("early.t", &bob), 0);
    store_on_reserved(store, note_change, &heard);
    assert_int_equal(reserve("blog.t", &bob), 0);
    assert_int_equal(reserve("blog.t", &bob), 0);          /* no change */
    assert_int_equal(reserve("blog.t", &ann), ERR_DENIED); /* neither */
    store_leave(store, SLICE("blog.t"), &bob);             /* still reserved */
    now_ms += STORE_RESERVED_MS;
    store_sweep_reservations(store);
    store_release(store, SLICE("early.t"), &bob);
    check_text(&heard, "+early.t +blog.t -blog.t -early.t ");
}

static void a_released_name_is_free_at_once(void **state)
{
    (void)state;
    assert_int_equal(reserve("blog.t", &bob), 0);
    store_release(store, SLICE("blog.t"), &ann);
    assert_non_null(store_find_reservation(store, SLICE("blog.t")));
    store_release(store, SLICE("blog.t"), &bob);
    assert_null(store_find_reservation(store, SLICE("blog.t")));
    assert_int_equal(reserve("blog.t", &ann), 0);
}

static void the_same_tunnel_finds_its_port_again(void **state)
{
    const struct store_reservation *other;
    (void)state;
    assert_int_equal(reserve("x.t", &bob), 0);
    assert_int_equal(
        store_reserve(store, SLICE(":20001"), &bob, SLICE("ssh 22"), SLICE("h"), &other), 0);
    assert_string_equal(store_find_reserved_for(store, &bob, SLICE("ssh 22"), SLICE(":"))->entry,
                        ":20001");
    assert_null(store_find_reserved_for(store, &bob, SLICE("web 3000"), SLICE(":")));
    assert_null(store_find_reserved_for(store, &bob_elsewhere, SLICE("ssh 22"), SLICE(":")));
    assert_null(store_find_reserved_for(store, &ann, SLICE("ssh 22"), SLICE(":")));
}

static void one_owner_cannot_take_everything(void **state)
{
    struct text entry = {0};
    (void)state;
    for (int i = 0; i < STORE_RESERVATIONS_PER_OWNER_MAX; i++) {
        text_clear(&entry);
        text_addf(&entry, ":%d", i);
        assert_int_equal(reserve(text_str(&entry), &bob), 0);
    }
    assert_int_equal(reserve("one-more", &bob), ERR_FULL);
    assert_int_equal(reserve(":7", &bob), 0);
    assert_int_equal(reserve("one-more", &ann), 0);
    store_release(store, SLICE(":7"), &bob);
    assert_int_equal(reserve("again", &bob), 0);
    text_deinit(&entry);
}

static void an_entry_of_wrong_length_is_refused(void **state)
{
    char entry[STORE_ENTRY_BYTES + 1];
    const struct store_reservation *other;
    (void)state;
    memset(entry, 'a', sizeof entry);
    assert_int_equal(
        store_reserve(store, slice_of(entry, sizeof entry), &bob, SLICE(""), SLICE(""), &other),
        ERR_INVALID);
    assert_int_equal(reserve("", &bob), ERR_INVALID);
}

/* ---- writing ---- */

static int sync_result;
static int sync_calls;

static void on_sync(void *ctx, int result)
{
    (void)ctx;
    sync_result = result;
    sync_calls++;
    loop_stop(loop);
}

static void sync_tells_once_and_never_from_inside(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    (void)state;
    sync_calls = 0;
    store_sync(store, on_sync, NULL);
    assert_int_equal(sync_calls, 0);
    loop_run_for(loop, 2000);
    assert_int_equal(sync_calls, 1);

    create("bob", "", text);
    store_sync(store, on_sync, NULL);
    create("ann", "", text);
    assert_int_equal(sync_calls, 1);
    loop_run_for(loop, 2000);
    assert_int_equal(sync_calls, 2);
    assert_int_equal(sync_result, 0);
    assert_int_equal(store_health(store), 0);
}

static void a_closed_store_tells_nobody(void **state)
{
    (void)state;
    sync_calls = 0;
    store_sync(store, on_sync, NULL);
    store_close(&store);
    loop_run_for(loop, 20);
    assert_int_equal(sync_calls, 0);
}

static void closing_with_everything_under_way_loses_no_memory(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    (void)state;
    create("bob", "", text);
    assert_int_equal(reserve("a.t", &bob), 0);
    assert_int_equal(reserve("b.t", &bob), 0);
    loop_run_for(loop, 0); /* the write may be under way now */
    store_release(store, SLICE("a.t"), &bob);
    store_leave(store, SLICE("b.t"), &bob);
    store_sync(store, on_sync, NULL);
}

int main(void)
{
#define ON_BOTH(f)                                                                                 \
    cmocka_unit_test_setup_teardown(f, open_memory, close_all),                                    \
        cmocka_unit_test_setup_teardown(f, open_sqlite, close_all)
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_token_s_text_opens_and_another_does_not),
        ON_BOTH(a_retyped_token_still_opens),
        ON_BOTH(a_token_longer_than_any_is_refused),
        ON_BOTH(a_name_is_taken_until_its_token_is_revoked),
        ON_BOTH(a_name_must_be_one),
        ON_BOTH(a_revoked_token_is_refused_and_told_once),
        ON_BOTH(an_expired_token_is_refused_and_told),
        ON_BOTH(the_last_use_is_kept_to_the_minute),
        ON_BOTH(all_tokens_are_listed_in_order),
        ON_BOTH(a_name_belongs_to_its_token),
        ON_BOTH(without_a_token_it_belongs_to_the_agent),
        ON_BOTH(it_lasts_a_day_after_the_last_link),
        ON_BOTH(coming_back_in_time_holds_it_again),
        ON_BOTH(a_listener_hears_what_is_reserved_and_what_is_free_again),
        ON_BOTH(a_released_name_is_free_at_once),
        ON_BOTH(the_same_tunnel_finds_its_port_again),
        ON_BOTH(one_owner_cannot_take_everything),
        ON_BOTH(an_entry_of_wrong_length_is_refused),
        ON_BOTH(sync_tells_once_and_never_from_inside),
        ON_BOTH(a_closed_store_tells_nobody),
        ON_BOTH(closing_with_everything_under_way_loses_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
