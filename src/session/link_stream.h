/* One stream of a link as a struct stream: what pumps, HTTP engines and TLS stand on.
 *
 * The session that owns the engine makes one for every mux stream it opens or is given, and passes
 * the engine's events on by the functions at the end. The mux stream belongs to it from then on.
 */
#pragma once
#include "mux/mux.h"
#include "net/stream.h"

/* Takes the mux stream: its user pointer is ours. */
struct stream *link_stream_new(struct loop *loop, struct mux_stream *mux_stream_take);

/* The mux stream underneath, to accept, begin an exchange or ask; NULL for another kind of stream,
 * and after a reset. */
struct mux_stream *link_stream_mux(struct stream *s);

/* ---- for mux_events ---- */

void link_stream_on_readable(void *ctx, struct mux_stream *ms);
void link_stream_on_writable(void *ctx, struct mux_stream *ms);
void link_stream_on_stop(void *ctx, struct mux_stream *ms, uint16_t code);
void link_stream_on_reset(void *ctx, struct mux_stream *ms, uint16_t code);
