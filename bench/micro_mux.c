/* What the mux engine costs by itself: two engines, their bytes handed over in memory.
 *
 *     micro_mux [SECONDS] [ROW]         ROW: "exchanges", ...; without it all of them
 *
 * exchanges   64 kept streams, 1 KiB each way, all of them in every turn: whole exchanges
 * opens       the same with a new stream for every exchange
 * bulk        one stream, one direction, the writer always has more
 * bulk 8      eight of them
 *
 * All figures hold both engines, so one side costs half.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mux/mux.h"

enum { STREAMS = 64, MESSAGE_BYTES = 1024, READ_BYTES = 256 * 1024, BATCH_BYTES = 64 * 1024 };

struct side {
    struct mux *mux;
    struct bufq wire;
    struct mux_stream *streams[STREAMS];
    size_t stream_count;
};

static struct side relay, agent;
static const char message[BATCH_BYTES];
static uint64_t bytes_read;

/* ---- events: only the agent's streams are of interest ---- */

static void on_nothing(void *ctx)
{
    (void)ctx;
}

static void on_open(void *ctx, struct mux_stream *s, uint32_t tunnel_id, struct slice facts)
{
    struct side *side = ctx;

    (void)facts;
    side->streams[tunnel_id] = s;
    mux_stream_accept(s, SLICE_NONE);
}

static void on_opened(void *ctx, struct mux_stream *s, struct slice facts)
{
    (void)ctx, (void)s, (void)facts;
}

static void on_stream(void *ctx, struct mux_stream *s)
{
    (void)ctx, (void)s;
}

static void on_begin(void *ctx, struct mux_stream *s, uint64_t offset)
{
    (void)ctx, (void)s, (void)offset;
}

static void on_end(void *ctx, struct mux_stream *s, uint16_t code)
{
    (void)ctx, (void)s, (void)code;
    abort();
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
    on_nothing, on_open, on_opened, on_stream,  on_stream,
    on_begin,   on_end,  on_end,    on_control, on_goaway,
};

/* ---- the pair ---- */

static void pass(struct side *from, struct side *to)
{
    uint64_t now_ms = clock_now_ms();

    while (mux_wants_output(from->mux, 0)) {
        mux_produce(from->mux, 0, &from->wire, BATCH_BYTES, now_ms);
        if (mux_feed(to->mux, 0, &from->wire, now_ms, NULL) < 0) {
            abort();
        }
    }
}

static void start(struct side *side, enum mux_role role)
{
    const struct mux_config config = {.role = role};

    if (mux_new(&config, &events, side, &side->mux) < 0) {
        abort();
    }
    mux_attach(side->mux, 1, clock_now_ms());
}

static void open_streams(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (mux_open(relay.mux, (uint32_t)i, SLICE_NONE, &relay.streams[i]) < 0) {
            abort();
        }
    }
}

static void write_to(struct mux_stream *s, size_t n)
{
    struct bufq q = {0};

    bufq_push(&q, message, n);
    (void)!mux_stream_write(s, &q);
    bufq_clear(&q);
}

static int read_from(struct mux_stream *s)
{
    struct bufq q = {0};
    int err = mux_stream_read(s, &q, READ_BYTES);

    bytes_read += q.bytes;
    bufq_clear(&q);
    return err;
}

/* ---- rows: one turn each, which returns what it did ---- */

static size_t turn_exchanges(void)
{
    for (size_t i = 0; i < STREAMS; i++) {
        write_to(relay.streams[i], MESSAGE_BYTES);
    }
    pass(&relay, &agent);
    for (size_t i = 0; i < STREAMS; i++) {
        (void)!read_from(agent.streams[i]);
        write_to(agent.streams[i], MESSAGE_BYTES);
    }
    pass(&agent, &relay);
    for (size_t i = 0; i < STREAMS; i++) {
        (void)!read_from(relay.streams[i]);
    }
    return STREAMS;
}

static size_t turn_opens(void)
{
    open_streams(STREAMS);
    for (size_t i = 0; i < STREAMS; i++) {
        write_to(relay.streams[i], MESSAGE_BYTES);
        mux_stream_finish(relay.streams[i]);
    }
    pass(&relay, &agent);
    for (size_t i = 0; i < STREAMS; i++) {
        (void)!read_from(agent.streams[i]);
        write_to(agent.streams[i], MESSAGE_BYTES);
        mux_stream_finish(agent.streams[i]);
        mux_stream_release(&agent.streams[i]);
    }
    pass(&agent, &relay);
    for (size_t i = 0; i < STREAMS; i++) {
        (void)!read_from(relay.streams[i]);
        mux_stream_release(&relay.streams[i]);
    }
    return STREAMS;
}

/* The writer's chunk is shared down to the reader, as one that came from a socket would be. */
static size_t turn_bulk_of(size_t streams)
{
    uint64_t before = bytes_read;

    for (size_t i = 0; i < streams; i++) {
        size_t room = mux_stream_room(relay.streams[i]);
        while (room > 0) {
            write_to(relay.streams[i], room < sizeof message ? room : sizeof message);
            room = mux_stream_room(relay.streams[i]);
        }
    }
    pass(&relay, &agent);
    for (size_t i = 0; i < streams; i++) {
        while (read_from(agent.streams[i]) == 0) {
        }
    }
    pass(&agent, &relay);
    return (size_t)(bytes_read - before);
}

static size_t turn_bulk(void)
{
    return turn_bulk_of(1);
}

static size_t turn_bulk_8(void)
{
    return turn_bulk_of(8);
}

struct row {
    const char *name;
    size_t streams; /* open before the first turn */
    size_t (*turn)(void);
    bool is_bytes;
};

static const struct row rows[] = {
    {"exchanges", STREAMS, turn_exchanges, false},
    {"opens", 0, turn_opens, false},
    {"bulk", 1, turn_bulk, true},
    {"bulk 8", 8, turn_bulk_8, true},
};

static void measure(const struct row *row, double seconds)
{
    uint64_t end_us;
    uint64_t done = 0;

    start(&relay, MUX_ROLE_RELAY);
    start(&agent, MUX_ROLE_AGENT);
    open_streams(row->streams);
    pass(&relay, &agent);
    pass(&agent, &relay);
    uint64_t start_us = clock_now_us();
    for (end_us = start_us; (double)(end_us - start_us) < seconds * 1e6; end_us = clock_now_us()) {
        for (int i = 0; i < 16; i++) {
            done += row->turn();
        }
    }
    double ns = (double)(end_us - start_us) * 1e3;
    if (row->is_bytes) {
        printf("%-12s %8.2f GB/s\n", row->name, (double)done / ns);
    } else {
        printf("%-12s %8.0f ns each\n", row->name, ns / (double)done);
    }
    mux_free(&relay.mux);
    mux_free(&agent.mux);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 1.0;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (argc < 3 || strcmp(argv[2], rows[i].name) == 0) {
            measure(&rows[i], seconds);
        }
    }
    return 0;
}
