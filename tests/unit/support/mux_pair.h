/* Two mux engines back to back, with a clock, a wire and a resume that belong to the test.
 *
 *     side 0 (agent)  == lanes of bytes both ways ==  side 1 (relay)
 *
 * A flow is one stream seen from both ends. Its number is its tunnel id, so that the two ends find
 * each other; what it carries is a pattern made of flow, direction and offset, so that every byte
 * read is checked: nothing lost, nothing doubled, nothing from elsewhere.
 */
#pragma once
#include "mux/mux.h"

enum { PAIR_AGENT, PAIR_RELAY, PAIR_SIDES };
enum { PAIR_FLOWS_MAX = 16384, PAIR_LANES_MAX = 4, PAIR_CONTROL_MAX = 64 };

struct pair_end {
    struct mux_stream *stream; /* NULL: not there yet, or released */
    uint64_t total;            /* bytes it is going to send */
    uint64_t sent;
    uint64_t received;
    uint64_t begin_seen; /* offset of the last on_begin; UINT64_MAX: none */
    unsigned opened, readable, writable, begins, stops, resets; /* events so far */
    uint16_t code;                                              /* of the last stop or reset */
    bool is_finished, is_eof, has_stopped, is_released;
};

struct pair_side {
    struct mux_pair *pair;
    struct mux *mux;
    int index;
    bool is_told; /* on_output came since there was nothing to send */
    uint16_t goaway;
    unsigned goaways;
    unsigned controls;                   /* messages that came */
    unsigned numbered;                   /* sent by pair_control */
    char control_text[PAIR_CONTROL_MAX]; /* of the last message */
    size_t control_bytes;
    struct bufq in[PAIR_LANES_MAX];   /* arrived, perhaps half a frame */
    struct bufq wire[PAIR_LANES_MAX]; /* from this side, on its way */
};

struct mux_pair {
    struct pair_side side[PAIR_SIDES];
    struct pair_end flow[PAIR_FLOWS_MAX][PAIR_SIDES];
    uint32_t flow_end; /* one above the highest that was opened */
    uint64_t now_ms;
    uint64_t random; /* state */
    unsigned lanes;
    bool refuses;   /* on_open resets with DENIED */
    bool no_accept; /* on_open does not accept */
};

/* configs[2], or NULL: defaults. The pair is attached over `lanes` lanes. */
void pair_init(struct mux_pair *p, const struct mux_config *configs, unsigned lanes, uint64_t seed);

/* Windows from the start so large that credit is not what limits; one lane. */
void pair_init_wide(struct mux_pair *p);

void pair_deinit(struct mux_pair *p); /* asserts that all memory is back */

uint64_t pair_random(struct mux_pair *p, uint64_t bound);

/* Opens the flow from a side. Both totals are set. */
int pair_open(struct mux_pair *p, int from, uint32_t flow, uint64_t total, uint64_t back);

/* Writes up to max of what is left of the total; ERR_AGAIN when not all was taken. */
int pair_write(struct mux_pair *p, int side, uint32_t flow, uint64_t max);

/* Reads up to max bytes and checks them; the engine's answer. */
int pair_read(struct mux_pair *p, int side, uint32_t flow, uint64_t max);
void pair_finish(struct mux_pair *p, int side, uint32_t flow);
void pair_release(struct mux_pair *p, int side, uint32_t flow);
struct mux_stream *pair_stream(struct mux_pair *p, int side, uint32_t flow);

/* Sends a CONTROL message of `size` bytes with its number in it, which is checked on arrival; not
 * when the queue is full. */
void pair_control(struct mux_pair *p, int side, size_t size);

/* Everybody writes, reads and finishes as far as it goes, and lets go of what is done. */
void pair_work(struct mux_pair *p);

/* What the sides have to say goes onto the wire; the wire, or n bytes of a lane, to the others. */
void pair_produce(struct mux_pair *p, int side);
int pair_deliver(struct mux_pair *p, int from, unsigned lane, size_t n, struct errinfo *info);

/* Produces and delivers until nobody has anything to say. */
void pair_settle(struct mux_pair *p);

/* Time passes in steps of 10 ms, with ticks and all that follows. */
void pair_pass(struct mux_pair *p, uint64_t ms);

/* The carrier breaks; what was on it is lost. pair_resume brings a new one. */
void pair_cut(struct mux_pair *p);
void pair_resume(struct mux_pair *p);

/* pair_work and pair_settle until nothing moves, with time. */
void pair_run(struct mux_pair *p);

/* Asserts that the flow arrived whole, both ways, and was let go. */
void pair_assert_whole(struct mux_pair *p, uint32_t flow);

/* Asserts that neither side holds a stream, a chunk or credit (CONTROL's aside). */
void pair_assert_idle(struct mux_pair *p);

/* Bytes that `side` puts on the wire next are these, instead of its own. */
int pair_inject(struct mux_pair *p, int side, struct bufq *frames, struct errinfo *info);
