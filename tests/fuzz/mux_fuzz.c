/* The engine against a peer that says anything, and an owner that does anything.
 *
 * The input is a script: one byte chooses what happens next, one its argument. Frames come from the
 * script too. Whatever happens, the engine neither crashes nor keeps memory, and after a refusal it
 * is only freed.
 */
#include "mux/mux.h"

#include "wire/link_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { STREAMS_MAX = 16 };

struct owner {
    struct mux *mux;
    struct mux_stream *streams[STREAMS_MAX];
    unsigned lanes;
};

static void keep(struct owner *o, struct mux_stream *s)
{
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        if (!o->streams[i]) {
            o->streams[i] = s;
            return;
        }
    }
    mux_stream_release(&s);
}

static void on_output(void *ctx)
{
    (void)ctx;
}

static void on_open(void *ctx, struct mux_stream *s, uint32_t tunnel_id, struct slice facts)
{
    (void)facts;
    if (tunnel_id % 2) {
        mux_stream_accept(s, SLICE("x"));
    }
    keep(ctx, s);
}

static void on_opened(void *ctx, struct mux_stream *s, struct slice facts)
{
    (void)ctx;
    (void)facts;
    ASSERT(mux_stream_id(s));
}

static void on_stream(void *ctx, struct mux_stream *s)
{
    (void)ctx;
    ASSERT(mux_stream_id(s));
}

static void on_begin(void *ctx, struct mux_stream *s, uint64_t offset)
{
    (void)ctx;
    ASSERT(offset >= mux_stream_read_offset(s));
}

static void on_end(void *ctx, struct mux_stream *s, uint16_t code)
{
    (void)ctx;
    (void)code;
    ASSERT(mux_stream_id(s));
}

static void on_control(void *ctx, struct slice message)
{
    (void)ctx;
    ASSERT(message.len > 0);
}

static void on_goaway(void *ctx, uint16_t reason)
{
    (void)ctx;
    (void)reason;
}

static const struct mux_events events = {
    on_output, on_open, on_opened, on_stream,  on_stream,
    on_begin,  on_end,  on_end,    on_control, on_goaway,
};

static void write_some(struct mux_stream *s, size_t n)
{
    static const char zeros[256 * 64];
    struct bufq q = {0};

    bufq_push(&q, zeros, n * 64);
    (void)!mux_stream_write(s, &q);
    bufq_clear(&q);
}

static void read_some(struct mux_stream *s, size_t n)
{
    struct bufq q = {0};

    (void)!mux_stream_read(s, &q, n * 64 + 1);
    bufq_clear(&q);
}

static void act(struct owner *o, uint8_t what, uint8_t argument)
{
    struct mux_stream **s = &o->streams[argument % STREAMS_MAX];

    if (!*s) {
        if (what == 0 && mux_open(o->mux, argument, SLICE("facts"), s) < 0) {
            *s = NULL;
        }
        return;
    }
    switch (what) {
    case 1:
        write_some(*s, argument);
        break;
    case 2:
        read_some(*s, argument);
        break;
    case 3:
        mux_stream_finish(*s);
        break;
    case 4:
        mux_stream_stop(*s, argument);
        break;
    case 5:
        mux_stream_reset(*s, argument);
        break;
    case 6:
        mux_stream_begin(*s);
        break;
    case 7:
        mux_stream_release(s);
        break;
    default:
        break;
    }
}

/* A new carrier, after a table of rows from the script. */
static int resume(struct owner *o, struct reader *r, uint64_t now_ms)
{
    struct bufq ours = {0}, theirs = {0};
    struct slice rows = read_slice(r, (size_t)(read_u8(r) % 8) * LINK_ROW_BYTES);

    mux_detach(o->mux);
    mux_resume_table(o->mux, &ours);
    bufq_clear(&ours);
    bufq_push_slice(&theirs, rows);
    int err = mux_resume_apply(o->mux, &theirs, NULL);
    bufq_clear(&theirs);
    if (err == 0) {
        mux_attach(o->mux, o->lanes, now_ms);
    }
    return err;
}

static int feed(struct owner *o, struct reader *r, struct bufq *in, uint64_t now_ms)
{
    struct slice part = read_slice(r, read_u8(r));

    bufq_push_slice(in, part);
    return mux_feed(o->mux, 0, in, now_ms, NULL);
}

static void produce(struct owner *o, uint64_t now_ms)
{
    struct bufq out = {0};

    mux_produce(o->mux, 0, &out, 20000, now_ms);
    bufq_clear(&out);
}

static void run(struct owner *o, struct reader *r, struct bufq *in)
{
    uint64_t now_ms = 1000;
    int err = 0;

    while (r->left > 0 && !r->has_failed && err == 0) {
        uint8_t what = read_u8(r);
        if (what < 8) {
            act(o, what, read_u8(r));
        } else if (what < 16) {
            now_ms += read_u8(r) * 10u;
            mux_tick(o->mux, now_ms);
        } else if (what < 32) {
            produce(o, now_ms);
        } else if (what < 40) {
            bufq_clear(in);
            err = resume(o, r, now_ms);
        } else {
            err = feed(o, r, in, now_ms);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct mux_config config = {
        .role = MUX_ROLE_AGENT, .streams_max = 32, .refuses_streams = size % 16 == 15};
    struct owner o = {.lanes = size % 4 < 2 ? 2 : 1}; /* on two, pieces may come out of order */
    struct reader r = reader_of(slice_of(bytes, size));
    struct bufq in = {0};

    ASSERT(mux_new(&config, &events, &o, &o.mux) == 0);
    mux_attach(o.mux, o.lanes, 1000);
    run(&o, &r, &in);
    bufq_clear(&in);
    if (size % 2) {
        mux_abandon(o.mux, 1);
    }
    mux_free(&o.mux);
    ASSERT(chunk_stats().in_use == 0);
    return 0;
}
