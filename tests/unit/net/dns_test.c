/* What can be proven without a name server. */
#include "net/dns.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "support/sockets.h"

static struct loop *loop;
static int answers;
static int last_err;
static size_t last_count;
static struct addr first;

static int open_loop(void **state)
{
    (void)state;
    loop = loop_new();
    answers = 0;
    return 0;
}

static int close_loop(void **state)
{
    (void)state;
    loop_free(&loop);
    return 0;
}

static void on_answer(void *ctx, int err, const struct addr *addrs, size_t count,
                      const struct errinfo *info)
{
    (void)ctx;
    answers++;
    last_err = err;
    last_count = count;
    if (count > 0) {
        first = addrs[0];
    } else {
        assert_true(info->text[0] != '\0');
    }
}

static struct dns_query *ask(const char *host, uint64_t deadline_ms)
{
    return dns_start(loop, slice_str(host), 80, deadline_ms, on_answer, NULL);
}

static void an_address_is_its_own_answer_told_from_the_loop(void **state)
{
    (void)state;
    ask("10.1.2.3", 1000);
    assert_int_equal(answers, 0);
    RUN_UNTIL(loop, answers == 1);
    assert_int_equal(last_err, 0);
    assert_int_equal(last_count, 1);
    assert_int_equal(addr_port(&first), 80);
    assert_int_equal(first.storage.ss_family, AF_INET);
}

static void localhost_is_this_machine_without_asking(void **state)
{
    (void)state;
    struct addr known[2];

    assert_int_equal(dns_known(SLICE("LocalHost"), 1, known), 2);
    assert_true(addr_is_loopback(&known[0]) && addr_is_loopback(&known[1]));
    assert_int_equal(dns_known(SLICE("web.localhost"), 1, known), 2);
    assert_int_equal(dns_known(SLICE("notlocalhost"), 1, known), 0);
}

static void what_cannot_be_a_name_is_refused(void **state)
{
    (void)state;
    char longest[DNS_HOST_BYTES + 1];

    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ask("", 1000);
    ask(longest, 1000);
    dns_start(loop, slice_of("a\0b", 3), 1, 1000, on_answer, NULL);
    RUN_UNTIL(loop, answers == 3);
    assert_int_equal(last_err, ERR_DNS);
}

/* RFC 6761: no resolver may know it. With no name server at all it is the deadline that answers. */
static void an_unknown_name_is_told_within_the_deadline(void **state)
{
    (void)state;
    ask("no-such-host.invalid", 1000);
    RUN_UNTIL(loop, answers == 1);
    assert_true(last_err == ERR_DNS || last_err == ERR_TIMEOUT);
}

static void a_stopped_query_is_not_told_in_any_state(void **state)
{
    (void)state;
    enum { COUNT = DNS_RUNNING_MAX + 20 };
    struct dns_query *queries[COUNT];

    for (int i = 0; i < COUNT; i++) { /* some run, the others wait */
        queries[i] = ask("no-such-host.invalid", 1000);
    }
    for (int i = 0; i < COUNT; i += 2) {
        dns_stop(&queries[i]);
        assert_null(queries[i]);
    }
    RUN_UNTIL(loop, answers == COUNT / 2);
    struct dns_query *known = ask("1.2.3.4", 1000); /* answered, but not yet told */
    dns_stop(&known);
    loop_run_for(loop, 20);
    assert_int_equal(answers, COUNT / 2);
}

static void too_many_are_refused(void **state)
{
    (void)state;
    enum { COUNT = DNS_RUNNING_MAX + DNS_WAITING_MAX + 1 };
    static struct dns_query *queries[COUNT];

    for (int i = 0; i < COUNT; i++) {
        queries[i] = ask("no-such-host.invalid", 1000);
    }
    for (int i = 0; i < COUNT - 1; i++) {
        dns_stop(&queries[i]);
    }
    RUN_UNTIL(loop, answers == 1);
    assert_int_equal(last_err, ERR_FULL);
}

int main(void)
{
#define DNS_TEST(f) cmocka_unit_test_setup_teardown(f, open_loop, close_loop)
    const struct CMUnitTest tests[] = {
        DNS_TEST(an_address_is_its_own_answer_told_from_the_loop),
        DNS_TEST(localhost_is_this_machine_without_asking),
        DNS_TEST(what_cannot_be_a_name_is_refused),
        DNS_TEST(an_unknown_name_is_told_within_the_deadline),
        DNS_TEST(a_stopped_query_is_not_told_in_any_state),
        DNS_TEST(too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
