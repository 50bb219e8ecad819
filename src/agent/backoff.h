/* How long to wait before the next attempt: full jitter over a bound that doubles.
 *
 * The first wait is none. After it each is drawn from [0, bound), where the bound starts at
 * BACKOFF_FIRST_MS and doubles up to BACKOFF_MAX_MS: a thousand agents that lost the same relay
 * come back spread out. Pure, but for the random number.
 */
#pragma once
#include <stdint.h>

enum { BACKOFF_FIRST_MS = 500, BACKOFF_MAX_MS = 30 * 1000 };

/* Zeroed memory has made no attempt yet. */
struct backoff {
    uint32_t attempts;
};

/* The wait before the next attempt, which it counts. */
uint64_t backoff_next_ms(struct backoff *b);

/* The same where somebody waits for the attempt: the bound stops doubling at max_ms. */
uint64_t backoff_next_below_ms(struct backoff *b, uint64_t max_ms);

/* The largest wait backoff_next_ms could give now. */
uint64_t backoff_bound_ms(const struct backoff *b);

static inline void backoff_reset(struct backoff *b)
{
    b->attempts = 0;
}
