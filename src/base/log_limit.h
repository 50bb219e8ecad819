/* How many lines of one kind one source may write: a flood of them is told by its first lines and
 * a number.
 *
 *     a kind is a message ("request refused"), a source is who causes it (a visitor's address)
 *
 *     first line             the period begins
 *     LOG_LIMIT_LINES of a source, LOG_LIMIT_KIND_LINES of all sources: shown
 *     those beyond           counted
 *     end of the period      log_limit_due gives the sum, if anything was counted
 *
 * The table has a fixed size. Sources that share a place in it push each other out, and what was
 * counted of them goes to the sum of their kind, so strangers with many addresses cost neither
 * memory nor lines. Pure: time is handed in. One thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum {
    LOG_LIMIT_LINES = 100,
    LOG_LIMIT_KIND_LINES = 600,
    LOG_LIMIT_MS = 60 * 1000,
    LOG_LIMIT_SOURCES = 128,     /* places; a power of two */
    LOG_LIMIT_KINDS = 64,        /* more than there are; those beyond count as one */
    LOG_LIMIT_SOURCE_BYTES = 48, /* longer names are cut */
};

/* Of one kind and source, or of one kind and all sources (source ""). */
struct log_limit_count {
    const char *message; /* a literal: its address is its identity; NULL: free */
    char source[LOG_LIMIT_SOURCE_BYTES];
    uint64_t until_ms; /* end of the period */
    uint64_t shown;
    uint64_t hidden;
};

/* Zeroed memory is ready. */
struct log_limit {
    struct log_limit_count kinds[LOG_LIMIT_KINDS];
    struct log_limit_count sources[LOG_LIMIT_SOURCES];
    uint64_t due_ms; /* no sum is due before; 0: nothing is hidden */
};

/* True if the line is to be shown. Sums that are due are taken before. */
bool log_limit_pass(struct log_limit *l, const char *message, const char *source, uint64_t now_ms);

/* The next sum whose period is over: message, source and hidden. False: none. */
bool log_limit_due(struct log_limit *l, uint64_t now_ms, struct log_limit_count *sum_out);
