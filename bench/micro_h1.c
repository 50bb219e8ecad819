/* What one head costs: nanoseconds to find, parse, judge and write it again.
 *
 *     micro_h1 [ROUNDS]
 *
 * Prints the median of 9 runs for each step, on one thread, without any I/O.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "http/forwarded.h"
#include "http/h1_reader.h"
#include "http/h1_writer.h"

enum { RUNS = 9 };

static const char request[] =
    "GET /wp-content/uploads/2010/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\n"
    "Host: www.kittyhell.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"
    "Accept: image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Referer: https://www.kittyhell.com/2010/03/\r\n"
    "Cookie: wp_ozh_wsa_visits=2; wp_ozh_wsa_visit_lasttime=xxxxxxxxxx; __utma=xxxxxxxxx.xxxx\r\n"
    "Connection: keep-alive\r\n"
    "Cache-Control: no-cache\r\n"
    "X-Requested-With: XMLHttpRequest\r\n"
    "\r\n";

static const struct h1_limits limits = H1_LIMITS_DEFAULT;
static const struct h1_scan_limits scan_limits = {H1_HEAD_BYTES, H1_TARGET_BYTES, H1_FIELDS};

static void scan_and_parse(void)
{
    struct http_field fields[16];
    struct h1_head head = {.fields = fields, .field_cap = 16};
    struct h1_scan scan = {0};
    enum h1_fault fault;
    struct slice bytes = slice_of(request, sizeof(request) - 1);

    ASSERT(h1_scan_feed(&scan, bytes, &scan_limits, &fault) == 0);
    ASSERT(h1_request_parse(bytes, &head, &fault) == 0);
}

static void judge(void)
{
    static struct http_field fields[16];
    static struct h1_head parsed = {.fields = fields, .field_cap = 16};
    struct http_field copy[16];
    struct h1_head head;
    struct h1_target target;
    struct h1_framing framing;
    struct h1_connection connection;
    enum h1_fault fault;

    if (parsed.field_count == 0) {
        ASSERT(h1_request_parse(slice_of(request, sizeof(request) - 1), &parsed, &fault) == 0);
    }
    memcpy(copy, fields, sizeof(copy));
    head = parsed;
    head.fields = copy;
    ASSERT(h1_target_judge(&head, &target, &fault) == 0);
    ASSERT(h1_request_body(&head, &framing, &fault) == 0);
    ASSERT(h1_connection_judge(&head, &connection, &fault) == 0);
    h1_hop_fields_remove(&head);
}

/* What the relay does with a request: read it from a queue, say who asks, write it. */
static void relay(void)
{
    static const struct forwarded_facts facts = {{"203.0.113.5", 11}, {"https", 5}, false};
    struct h1_reader reader = {0};
    struct h1_writer writer = {0};
    struct bufq in = {0};

    bufq_push(&in, request, sizeof(request) - 1);
    h1_reader_begin(&reader);
    ASSERT(h1_reader_request(&reader, &in, &limits) == 0);
    forwarded_add(&reader.head, &facts);
    ASSERT(h1_writer_request(&writer, &reader.head) == 0);
    bufq_clear(&writer.out);
    h1_reader_deinit(&reader);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *name, void (*step)(void), long rounds)
{
    double runs[RUNS];

    for (int run = 0; run < RUNS; run++) {
        double start = now_ns();
        for (long i = 0; i < rounds; i++) {
            step();
        }
        runs[run] = (now_ns() - start) / (double)rounds;
    }
    qsort(runs, RUNS, sizeof(runs[0]), compare);
    printf("%-28s %7.0f ns   (%.0f .. %.0f)\n", name, runs[RUNS / 2], runs[0], runs[RUNS - 1]);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 200000;

    printf("a head of 10 fields, %zu bytes\n", sizeof(request) - 1);
    measure("find and parse", scan_and_parse, rounds);
    measure("judge", judge, rounds);
    measure("read, forward, write", relay, rounds);
    return 0;
}
