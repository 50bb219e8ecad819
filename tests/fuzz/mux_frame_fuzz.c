/* Frames from anybody: every payload decoder, and what decodes must encode to the same bytes. */
#include "wire/mux_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_same(struct bufq *again, struct slice payload)
{
    bufq_drop(again, FRAME_HEADER_BYTES);
    ASSERT(slice_equal(bufq_pullup(again, again->bytes), payload));
    bufq_clear(again);
}

static void decode(const struct frame_header *h, struct slice payload)
{
    struct bufq again = {0};
    struct frame_open open;
    struct frame_window window;
    struct frame_reset reset;
    struct frame_ack_row rows[FRAME_ACK_ROWS_MAX];
    size_t count;
    uint16_t code;
    uint64_t timestamp;

    ASSERT(frame_type_name(h->type));
    if (frame_read_open(payload, &open) == 0) {
        frame_put_open(&again, h->id, &open);
        check_same(&again, payload);
    }
    if (frame_read_window(payload, &window) == 0) {
        frame_put_window(&again, h->id, &window);
        check_same(&again, payload);
    }
    if (frame_read_ack(payload, rows, &count) == 0) {
        frame_put_ack(&again, rows, count);
        check_same(&again, payload);
    }
    if (frame_read_code(payload, &code) == 0) {
        frame_put_stop(&again, h->id, code);
        check_same(&again, payload);
    }
    if (frame_read_reset(payload, &reset) == 0) {
        frame_put_reset(&again, h->id, &reset);
        check_same(&again, payload);
    }
    if (frame_read_ping(payload, &timestamp) == 0) {
        frame_put_ping(&again, FRAME_PING, timestamp);
        check_same(&again, payload);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct bufq in = {0};
    struct frame_header h;
    struct slice payload;

    bufq_push(&in, bytes, size);
    while (frame_take(&in, &h, &payload) == 0) {
        decode(&h, payload);
        bufq_drop(&in, h.length);
    }
    bufq_clear(&in);
    return 0;
}
