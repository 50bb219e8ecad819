/* A stream over the binary messages of a WebSocket, after the upgrade.
 *
 * Bytes are what counts: where messages begin and end, and how they are cut into frames, means
 * nothing to the reader. All that is written in one round goes out as one message. Pings are
 * answered (the newest only, when they come faster than answers leave). Text is refused with 1003,
 * whatever breaks RFC 6455 with 1002; ws_stream_close_code tells which, the log line is the user's.
 *
 * A WebSocket has no half-close: stream_shutdown gives ERR_UNSUPPORTED. stream_close sends what
 * was written and Close 1000, and waits WS_CLOSE_WAIT_MS at most for the answer. The peer's Close
 * is the EOF; an end of the lower stream without it is ERR_TRUNCATED.
 */
#pragma once
#include "base/bufq.h"
#include "net/stream.h"
#include "wire/ws_frame.h"

enum { WS_CLOSE_WAIT_MS = 2000 };

/* Takes the lower stream and, if not NULL, what was read from it behind the HTTP head (left empty).
 * `role` is ours. Never fails: whatever is wrong shows at the first read. */
struct stream *ws_stream_attach(struct stream *lower_take, struct bufq *leftover_take,
                                enum ws_role role);

/* Why it ended: the peer's or our own close code and reason for a log line or an error;
 * WS_CLOSE_NONE and SLICE_NONE while it lives or when it was cut. The view lives as long as the
 * stream. */
unsigned ws_stream_close_code(const struct stream *s, struct slice *reason_out);
