#include "session/greet_priv.h"

#include "base/mem.h"
#include "session/greet_server.h"
#include "tls/tls_stream.h"

static void fail(struct greet_io *io, int err, const struct errinfo *why)
{
    if (!io->is_gone) {
        io->is_gone = true;
        io->on_failed(io->ctx, err, why);
    }
}

static int take_frame(struct greet_io *io, struct errinfo *why)
{
    struct frame_header h;
    struct slice payload;

    if (!io->has_magic) {
        int err = link_magic_take(&io->in);
        if (err == ERR_PROTOCOL) {
            return errinfo_set(why, err, "this is not an adit link");
        }
        TRY(err);
        io->has_magic = true;
    }
    TRY(frame_take(&io->in, &h, &payload));
    /* The payload is a view of `in`: taken out first, so that the callback may hand `in` over. */
    struct bufq frame = {0};
    bufq_move(&frame, &io->in, h.length);
    int err = io->on_frame(io->ctx, &h, bufq_pullup(&frame, frame.bytes), why);
    bufq_clear(&frame);
    return err;
}

static void take_frames(struct greet_io *io)
{
    struct errinfo why = {0};
    int err = 0;

    while (err == 0 && !io->is_paused && !io->is_gone) {
        err = take_frame(io, &why);
    }
    if (err < 0 && err != ERR_MORE) {
        fail(io, err, &why);
    }
}

/* A failed write is told again by the next event of the stream. */
static void flush_out(struct greet_io *io)
{
    if (stream_write(io->stream, &io->out) == ERR_AGAIN) {
        stream_want(io->stream, STREAM_WRITABLE);
    }
}

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    struct greet_io *io = ctx;
    int err = ERR_AGAIN;

    (void)s;
    if (events & STREAM_WRITABLE) {
        flush_out(io);
    }
    if (!io->is_gone && (events & (STREAM_READABLE | STREAM_BROKEN))) {
        err = stream_read(io->stream, &io->in, STREAM_ROUND_BYTES);
        take_frames(io);
    }
    if (err < 0 && err != ERR_AGAIN) {
        fail(io, err, NULL);
    }
}

static void on_again(struct task *task)
{
    take_frames(CONTAINER_OF(task, struct greet_io, again));
}

static void on_expired(struct timer *timer)
{
    struct errinfo why = {"the greeting took too long"};
    fail(CONTAINER_OF(timer, struct greet_io, timer), ERR_TIMEOUT, &why);
}

void greet_io_init(struct greet_io *io, struct stream *stream_take, struct bufq *leftover_take,
                   uint64_t limit_ms, greet_frame_fn *on_frame, greet_failed_fn *on_failed,
                   void *ctx)
{
    *io = (struct greet_io){
        .loop = stream_take->loop,
        .stream = stream_take,
        .timer.expired = on_expired,
        .again.run = on_again,
        .on_frame = on_frame,
        .on_failed = on_failed,
        .ctx = ctx,
    };
    if (leftover_take) {
        bufq_move(&io->in, leftover_take, leftover_take->bytes);
    }
    stream_set_user(io->stream, on_ready, io);
    stream_want(io->stream, STREAM_READABLE);
    loop_schedule(io->loop, &io->again);
    timer_arm(io->loop, &io->timer, limit_ms ? limit_ms : GREET_MS);
}

void greet_io_deinit(struct greet_io *io)
{
    io->is_gone = true;
    timer_disarm(io->loop, &io->timer);
    loop_unschedule(&io->again);
    bufq_clear(&io->in);
    bufq_clear(&io->out);
}

void greet_io_send(struct greet_io *io, struct bufq *out)
{
    bufq_move(&io->out, out, out->bytes);
    flush_out(io);
}

void greet_io_pause(struct greet_io *io, bool is_paused)
{
    io->is_paused = is_paused;
    if (is_paused) {
        stream_unwant(io->stream, STREAM_READABLE);
    } else {
        stream_want(io->stream, STREAM_READABLE);
        loop_schedule(io->loop, &io->again);
    }
}

struct greeted greet_io_take(struct greet_io *io)
{
    struct greeted carrier = {.stream = io->stream, .in = io->in, .out = io->out};

    io->is_gone = true;
    io->stream = NULL;
    io->in = io->out = (struct bufq){0};
    stream_set_user(carrier.stream, NULL, NULL);
    return carrier;
}

/* ---- proof ---- */

size_t greet_exporter(const struct stream *s, struct slice label, uint8_t out[LINK_EXPORTER_BYTES])
{
    struct stream_facts facts;

    stream_facts(s, &facts);
    bool is_bound = facts.tls_layer &&
                    tls_stream_exporter(facts.tls_layer, label, out, LINK_EXPORTER_BYTES) == 0;
    return is_bound ? LINK_EXPORTER_BYTES : 0;
}

size_t greet_proof_input(const struct stream *stream, const uint8_t relay_nonce[LINK_NONCE_BYTES],
                         const struct link_session_id *session, uint64_t epoch,
                         uint8_t out[LINK_PROOF_INPUT_MAX])
{
    uint8_t exporter[LINK_EXPORTER_BYTES];
    struct slice bound =
        slice_of(exporter, greet_exporter(stream, SLICE(LINK_RESUME_EXPORTER), exporter));
    size_t n = link_proof_input(relay_nonce, session, epoch, bound, out);

    mem_wipe(exporter, sizeof exporter);
    return n;
}
