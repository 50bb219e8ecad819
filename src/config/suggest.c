#include "config/suggest.h"

enum { NEAR_DIVISOR = 3 }; /* one change for every three letters is still near */

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Optimal string alignment: three rows of the usual matrix, so that neighbours may swap. */
unsigned suggest_distance(struct slice a, struct slice b)
{
    unsigned rows[3][SUGGEST_WORD_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];

    if (a.len > SUGGEST_WORD_MAX || b.len > SUGGEST_WORD_MAX) {
        return SUGGEST_FAR;
    }
    for (unsigned j = 0; j <= b.len; j++) {
        last[j] = j;
        before[j] = 0;
    }
    for (unsigned i = 1; i <= a.len; i++) {
        now[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned change = ascii_lower(a.ptr[i - 1]) == ascii_lower(b.ptr[j - 1]) ? 0 : 1;
            now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + change);
            bool is_swap = i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
                           a.ptr[i - 2] == b.ptr[j - 1];
            if (is_swap && before[j - 2] + 1 < now[j]) {
                now[j] = before[j - 2] + 1;
            }
        }
        unsigned *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b.len];
}

const char *suggest(struct slice word, const char *const *candidates)
{
    const char *best = NULL;
    unsigned best_distance = SUGGEST_FAR;

    for (; *candidates; candidates++) {
        struct slice c = slice_str(*candidates);
        unsigned distance = suggest_distance(word, c);
        size_t longer = word.len > c.len ? word.len : c.len;
        if (distance < best_distance && distance * NEAR_DIVISOR <= longer + 1) {
            best = *candidates;
            best_distance = distance;
        }
    }
    return best;
}
