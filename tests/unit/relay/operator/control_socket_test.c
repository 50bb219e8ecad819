#include "relay/operator/control_socket.h"

#include <jansson.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/addr.h"
#include "relay/relay.h"
#include "relay/sessions/session.h"
#include "relay/tunnels/tunnel.h"
#include "store/store.h"
#include "support/check.h"
#include "support/folder.h"

/* A relay with two workers of which only what the socket looks at is there. */
static struct folder folder;
static struct relay_config config;
static struct relay relay;
static struct worker workers[2];
static struct control_socket *control;
static char in[256 * 1024]; /* what the operator has read */
static size_t in_bytes;

static int open_relay(void **state)
{
    (void)state;
    struct errinfo why = {0};

    folder_make(&folder);
    relay_config_init(&config);
    config.domain = mem_strdup("t.example.com");
    relay = (struct relay){.config = &config,
                           .data = folder.path,
                           .has_certificate = true,
                           .port = 443,
                           .workers = workers,
                           .worker_count = COUNT_OF(workers)};
    for (uint32_t i = 0; i < COUNT_OF(workers); i++) {
        workers[i] = (struct worker){.relay = &relay, .index = i, .loop = loop_new()};
        list_init(&workers[i].visitors);
        list_init(&workers[i].tcp_visitors);
    }
    relay.store = store_open_memory(workers[0].loop);
    in_bytes = 0;
    return control_socket_open(&control, &relay, &why);
}

static int close_relay(void **state)
{
    (void)state;
    control_socket_close(&control);
    store_close(&relay.store);
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        table_deinit(&workers[i].sessions);
        loop_free(&workers[i].loop);
    }
    relay_config_deinit(&config);
    folder_remove(&folder);
    return 0;
}

static int connect_operator(void)
{
    struct text path = {0};
    struct addr at;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    text_addf(&path, "unix:%s", folder_path(&folder, CONTROL_SOCKET_NAME));
    assert_int_equal(addr_parse(text_slice(&path), &at), 0);
    text_deinit(&path);
    assert_int_equal(connect(fd, (struct sockaddr *)&at.storage, at.len), 0);
    return fd;
}

static void turn(void)
{
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        loop_run_for(workers[i].loop, 1);
    }
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until the end; false: there was none within the time. */
static bool read_to_end(int fd)
{
    for (int i = 0; i < 2000; i++) {
        turn();
        ssize_t n = recv(fd, in + in_bytes, sizeof in - in_bytes, 0);
        in_bytes += n > 0 ? (size_t)n : 0;
        if (n == 0) {
            return true;
        }
    }
    return false;
}

/* The next answer. */
static json_t *read_answer(int fd)
{
    char *end = NULL;

    for (int i = 0; i < 2000 && !end; i++) {
        turn();
        ssize_t n = recv(fd, in + in_bytes, sizeof in - in_bytes, 0);
        in_bytes += n > 0 ? (size_t)n : 0;
        end = memchr(in, '\n', in_bytes);
    }
    assert_non_null(end);
    size_t used = (size_t)(end - in) + 1;
    json_t *answer = json_loadb(in, used, 0, NULL);
    assert_non_null(answer);
    memmove(in, in + used, in_bytes - used);
    in_bytes -= used;
    return answer;
}

static bool is_ok(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "ok"));
}

static void check_refused(int fd, const char *part)
{
    json_t *answer = read_answer(fd);

    assert_false(is_ok(answer));
    check_has(json_string_value(json_object_get(answer, "error")), part);
    json_decref(answer);
}

static void the_socket_is_its_owners_alone_and_there_is_one(void **state)
{
    (void)state;
    struct control_socket *second = NULL;
    struct errinfo why = {0};

    assert_int_equal(folder_mode(&folder, CONTROL_SOCKET_NAME), 0600);
    assert_int_equal(control_socket_open(&second, &relay, &why), ERR_BUSY);
    check_has(why.text, "another relay runs");
}

static void lines_are_answered_in_order_however_they_are_cut(void **state)
{
    (void)state;
    static const char line[] =
        "{\"do\":\"token_create\",\"name\":\"bob\"}\n{\"do\":\"token_list\"}\n";
    int fd = connect_operator();

    for (size_t i = 0; i + 1 < sizeof line; i++) {
        assert_int_equal(send(fd, &line[i], 1, MSG_NOSIGNAL), 1);
        turn();
    }
    json_t *created = read_answer(fd);
    json_t *list = read_answer(fd);
    assert_true(is_ok(created) && is_ok(list));
    check_has(json_string_value(json_object_get(created, "login")), "t.example.com#");
    assert_int_equal(json_array_size(json_object_get(list, "tokens")), 1);
    json_decref(created);
    json_decref(list);
    close(fd);
}

static void what_is_no_request_is_refused_and_the_next_one_answered(void **state)
{
    (void)state;
    int fd = connect_operator();

    send_text(fd, "hello\n[]\n{\"do\":1}\n{\"do\":\"reboot\"}\n{\"do\":\"status\",\"do\":\"x\"}\n"
                  "{\"do\":\"token_create\",\"name\":\"\xff\"}\n{\"do\":\"token_list\"}\n");
    check_refused(fd, "");
    check_refused(fd, "do");
    check_refused(fd, "do");
    check_refused(fd, "no request of that name");
    check_refused(fd, "duplicate");
    check_refused(fd, "");
    json_t *list = read_answer(fd);
    assert_true(is_ok(list));
    json_decref(list);
    close(fd);
}

static void a_line_without_end_is_refused_and_cut(void **state)
{
    (void)state;
    static char long_line[20 * 1024];
    int fd = connect_operator();

    memset(long_line, 'x', sizeof long_line);
    assert_true(send(fd, long_line, sizeof long_line, MSG_NOSIGNAL) > 16 * 1024);
    check_refused(fd, "too long");
    (void)read_to_end(fd);
    close(fd);
}

static void the_last_line_needs_no_newline(void **state)
{
    (void)state;
    int fd = connect_operator();

    send_text(fd, "{\"do\":\"token_list\"}");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_true(read_to_end(fd));
    check_has(in, "\"tokens\":[]");
    close(fd);
}

static void an_operator_who_leaves_early_does_no_harm(void **state)
{
    (void)state;
    int fd = connect_operator();

    send_text(fd, "{\"do\":\"status\"}\n");
    loop_run_for(workers[0].loop, 2); /* asked; the other worker has not answered */
    close(fd);
    loop_run_for(workers[0].loop, 2);
    for (int i = 0; i < 5; i++) {
        turn();
    }
    fd = connect_operator();
    send_text(fd, "{\"do\":\"token_list\"}\n");
    json_decref(read_answer(fd));
    close(fd);
}

/* ---- status ---- */

static const struct mux_events no_events;
static struct session session;
static struct tunnel tunnels[2];

static void add_session(struct worker *w)
{
    struct mux_config mux_config = {.role = MUX_ROLE_RELAY};

    session = (struct session){.handle = 7,
                               .worker = w,
                               .token_name = (char *)"bob",
                               .host_name = (char *)"pi\xff",
                               .agent_version = (char *)"0.1.0",
                               .address = (char *)"192.0.2.7:4431",
                               .carrier = "tls",
                               .detached_at = 1};
    assert_int_equal(mux_new(&mux_config, &no_events, NULL, &session.mux), 0);
    errinfo_set(&session.loss, ERR_TIMEOUT, "no sign of life for 3 s");
    table_add(&w->sessions, &session.node, table_hash_u64(session.handle));
    for (uint32_t id = COUNT_OF(tunnels); id > 0; id--) {
        struct tunnel *t = &tunnels[id - 1];
        *t = (struct tunnel){.session = &session,
                             .id = id,
                             .key = (char *)(id == 1 ? "ssh" : "web"),
                             .target = (char *)"tcp://127.0.0.1:22",
                             .state = TUNNEL_BOUND,
                             .kind = BIND_TCP,
                             .url = (char *)"tcp://t.example.com:6000",
                             .in_bytes = 5};
        table_add(&session.tunnels, &t->node, table_hash_u64(id));
    }
}

static void remove_session(struct worker *w)
{
    table_remove(&w->sessions, &session.node);
    table_deinit(&session.tunnels);
    mux_free(&session.mux);
}

static const char *text_at(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static void check_session(const json_t *row)
{
    assert_int_equal(json_integer_value(json_object_get(row, "worker")), 1);
    assert_string_equal(text_at(row, "token"), "bob");
    assert_string_equal(text_at(row, "host"), "?"); /* not UTF-8 */
    assert_string_equal(text_at(row, "why"), "no sign of life for 3 s");
    assert_true(json_is_false(json_object_get(row, "attached")));
    assert_true(json_is_null(json_object_get(row, "rtt_ms")));
}

static void status_holds_what_every_worker_says(void **state)
{
    (void)state;
    int fd = connect_operator();

    add_session(&workers[1]);
    send_text(fd, "{\"do\":\"status\"}\n");
    json_t *answer = read_answer(fd);
    assert_true(is_ok(answer));
    assert_string_equal(text_at(json_object_get(answer, "relay"), "url"), "https://t.example.com");
    assert_int_equal(json_array_size(json_object_get(answer, "workers")), 2);
    assert_true(json_object_size(json_object_get(answer, "counters")) > 10);
    const json_t *row = json_array_get(json_object_get(answer, "sessions"), 0);
    check_session(row);
    const json_t *rows = json_object_get(row, "tunnels");
    assert_string_equal(text_at(json_array_get(rows, 0), "key"), "ssh"); /* in their order */
    assert_string_equal(text_at(json_array_get(rows, 1), "key"), "web");
    row = json_array_get(rows, 0);
    assert_string_equal(text_at(row, "url"), "tcp://t.example.com:6000");
    assert_int_equal(json_integer_value(json_object_get(row, "in")), 5);
    json_decref(answer);
    remove_session(&workers[1]);
    close(fd);
}

int main(void)
{
#define CONTROL_TEST(f) cmocka_unit_test_setup_teardown(f, open_relay, close_relay)
    const struct CMUnitTest tests[] = {
        CONTROL_TEST(the_socket_is_its_owners_alone_and_there_is_one),
        CONTROL_TEST(lines_are_answered_in_order_however_they_are_cut),
        CONTROL_TEST(what_is_no_request_is_refused_and_the_next_one_answered),
        CONTROL_TEST(a_line_without_end_is_refused_and_cut),
        CONTROL_TEST(the_last_line_needs_no_newline),
        CONTROL_TEST(an_operator_who_leaves_early_does_no_harm),
        CONTROL_TEST(status_holds_what_every_worker_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
