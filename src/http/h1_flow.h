/* What h1_server and h1_client share: one exchange whose halves are an h1_reader and an h1_writer
 * over a stream.
 *
 *      user --stream_write--> writer.out --(flush, once a round)--> lower
 *      user <--stream_read--- reader <--- in <--(only when asked)-- lower
 *
 * Reading is pulled: nothing is taken from the lower stream that nobody asked for, so back-pressure
 * needs no rule of its own. The lower stream's READABLE stays wanted while nothing comes and is
 * dropped only when something does that nobody wants: most exchanges then change no interest at
 * all. Internal to http/; the owner embeds it first, gives the operations that differ, and decides
 * what closing means.
 */
#pragma once
#include "base/log.h"
#include "http/deadline.h"
#include "http/exchange.h"
#include "http/h1_reader.h"
#include "http/h1_writer.h"

struct h1_flow {
    struct exchange x;
    struct stream *lower; /* NULL: given up */
    struct bufq in;
    struct h1_reader reader;
    struct h1_writer writer;
    struct h1_limits limits;
    struct deadline deadline;
    const struct log_scope *log;
    int broken;      /* 0, or why the lower stream is dead */
    bool is_stopped; /* the peer takes no more: writing says CLOSED */
    bool is_back;    /* reads responses */
    bool is_open;    /* the exchange has a user, and deadlines of its own */
    bool has_head;   /* front: the request is there and was not read yet */
    bool is_tunnel;  /* HTTP is over */
    bool has_left;   /* a visitor whose FIN came behind its request: it waits, or it is gone */
    bool has_shut;   /* tunnel: the lower stream was told that we are done */
    bool has_noted;  /* what was wrong with this message is in the log */
};

/* The stream operations of an exchange, less close. */
#define H1_FLOW_STREAM_OPS                                                                         \
    .read = h1_flow_read, .write = h1_flow_write, .room = h1_flow_room,                            \
    .shutdown = h1_flow_shutdown, .want = h1_flow_want, .has_input = h1_flow_has_input,            \
    .flush = h1_flow_flush, .facts = h1_flow_facts

int h1_flow_read(struct stream *s, struct bufq *into, size_t max);
int h1_flow_write(struct stream *s, struct bufq *from);
size_t h1_flow_room(const struct stream *s);
int h1_flow_shutdown(struct stream *s);
void h1_flow_want(struct stream *s, unsigned added, unsigned removed);
bool h1_flow_has_input(const struct stream *s);
void h1_flow_flush(struct stream *s);
void h1_flow_facts(const struct stream *s, struct stream_facts *out);

int h1_flow_send_trailers(struct exchange *x, const struct http_head *trailers);
const struct http_head *h1_flow_trailers(const struct exchange *x);
void h1_flow_hold_deadlines(struct exchange *x, bool is_held);

static inline struct h1_flow *h1_flow_of(struct exchange *x)
{
    return CONTAINER_OF(x, struct h1_flow, x);
}

void h1_flow_init(struct h1_flow *f, struct stream *lower_take, const struct h1_limits *limits,
                  const struct log_scope *log, const struct stream_ops *ops,
                  const struct exchange_ops *exchange_ops);

/* Everything is let go; the lower stream must have been given up. */
void h1_flow_deinit(struct h1_flow *f);

/* Both halves ready for the next message. */
void h1_flow_begin(struct h1_flow *f);

/* More input from the lower stream: 0, ERR_AGAIN, or its end. */
MUST_USE int h1_flow_pull(struct h1_flow *f);

/* One line and one count for a message that broke the rules; nothing if it did not. */
void h1_flow_note_fault(struct h1_flow *f);

/* Hands what was written down to the lower stream; true when nothing is left. */
bool h1_flow_push(struct h1_flow *f);

/* What the lower stream told, while the exchange has a user. It is told on at once: the last thing
 * to do, for the user may close. */
void h1_flow_tell(struct h1_flow *f, unsigned events);

/* The deadline of an open exchange expired: a silent visitor ends the reading half with TIMEOUT; a
 * silent origin, a peer that takes nothing, or a visitor that has left, ends both. */
void h1_flow_expire(struct h1_flow *f);

/* After something moved, or what the user waits for changed: (re)starts the stall deadline. */
void h1_flow_watch(struct h1_flow *f);

/* HTTP is over: both halves are the plain stream from now on. */
void h1_flow_start_tunnel(struct h1_flow *f);
