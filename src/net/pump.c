/* Two lanes, one per direction, each a half machine of its own:
 *
 *     OPEN --eof--> ENDING --all written--> DONE (shutdown was passed on)
 *                                            ^
 *     a reader that is dead makes its lane DONE at once: nobody is left to write to
 *
 * The pump ends when both lanes are DONE, or with the first failure. */
#include "net/pump.h"

#include "base/least.h"
#include "base/mem.h"

enum lane_state { LANE_OPEN, LANE_ENDING, LANE_DONE };

static const uint8_t lane_may_follow[] = {
    [LANE_OPEN] = 1 << LANE_ENDING | 1 << LANE_DONE,
    [LANE_ENDING] = 1 << LANE_DONE,
    [LANE_DONE] = 1 << LANE_DONE, /* both end at once, whatever one has reached */
};

struct lane {
    struct bufq held; /* read, not yet taken by the other side */
    uint64_t bytes;
};

struct pump {
    struct stream *end[2];
    struct lane lane[2]; /* lane[side] comes from end[side] */
    pump_done_fn *done;
    void *ctx;
    union {
        struct task finish;
        struct grave grave; /* after bury */
    };
    int16_t err;
    uint8_t failed_side;
    uint8_t state[2]; /* of both lanes: enum lane_state */
    bool is_reset;    /* end in disorder */
    bool is_broken[2];
};

_Static_assert(sizeof(struct pump) <= 128, "an idle pump is small");

static void set_lane(struct pump *p, int side, enum lane_state next)
{
    ASSERT(lane_may_follow[p->state[side]] & 1 << next);
    p->state[side] = (uint8_t)next;
}

/* What was written in this round still goes out: the end comes in the next. */
static void end_soon(struct pump *p)
{
    for (int side = 0; side < 2; side++) {
        stream_unwant(p->end[side], STREAM_READABLE | STREAM_WRITABLE);
        set_lane(p, side, LANE_DONE);
    }
    loop_schedule(p->end[0]->loop, &p->finish);
}

static void note_failure(struct pump *p, int side, int err)
{
    if (p->err == 0) {
        p->err = (int16_t)err;
        p->failed_side = (uint8_t)side;
    }
}

static void fail(struct pump *p, int side, int err)
{
    note_failure(p, side, err);
    p->is_reset = true;
    end_soon(p);
}

static void end_lane(struct pump *p, int side)
{
    set_lane(p, side, LANE_DONE);
    if (p->state[!side] == LANE_DONE) {
        end_soon(p);
    }
}

/* Passes the end of a side on to the other. */
static void pass_end(struct pump *p, int side)
{
    int err = stream_shutdown(p->end[!side]);

    if (err == ERR_UNSUPPORTED) {
        end_soon(p);
    } else if (err < 0) {
        fail(p, !side, err);
    } else {
        end_lane(p, side);
    }
}

static void wait_for_room(struct pump *p, int side)
{
    if (p->is_broken[side] && p->state[side] == LANE_OPEN) {
        fail(p, side, ERR_RESET); /* its last bytes would have to wait for a slow reader */
        return;
    }
    stream_unwant(p->end[side], STREAM_READABLE);
    stream_want(p->end[!side], STREAM_WRITABLE);
}

static void on_eof(struct pump *p, int side)
{
    stream_unwant(p->end[side], STREAM_READABLE);
    set_lane(p, side, LANE_ENDING);
    if (p->is_broken[side]) {
        note_failure(p, side, ERR_RESET); /* what we had for it is lost */
    }
}

/* Reads what fits into this round and into the other side. False: not now. */
static bool fill(struct pump *p, int side, size_t *budget)
{
    struct lane *lane = &p->lane[side];
    size_t room = stream_room(p->end[!side]);

    if (room == 0) {
        wait_for_room(p, side);
        return false;
    }
    int err = *budget == 0 ? ERR_AGAIN
                           : stream_read(p->end[side], &lane->held, least_size(room, *budget));
    if (err == ERR_AGAIN) {
        stream_want(p->end[side], STREAM_READABLE);
        return false;
    }
    if (err == ERR_EOF) {
        on_eof(p, side);
        return true;
    }
    if (err < 0) {
        fail(p, side, err);
        return false;
    }
    lane->bytes += lane->held.bytes;
    *budget -= lane->held.bytes;
    return true;
}

/* Writes what is held. False: not everything was taken. */
static bool drain(struct pump *p, int side)
{
    int err = stream_write(p->end[!side], &p->lane[side].held);

    if (err == ERR_AGAIN) {
        wait_for_room(p, side);
    } else if (err < 0) {
        fail(p, !side, err);
    }
    return err == 0;
}

static void move(struct pump *p, int side)
{
    size_t budget = STREAM_ROUND_BYTES;

    if (p->state[side] == LANE_DONE || !drain(p, side)) {
        return;
    }
    while (p->state[side] == LANE_OPEN) {
        if (!fill(p, side, &budget) || !drain(p, side)) {
            return;
        }
    }
    if (p->state[side] == LANE_ENDING) {
        pass_end(p, side);
    }
}

/* Nobody is left to write to, but what the side had sent may still be read. */
static void on_broken(struct pump *p, int side)
{
    p->is_broken[side] = true;
    bufq_clear(&p->lane[!side].held);
    stream_unwant(p->end[!side], STREAM_READABLE);
    if (p->state[side] != LANE_OPEN) {
        note_failure(p, side, ERR_RESET);
    }
    end_lane(p, !side);
    move(p, side);
}

static bool is_over(const struct pump *p)
{
    return p->state[PUMP_A] == LANE_DONE && p->state[PUMP_B] == LANE_DONE;
}

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    struct pump *p = ctx;
    int side = s == p->end[PUMP_B];

    if (is_over(p)) {
        return;
    }
    if (events & STREAM_BROKEN) {
        on_broken(p, side);
        return;
    }
    if (events & STREAM_READABLE) {
        move(p, side);
    }
    if (events & STREAM_WRITABLE) {
        move(p, !side);
    }
}

/* ---- life ---- */

static void free_pump(struct grave *g)
{
    mem_free(CONTAINER_OF(g, struct pump, grave));
}

static void bury(struct pump *p, struct loop *loop)
{
    bufq_clear(&p->lane[PUMP_A].held);
    bufq_clear(&p->lane[PUMP_B].held);
    loop_unschedule(&p->finish);
    loop_bury(loop, &p->grave, free_pump);
}

static void finish(struct task *t)
{
    struct pump *p = CONTAINER_OF(t, struct pump, finish);
    struct loop *loop = p->end[0]->loop;
    struct pump_result result = {
        .err = p->err,
        .side = (enum pump_side)p->failed_side,
        .bytes = {p->lane[PUMP_A].bytes, p->lane[PUMP_B].bytes},
    };
    uint16_t why = stream_reset_code(p->end[p->failed_side]);

    for (int side = 0; side < 2; side++) {
        if (p->is_reset) {
            stream_reset(&p->end[side], why);
        } else {
            stream_close(&p->end[side]);
        }
    }
    p->done(p->ctx, &result);
    bury(p, loop);
}

static void open_lane(struct pump *p, int side, struct stream *s_take, struct bufq *left_take)
{
    p->end[side] = s_take;
    stream_set_user(s_take, on_ready, p);
    if (left_take) {
        p->lane[side].bytes = bufq_move(&p->lane[side].held, left_take, left_take->bytes);
    }
}

struct pump *pump_start(struct stream *a_take, struct stream *b_take, struct bufq *from_a_take,
                        struct bufq *from_b_take, pump_done_fn *done, void *ctx)
{
    struct pump *p = NEW(struct pump);

    p->done = done;
    p->ctx = ctx;
    p->finish.run = finish;
    open_lane(p, PUMP_A, a_take, from_a_take);
    open_lane(p, PUMP_B, b_take, from_b_take);
    move(p, PUMP_A);
    move(p, PUMP_B);
    return p;
}

void pump_abort(struct pump **p_ref)
{
    struct pump *p = *p_ref;

    if (!p) {
        return;
    }
    *p_ref = NULL;
    struct loop *loop = p->end[0]->loop;
    stream_abort(&p->end[PUMP_A]);
    stream_abort(&p->end[PUMP_B]);
    bury(p, loop);
}

uint64_t pump_bytes(const struct pump *p, enum pump_side side)
{
    return p->lane[side].bytes;
}

bool pump_has_ended(const struct pump *p, enum pump_side side)
{
    return p->state[side] != LANE_OPEN;
}
