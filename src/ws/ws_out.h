/* What goes out: payload becomes messages, control frames go between them.
 *
 * An engine: the driver appends payload to `unsent` and sends tx; no stream and no clock inside.
 */
#pragma once
#include "base/bufq.h"
#include "wire/ws_frame.h"

enum { WS_MESSAGE_MAX_BYTES = 64 * 1024 }; /* what is unsent beyond it makes another message */

struct ws_out {
    enum ws_role role;  /* ours; set by the owner, the rest starts zeroed */
    struct bufq unsent; /* payload */
    struct bufq tx;     /* frames */
};

/* Turns what is unsent into messages, while less than tx_max bytes are in tx. A server's large
 * pieces are handed on as they are; a client's are masked into fresh memory, in one pass. */
void ws_out_encode(struct ws_out *out, size_t tx_max);

void ws_out_control(struct ws_out *out, enum ws_opcode opcode, struct slice payload);
