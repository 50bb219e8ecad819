/* What comes in: frames, worked off into payload and control frames.
 *
 * An engine: the driver appends bytes to rx and asks; no stream and no clock inside.
 */
#pragma once
#include "base/bufq.h"
#include "wire/ws_frame.h"

struct ws_in {
    enum ws_role sender;         /* set by the owner; the rest starts zeroed */
    struct bufq rx;              /* not yet worked off */
    struct ws_sequence sequence; /* of the frames so far */
    struct ws_head head;         /* of the data frame that is being read */
    uint64_t at;                 /* how far, in its payload */
};

struct ws_control {
    enum ws_opcode opcode;
    uint8_t length;
    uint8_t bytes[WS_CONTROL_MAX_BYTES];
};

enum ws_in_event {
    WS_IN_MORE,    /* rx holds no whole head or control frame, and no payload */
    WS_IN_PAYLOAD, /* bytes of a message are at the front: take them */
    WS_IN_CONTROL, /* a close, ping or pong was taken off rx */
};

/* Says what comes next. ERR_PROTOCOL: the peer broke RFC 6455; ERR_UNSUPPORTED: a text message. */
MUST_USE int ws_in_next(struct ws_in *in, enum ws_in_event *event_out,
                        struct ws_control *control_out);

/* There is payload at the front of rx. */
bool ws_in_has_payload(const struct ws_in *in);

/* Moves up to max bytes of it to the end of `into`, unmasked; returns how many. */
size_t ws_in_take(struct ws_in *in, struct bufq *into, size_t max);
