/* The weather of one way of the line: how slow, how lossy, how deep the queue.
 *
 * Told in words, on the command line and at run time:
 *
 *     delay=40ms jitter=5ms loss=2% reorder=1% duplicate=0.5% rate=20mbit queue=256k
 *
 * Zeroed memory is the best weather; weather_fair adds the queue every line has.
 */
#pragma once
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum { WEATHER_QUEUE_BYTES = 256 * 1024 };

struct weather {
    uint64_t delay_us;      /* every packet takes so long */
    uint64_t jitter_us;     /* more or less, evenly spread; never changes the order */
    uint64_t loss_ppm;      /* of a million packets so many vanish */
    uint64_t reorder_ppm;   /* ... come later than packets sent after them */
    uint64_t duplicate_ppm; /* ... come twice */
    uint64_t rate_bps;      /* bits a second through the bottleneck; 0: no bottleneck */
    uint64_t queue_bytes;   /* what waits before the bottleneck; the rest is dropped */
};

static inline struct weather weather_fair(void)
{
    return (struct weather){.queue_bytes = WEATHER_QUEUE_BYTES};
}

/* Sets what the one word "NAME=VALUE" says. */
MUST_USE int weather_set(struct weather *w, struct slice word, struct errinfo *info);
