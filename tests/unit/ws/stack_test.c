/* Streams stack: TLS over WebSocket over TLS over WebSocket over a transport that gives one byte at
 * a time. Whatever a layer assumes about the one below it beyond net/stream.h breaks here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "support/folder.h"
#include "support/pipe_stream.h"
#include "support/stream_end.h"
#include "tls/tls_stream.h"
#include "ws/ws_stream.h"

static struct folder folder;
static struct tls_identity *identity;
static struct tls_trust *trust;

static int make_identity(void **state)
{
    struct tls_pin pin;

    (void)state;
    folder_make(&folder);
    assert_int_equal(tls_identity_load_or_make(folder.path, "relay.test", &identity, NULL), 0);
    tls_identity_pin(identity, &pin);
    return tls_trust_new(&(struct tls_trust_options){.pins = &pin, .pin_count = 1}, &trust, NULL);
}

static int remove_identity(void **state)
{
    (void)state;
    tls_identity_unref(&identity);
    tls_trust_unref(&trust);
    folder_remove(&folder);
    return 0;
}

static void on_done(void *is_done, struct stream *s, int err, const struct errinfo *why)
{
    (void)s;
    if (err < 0) {
        fail_msg("%s", why->text);
    }
    *(bool *)is_done = true;
}

struct stack {
    struct loop *loop;
    struct stream *transport; /* of the client; weak */
    struct stream_end client;
    struct stream_end server;
};

/* TLS over WebSocket on both ends; is_done: both are through their handshakes. */
static void add_floors(struct stream **client, struct stream **server, bool is_done[2])
{
    const struct tls_client_options client_options = {.trust = trust, .needs_tls13 = true};
    const struct tls_server_options server_options = {.identity = identity};
    struct stream *a = ws_stream_attach(*client, NULL, WS_CLIENT);
    struct stream *b = ws_stream_attach(*server, NULL, WS_SERVER);

    *client = tls_client_attach(a, &client_options, on_done, &is_done[0]);
    *server = tls_server_attach(b, NULL, &server_options, on_done, &is_done[1]);
}

static void stack_open(struct stack *k, const struct pipe_options *pipe)
{
    bool is_done[2][2] = {0};
    struct stream *a;
    struct stream *b;

    *k = (struct stack){.loop = loop_new()};
    pipe_open(k->loop, pipe, &a, &b);
    k->transport = a;
    add_floors(&a, &b, is_done[0]); /* the next floor begins before this one has ended */
    add_floors(&a, &b, is_done[1]);
    stream_end_init(&k->client, a);
    stream_end_init(&k->server, b);
    for (int i = 0; i < 4; i++) {
        assert_true(run_until(k->loop, &is_done[i / 2][i % 2]));
    }
}

static void stack_close(struct stack *k)
{
    stream_end_close(&k->client);
    stream_end_close(&k->server);
    loop_run_for(k->loop, 20);
    loop_free(&k->loop);
    assert_int_equal(chunk_stats().in_use, 0);
}

static void assert_same(const struct stream_end *e, const uint8_t *want, size_t n)
{
    uint8_t *copy = mem_alloc(n);

    assert_int_equal(e->in.bytes, n);
    bufq_peek(&e->in, copy, n);
    assert_memory_equal(copy, want, n);
    mem_free(copy);
}

static void pass_both_ways(const struct pipe_options *pipe, size_t n)
{
    struct stack k;
    uint8_t *bytes = mem_alloc(n);

    random_bytes(bytes, n);
    stack_open(&k, pipe);
    k.client.shuts = true;
    k.server.shuts = true;
    stream_end_send(&k.client, bytes, n);
    stream_end_send(&k.server, bytes, n);
    assert_true(run_until_end(k.loop, &k.client));
    assert_true(run_until_end(k.loop, &k.server));
    assert_int_equal(k.client.end, ERR_EOF);
    assert_int_equal(k.server.end, ERR_EOF);
    assert_same(&k.client, bytes, n);
    assert_same(&k.server, bytes, n);
    assert_false(k.client.has_false_alarm || k.server.has_false_alarm);
    stack_close(&k);
    mem_free(bytes);
}

static void four_layers_pass_single_bytes(void **state)
{
    (void)state;
    pass_both_ways(&(struct pipe_options){.read_max = 1}, 20000);
}

static void four_layers_pass_through_a_narrow_transport(void **state)
{
    (void)state;
    pass_both_ways(&(struct pipe_options){.read_max = 331, .room = 700}, 300000);
}

static void four_layers_pass_much(void **state)
{
    (void)state;
    pass_both_ways(&(struct pipe_options){0}, 8 << 20);
}

static void a_cut_below_four_layers_is_told_at_the_top(void **state)
{
    (void)state;
    struct stack k;

    stack_open(&k, &(struct pipe_options){0});
    stream_end_send(&k.client, "hello", 5);
    assert_true(run_until_bytes(k.loop, &k.server, 5));
    pipe_cut(k.transport, ERR_RESET);
    assert_true(run_until_end(k.loop, &k.client));
    assert_true(run_until_end(k.loop, &k.server));
    assert_int_equal(k.client.end, ERR_RESET);
    assert_true(k.client.is_broken && k.server.is_broken);
    stack_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_layers_pass_single_bytes),
        cmocka_unit_test(four_layers_pass_through_a_narrow_transport),
        cmocka_unit_test(four_layers_pass_much),
        cmocka_unit_test(a_cut_below_four_layers_is_told_at_the_top),
    };
    return cmocka_run_group_tests(tests, make_identity, remove_identity);
}
