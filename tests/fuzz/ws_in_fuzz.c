/* Frames from anybody into the WebSocket engine: however the bytes are cut, the same payload and
 * the same control frames come out and the same error ends it, and what came is sent and read again
 * unharmed. The first byte chooses who sends and how the bytes are cut. */
#include "base/mem.h"
#include "ws/ws_in.h"
#include "ws/ws_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct result {
    struct bufq payload;
    struct bufq controls;
    int err;
};

static void work_off(struct ws_in *in, struct result *r)
{
    struct ws_control frame;
    enum ws_in_event event;

    for (;;) {
        r->err = ws_in_next(in, &event, &frame);
        if (r->err < 0 || event == WS_IN_MORE) {
            return;
        }
        if (event == WS_IN_PAYLOAD) {
            ASSERT(ws_in_take(in, &r->payload, 1000) > 0);
        } else {
            bufq_push(&r->controls, frame.bytes, frame.length);
        }
    }
}

static struct result read_all(struct slice bytes, enum ws_role sender, size_t step)
{
    struct ws_in in = {.sender = sender};
    struct result r = {0};

    for (size_t at = 0; at < bytes.len && r.err == 0; at += step) {
        bufq_push_slice(&in.rx, slice_sub(bytes, at, step));
        work_off(&in, &r);
    }
    bufq_clear(&in.rx);
    return r;
}

static void assert_same(const struct bufq *a, const struct bufq *b)
{
    uint8_t *x = mem_alloc(a->bytes);
    uint8_t *y = mem_alloc(b->bytes);

    ASSERT(a->bytes == b->bytes);
    bufq_peek(a, x, a->bytes);
    bufq_peek(b, y, b->bytes);
    ASSERT(memcmp(x, y, a->bytes) == 0);
    mem_free(x);
    mem_free(y);
}

static void drop_result(struct result *r)
{
    bufq_clear(&r->payload);
    bufq_clear(&r->controls);
}

static void check_sending(const struct bufq *payload, enum ws_role role)
{
    struct ws_out out = {.role = role};
    struct ws_in in = {.sender = role};
    struct result r = {0};
    struct bufq_mark start = {0};

    bufq_share(&out.unsent, payload, &start, payload->bytes);
    ws_out_control(&out, WS_PING, SLICE("between"));
    ws_out_encode(&out, SIZE_MAX);
    bufq_move(&in.rx, &out.tx, out.tx.bytes);
    work_off(&in, &r);
    ASSERT(r.err == 0 && bufq_is_empty(&in.rx));
    assert_same(&r.payload, payload);
    drop_result(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    enum ws_role sender = bytes[0] & 1 ? WS_CLIENT : WS_SERVER;
    struct slice in = slice_of(bytes + 1, size - 1);
    struct result whole = read_all(in, sender, in.len + 1);
    struct result cut = read_all(in, sender, (bytes[0] >> 1) % 16 + 1);

    ASSERT(whole.err == cut.err);
    assert_same(&whole.payload, &cut.payload);
    assert_same(&whole.controls, &cut.controls);
    check_sending(&whole.payload, sender);
    drop_result(&whole);
    drop_result(&cut);
    return 0;
}
