#include "wire/ws_frame.h"

#include "base/cursor.h"
#include "wire/utf8.h"

enum {
    FINAL_BIT = 0x80,
    RESERVED_BITS = 0x70,
    OPCODE_BITS = 0x0F,
    MASK_BIT = 0x80,
    LENGTH_BITS = 0x7F,
    LENGTH_IS_U16 = 126,
    LENGTH_IS_U64 = 127,
};

/* ---- heads ---- */

static bool is_opcode(unsigned value)
{
    return value <= WS_BINARY || (value >= WS_CLOSE && value <= WS_PONG);
}

/* The length that follows the short one; ERR_PROTOCOL if it had fitted into a shorter form. */
static int read_length(struct reader *r, unsigned short_length, uint64_t *length_out)
{
    uint64_t least = 0;

    *length_out = short_length;
    if (short_length == LENGTH_IS_U16) {
        *length_out = read_u16(r);
        least = LENGTH_IS_U16;
    } else if (short_length == LENGTH_IS_U64) {
        *length_out = read_u64(r);
        least = UINT16_MAX + 1;
    }
    if (r->has_failed) {
        return ERR_MORE;
    }
    return *length_out < least || *length_out > INT64_MAX ? ERR_PROTOCOL : 0;
}

static int check_control(const struct ws_head *head)
{
    bool is_bad = !head->is_final || head->payload_bytes > WS_CONTROL_MAX_BYTES;
    return ws_is_control(head->opcode) && is_bad ? ERR_PROTOCOL : 0;
}

int ws_head_read(struct slice bytes, enum ws_role sender, struct ws_head *head_out,
                 size_t *length_out)
{
    struct reader r = reader_of(bytes);
    unsigned first = read_u8(&r);
    unsigned second = read_u8(&r);

    if (r.has_failed) {
        return ERR_MORE;
    }
    bool is_masked = second & MASK_BIT;
    if ((first & RESERVED_BITS) || !is_opcode(first & OPCODE_BITS) ||
        is_masked != (sender == WS_CLIENT)) {
        return ERR_PROTOCOL;
    }
    *head_out = (struct ws_head){
        .opcode = (enum ws_opcode)(first & OPCODE_BITS),
        .is_final = first & FINAL_BIT,
        .is_masked = is_masked,
    };
    TRY(read_length(&r, second & LENGTH_BITS, &head_out->payload_bytes));
    TRY(check_control(head_out));
    if (is_masked) {
        read_bytes(&r, head_out->mask, WS_MASK_BYTES);
    }
    *length_out = bytes.len - r.left;
    return r.has_failed ? ERR_MORE : 0;
}

size_t ws_head_write(const struct ws_head *head, uint8_t out[WS_HEAD_MAX_BYTES])
{
    struct writer w = writer_of(out, WS_HEAD_MAX_BYTES);
    unsigned mask_bit = head->is_masked ? MASK_BIT : 0;

    write_u8(&w, (uint8_t)((head->is_final ? FINAL_BIT : 0) | head->opcode));
    if (head->payload_bytes < LENGTH_IS_U16) {
        write_u8(&w, (uint8_t)(mask_bit | head->payload_bytes));
    } else if (head->payload_bytes <= UINT16_MAX) {
        write_u8(&w, (uint8_t)(mask_bit | LENGTH_IS_U16));
        write_u16(&w, (uint16_t)head->payload_bytes);
    } else {
        write_u8(&w, (uint8_t)(mask_bit | LENGTH_IS_U64));
        write_u64(&w, head->payload_bytes);
    }
    if (head->is_masked) {
        write_slice(&w, slice_of(head->mask, WS_MASK_BYTES));
    }
    ASSERT(!w.has_failed);
    return writer_len(&w);
}

/* ---- masking ---- */

/* What the compiler makes of it is the machine's business: two SSE registers, two NEON ones, or
 * plain words. */
typedef uint8_t block __attribute__((vector_size(32)));

static void repeat_mask(uint8_t out[sizeof(block)], const uint8_t mask[WS_MASK_BYTES],
                        uint64_t offset)
{
    for (size_t i = 0; i < sizeof(block); i++) {
        out[i] = mask[(offset + i) % WS_MASK_BYTES];
    }
}

void ws_mask(uint8_t *to, const uint8_t *from, size_t n, const uint8_t mask[WS_MASK_BYTES],
             uint64_t offset)
{
    uint8_t key_bytes[sizeof(block)];
    block key;

    repeat_mask(key_bytes, mask, offset);
    memcpy(&key, key_bytes, sizeof key);
    for (; n >= sizeof(block); n -= sizeof(block)) {
        block part;
        memcpy(&part, from, sizeof part); /* unaligned */
        part ^= key;
        memcpy(to, &part, sizeof part);
        from += sizeof part;
        to += sizeof part;
    }
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i] ^ key_bytes[i];
    }
}

/* ---- the order of frames ---- */

int ws_sequence_add(struct ws_sequence *q, const struct ws_head *head)
{
    if (ws_is_control(head->opcode)) {
        return 0; /* may stand between any two frames */
    }
    bool is_first = head->opcode != WS_CONTINUATION;
    if (is_first == q->is_open) {
        return ERR_PROTOCOL;
    }
    if (is_first) {
        q->opcode = head->opcode;
    }
    q->is_open = !head->is_final;
    return 0;
}

/* ---- close payloads ---- */

bool ws_close_code_is_valid(unsigned code)
{
    if (code >= 1000 && code <= 1014) {
        return code != 1004 && code != 1005 && code != 1006;
    }
    return code >= 3000 && code <= 4999;
}

int ws_close_read(struct slice payload, unsigned *code_out, struct slice *reason_out)
{
    struct reader r = reader_of(payload);

    *code_out = WS_CLOSE_NONE;
    *reason_out = SLICE_NONE;
    if (payload.len == 0) {
        return 0;
    }
    unsigned code = read_u16(&r);
    struct slice reason = read_slice(&r, r.left);
    if (r.has_failed || !ws_close_code_is_valid(code) || !utf8_is_valid(reason)) {
        return ERR_PROTOCOL;
    }
    *code_out = code;
    *reason_out = reason;
    return 0;
}

size_t ws_close_write(unsigned code, struct slice reason, uint8_t out[WS_CONTROL_MAX_BYTES])
{
    struct writer w = writer_of(out, WS_CONTROL_MAX_BYTES);

    if (code == WS_CLOSE_NONE) {
        return 0;
    }
    write_u16(&w, (uint16_t)code);
    while (reason.len > w.left || !utf8_is_valid(reason)) {
        reason.len--; /* ends at the latest with the empty reason */
    }
    write_slice(&w, reason);
    return writer_len(&w);
}
