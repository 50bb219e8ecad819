/* What TLS and WebSocket cost as streams, both ends on one core, over a pipe in memory:
 *
 *     micro_tls [SECONDS] [ROW]         ROW: "tls bulk", ...; without it all of them
 *
 * bulk        one direction, the writer always has more
 * messages    1 KiB writes, as many in a turn as there is room for
 * ping-pong   1 KiB each way, one at a time: whole exchanges per second
 * handshakes  both sides of a full handshake, one after the other
 *
 * Compare "bulk" with the raw library on the same machine (gnutls-cli --benchmark-tls-ciphers).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "support/pipe_stream.h"
#include "tls/tls_stream.h"
#include "ws/ws_stream.h"

enum { WRITE_BYTES = 64 * 1024, MESSAGE_BYTES = 1024 };

static const char *only_row;
static struct tls_identity *identity;
static struct tls_trust *trust;

/* ---- layers ---- */

typedef void layers_fn(struct stream **client, struct stream **server);

static void add_tls(struct stream **client, struct stream **server)
{
    const struct tls_client_options client_options = {.trust = trust, .needs_tls13 = true};
    const struct tls_server_options server_options = {.identity = identity};

    *client = tls_client_attach(*client, &client_options, NULL, NULL);
    *server = tls_server_attach(*server, NULL, &server_options, NULL, NULL);
}

static void add_ws(struct stream **client, struct stream **server)
{
    *client = ws_stream_attach(*client, NULL, WS_CLIENT);
    *server = ws_stream_attach(*server, NULL, WS_SERVER);
}

static void add_wss(struct stream **client, struct stream **server)
{
    add_tls(client, server);
    add_ws(client, server);
}

static void add_nothing(struct stream **client, struct stream **server)
{
    (void)client, (void)server;
}

/* ---- users ---- */

struct user {
    struct stream *stream;
    size_t write_bytes; /* at once; 0: reads only */
    bool is_echoing;    /* writes when a whole message has come */
    uint64_t received;
    uint64_t unanswered;
};

static void write_one(struct user *u)
{
    struct bufq bytes = {0};
    size_t room;

    for (size_t left = u->write_bytes; left > 0;) {
        size_t part = left < CHUNK_LARGE_BYTES ? left : CHUNK_LARGE_BYTES;
        bufq_reserve(&bytes, part,
                     &room); /* whatever is in it: the price of making it is not ours */
        bufq_commit(&bytes, part);
        left -= part;
    }
    ASSERT(stream_write(u->stream, &bytes) == 0);
}

static void write_more(struct user *u)
{
    while (stream_room(u->stream) >= u->write_bytes) {
        write_one(u);
    }
    stream_want(u->stream, STREAM_WRITABLE);
}

static void read_more(struct user *u)
{
    struct bufq in = {0};

    if (stream_read(u->stream, &in, STREAM_ROUND_BYTES) < 0) {
        return;
    }
    u->received += in.bytes;
    u->unanswered += in.bytes;
    bufq_clear(&in);
    while (u->is_echoing && u->unanswered >= MESSAGE_BYTES) {
        u->unanswered -= MESSAGE_BYTES;
        write_one(u);
    }
}

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    struct user *u = ctx;

    (void)s;
    if (events & STREAM_READABLE) {
        read_more(u);
    }
    if (events & STREAM_WRITABLE) {
        write_more(u);
    }
}

static void measure(const char *name, layers_fn *add_layers, struct user client, struct user server,
                    double seconds)
{
    if (only_row && strcmp(only_row, name) != 0) {
        return;
    }
    struct loop *loop = loop_new();

    pipe_open(loop, &(struct pipe_options){.room = 4 * WRITE_BYTES}, &client.stream,
              &server.stream);
    add_layers(&client.stream, &server.stream);
    stream_set_user(client.stream, on_ready, &client);
    stream_set_user(server.stream, on_ready, &server);
    stream_want(client.stream, STREAM_READABLE);
    stream_want(server.stream, STREAM_READABLE);
    loop_run_for(loop, 50); /* handshakes */
    if (client.is_echoing) {
        write_one(&client);
    } else {
        stream_want(client.stream, STREAM_WRITABLE);
    }
    uint64_t start_us = clock_now_us();
    uint64_t before = server.received;
    loop_run_for(loop, (uint64_t)(seconds * 1000));
    double bytes = (double)(server.received - before);
    double took_us = (double)(clock_now_us() - start_us);
    printf("%-20s %7.3f GB/s  %9.0f messages/s\n", name, bytes / took_us / 1000,
           bytes / (double)client.write_bytes / took_us * 1e6);
    stream_abort(&client.stream);
    stream_abort(&server.stream);
    loop_run_for(loop, 1);
    loop_free(&loop);
}

static void measure_layers(const char *layer, layers_fn *add_layers, double seconds)
{
    const struct user reader = {0};
    const struct user bulk = {.write_bytes = WRITE_BYTES};
    const struct user talker = {.write_bytes = MESSAGE_BYTES};
    const struct user echo = {.write_bytes = MESSAGE_BYTES, .is_echoing = true};
    char name[64];

    snprintf(name, sizeof name, "%s bulk", layer);
    measure(name, add_layers, bulk, reader, seconds);
    snprintf(name, sizeof name, "%s messages", layer);
    measure(name, add_layers, talker, reader, seconds);
    snprintf(name, sizeof name, "%s ping-pong", layer);
    measure(name, add_layers, echo, echo, seconds);
}

/* ---- handshakes ---- */

static void on_done(void *is_done, struct stream *s, int err, const struct errinfo *why)
{
    (void)s, (void)why;
    ASSERT(err == 0);
    *(bool *)is_done = true;
}

static void shake_hands(struct loop *loop)
{
    const struct tls_client_options client_options = {.trust = trust, .needs_tls13 = true};
    const struct tls_server_options server_options = {.identity = identity};
    bool is_done[2] = {0};
    struct stream *client;
    struct stream *server;

    pipe_open(loop, &(struct pipe_options){0}, &client, &server);
    client = tls_client_attach(client, &client_options, on_done, &is_done[0]);
    server = tls_server_attach(server, NULL, &server_options, on_done, &is_done[1]);
    while (!is_done[0] || !is_done[1]) {
        loop_run_for(loop, 0);
    }
    stream_abort(&client);
    stream_abort(&server);
    loop_run_for(loop, 0);
}

static void measure_handshakes(double seconds)
{
    const char *name = "tls handshakes";
    struct loop *loop = loop_new();
    uint64_t start_us = clock_now_us();
    uint64_t took_us = 0;
    unsigned count = 0;

    if (!only_row || strcmp(only_row, name) == 0) {
        for (; took_us < seconds * 1e6; took_us = clock_now_us() - start_us) {
            shake_hands(loop);
            count++;
        }
        printf("%-20s %26.0f handshakes/s\n", name, count / (double)took_us * 1e6);
    }
    loop_free(&loop);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/adit-micro-XXXXXX";
    char path[64];
    struct tls_pin pin;
    double seconds = argc > 1 ? atof(argv[1]) : 1;

    only_row = argc > 2 ? argv[2] : NULL;

    if (!mkdtemp(folder) || tls_identity_load_or_make(folder, "bench", &identity, NULL) < 0) {
        return 1;
    }
    tls_identity_pin(identity, &pin);
    if (tls_trust_new(&(struct tls_trust_options){.pins = &pin, .pin_count = 1}, &trust, NULL) <
        0) {
        return 1;
    }
    measure_layers("pipe", add_nothing, seconds);
    measure_layers("tls", add_tls, seconds);
    measure_layers("ws", add_ws, seconds);
    measure_layers("wss", add_wss, seconds);
    measure_handshakes(seconds);
    tls_identity_unref(&identity);
    tls_trust_unref(&trust);
    for (const char *const *file = (const char *const[]){"relay.crt", "relay.key", NULL}; *file;
         file++) {
        snprintf(path, sizeof path, "%s/%s", folder, *file);
        unlink(path);
    }
    rmdir(folder);
    return 0;
}
