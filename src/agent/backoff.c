#include "agent/backoff.h"

#include "base/least.h"
#include "base/random.h"

uint64_t backoff_bound_ms(const struct backoff *b)
{
    uint64_t bound = BACKOFF_FIRST_MS;

    if (b->attempts == 0) {
        return 0;
    }
    for (uint32_t i = 1; i < b->attempts && bound < BACKOFF_MAX_MS; i++) {
        bound *= 2;
    }
    return bound < BACKOFF_MAX_MS ? bound : BACKOFF_MAX_MS;
}

uint64_t backoff_next_ms(struct backoff *b)
{
    return backoff_next_below_ms(b, BACKOFF_MAX_MS);
}

uint64_t backoff_next_below_ms(struct backoff *b, uint64_t max_ms)
{
    uint64_t bound = least_u64(backoff_bound_ms(b), max_ms);

    if (b->attempts < UINT32_MAX) {
        b->attempts++;
    }
    return bound ? random_below(bound) : 0;
}
