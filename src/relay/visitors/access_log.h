/* One line per request of a visitor, where the operator asked for it (`access_log`): in a file, or
 * on stdout. Without that there is none, and it costs nothing.
 *
 * Lines look like those of the log, logfmt or JSON. Each worker has an outlet of its own over the
 * one descriptor: nothing is locked, lines come out whole, and nobody waits for a slow reader or a
 * full disk: lines that find no room are counted, and the count is told.
 *
 * What a visitor sent is cut to what a line has room for, and `?` stands for what is not printable
 * ASCII. Paths stand with their queries, as the origin gets them.
 */
#pragma once
#include "relay/visitors/http_visitor.h"

struct access_log;
struct relay;
struct worker;

/* Before the workers run. ERR_SYSTEM: the file cannot be written. */
MUST_USE int access_log_open(struct relay *r, struct errinfo *why);

/* Opens the file of that name again; the old one stays when that fails. On worker 0. */
void access_log_reopen(struct relay *r);

/* Writes what the worker still has. On its thread, as the last thing it does. */
void access_log_leave(struct worker *w);

/* After all workers have left. NULL inside is fine. */
void access_log_close(struct access_log **log);

/* A request that is over. reason: "done", or why it failed. */
void access_log_add(const struct http_visitor *v, const struct http_head *request,
                    const struct control_exchange *facts, const char *reason);
