#include "ws/ws_in.h"

static size_t min_size(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

/* The whole payload of a control frame is at the front of rx. */
static void take_control(struct ws_in *in, const struct ws_head *head, struct ws_control *out)
{
    out->opcode = head->opcode;
    out->length = (uint8_t)head->payload_bytes;
    bufq_peek(&in->rx, out->bytes, out->length);
    bufq_drop(&in->rx, out->length);
    ws_mask(out->bytes, out->bytes, out->length, head->mask, 0);
}

/* Takes the next head off rx, with the payload if it is a control frame. ERR_MORE: not all of it is
 * there yet, and nothing has changed. */
static int take_head(struct ws_in *in, struct ws_control *control_out, bool *is_control_out)
{
    uint8_t bytes[WS_HEAD_MAX_BYTES];
    size_t n = min_size(in->rx.bytes, sizeof bytes);
    struct ws_head head;
    size_t length;

    bufq_peek(&in->rx, bytes, n);
    TRY(ws_head_read(slice_of(bytes, n), in->sender, &head, &length));
    *is_control_out = ws_is_control(head.opcode);
    if (*is_control_out && in->rx.bytes - length < head.payload_bytes) {
        return ERR_MORE;
    }
    TRY(ws_sequence_add(&in->sequence, &head));
    bufq_drop(&in->rx, length);
    if (*is_control_out) {
        take_control(in, &head, control_out);
        return 0;
    }
    in->head = head;
    in->at = 0;
    return in->sequence.opcode == WS_TEXT ? ERR_UNSUPPORTED : 0;
}

int ws_in_next(struct ws_in *in, enum ws_in_event *event_out, struct ws_control *control_out)
{
    while (!ws_in_has_payload(in)) {
        bool is_control = false;
        bool is_inside = in->at < in->head.payload_bytes;
        int err = is_inside ? ERR_MORE : take_head(in, control_out, &is_control);
        if (err == ERR_MORE) {
            *event_out = WS_IN_MORE;
            return 0;
        }
        TRY(err);
        if (is_control) {
            *event_out = WS_IN_CONTROL;
            return 0;
        }
    }
    *event_out = WS_IN_PAYLOAD;
    return 0;
}

bool ws_in_has_payload(const struct ws_in *in)
{
    return in->at < in->head.payload_bytes && !bufq_is_empty(&in->rx);
}

/* Unmasks into fresh memory, for what lies in rx may be somebody else's too. */
static void unmask(struct ws_in *in, struct bufq *into, size_t n)
{
    while (n > 0) {
        struct slice piece = bufq_front(&in->rx);
        size_t room;
        size_t part = min_size(min_size(piece.len, n), CHUNK_LARGE_BYTES);
        uint8_t *to = bufq_reserve(into, part, &room);

        ws_mask(to, (const uint8_t *)piece.ptr, part, in->head.mask, in->at);
        bufq_commit(into, part);
        bufq_drop(&in->rx, part);
        in->at += part;
        n -= part;
    }
}

size_t ws_in_take(struct ws_in *in, struct bufq *into, size_t max)
{
    size_t n = min_size(in->head.payload_bytes - in->at, min_size(in->rx.bytes, max));

    if (in->head.is_masked) {
        unmask(in, into, n);
    } else {
        in->at += bufq_move(into, &in->rx, n);
    }
    return n;
}
