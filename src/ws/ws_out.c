#include "ws/ws_out.h"

#include "base/least.h"
#include "base/random.h"

enum { MASKS_COUNT = 64 }; /* made with one system call */

/* Masks must be unforeseeable (RFC 6455 section 10.3); a system call for each would cost more than
 * masking does. */
static void make_mask(uint8_t mask[WS_MASK_BYTES])
{
    static _Thread_local uint8_t masks[MASKS_COUNT][WS_MASK_BYTES];
    static _Thread_local unsigned left;

    if (left == 0) {
        random_bytes(masks, sizeof masks);
        left = MASKS_COUNT;
    }
    memcpy(mask, masks[--left], WS_MASK_BYTES);
}

static void put_head(struct ws_out *out, struct ws_head *head)
{
    uint8_t bytes[WS_HEAD_MAX_BYTES];

    head->is_final = true;
    if (out->role == WS_CLIENT) {
        head->is_masked = true;
        make_mask(head->mask);
    }
    bufq_push(&out->tx, bytes, ws_head_write(head, bytes));
}

static void put_masked(struct ws_out *out, const struct ws_head *head, size_t n)
{
    for (size_t at = 0; at < n;) {
        struct slice piece = bufq_front(&out->unsent);
        size_t room;
        size_t part = least_size(least_size(piece.len, n - at), CHUNK_LARGE_BYTES);
        uint8_t *to = bufq_reserve(&out->tx, part, &room);

        ws_mask(to, (const uint8_t *)piece.ptr, part, head->mask, at);
        bufq_commit(&out->tx, part);
        bufq_drop(&out->unsent, part);
        at += part;
    }
}

static void put_message(struct ws_out *out)
{
    size_t n = least_size(out->unsent.bytes, WS_MESSAGE_MAX_BYTES);
    struct ws_head head = {.opcode = WS_BINARY, .payload_bytes = n};

    put_head(out, &head);
    if (head.is_masked) {
        put_masked(out, &head, n);
    } else {
        bufq_pack(&out->tx, &out->unsent, n);
    }
}

void ws_out_encode(struct ws_out *out, size_t tx_max)
{
    while (!bufq_is_empty(&out->unsent) && out->tx.bytes < tx_max) {
        put_message(out);
    }
}

void ws_out_control(struct ws_out *out, enum ws_opcode opcode, struct slice payload)
{
    uint8_t bytes[WS_CONTROL_MAX_BYTES];
    struct ws_head head = {.opcode = opcode, .payload_bytes = payload.len};

    put_head(out, &head);
    ws_mask(bytes, (const uint8_t *)payload.ptr, payload.len, head.mask, 0);
    bufq_push(&out->tx, bytes, payload.len);
}
