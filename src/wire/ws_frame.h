/* WebSocket frames (RFC 6455 section 5): heads, masking, the order of frames, close payloads.
 *
 * Pure. It knows who may send what; it keeps no payload and sends nothing. No extension is
 * understood, so all reserved bits must be zero.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum {
    WS_HEAD_MAX_BYTES = 14,
    WS_CONTROL_MAX_BYTES = 125, /* payload of close, ping and pong */
    WS_MASK_BYTES = 4,
};

enum ws_role { WS_CLIENT, WS_SERVER }; /* what clients send is masked, what servers send is not */

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
};

enum ws_close_code {
    WS_CLOSE_NONE = 0, /* a close frame without a code */
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL = 1002,
    WS_CLOSE_UNSUPPORTED = 1003,
    WS_CLOSE_BAD_TEXT = 1007,
    WS_CLOSE_POLICY = 1008,
    WS_CLOSE_TOO_LARGE = 1009,
    WS_CLOSE_INTERNAL = 1011,
};

struct ws_head {
    enum ws_opcode opcode;
    bool is_final;
    bool is_masked;
    uint8_t mask[WS_MASK_BYTES]; /* all zero when not masked */
    uint64_t payload_bytes;
};

static inline bool ws_is_control(enum ws_opcode opcode)
{
    return opcode >= WS_CLOSE;
}

/* Reads the head at the front of `bytes`, sent by `sender`. ERR_MORE until it is complete;
 * ERR_PROTOCOL for reserved bits, unknown opcodes, a wrong mask bit, lengths that are not minimal
 * or above 2^63 - 1, control frames that are fragmented or too long. */
MUST_USE int ws_head_read(struct slice bytes, enum ws_role sender, struct ws_head *head_out,
                          size_t *length_out);

/* Writes the head and returns its length. */
size_t ws_head_write(const struct ws_head *head, uint8_t out[WS_HEAD_MAX_BYTES]);

/* Masks or unmasks n bytes that lie at `offset` of the frame's payload. `to` may be `from`;
 * otherwise they do not overlap. */
void ws_mask(uint8_t *to, const uint8_t *from, size_t n, const uint8_t mask[WS_MASK_BYTES],
             uint64_t offset);

/* ---- the order of frames ---- */

/* Zeroed: no message is open. */
struct ws_sequence {
    bool is_open;          /* a message has begun and not ended */
    enum ws_opcode opcode; /* of the open message: text or binary */
};

/* Books a received head. ERR_PROTOCOL: a continuation of nothing, or a new message inside one. */
MUST_USE int ws_sequence_add(struct ws_sequence *q, const struct ws_head *head);

/* ---- close payloads ---- */

/* The code may be sent in a close frame (RFC 6455 section 7.4, and the registered 1012-1014). */
bool ws_close_code_is_valid(unsigned code);

/* Empty: WS_CLOSE_NONE. ERR_PROTOCOL: one byte only, a code that must not be sent, a reason that
 * is not UTF-8. The reason is a view. */
MUST_USE int ws_close_read(struct slice payload, unsigned *code_out, struct slice *reason_out);

/* Writes code and as much of the reason as fits without cutting a character; returns the length. */
size_t ws_close_write(unsigned code, struct slice reason, uint8_t out[WS_CONTROL_MAX_BYTES]);
