#include "net/fswatch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/folder.h"
#include "support/sockets.h"

static struct loop *loop;
static struct fswatch *watch;
static struct folder folder;
static const char *file;
static const char *other;
static int told_count;

static void write_to(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static void on_change(void *ctx)
{
    (void)ctx;
    told_count++;
}

static int open_watch(void **state)
{
    (void)state;
    loop = loop_new();
    told_count = 0;
    folder_make(&folder);
    file = folder_path(&folder, "adit.yml"); /* no other path is asked for */
    other = folder_path(&folder, ".adit.yml.swp");
    return fswatch_open(&watch, loop, file, on_change, NULL);
}

static int close_watch(void **state)
{
    (void)state;
    fswatch_close(&watch);
    loop_free(&loop);
    folder_remove(&folder);
    return 0;
}

static void several_writes_are_told_once(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        write_to(file);
        loop_run_for(loop, 20);
    }
    assert_int_equal(told_count, 0);
    loop_run_for(loop, 2 * FSWATCH_SETTLE_MS);
    assert_int_equal(told_count, 1);
}

static void a_file_replaced_by_rename_is_told_again_and_again(void **state)
{
    (void)state;
    for (int i = 1; i <= 2; i++) {
        write_to(other);
        assert_int_equal(rename(other, file), 0);
        RUN_UNTIL(loop, told_count == i);
    }
    unlink(file);
    RUN_UNTIL(loop, told_count == 3);
    write_to(file);
    RUN_UNTIL(loop, told_count == 4);
}

static void other_files_are_not_told(void **state)
{
    (void)state;
    write_to(other);
    loop_run_for(loop, 2 * FSWATCH_SETTLE_MS);
    assert_int_equal(told_count, 0);
}

static void a_missing_folder_is_an_error(void **state)
{
    (void)state;
    struct fswatch *w = NULL;

    assert_int_equal(fswatch_open(&w, loop, "/no/such/folder/adit.yml", on_change, NULL),
                     ERR_NOT_FOUND);
    assert_null(w);
}

int main(void)
{
#define FSWATCH_TEST(f) cmocka_unit_test_setup_teardown(f, open_watch, close_watch)
    const struct CMUnitTest tests[] = {
        FSWATCH_TEST(several_writes_are_told_once),
        FSWATCH_TEST(a_file_replaced_by_rename_is_told_again_and_again),
        FSWATCH_TEST(other_files_are_not_told),
        FSWATCH_TEST(a_missing_folder_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
