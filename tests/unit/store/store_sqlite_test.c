/* What only a disk can show: what survives, who may read it, and what happens when it is full. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"
#include "store/store.h"
#include "store/store_priv.h"
#include "support/check.h"
#include "support/folder.h"

static struct folder folder;
static struct loop *loop;
static struct store *store;
static char db[128];

static void open_store(void)
{
    struct errinfo info = {0};
    if (store_open_sqlite(loop, db, &store, &info) < 0) {
        fail_msg("%s", info.text);
    }
}

static int setup(void **state)
{
    (void)state;
    folder_make(&folder);
    snprintf(db, sizeof db, "%s/adit.db", folder.path);
    loop = loop_new();
    open_store();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(&store);
    loop_free(&loop);
    folder_remove(&folder);
    return 0;
}

static void reopen(void)
{
    store_close(&store);
    open_store();
}

static const struct store_owner bob = {1, "agent-1"};
static const struct store_owner ann = {2, "agent-3"};

static int reserve(const char *entry, const struct store_owner *owner)
{
    const struct store_reservation *other;
    return store_reserve(store, slice_str(entry), owner, SLICE("web"), SLICE("pc"), &other);
}

static void tokens_survive_a_restart(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES], revoked[STORE_TOKEN_TEXT_BYTES];
    struct rights rights;
    const struct store_token *token;
    uint64_t id, revoked_id;
    (void)state;
    assert_int_equal(rights_parse(SLICE("tcp port:6000-6001"), &rights, NULL), 0);
    assert_int_equal(store_create_token(store, SLICE("bob"), &rights, 0, text, &id, NULL), 0);
    assert_int_equal(store_create_token(store, SLICE("x"), &rights, 0, revoked, &revoked_id, NULL),
                     0);
    assert_int_equal(store_revoke_token(store, revoked_id), 0);
    store_touch_token(store, id);
    uint64_t used_at = store_find_token(store, id)->used_at;
    reopen();
    assert_int_equal(store_check_token(store, slice_str(text), &token, NULL), 0);
    assert_int_equal(token->id, id);
    assert_string_equal(token->name, "bob");
    assert_int_equal(token->used_at, used_at);
    assert_true(rights_allow_port(&token->rights, 6001));
    assert_false(rights_allow_port(&token->rights, 6002));
    assert_int_equal(store_check_token(store, slice_str(revoked), &token, NULL), ERR_DENIED);
}

static void a_held_name_stays_reserved_for_a_day_after_a_restart(void **state)
{
    (void)state;
    assert_int_equal(reserve("held.t", &bob), 0);
    assert_int_equal(reserve("left.t", &bob), 0);
    store_leave(store, SLICE("left.t"), &bob);
    uint64_t left = store_find_reservation(store, SLICE("left.t"))->expires_at;
    reopen();
    assert_int_equal(reserve("held.t", &ann), ERR_DENIED);
    assert_int_equal(store_find_reservation(store, SLICE("left.t"))->expires_at, left);
    uint64_t held = store_find_reservation(store, SLICE("held.t"))->expires_at;
    assert_true(held >= left && held < left + 60000);
    assert_string_equal(store_find_reserved_for(store, &bob, SLICE("web"), SLICE("held"))->holder,
                        "pc");
    reopen(); /* its time has been written: another restart does not lengthen it */
    assert_int_equal(store_find_reservation(store, SLICE("held.t"))->expires_at, held);
}

static void a_released_name_is_gone_after_a_restart(void **state)
{
    (void)state;
    assert_int_equal(reserve("a.t", &bob), 0);
    reopen();
    store_release(store, SLICE("a.t"), &bob);
    assert_int_equal(reserve("a.t", &ann), 0);
    store_release(store, SLICE("a.t"), &ann);
    assert_int_equal(reserve("b.t", &ann), 0);
    reopen();
    assert_null(store_find_reservation(store, SLICE("a.t")));
    assert_int_equal(reserve("b.t", &bob), ERR_DENIED);
}

static void nobody_else_can_read_the_file(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    struct rights none = {0};
    uint64_t id;
    (void)state;
    assert_int_equal(store_create_token(store, SLICE("bob"), &none, 0, text, &id, NULL), 0);
    loop_run_for(loop, 50);
    assert_int_equal(folder_mode(&folder, "adit.db"), 0600);
    assert_int_equal(folder_mode(&folder, "adit.db-wal"), 0600);
}

static bool file_has(const char *name, const char *text)
{
    struct slice content;
    FILE *f = fopen(folder_path(&folder, name), "r");
    char *bytes = mem_alloc(1 << 20);
    content = slice_of(bytes, f ? fread(bytes, 1, 1 << 20, f) : 0);
    if (f) {
        fclose(f);
    }
    bool has = slice_find(content, slice_str(text)) < content.len;
    mem_free(bytes);
    return has;
}

static void a_token_s_text_is_nowhere_on_disk(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    struct rights none = {0};
    uint64_t id;
    (void)state;
    assert_int_equal(store_create_token(store, SLICE("bobs-name"), &none, 0, text, &id, NULL), 0);
    store_close(&store);
    assert_true(file_has("adit.db", "bobs-name"));
    assert_false(file_has("adit.db", text));
}

static void a_second_relay_on_the_same_folder_is_refused(void **state)
{
    struct store *second;
    struct errinfo info = {0};
    (void)state;
    assert_int_equal(store_open_sqlite(loop, db, &second, &info), ERR_BUSY);
    check_has(info.text, "in use by another relay");
    assert_null(second);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    struct store *second;
    struct errinfo info = {0};
    (void)state;
    assert_int_equal(store_open_sqlite(loop, "/nonexistent/adit.db", &second, &info), ERR_STORAGE);
    check_has(info.text, "/nonexistent/adit.db");
}

static void a_file_that_is_no_database_is_told_and_kept(void **state)
{
    struct errinfo info = {0};
    (void)state;
    store_close(&store);
    folder_remove(&folder);
    mkdir(folder.path, 0700);
    folder_write(&folder, "adit.db", "this is a text of mine, and much too long to be overwritten");
    assert_int_equal(store_open_sqlite(loop, db, &store, &info), ERR_STORAGE);
    check_has(info.text, "not a database");
    check_has(folder_read(&folder, "adit.db"), "a text of mine");
}

static void a_file_of_a_newer_adit_is_taken(void **state)
{
    sqlite3 *raw;
    (void)state;
    assert_int_equal(reserve("a.t", &bob), 0);
    store_close(&store);
    assert_int_equal(sqlite3_open(db, &raw), SQLITE_OK);
    assert_int_equal(sqlite3_exec(raw,
                                  "ALTER TABLE reservation ADD COLUMN more TEXT;"
                                  "PRAGMA user_version = 99",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(raw);
    open_store();
    assert_non_null(store_find_reservation(store, SLICE("a.t")));
}

/* ---- a full disk ---- */

static int sync_result;

static void on_sync(void *ctx, int result)
{
    (void)ctx;
    sync_result = result;
    loop_stop(loop);
}

static int lines_logged;

static void count_line(struct slice line, void *ctx)
{
    (void)line;
    (void)ctx;
    lines_logged++;
}

/* No file may grow: what a full disk feels like. */
static void set_disk_full(bool is_full)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = is_full ? 1024 : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void a_full_disk_is_told_once_and_memory_goes_on(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    struct rights none = {0};
    const struct store_token *token;
    uint64_t id;
    (void)state;
    log_set_sink(count_line, NULL);
    lines_logged = 0;
    set_disk_full(true);
    assert_int_equal(store_create_token(store, SLICE("bob"), &none, 0, text, &id, NULL), 0);
    store_sync(store, on_sync, NULL);
    loop_run_for(loop, 5000);
    assert_int_equal(sync_result, ERR_STORAGE);
    assert_int_equal(store_health(store), ERR_STORAGE);
    assert_int_equal(store_check_token(store, slice_str(text), &token, NULL), 0);
    assert_int_equal(reserve("a.t", &bob), 0);

    timer_disarm(loop, &store->retry_timer);
    store->retry_timer.expired(&store->retry_timer); /* still full */
    store_sync(store, on_sync, NULL);
    loop_run_for(loop, 5000);
    assert_int_equal(sync_result, ERR_STORAGE);
    assert_int_equal(lines_logged, 1);

    set_disk_full(false);
    timer_disarm(loop, &store->retry_timer);
    store->retry_timer.expired(&store->retry_timer);
    store_sync(store, on_sync, NULL);
    loop_run_for(loop, 5000);
    assert_int_equal(sync_result, 0);
    assert_int_equal(store_health(store), 0);
    log_set_sink(NULL, NULL);
    reopen();
    assert_int_equal(store_check_token(store, slice_str(text), &token, NULL), 0);
    assert_int_equal(reserve("a.t", &ann), ERR_DENIED);
}

static void what_a_full_disk_held_up_is_written_at_the_end(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    struct rights none = {0};
    const struct store_token *token;
    uint64_t id;
    (void)state;
    log_set_sink(count_line, NULL);
    set_disk_full(true);
    assert_int_equal(store_create_token(store, SLICE("bob"), &none, 0, text, &id, NULL), 0);
    store_sync(store, on_sync, NULL);
    loop_run_for(loop, 5000);
    assert_int_equal(sync_result, ERR_STORAGE);
    set_disk_full(false);
    reopen();
    log_set_sink(NULL, NULL);
    assert_int_equal(store_check_token(store, slice_str(text), &token, NULL), 0);
}

static bool was_all_written; /* when the line came */

static void look_at_line(struct slice line, void *ctx)
{
    (void)ctx;
    if (slice_find(line, SLICE("written again")) < line.len) {
        was_all_written = list_is_empty(&store->unwritten);
        loop_stop(loop);
    }
}

/* The batch that failed is not all there is: a token came meanwhile. */
static void a_disk_with_room_again_is_told_when_everything_is_on_it(void **state)
{
    char text[STORE_TOKEN_TEXT_BYTES];
    struct rights none = {0};
    uint64_t id;
    (void)state;
    log_set_sink(look_at_line, NULL);
    set_disk_full(true);
    assert_int_equal(store_create_token(store, SLICE("early"), &none, 0, text, &id, NULL), 0);
    store_sync(store, on_sync, NULL);
    loop_run_for(loop, 5000);
    assert_int_equal(store_create_token(store, SLICE("late"), &none, 0, text, &id, NULL), 0);
    was_all_written = false;
    set_disk_full(false);
    timer_disarm(loop, &store->retry_timer);
    store->retry_timer.expired(&store->retry_timer);
    loop_run_for(loop, 5000);
    log_set_sink(NULL, NULL);
    assert_true(was_all_written);
}

int main(void)
{
#define DISK_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        DISK_TEST(tokens_survive_a_restart),
        DISK_TEST(a_held_name_stays_reserved_for_a_day_after_a_restart),
        DISK_TEST(a_released_name_is_gone_after_a_restart),
        DISK_TEST(nobody_else_can_read_the_file),
        DISK_TEST(a_token_s_text_is_nowhere_on_disk),
        DISK_TEST(a_second_relay_on_the_same_folder_is_refused),
        DISK_TEST(a_folder_that_is_not_there_is_told),
        DISK_TEST(a_file_that_is_no_database_is_told_and_kept),
        DISK_TEST(a_file_of_a_newer_adit_is_taken),
        DISK_TEST(a_full_disk_is_told_once_and_memory_goes_on),
        DISK_TEST(what_a_full_disk_held_up_is_written_at_the_end),
        DISK_TEST(a_disk_with_room_again_is_told_when_everything_is_on_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
