/* Every number the engine lives by, in one place. What the two ends must agree on stands in
 * docs/protocol.md as well; the rest may be changed on one side alone. */
#pragma once

enum {
    /* Credit */
    MUX_INITIAL_WINDOW = 8 * 1024,   /* blind bytes a new stream may bring */
    MUX_FIRST_WINDOW = 32 * 1024,    /* a stream we open, or that uses its blind bytes, gets this */
    MUX_FIRST_WINDOW_MIN = 4 * 1024, /* or less, down to this, */
    MUX_FIRST_DIVISOR = 4096,        /* when it is more than this part of what is free */
    MUX_CATCH_UP_DIVISOR = 256,      /* and is given the rest once it is less than this part */
    MUX_CONTROL_WINDOW = 16 * 1024,  /* credit of stream 0 at its start. Agreed */
    MUX_BULK_WINDOW = 256 * 1024,    /* who uses up the window gets this, however slowly */
    MUX_STREAM_WINDOW_MAX = 32 << 20, /* the largest window one stream may grow to */
    MUX_LINK_BUDGET = 128 << 20,      /* credit promised per session: 10,000 idle streams */
    MUX_GROWTH_SHARE_DIVISOR = 4,     /* this part of it is open to growth beyond FIRST_WINDOW */
    MUX_GROWTH_DIVISOR = 2,           /* one growth takes at most this part of what is left there */

    /* Sending */
    MUX_UNSENT_BYTES = 128 * 1024,     /* a stream queues at most this much not yet sent */
    MUX_UNSENT_LOW_BYTES = 64 * 1024,  /* and asks for more when this is left */
    MUX_BEYOND_CREDIT_BYTES = 4096,    /* of it, at most this much before credit for it came */
    MUX_CONTROL_QUEUE_BYTES = 1 << 20, /* CONTROL messages waiting or not yet acknowledged */
    MUX_URGENT_BYTES = 1 << 20,        /* answers waiting: a peer that reads none is cut */
    MUX_OPEN_FACTS_MAX = 1024,

    /* Scheduling */
    MUX_QUANTUM_MIN_BYTES = 16 * 1024, /* of a tunnel, then of a stream, per round; or what the */
    MUX_QUANTUM_MAX_BYTES = 64 * 1024, /* carrier takes in a millisecond, up to this */
    MUX_FRESH_BYTES = 16 * 1024,       /* the first bytes after silence that may overtake */
    MUX_FRAME_DATA_MAX = 65512,        /* DATA bytes per frame: with the header one large chunk */
    MUX_FRAME_FIT_MIN = 4096,          /* a batch that has less room left than this is full */

    /* On its way */
    MUX_FLIGHT_MIN_BYTES = 256 * 1024, /* always allowed to be sent and not acknowledged */
    MUX_FLIGHT_RTT_MIN_US = 250,       /* taken for a round trip shorter than the clock shows */
    MUX_FLIGHT_TALK_BYTES = 64 * 1024, /* instead of MIN on a short line beside who talks */
    MUX_TALK_BYTES = 4096,             /* who says no more than this at a time, */
    MUX_TALK_BURSTS = 3,               /* so many times running, talks, */
    MUX_TALK_HOLD_MS = 1000,           /* and is made room for so long */
    MUX_FLIGHT_ROUND_MS = 10,          /* the shortest time a rate is measured over */
    MUX_FLIGHT_DECAY = 8,              /* a lower rate counts one in so many */
    MUX_FLIGHT_PINGS = 4,              /* at the start of a carrier, while a round trip */
    MUX_FLIGHT_FINE_MS = 2,            /* of at most this may be shorter in truth */

    /* Acknowledging */
    MUX_ACK_BYTES = 64 * 1024, /* unacknowledged on the link: ACK now */
    MUX_ACK_DELAY_MS = 50,     /* unacknowledged for so long: ACK now */

    /* Time */
    MUX_RTT_GUESS_MS = 50,   /* before the first PONG */
    MUX_SLOW_MS = 30 * 1000, /* a stalled reader may hold memory so long when it is short */
    MUX_SLOW_CHECK_MS = 1000,
    MUX_SLOW_PERCENT = 90, /* of the budget promised: memory is short */

    /* What a peer may make numerous */
    MUX_LANES_MAX = 256, /* of one carrier */
    MUX_STREAMS_MAX = 65536,
    MUX_RESERVED_MAX = 1024, /* ids skipped and not opened yet */
    MUX_SEGMENTS_MAX = 1024, /* pieces waiting for earlier ones, of all streams */

    MUX_STREAM_RECORD_MAX_BYTES = 256, /* our heap per idle stream and side */
};
