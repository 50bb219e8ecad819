/* The mux engine: one side of one session, many streams over carriers that come and go.
 *
 *                      owner (relay, agent)
 *        write, finish ...  |   ^  on_open, on_readable ...
 *                           v   |
 *     +---------------------- mux ----------------------+
 *     |  stream 0 CONTROL    streams    budgets    ACKs |
 *     +-------------------------------------------------+
 *           ^  mux_feed          |  mux_produce
 *           |                    v
 *        carrier 1 ... lost ... carrier 2        (a set of ordered lanes each; today one lane)
 *
 * A session outlives its carriers and a stream outlives the carrier it began on: every byte has a
 * 64-bit offset, is kept by its sender until acknowledged, and is sent again from the peer's
 * `received` after a resume. Nothing is lost, nothing doubled.
 *
 * The engine takes bytes and a time and gives bytes, events and a next deadline. It knows no
 * socket, no thread and no clock; one mux belongs to one thread. The owner frees it.
 *
 * Events come from inside mux_feed, mux_tick, mux_resume_apply and mux_abandon; on_writable also
 * from mux_produce; on_output from any call. A callback may call every function here except those
 * that raise events themselves, mux_free, mux_attach and mux_detach; on_output does nothing but
 * note that there is something to send. All of them are set.
 *
 * docs/protocol.md is the page; mux_limits.h holds every number.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bufq.h"
#include "base/err.h"
#include "base/slice.h"

struct mux;
struct mux_stream;

/* Which stream ids a side opens, so that both may: the agent (who dialled) odd, the relay even. */
enum mux_role { MUX_ROLE_AGENT, MUX_ROLE_RELAY };

/* Credit is memory promised. One budget per session lies inside its mux; one of the process (or of
 * the worker: it is not locked) may stand above several and outlives them. */
struct mux_budget {
    size_t limit_bytes;
    size_t promised_bytes;
};

struct mux_config {
    enum mux_role role;
    uint32_t initial_window;           /* as told in our HELLO; 0: MUX_INITIAL_WINDOW */
    uint32_t peer_initial_window;      /* as told in the peer's HELLO; 0: MUX_INITIAL_WINDOW */
    size_t link_budget_bytes;          /* 0: MUX_LINK_BUDGET */
    uint32_t streams_max;              /* 0: MUX_STREAMS_MAX */
    struct mux_budget *process_budget; /* NULL: none */
    bool refuses_streams;              /* the peer's, all of them, and on_open is never called */
};

struct mux_events {
    /* There is something to send: call mux_produce before the round ends, as long as
     * mux_wants_output. Comes often. */
    void (*on_output)(void *ctx);

    /* The peer opened a stream; `facts` are its TLVs (wire/open_facts.h), good for this call. Now
     * or later: mux_stream_accept or mux_stream_reset. Blind bytes may be read before that. */
    void (*on_open)(void *ctx, struct mux_stream *s, uint32_t tunnel_id, struct slice facts);
    /* The peer accepted ours. */
    void (*on_opened)(void *ctx, struct mux_stream *s, struct slice facts);

    /* There is something to read, or the end, where there was nothing. */
    void (*on_readable)(void *ctx, struct mux_stream *s);
    /* There is room again after mux_stream_write said ERR_AGAIN, or mux_stream_want_room. */
    void (*on_writable)(void *ctx, struct mux_stream *s);
    /* An exchange starts at this offset of what is read (mux_stream_read_offset). */
    void (*on_begin)(void *ctx, struct mux_stream *s, uint64_t offset);
    /* The peer reads no more. What was not sent is dropped and our direction has ended; reading
     * goes on. */
    void (*on_stop)(void *ctx, struct mux_stream *s, uint16_t code);
    /* Both directions are over, unread bytes are gone. Release the stream. */
    void (*on_reset)(void *ctx, struct mux_stream *s, uint16_t code);

    void (*on_control)(void *ctx, struct slice message); /* JSON, wire/control.h */
    void (*on_goaway)(void *ctx, uint16_t reason);
};

/* ---- life ---- */

/* events and process_budget outlive the mux. ERR_FULL: the process budget is used up. */
MUST_USE int mux_new(const struct mux_config *config, const struct mux_events *events, void *ctx,
                     struct mux **mux_out);

/* All streams are gone after this, without events. Owners that may still hold streams are told
 * first, by mux_abandon. */
void mux_free(struct mux **m);

/* Every stream ends on this side alone, with on_reset(code): the session is lost (UNKNOWN, grace
 * over). Nothing is sent any more. */
void mux_abandon(struct mux *m, uint16_t code);

/* ---- carriers ---- */

/* A carrier is there: from now on frames go and come. For a session that had one before,
 * mux_resume_apply comes first. */
void mux_attach(struct mux *m, unsigned lane_count, uint64_t now_ms);

/* The carrier is lost; what it still held does not count. Streams wait. */
void mux_detach(struct mux *m);
bool mux_is_attached(const struct mux *m);

/* Resume, while detached: first our table for the peer, then the peer's table for us. `rows` are
 * wire rows (link_row_read). Streams the peer no longer knows are reset with GONE. ERR_PROTOCOL: a
 * table that cannot be true; the session is lost. */
void mux_resume_table(struct mux *m, struct bufq *rows_out);
MUST_USE int mux_resume_apply(struct mux *m, struct bufq *rows, struct errinfo *info);

/* ---- input, output, time ---- */

/* Takes the whole frames at the front of `in`; a partial one stays. ERR_PROTOCOL, ERR_FLOW: the
 * peer broke the rules: drop the carrier and the session. */
MUST_USE int mux_feed(struct mux *m, unsigned lane, struct bufq *in, uint64_t now_ms,
                      struct errinfo *info);

/* Appends frames to `out`, about max_bytes (at most one frame of MUX_QUANTUM_MAX_BYTES more),
 * chosen now and not before: call it late, while less than 64 KiB wait below. Lane 0 carries
 * everything but DATA, which may ride on every lane. Returns the bytes appended. */
size_t mux_produce(struct mux *m, unsigned lane, struct bufq *out, size_t max_bytes,
                   uint64_t now_ms);
bool mux_wants_output(const struct mux *m, unsigned lane);

/* When mux_tick wants to be called next; UINT64_MAX: never. May move with every call. */
uint64_t mux_deadline_ms(const struct mux *m);
void mux_tick(struct mux *m, uint64_t now_ms);

/* ---- liveness ---- */

/* Asks for a PONG; PINGs go before everything else. Attach sends one by itself. */
void mux_ping(struct mux *m, uint64_t now_ms);
bool mux_is_ping_unanswered(const struct mux *m);
uint64_t mux_last_ping_ms(const struct mux *m);     /* when it was asked for */
uint64_t mux_last_received_ms(const struct mux *m); /* bytes of any kind, or attach */
uint32_t mux_rtt_ms(const struct mux *m);           /* smoothed; MUX_RTT_GUESS_MS at first */

/* The shortest round trip the carrier itself knows of, which may be finer than a PING shows. 0, or
 * 1,000 us and more: it says nothing new. */
void mux_hint_rtt(struct mux *m, uint32_t shortest_us);

/* ---- control ---- */

/* One message of at most CONTROL_MESSAGE_MAX bytes, exactly once and in order, also across
 * carriers. ERR_TOO_LARGE; ERR_FULL: MUX_CONTROL_QUEUE_BYTES wait already. */
MUST_USE int mux_control_send(struct mux *m, struct slice message);

/* Bytes of messages that wait or are not acknowledged yet. */
size_t mux_control_waiting(const struct mux *m);

/* Tells the peer to go: once per reason, and again on the next carrier. */
void mux_goaway(struct mux *m, uint16_t reason);

/* ---- streams: life ---- */

/* Opens a stream toward the peer. Bytes may be written at once. ERR_FULL: out of budget, of
 * streams, or of ids. ERR_TOO_LARGE: facts above MUX_OPEN_FACTS_MAX. */
MUST_USE int mux_open(struct mux *m, uint32_t tunnel_id, struct slice facts,
                      struct mux_stream **stream_out);

/* Says OPENED. Once, for a stream of the peer. */
void mux_stream_accept(struct mux_stream *s, struct slice facts);

/* Ends both directions; the peer is told the code. Unsent and unread bytes are dropped. No
 * on_reset comes back for it. */
void mux_stream_reset(struct mux_stream *s, uint16_t code);

/* The owner lets go: no more events, the pointer is dead. A direction that has not ended is ended:
 * ours by RESET CANCEL, the peer's (when ours was finished) by STOP CANCEL and unread. What was
 * written before mux_stream_finish still arrives. */
void mux_stream_release(struct mux_stream **s);

void mux_stream_set_user(struct mux_stream *s, void *user);
void *mux_stream_user(const struct mux_stream *s);

/* ---- streams: writing ---- */

/* Takes bytes from the front of `from`. 0: all taken. ERR_AGAIN: the rest stays; on_writable
 * comes. ERR_CLOSED: finished, or the peer said STOP. ERR_RESET: both ways over. */
MUST_USE int mux_stream_write(struct mux_stream *s, struct bufq *from);

/* Bytes a write would take now. Not 0 for a stream that takes none any more: its write says why. */
size_t mux_stream_room(const struct mux_stream *s);

/* Asks for on_writable without a write that says ERR_AGAIN; nothing happens if there is room. */
void mux_stream_want_room(struct mux_stream *s);

/* The next byte written begins an exchange. One at a time: the one before was answered. */
void mux_stream_begin(struct mux_stream *s);

/* Nothing more will be written. */
void mux_stream_finish(struct mux_stream *s);

/* ---- streams: reading ---- */

/* Appends up to max bytes. 0: at least one came. ERR_AGAIN. ERR_EOF: the peer finished and all is
 * read. ERR_CLOSED: after mux_stream_stop. ERR_RESET. Reading renews credit. */
MUST_USE int mux_stream_read(struct mux_stream *s, struct bufq *into, size_t max);
bool mux_stream_has_input(const struct mux_stream *s); /* read would not say AGAIN */

/* Nothing more is wanted: the peer shall stop sending, unread bytes are dropped. */
void mux_stream_stop(struct mux_stream *s, uint16_t code);

/* ---- questions ---- */

uint32_t mux_stream_id(const struct mux_stream *s);
uint64_t mux_stream_read_offset(const struct mux_stream *s); /* bytes read so far */

struct mux_counters {
    uint32_t streams;        /* records, reserved ones too */
    size_t promised_bytes;   /* credit out */
    size_t unread_bytes;     /* received, not read */
    size_t retained_bytes;   /* written, not acknowledged */
    uint64_t opened;         /* streams ever, both sides */
    uint64_t sent_bytes;     /* DATA, repeated ones too */
    uint64_t received_bytes; /* DATA, repeated ones too */
    uint64_t repeated_bytes; /* sent again after a resume */
    uint64_t slow_resets;
};
void mux_counters(const struct mux *m, struct mux_counters *out);
