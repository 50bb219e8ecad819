/* WebSocket frames from anybody, in any cut: heads encode to the same bytes, what unmasks masks
 * back, and a payload cut in two is the same as the whole. The first byte chooses role and cut. */
#include "base/mem.h"
#include "wire/utf8.h"
#include "wire/ws_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_head(struct slice in, const struct ws_head *head, size_t length,
                       enum ws_role sender)
{
    uint8_t again[WS_HEAD_MAX_BYTES];
    struct ws_head cut;
    size_t cut_length;

    ASSERT(ws_head_write(head, again) == length);
    ASSERT(memcmp(again, in.ptr, length) == 0);
    for (size_t n = 0; n < length; n++) {
        ASSERT(ws_head_read(slice_sub(in, 0, n), sender, &cut, &cut_length) == ERR_MORE);
    }
}

static void check_masking(struct slice payload, const struct ws_head *head, size_t cut)
{
    uint8_t *whole = mem_alloc(payload.len);
    uint8_t *parts = mem_alloc(payload.len);
    const uint8_t *from = (const uint8_t *)payload.ptr;

    cut = cut < payload.len ? cut : payload.len;
    ws_mask(whole, from, payload.len, head->mask, 0);
    ws_mask(parts, from, cut, head->mask, 0);
    ws_mask(parts + cut, from + cut, payload.len - cut, head->mask, cut);
    ASSERT(memcmp(whole, parts, payload.len) == 0);
    ws_mask(whole, whole, payload.len, head->mask, 0);
    ASSERT(memcmp(whole, from, payload.len) == 0);
    mem_free(whole);
    mem_free(parts);
}

static void check_close(struct slice payload)
{
    uint8_t again[WS_CONTROL_MAX_BYTES];
    struct slice reason;
    unsigned code;

    if (ws_close_read(payload, &code, &reason) == 0) {
        ASSERT(ws_close_write(code, reason, again) == payload.len);
        ASSERT(payload.len == 0 || memcmp(again, payload.ptr, payload.len) == 0);
    }
}

static void check_utf8(struct slice text, size_t cut)
{
    struct utf8 u = {0};
    bool is_valid = utf8_feed(&u, slice_sub(text, 0, cut)) == 0 &&
                    utf8_feed(&u, slice_sub(text, cut, text.len)) == 0 && utf8_may_end(&u);
    ASSERT(is_valid == utf8_is_valid(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice in = slice_of(bytes, size);
    struct ws_sequence sequence = {0};

    if (size == 0) {
        return 0;
    }
    enum ws_role sender = bytes[0] & 1 ? WS_CLIENT : WS_SERVER;
    size_t cut = bytes[0] >> 1;
    in = slice_sub(in, 1, in.len);
    while (in.len > 0) {
        struct ws_head head;
        size_t length;

        if (ws_head_read(in, sender, &head, &length) < 0 || ws_sequence_add(&sequence, &head) < 0) {
            break;
        }
        check_head(in, &head, length, sender);
        in = slice_sub(in, length, in.len);
        size_t n = head.payload_bytes < in.len ? (size_t)head.payload_bytes : in.len;
        struct slice payload = slice_sub(in, 0, n);
        check_masking(payload, &head, cut);
        check_utf8(payload, cut);
        if (head.opcode == WS_CLOSE && n == head.payload_bytes) {
            check_close(payload);
        }
        in = slice_sub(in, n, in.len);
    }
    return 0;
}
