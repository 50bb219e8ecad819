/* Everything that is wrong with a file or a command line, told at once.
 *
 * Each finding is one line: `adit.yml:12: what; the fix`. Readers go on after a finding, so that a
 * person mends a file in one go. Only the first PROBLEMS_MAX are kept; the rest is counted.
 * Zeroed memory is an empty list.
 */
#pragma once
#include "base/err.h"
#include "base/text.h"

enum { PROBLEMS_MAX = 20 };

struct problems {
    struct text lines; /* each ends with a newline */
    unsigned count;    /* of all findings, also of those beyond PROBLEMS_MAX */
};

void problems_deinit(struct problems *p);

/* Where a value came from: a file and a line, or a flag or variable by its name (line 0). */
struct origin {
    const char *name; /* "adit.yml", "--port", "ADIT_RELAY" */
    unsigned line;
};

void problems_add(struct problems *p, struct origin at, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The lines, and how many more there were. */
void problems_show(const struct problems *p, struct text *out);
