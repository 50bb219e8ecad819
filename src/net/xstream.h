/* A stream between two workers: each end lives on a loop of its own.
 *
 *      thread A: end a --> tx --> | ring of pieces | --> rx --> end b :thread B
 *                end a <-- rx <-- | ring of pieces | <-- tx <-- end b
 *
 * Whole chunks cross without a copy; nothing is locked. Who has rung the other side does not ring
 * again before it has looked. A direction holds at most XSTREAM_BYTES, unread ones included, so
 * back-pressure crosses too; half-close, reset and close work as with a socket, from either side at
 * any time: who writes to an end that was closed gets ERR_RESET. The reason of stream_reset
 * crosses, too.
 *
 * Both loops must live until both ends are closed and their turns are over.
 */
#pragma once
#include "net/stream.h"

enum { XSTREAM_BYTES = 256 * 1024 };

/* Called on a's thread (or before the threads run); b is then handed to its own, by loop_post, and
 * used nowhere else. The facts (may be NULL) are copied; both ends show them, as "xstream". */
void xstream_open(struct loop *loop_a, struct loop *loop_b, const struct stream_facts *facts,
                  struct stream **a_out, struct stream **b_out);
