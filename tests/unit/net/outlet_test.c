/* Lines that wait for their reader, and what becomes of them when there is none. */
#include "net/outlet.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "support/check.h"

static struct loop *loop;
static int reader, writer;
static struct text said;

static int setup(void **state)
{
    int fds[2];

    (void)state;
    loop = loop_new();
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    reader = fds[0];
    writer = fds[1];
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    loop_free(&loop);
    close(reader);
    close(writer);
    text_deinit(&said);
    return 0;
}

static void tell_skipped(struct text *line, uint64_t skipped)
{
    text_addf(line, "%llu left out\n", (unsigned long long)skipped);
}

static const char *hear(void)
{
    char bytes[4096];
    ssize_t n;

    do {
        loop_run_for(loop, OUTLET_RETRY_MS + 10);
        n = read(reader, bytes, sizeof bytes);
        if (n > 0) {
            text_add(&said, slice_of(bytes, (size_t)n));
        }
    } while (n > 0);
    return text_str(&said);
}

static void lines_of_two_outlets_do_not_mix(void **state)
{
    struct outlet outlets[2];
    char letters[1000];

    (void)state;
    for (int i = 0; i < 2; i++) {
        outlet_init(&outlets[i], loop, writer, tell_skipped);
    }
    for (int n = 0; n < 200; n++) {
        memset(letters, 'a' + n % 2, sizeof letters);
        outlet_add(&outlets[n % 2], slice_of(letters, (size_t)(700 + n)), false);
    }
    struct slice rest = slice_str(hear());
    for (int n = 0; n < 200; n++) {
        struct slice line = slice_cut(&rest, '\n');
        assert_in_range(line.len, 700, 899);
        for (size_t i = 0; i < line.len; i++) {
            assert_int_equal(line.ptr[i], line.ptr[0]);
        }
    }
    assert_int_equal(rest.len, 0);
    for (int i = 0; i < 2; i++) {
        outlet_deinit(&outlets[i]);
    }
}

static void a_line_longer_than_a_piece_comes_out_all_the_same(void **state)
{
    static char letters[3 * PIPE_BUF];
    struct outlet o;

    (void)state;
    memset(letters, 'x', sizeof letters);
    outlet_init(&o, loop, writer, tell_skipped);
    outlet_add(&o, slice_of(letters, sizeof letters), false);
    assert_int_equal(strlen(hear()), sizeof letters + 1);
    outlet_deinit(&o);
}

static void a_full_disk_costs_what_does_not_fit_into_the_queue(void **state)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    char letters[1000];
    struct outlet o;

    (void)state;
    assert_true(full >= 0);
    memset(letters, 'x', sizeof letters);
    outlet_init(&o, loop, full, tell_skipped);
    for (int n = 0; n < 1000; n++) {
        outlet_add(&o, slice_of(letters, sizeof letters), false);
        loop_run_for(loop, 0);
    }
    assert_in_range(o.queue.len, OUTLET_QUEUE_BYTES, OUTLET_QUEUE_BYTES + 2000);
    assert_true(dup2(writer, full) == full); /* there is room again */
    check_has(hear(), "left out\n");
    outlet_deinit(&o);
    close(full);
}

static void a_reader_that_is_gone_is_not_missed(void **state)
{
    struct outlet o;

    (void)state;
    outlet_init(&o, loop, writer, tell_skipped);
    close(reader);
    outlet_add(&o, SLICE("to nobody"), true);
    loop_run_for(loop, 5);
    assert_true(o.is_gone);
    outlet_add(&o, SLICE("to nobody"), true);
    assert_int_equal(o.queue.len, 0);
    outlet_deinit(&o);
    reader = -1;
}

int main(void)
{
#define OUTLET_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        OUTLET_TEST(lines_of_two_outlets_do_not_mix),
        OUTLET_TEST(a_line_longer_than_a_piece_comes_out_all_the_same),
        OUTLET_TEST(a_full_disk_costs_what_does_not_fit_into_the_queue),
        OUTLET_TEST(a_reader_that_is_gone_is_not_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
