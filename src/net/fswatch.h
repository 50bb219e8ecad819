/* Tells when one file has changed: written in place, replaced by rename (as editors and
 * configuration tools do), created or removed.
 *
 * Watches the folder, so that the file may come and go. Told FSWATCH_SETTLE_MS after the last of
 * several changes, from the loop. What the file says then is for the user to read.
 */
#pragma once
#include "net/loop.h"

enum { FSWATCH_SETTLE_MS = 200 };

struct fswatch;

typedef void fswatch_fn(void *ctx);

/* The folder must exist: ERR_NOT_FOUND. */
MUST_USE int fswatch_open(struct fswatch **out, struct loop *loop, const char *path, fswatch_fn *fn,
                          void *ctx);
void fswatch_close(struct fswatch **w);
