/* What stands on stdout, to the letter. */
#include "agent/reporter.h"

#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#include "net/outlet.h"
#include "support/check.h"

struct desk {
    struct loop *loop;
    struct reporter *reporter;
    int reader;
    int writer;
    struct text said;
};

static void open_desk_with(struct desk *d, struct reporter_options options)
{
    int fds[2];

    *d = (struct desk){.loop = loop_new()};
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    d->reader = fds[0];
    d->writer = options.out_fd = fds[1];
    d->reporter = reporter_new(d->loop, &options);
}

static void open_desk(struct desk *d, bool is_json)
{
    open_desk_with(d, (struct reporter_options){.is_json = is_json});
}

static const char *read_all(struct desk *d)
{
    char bytes[4096];
    ssize_t n;

    do {
        loop_run_for(d->loop, OUTLET_RETRY_MS + 10);
        n = read(d->reader, bytes, sizeof bytes);
        if (n > 0) {
            text_add(&d->said, slice_of(bytes, (size_t)n));
        }
    } while (n > 0);
    return text_str(&d->said);
}

static void close_desk(struct desk *d)
{
    reporter_free(&d->reporter);
    loop_free(&d->loop);
    close(d->reader);
    close(d->writer);
    text_deinit(&d->said);
}

static const struct report_exchange an_exchange = {
    .tunnel = "web",
    .method = {"GET", 3},
    .path = {"/a?b", 4},
    .visitor = {"::1", 3},
    .status = 200,
    .ms = 12,
    .in_bytes = 3,
    .out_bytes = 2048,
};

static const struct report_tunnel a_tunnel = {
    .name = "web", .kind = "http", .url = {"https://a.b", 11}, .target = "http://127.0.0.1:3000"};

static void plain_is_the_url_alone_and_a_line_per_exchange(void **state)
{
    struct report_exchange cut = an_exchange;
    struct desk d;

    (void)state;
    open_desk(&d, false);
    reporter_tunnel(d.reporter, &a_tunnel);
    reporter_exchange(d.reporter, &an_exchange);
    cut.status = 0;
    cut.ms = 61000;
    cut.out_bytes = 999;
    reporter_exchange(d.reporter, &cut);
    reporter_skipped(d.reporter, 7);
    assert_string_equal(read_all(&d), "https://a.b\n"
                                      "web  GET /a?b  200  12 ms  2.0 KiB  ::1\n"
                                      "web  GET /a?b  cut  61 s  999 B  ::1\n"
                                      "... 7 more not shown\n");
    close_desk(&d);
}

static void of_several_tunnels_a_screen_shows_whose_url_it_is(void **state)
{
    struct desk d;

    (void)state;
    open_desk_with(&d, (struct reporter_options){.is_screen = true, .names_tunnels = true});
    reporter_tunnel(d.reporter, &a_tunnel);
    assert_string_equal(read_all(&d), "web  https://a.b\n");
    close_desk(&d);
}

static void a_url_is_out_before_the_hint_that_belongs_to_it(void **state)
{
    struct desk d;
    char bytes[64];

    (void)state;
    open_desk_with(&d, (struct reporter_options){.is_terminal = true});
    reporter_tunnel(d.reporter, &a_tunnel);
    assert_int_equal(read(d.reader, bytes, sizeof bytes), strlen("https://a.b\n"));
    close_desk(&d);
}

static void of_several_tunnels_a_pipe_gets_urls_alone(void **state)
{
    struct desk d;

    (void)state;
    open_desk_with(&d, (struct reporter_options){.names_tunnels = true});
    reporter_tunnel(d.reporter, &a_tunnel);
    assert_string_equal(read_all(&d), "https://a.b\n");
    close_desk(&d);
}

/* The fields of the contract, in their order, and nothing else. */
static void check_event(const char *line, const char *const *keys)
{
    json_t *object = json_loads(line, 0, NULL);
    void *at;

    assert_non_null(object);
    at = json_object_iter(object);
    for (; *keys; keys++, at = json_object_iter_next(object, at)) {
        assert_non_null(at);
        assert_string_equal(json_object_iter_key(at), *keys);
    }
    assert_null(at);
    assert_int_equal(strlen(json_string_value(json_object_get(object, "at"))), 24);
    json_decref(object);
}

static void json_events_have_exactly_their_fields(void **state)
{
    static const char *const expected[][12] = {
        {"event", "at", "name", "kind", "url", "target", NULL},
        {"event", "at", "name", "kind", "url", "target", NULL},
        {"event", "at", "state", "carrier", "relay", "rtt_ms", "reason", NULL},
        {"event", "at", "state", "carrier", "relay", "rtt_ms", "reason", NULL},
        {"event", "at", "tunnel", "method", "path", "status", "ms", "in", "out", "visitor", NULL},
        {"event", "at", "tunnel", "visitor", "ms", "in", "out", "reason", NULL},
        {"event", "at", "what", "fix", "fatal", NULL},
        {"event", "at", "count", NULL},
    };
    const struct report_link up = {.is_up = true, .carrier = "tls", .relay = "tls://r"};
    const struct report_link down = {.relay = "tls://r", .reason = "refused \"so\"\n"};
    const struct report_stream stream = {.tunnel = "ssh", .visitor = "::1", .reason = "end"};
    struct desk d;

    (void)state;
    open_desk(&d, true);
    reporter_tunnel(d.reporter, &a_tunnel);
    reporter_removed(d.reporter, &(struct report_tunnel){.name = "web", .kind = "http"});
    reporter_link(d.reporter, &up);
    reporter_link(d.reporter, &down);
    reporter_exchange(d.reporter, &an_exchange);
    reporter_stream(d.reporter, &stream);
    reporter_error(d.reporter, "what", NULL, true);
    reporter_skipped(d.reporter, 3);
    read_all(&d);
    struct slice rest = text_slice(&d.said);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct slice line = slice_cut(&rest, '\n');
        char copy[1024];
        snprintf(copy, sizeof copy, "%.*s", SLICE_ARG(line));
        check_event(copy, expected[i]);
    }
    assert_int_equal(rest.len, 0);
    close_desk(&d);
}

/* A reader that sleeps costs lines, never the loop; tunnels are told all the same. */
static void a_stalled_reader_costs_counted_lines(void **state)
{
    struct desk d;
    unsigned shown = 0;
    unsigned skipped = 0;
    bool has_tunnel = false;

    (void)state;
    open_desk(&d, false);
    for (int i = 0; i < 20000; i++) {
        reporter_exchange(d.reporter, &an_exchange);
    }
    reporter_tunnel(d.reporter, &a_tunnel);
    loop_run_for(d.loop, 20);
    read_all(&d);
    struct slice rest = text_slice(&d.said);
    while (rest.len) {
        struct slice line = slice_cut(&rest, '\n');
        shown += slice_starts(line, SLICE("web"));
        has_tunnel |= slice_is(line, "https://a.b");
        if (slice_starts(line, SLICE("..."))) {
            skipped += (unsigned)strtoul(line.ptr + 4, NULL, 10);
        }
    }
    assert_true(has_tunnel && skipped > 0);
    assert_int_equal(shown + skipped, 20000);
    close_desk(&d);
}

static void a_reader_that_is_gone_is_not_missed(void **state)
{
    struct desk d;

    (void)state;
    open_desk(&d, false);
    close(d.reader);
    reporter_tunnel(d.reporter, &a_tunnel);
    loop_run_for(d.loop, 5);
    reporter_tunnel(d.reporter, &a_tunnel);
    loop_run_for(d.loop, 5);
    d.reader = dup(d.writer);
    close_desk(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_is_the_url_alone_and_a_line_per_exchange),
        cmocka_unit_test(of_several_tunnels_a_screen_shows_whose_url_it_is),
        cmocka_unit_test(of_several_tunnels_a_pipe_gets_urls_alone),
        cmocka_unit_test(a_url_is_out_before_the_hint_that_belongs_to_it),
        cmocka_unit_test(json_events_have_exactly_their_fields),
        cmocka_unit_test(a_stalled_reader_costs_counted_lines),
        cmocka_unit_test(a_reader_that_is_gone_is_not_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
