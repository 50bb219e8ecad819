/* One way of the emulated line: what becomes of packets between going in and coming out.
 *
 *     in -> [cut?] -> [lost?] -> [queue | bottleneck] -> [delay, jitter, held back, doubled] -> out
 *
 * An engine: it is given packets and the time, gives packets and its next deadline, and knows
 * neither sockets nor clocks. Every packet draws the same count of random numbers, so that packet
 * n of a seed meets the same fate whatever the traffic before it looked like.
 *
 * Always: what it holds is at most ONEWAY_HELD_BYTES; more is dropped like a full queue drops.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "weather.h"

enum { ONEWAY_HELD_BYTES = 64 * 1024 * 1024 };

#define ONEWAY_NEVER UINT64_MAX

enum oneway_state {
    ONEWAY_OPEN,    /* packets pass */
    ONEWAY_CUT,     /* what is inside and what comes is lost, silently */
    ONEWAY_STALLED, /* nothing comes out; as much as the queue holds is kept for later */
};

struct oneway_counts {
    uint64_t passed;
    uint64_t lost;     /* by bad luck or by the cut */
    uint64_t overflow; /* the queue was full */
    uint64_t reordered;
    uint64_t duplicated;
};

struct oneway;

struct oneway *oneway_new(uint64_t seed);
void oneway_free(struct oneway **way);

/* From now on; packets inside keep the time they were given. */
void oneway_set_weather(struct oneway *way, const struct weather *w);
void oneway_set_state(struct oneway *way, enum oneway_state state);

/* Takes a copy of the packet. */
void oneway_feed(struct oneway *way, struct slice packet, uint64_t now_us);

/* The next packet that is due; false if there is none. Valid until the next call. */
bool oneway_next(struct oneway *way, uint64_t now_us, struct slice *packet_out);

/* When oneway_next will be true, or ONEWAY_NEVER. */
uint64_t oneway_deadline_us(const struct oneway *way);

const struct weather *oneway_weather(const struct oneway *way);
const struct oneway_counts *oneway_counts(const struct oneway *way);
