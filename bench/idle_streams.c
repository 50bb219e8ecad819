/* What one idle stream of a link holds by itself: two engines, their bytes handed over in memory.
 *
 *     idle_streams [COUNT]
 *
 * Opens so many streams, lets each say a few bytes in both directions and be acknowledged, and
 * prints the bytes of heap for each stream and side: the engine's record and the link stream over
 * it, their places in tables, and what malloc adds. No socket, pump or visitor is there.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bufq.h"
#include "base/mem.h"
#include "mux/mux.h"
#include "session/link_stream.h"

enum { COUNT = 10000, BATCH_BYTES = 64 * 1024, ACK_MS = 1000, TUNNEL = 1 };

struct side {
    struct mux *mux;
    struct bufq wire;
    struct stream **streams;
    size_t count;
};

static struct side relay, agent;
static struct loop *loop;
static uint64_t now_ms = 1;

static void on_output(void *ctx)
{
    (void)ctx;
}

static void on_open(void *ctx, struct mux_stream *s, uint32_t tunnel_id, struct slice facts)
{
    struct side *side = ctx;

    (void)tunnel_id, (void)facts;
    mux_stream_accept(s, SLICE_NONE);
    side->streams[side->count++] = link_stream_new(loop, s);
}

static void on_opened(void *ctx, struct mux_stream *s, struct slice facts)
{
    (void)ctx, (void)s, (void)facts;
}

static void on_begin(void *ctx, struct mux_stream *s, uint64_t offset)
{
    (void)ctx, (void)s, (void)offset;
}

static void on_control(void *ctx, struct slice text)
{
    (void)ctx, (void)text;
}

static void on_goaway(void *ctx, uint16_t reason)
{
    (void)ctx, (void)reason;
}

static const struct mux_events events = {
    .on_output = on_output,
    .on_open = on_open,
    .on_opened = on_opened,
    .on_readable = link_stream_on_readable,
    .on_writable = link_stream_on_writable,
    .on_begin = on_begin,
    .on_stop = link_stream_on_stop,
    .on_reset = link_stream_on_reset,
    .on_control = on_control,
    .on_goaway = on_goaway,
};

static void must(int err)
{
    if (err < 0) {
        fprintf(stderr, "idle_streams: %s\n", err_text(err));
        exit(1);
    }
}

static void start(struct side *side, enum mux_role role, size_t count)
{
    const struct mux_config config = {.role = role};

    must(mux_new(&config, &events, side, &side->mux));
    mux_attach(side->mux, 1, now_ms);
    side->streams = mem_alloc_array(count, sizeof(struct stream *));
}

static void pass(struct side *from, struct side *to)
{
    while (mux_wants_output(from->mux, 0)) {
        mux_produce(from->mux, 0, &from->wire, BATCH_BYTES, now_ms);
        must(mux_feed(to->mux, 0, &from->wire, now_ms, NULL));
    }
}

static void say(struct stream *from, struct stream *to)
{
    struct bufq got = {0};
    bool is_from_relay = from == relay.streams[relay.count - 1];

    must(stream_write_bytes(from, "hello", 5));
    pass(is_from_relay ? &relay : &agent, is_from_relay ? &agent : &relay);
    must(stream_read(to, &got, BATCH_BYTES));
    bufq_clear(&got);
}

static void open_one(void)
{
    struct mux_stream *s = NULL;

    must(mux_open(relay.mux, TUNNEL, SLICE_NONE, &s));
    relay.streams[relay.count++] = link_stream_new(loop, s);
    pass(&relay, &agent);
    say(relay.streams[relay.count - 1], agent.streams[agent.count - 1]);
    say(agent.streams[agent.count - 1], relay.streams[relay.count - 1]);
}

static void acknowledge_all(void)
{
    now_ms += ACK_MS;
    for (int i = 0; i < 2; i++) {
        mux_tick(relay.mux, now_ms);
        mux_tick(agent.mux, now_ms);
        pass(&relay, &agent);
        pass(&agent, &relay);
    }
    chunk_drain_spares();
}

static size_t heap_bytes(void)
{
    return mallinfo2().uordblks;
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? (size_t)atol(argv[1]) : COUNT;

    loop = loop_new();
    start(&relay, MUX_ROLE_RELAY, count);
    start(&agent, MUX_ROLE_AGENT, count);
    size_t before = heap_bytes();
    while (relay.count < count) {
        open_one();
    }
    acknowledge_all();
    printf("%.1f\n", (double)(heap_bytes() - before) / (double)count / 2);
    return 0;
}
