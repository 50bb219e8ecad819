/* What the rooms of the engine share: the session object, the stream record, and the doors between
 * them. Included by mux_*.c and their tests only.
 *
 *     mux.c         session, carriers, time, CONTROL      mux_halves.c  the state machines
 *     mux_rx.c      frames in, by a table                 mux_credit.c  budgets, windows, slow ones
 *     mux_data.c    DATA in: reassembly, reading          mux_ack.c     ACKs, both directions
 *     mux_flight.c  how much DATA may be on its way
 *     mux_tx.c      frames out, in order of urgency       mux_resume.c  tables of rows
 *     mux_sched.c   whose DATA is next                    mux_stream.c  records, and what owners do
 *
 * Offsets of one direction, sender above, receiver below:
 *
 *     0 ......... acked ......... sent ......... written
 *                 |<------- tx.kept ------------>|
 *     0 .. consumed ..... received ......................... limit
 *                 |<ready>|  gaps and segments
 */
#pragma once
#include "base/list.h"
#include "base/mem.h"
#include "base/table.h"
#include "mux/mux.h"
#include "mux/mux_limits.h"
#include "wire/mux_frame.h"
#include "wire/reset_code.h"

#define MUX_NO_OFFSET  UINT64_MAX
#define MUX_OFFSET_MAX (UINT64_C(1) << 62)

/* ---- states ---- */

enum tx_state {
    TX_OPEN,     /* the owner may write */
    TX_FINISHED, /* nothing more will be written; FIN has still to be sent */
    TX_FIN_SENT, /* and waits for its acknowledgement */
    TX_DONE,     /* all acknowledged, or given up */
};

enum rx_state {
    RX_OPEN,     /* bytes come, and are read */
    RX_DRAINING, /* stopped by us: what still comes is dropped */
    RX_ENDED,    /* the FIN and all before it came, or given up */
};

enum life {
    LIFE_RESERVED,  /* the peer's id was skipped, or its DATA came before its OPEN */
    LIFE_OPEN,      /* two halves run */
    LIFE_RESETTING, /* RESET by us; RESET_ACK is awaited */
    LIFE_OVER,      /* nothing is owed to the peer */
};

/* ---- records ---- */

enum stream_flags {
    STREAM_LOCAL = 1 << 0,     /* opened by us */
    STREAM_KNOWN = 1 << 1,     /* the peer has shown that it knows this id */
    STREAM_ACCEPTED = 1 << 2,  /* OPENED was said, by us or to us */
    STREAM_RELEASED = 1 << 3,  /* has no owner */
    STREAM_BLOCKED = 1 << 4,   /* the owner waits for on_writable */
    STREAM_TX_PLACED = 1 << 5, /* DATA was sent on this carrier, with its offset */

    STREAM_RX_PLACED = 1 << 6, /* DATA came on this carrier, with its offset */
    STREAM_ACK_WAITS = 1 << 7, /* in the line of mux.acks */
    STREAM_LISTED = 1 << 8,    /* in the peer's table, while that is applied */
    STREAM_RETIRED = 1 << 9,   /* out of the table, waits in mux.graves */
    STREAM_BEGINS = 1 << 10,   /* BEGIN at offset 0 came before the OPEN */
    STREAM_STOPPED = 1 << 11,  /* the owner knows of the peer's STOP */
};

/* Frames of its own a stream has to send, in this order. */
enum stream_due {
    DUE_OPEN = 1 << 0,
    DUE_OPENED = 1 << 1,
    DUE_WINDOW = 1 << 2,
    DUE_STOP = 1 << 3,
    DUE_RESET = 1 << 4,
};

/* Facts that may have to be told again: of OPEN until the peer knows the id, of OPENED for good. */
struct mux_facts {
    uint16_t length;
    char bytes[];
};

/* Bytes that came before earlier ones. */
struct mux_segment {
    struct mux_segment *next;
    uint64_t offset;
    struct bufq bytes;
};

struct mux_tx {
    struct bufq kept;      /* [acked, written) */
    struct bufq_mark mark; /* in kept, at sent */
    uint64_t acked;
    uint64_t sent;
    uint64_t limit;
    uint64_t begin_at; /* an exchange begins here; MUX_NO_OFFSET */
};

struct mux_rx {
    struct bufq ready; /* [consumed, received) */
    struct mux_segment *segments;
    uint64_t received;
    uint64_t limit;
    uint64_t next;    /* where DATA without an offset goes on */
    uint64_t final;   /* MUX_NO_OFFSET until FIN came */
    uint32_t window;  /* charged to the budgets: >= limit - consumed */
    uint32_t unacked; /* received, and not yet told so; FIN counts one */
};

struct mux_stream {
    struct table_node node;    /* in mux.streams */
    struct mux_tunnel *tunnel; /* whose turns it takes; never NULL */
    struct list turn;          /* in mux.fresh or tunnel->waiting: has DATA to send */
    struct list due_node;      /* in mux.due; in mux.graves once retired */
    struct mux_stream *ack_next;
    void *user;
    struct mux_facts *facts;
    struct mux_tx tx;
    struct mux_rx rx;
    uint32_t id;
    uint32_t sent_at;    /* ms, cut to 32 bits like all three: the last DATA out */
    uint32_t read_at;    /* the last reading, or bytes coming after all was read */
    uint32_t renewed_at; /* the last WINDOW */
    uint16_t flags;      /* enum stream_flags */
    uint16_t code;       /* of RESET or STOP, ours or the peer's */
    uint16_t fresh_left; /* bytes that may still overtake */
    uint8_t due;         /* enum stream_due */
    uint8_t life : 2, tx_state : 2, rx_state : 2;
    uint8_t talk_bursts : 2; /* the last ones that were little, up to MUX_TALK_BURSTS */
};

_Static_assert(sizeof(struct mux_stream) <= MUX_STREAM_RECORD_MAX_BYTES, "an idle stream is cheap");
_Static_assert(MUX_TALK_BURSTS <= 3, "talk_bursts has two bits");

/* All streams of a tunnel share its turns. Lives while it has streams. */
struct mux_tunnel {
    struct table_node node; /* in mux.tunnels */
    struct mux *mux;
    struct list turn;    /* in mux.turns: some stream waits */
    struct list waiting; /* streams with DATA to send */
    uint32_t id;
    uint32_t stream_count;
    uint32_t turn_left; /* bytes left of this round */
};

/* Streams with receipts not yet told, linked by ack_next. One that was told by a WINDOW meanwhile
 * stays in line until the next ACK. */
struct mux_acks {
    struct mux_stream *first;
    struct mux_stream *last;
    size_t bytes;
    uint64_t oldest_ms;
};

struct mux_ping_state {
    uint64_t asked_ms;
    bool is_unanswered;
    uint32_t rtt_ms;     /* smoothed, at least 1 */
    uint32_t rtt_min_ms; /* the shortest on this carrier; 0: less than the clock shows */
    uint32_t hint_us;    /* the shortest that the carrier knows of; 0: it does not tell */
    unsigned answers;    /* on this carrier */
    bool is_measured;
};

/* DATA on its way: sent, and not acknowledged. CONTROL's does not count. */
struct mux_flight {
    uint64_t bytes;
    uint64_t limit;
    uint64_t bytes_per_ms;  /* the best rate seen, slowly forgotten */
    uint64_t round_at_ms;   /* when the running round began */
    uint64_t round_bytes;   /* acknowledged in it */
    uint64_t talk_until_ms; /* who talks is made room for */
    bool was_limited;       /* the limit was reached in it */
};

struct mux {
    const struct mux_events *events;
    void *ctx;
    uint32_t initial_window;
    uint32_t peer_initial_window;
    uint32_t streams_max;
    bool refuses_streams;

    struct table streams;
    struct table tunnels;
    struct mux_tunnel nowhere; /* of stream 0 and of reserved ids */
    struct mux_stream *control;
    uint32_t local_next; /* the id mux_open gives out */
    uint32_t peer_next;  /* the lowest id of the peer never seen */
    uint32_t peer_count; /* records of the peer's ids */
    uint32_t reserved_count;
    uint32_t segment_count; /* of all streams */

    struct bufq urgent; /* PING, PONG, RESET_ACK, GOAWAY, encoded */
    struct list due;
    struct list fresh;
    struct list turns;
    struct mux_acks acks;

    struct mux_budget link_budget;
    struct mux_budget *process_budget;
    uint64_t slow_check_ms;

    struct mux_ping_state ping;
    struct mux_flight flight;
    uint64_t now_ms;
    uint64_t received_ms;
    unsigned lane_count; /* 0: detached */
    unsigned depth;      /* calls that may raise events, running */
    struct list graves;
    uint16_t goaway;

    bool is_abandoned;

    struct mux_counters counters; /* those that only grow */
};

static inline struct mux *mux_of(const struct mux_stream *s)
{
    return s->tunnel->mux;
}

static inline bool stream_is(const struct mux_stream *s, enum stream_flags flag)
{
    return (s->flags & flag) != 0;
}

static inline void stream_flag(struct mux_stream *s, enum stream_flags flag)
{
    s->flags = (uint16_t)(s->flags | flag);
}

static inline void stream_unflag(struct mux_stream *s, unsigned flags)
{
    s->flags = (uint16_t)(s->flags & ~flags);
}

/* All was sent and acknowledged, all was received: nothing the peer says can change it. */
static inline bool stream_is_complete(const struct mux_stream *s)
{
    return s->tx_state == TX_DONE && s->rx_state == RX_ENDED;
}

/* Whether the owner may still be told something. */
static inline bool stream_has_owner(const struct mux_stream *s)
{
    return !stream_is(s, STREAM_RELEASED);
}

/* ---- mux.c ---- */

/* Around everything that raises events: records are buried when the last one is left. */
void mux_enter(struct mux *m, uint64_t now_ms);
void mux_leave(struct mux *m);

/* Tells the driver that there is something to send; again and again, for it may have looked when
 * there was nothing any more. */
void mux_note_output(struct mux *m);

/* All records there are now, in an array of the caller's (mem_free): the table may change while
 * they are visited; those that retire meanwhile say so by STREAM_RETIRED. */
struct mux_stream **mux_snapshot(struct mux *m, size_t *count_out);

int mux_control_input(struct mux *m, struct errinfo *info);
int mux_answer_ping(struct mux *m, uint64_t timestamp, struct errinfo *info);
void mux_take_pong(struct mux *m, uint64_t timestamp);
int mux_answer_reset(struct mux *m, uint32_t id, struct errinfo *info);

/* ---- mux_halves.c ---- */

void tx_set(struct mux_stream *s, enum tx_state next);
void rx_set(struct mux_stream *s, enum rx_state next);
void life_set(struct mux_stream *s, enum life next);

/* ---- mux_stream.c ---- */

bool mux_id_is_local(const struct mux *m, uint32_t id);
struct mux_stream *mux_find(const struct mux *m, uint32_t id);
struct mux_stream *mux_record_new(struct mux *m, uint32_t id);

/* The record a frame is about. *out is NULL for a stream that is gone: the frame means nothing any
 * more. An id of the peer that was never seen is reserved, and all below it, where may_reserve;
 * else, as an id of ours that was never given out, ERR_PROTOCOL. */
MUST_USE int mux_find_or_reserve(struct mux *m, uint32_t id, bool may_reserve,
                                 struct mux_stream **out, struct errinfo *info);

void stream_join_tunnel(struct mux_stream *s, uint32_t tunnel_id);
struct slice stream_facts_of(const struct mux_stream *s);

/* The peer has shown that it knows the id: OPEN need not be told again. */
void stream_is_known(struct mux_stream *s);

/* Adds a frame to what the stream has to send, or takes it back. */
void stream_due_add(struct mux_stream *s, enum stream_due due);
void stream_due_remove(struct mux_stream *s, enum stream_due due);

/* Both directions are over on this side; queues and credit go back. RESETTING: the peer is told. */
void stream_cut(struct mux_stream *s, enum life next, uint16_t code);

/* stream_cut and the event, when the peer or the session ended it. */
void stream_cut_by_peer(struct mux_stream *s, uint16_t code);

/* Retires the record if nobody needs it any more. */
void stream_retire_if_done(struct mux_stream *s);
void stream_bury(struct mux_stream *s);

/* ---- mux_data.c ---- */

/* Takes the DATA frame whose header is still at the front of `in`. */
MUST_USE int mux_take_data(struct mux *m, const struct frame_header *h, struct bufq *in,
                           struct errinfo *info);

/* Once all before the FIN is there, the half has ended. */
void rx_end_if_complete(struct mux_stream *s);

/* The carrier is lost. Bytes out of order are forgotten: they come again; those of a reserved id
 * all are, for its OPEN comes again too. */
void rx_forget_segments(struct mux_stream *s);
void rx_leave_carrier(struct mux_stream *s);
uint64_t rx_consumed(const struct mux_stream *s);
uint64_t rx_acknowledges(const struct mux_stream *s); /* received, and one for FIN */

/* ---- mux_tx.c ---- */

uint64_t tx_written(const struct mux_stream *s);
uint64_t tx_unsent(const struct mux_stream *s);
bool tx_is_sendable(const struct mux_stream *s);

/* One DATA frame of at most max bytes of payload; returns the bytes of DATA. */
size_t tx_emit(struct mux_stream *s, struct bufq *out, size_t max);

/* What is not sent is dropped. */
void tx_truncate(struct mux_stream *s);

/* Goes on from what is acknowledged, on another carrier. */
void tx_rewind(struct mux_stream *s);

void tx_tell_writable(struct mux_stream *s);

/* ---- mux_sched.c ---- */

/* Puts the stream in line, or takes it out, as it has DATA to send or not. */
void sched_update(struct mux_stream *s);
void sched_remove(struct mux_stream *s);
bool sched_has_any(const struct mux *m);
void sched_emit(struct mux *m, struct bufq *out, size_t enough);

/* ---- mux_flight.c ---- */

void flight_start(struct mux *m); /* a new carrier: nothing is on its way */
void flight_add(struct mux_stream *s, uint64_t bytes);
void flight_arrived(struct mux_stream *s, uint64_t bytes);
void flight_hear_talk(struct mux *m);                     /* the queue is to be short for a while */
void flight_remove(struct mux_stream *s, uint64_t bytes); /* nobody waits for them any more */
bool flight_has_room(const struct mux *m);

/* ---- mux_ack.c ---- */

/* Bytes came in order (FIN counts one). */
void ack_add(struct mux_stream *s, uint32_t bytes);

/* The peer learns of all receipts by another way: a WINDOW, or never again. */
void ack_told(struct mux_stream *s);
bool ack_is_due(const struct mux *m);
void ack_emit(struct mux *m, struct bufq *out);
void ack_forget_all(struct mux *m); /* the resume table tells them */
void ack_drop_told(struct mux *m);  /* those in line of which nothing is left to tell */

/* The peer says what it has received. */
MUST_USE int ack_take(struct mux_stream *s, uint64_t received, struct errinfo *info);

/* ---- mux_credit.c ---- */

/* Promises bytes in all budgets, or in none: false. */
bool credit_charge(struct mux *m, size_t bytes);
void credit_return(struct mux *m, size_t bytes);

/* What a stream that we open begins with. */
uint32_t credit_first_window(const struct mux *m);

/* The reader took bytes: the window moves on, and perhaps grows. */
void credit_renew(struct mux_stream *s);

/* The same for CONTROL, of whose next message `needed` bytes are known to come: there is always
 * credit for a whole one, whatever the budgets say, and only while it is needed. */
void credit_renew_control(struct mux *m, size_t needed);

/* The window of a stream shrinks to what lies unread: nothing more will come. */
void credit_settle(struct mux_stream *s);

bool credit_is_short(const struct mux *m);
void credit_reset_slowest(struct mux *m);
