/* One stream of a `file:` tunnel: an HTTP server over it that answers with files.
 *
 * Owned by whoever started it, until it has told its end.
 */
#pragma once
#include "base/log.h"
#include "net/stream.h"

struct file_visit;
struct static_files;

/* What a target's path stands for: a folder or a file; "" is the small page of adit itself. */
MUST_USE int file_visit_open(const char *path, struct static_files **files_out,
                             struct errinfo *why);

/* From the ready phase, once; stream and file visit are gone. */
typedef void file_visit_fn(void *ctx, const char *reason);

/* Takes the stream, copies the scope. files outlive the visit. */
struct file_visit *file_visit_start(struct stream *stream_take, struct static_files *files,
                                    const struct log_scope *log, file_visit_fn *done, void *ctx);

/* Cuts it; nobody is told any more. Accepts NULL inside. */
void file_visit_abort(struct file_visit **f);
