#include "wire/mux_frame.h"

#include "wire/wire_check.h"

static void headers_are_eight_bytes_big_endian(void **state)
{
    struct bufq q = {0};

    (void)state;
    frame_put_header(&q, FRAME_RESET_ACK, 0, 0x01020304, 0);
    assert_hex(&q, "0000 17 00 01020304");
    frame_put_data(&q, 6, DATA_FIN | DATA_BEGIN, 99, 5);
    assert_hex(&q, "0005 12 03 00000006");
    frame_put_data(&q, 6, DATA_OFFSET, 0x1122334455667788, 5);
    assert_hex(&q, "000d 12 04 00000006 1122334455667788");
}

static void frames_match_the_vectors_of_the_page(void **state)
{
    struct bufq q = {0};

    (void)state;
    frame_put_open(&q, 2, &(struct frame_open){7, 32768, SLICE("\0\1\0\0")});
    assert_hex(&q, "0010 10 00 00000002 00000007 0000000000008000 00010000");
    frame_put_opened(&q, 2, SLICE_NONE);
    assert_hex(&q, "0000 11 00 00000002");
    frame_put_window(&q, 2, &(struct frame_window){1000, 33768});
    assert_hex(&q, "0010 13 00 00000002 00000000000003e8 00000000000083e8");
    frame_put_ack(&q, (struct frame_ack_row[]){{2, 1000}, {4, 1}}, 2);
    assert_hex(&q, "0018 14 00 00000000 00000002 00000000000003e8 00000004 0000000000000001");
    frame_put_stop(&q, 2, 7);
    assert_hex(&q, "0002 15 00 00000002 0007");
    frame_put_reset(&q, 2, &(struct frame_reset){1, 1000});
    assert_hex(&q, "000a 16 00 00000002 0001 00000000000003e8");
    frame_put_ping(&q, FRAME_PONG, 0xaabb);
    assert_hex(&q, "0008 21 00 00000000 000000000000aabb");
    frame_put_goaway(&q, GOAWAY_SHUTDOWN);
    assert_hex(&q, "0002 22 00 00000000 0004");
}

static struct slice payload_of(struct bufq *q)
{
    struct frame_header h;
    struct slice payload;

    assert_int_equal(frame_take(q, &h, &payload), 0);
    return payload;
}

static void what_is_put_is_read(void **state)
{
    struct bufq q = {0};
    struct frame_open open;
    struct frame_window window;
    struct frame_reset reset;
    struct frame_ack_row rows[FRAME_ACK_ROWS_MAX], back[FRAME_ACK_ROWS_MAX];
    size_t count;
    uint16_t code;
    uint64_t timestamp;

    (void)state;
    frame_put_open(&q, 2, &(struct frame_open){UINT32_MAX, UINT64_MAX, SLICE("facts")});
    assert_int_equal(frame_read_open(payload_of(&q), &open), 0);
    assert_true(open.tunnel_id == UINT32_MAX && open.limit == UINT64_MAX);
    assert_true(slice_is(open.facts, "facts"));
    bufq_clear(&q);

    frame_put_window(&q, 2, &(struct frame_window){1, UINT64_MAX});
    assert_int_equal(frame_read_window(payload_of(&q), &window), 0);
    assert_true(window.received == 1 && window.limit == UINT64_MAX);
    bufq_clear(&q);

    for (uint32_t i = 0; i < FRAME_ACK_ROWS_MAX; i++) {
        rows[i] = (struct frame_ack_row){i, (uint64_t)i << 33};
    }
    frame_put_ack(&q, rows, FRAME_ACK_ROWS_MAX);
    assert_int_equal(frame_read_ack(payload_of(&q), back, &count), 0);
    assert_int_equal(count, FRAME_ACK_ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        assert_true(back[i].id == rows[i].id && back[i].received == rows[i].received);
    }
    bufq_clear(&q);

    frame_put_stop(&q, 2, 65535);
    assert_int_equal(frame_read_code(payload_of(&q), &code), 0);
    assert_int_equal(code, 65535);
    bufq_clear(&q);

    frame_put_reset(&q, 2, &(struct frame_reset){14, UINT64_MAX});
    assert_int_equal(frame_read_reset(payload_of(&q), &reset), 0);
    assert_true(reset.code == 14 && reset.final_offset == UINT64_MAX);
    bufq_clear(&q);

    frame_put_ping(&q, FRAME_PING, UINT64_MAX);
    assert_int_equal(frame_read_ping(payload_of(&q), &timestamp), 0);
    assert_true(timestamp == UINT64_MAX);
    bufq_clear(&q);
}

static void payloads_of_a_wrong_size_are_refused(void **state)
{
    static const char zeros[FRAME_ACK_ROW_BYTES * (FRAME_ACK_ROWS_MAX + 1)];
    struct frame_open open;
    struct frame_window window;
    struct frame_reset reset;
    struct frame_ack_row rows[FRAME_ACK_ROWS_MAX];
    size_t count;
    uint16_t code;
    uint64_t timestamp;

    (void)state;
    for (size_t n = 0; n <= sizeof zeros; n++) {
        struct slice p = tight_copy(slice_of(zeros, n));
        bool is_ack = n > 0 && n % 12 == 0 && n / 12 <= FRAME_ACK_ROWS_MAX;

        assert_int_equal(frame_read_open(p, &open), n >= 12 ? 0 : ERR_PROTOCOL);
        assert_int_equal(frame_read_window(p, &window), n == 16 ? 0 : ERR_PROTOCOL);
        assert_int_equal(frame_read_ack(p, rows, &count), is_ack ? 0 : ERR_PROTOCOL);
        assert_int_equal(frame_read_code(p, &code), n == 2 ? 0 : ERR_PROTOCOL);
        assert_int_equal(frame_read_reset(p, &reset), n == 10 ? 0 : ERR_PROTOCOL);
        assert_int_equal(frame_read_ping(p, &timestamp), n == 8 ? 0 : ERR_PROTOCOL);
        free((void *)p.ptr);
    }
}

static void reserved_bits_and_lengths_are_refused(void **state)
{
    struct frame_header h;
    struct frame_ack_row rows[FRAME_ACK_ROWS_MAX];
    size_t count;
    struct bufq q = {0};

    (void)state;
    bufq_push(&q, "\0\0\x12\0\x80\0\0\1", 8);
    assert_int_equal(frame_peek(&q, &h), ERR_PROTOCOL);
    bufq_clear(&q);
    bufq_push(&q, "\xff\xf9\x12\0\0\0\0\1", 8); /* 65529 */
    assert_int_equal(frame_peek(&q, &h), ERR_PROTOCOL);
    bufq_clear(&q);
    bufq_push(&q, "\xff\xf8\x12\0\0\0\0\1", 8); /* 65528 */
    assert_int_equal(frame_peek(&q, &h), 0);
    assert_int_equal(h.length, 65528);
    struct slice payload;
    assert_int_equal(frame_take(&q, &h, &payload), ERR_TOO_LARGE);
    bufq_clear(&q);
    assert_int_equal(frame_read_ack(SLICE("\x80\0\0\1\0\0\0\0\0\0\0\0"), rows, &count),
                     ERR_PROTOCOL);
}

static void a_frame_is_taken_whole_at_every_split(void **state)
{
    struct bufq whole = {0};

    (void)state;
    frame_put_goaway(&whole, GOAWAY_REVOKED);
    struct slice bytes = bufq_front(&whole);
    for (size_t cut = 0; cut < bytes.len; cut++) {
        struct bufq q = {0};
        struct frame_header h;
        struct slice payload;

        bufq_push(&q, bytes.ptr, cut);
        assert_int_equal(frame_take(&q, &h, &payload), ERR_MORE);
        assert_int_equal(q.bytes, cut);
        bufq_push(&q, bytes.ptr + cut, bytes.len - cut);
        assert_int_equal(frame_take(&q, &h, &payload), 0);
        assert_int_equal(h.type, FRAME_GOAWAY);
        assert_true(slice_equal(payload, SLICE("\0\3")));
        bufq_drop(&q, h.length);
        assert_true(bufq_is_empty(&q));
    }
    bufq_clear(&whole);
}

static void every_code_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(frame_type_name(FRAME_DATA), "DATA");
    assert_string_equal(frame_type_name(0x0f), "unknown");
    assert_string_equal(frame_type_name(0xff), "unknown");
    assert_string_equal(goaway_sentence(GOAWAY_REVOKED), "the token was revoked");
    assert_string_equal(goaway_sentence(0), goaway_sentence(999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_eight_bytes_big_endian),
        cmocka_unit_test(frames_match_the_vectors_of_the_page),
        cmocka_unit_test(what_is_put_is_read),
        cmocka_unit_test(payloads_of_a_wrong_size_are_refused),
        cmocka_unit_test(reserved_bits_and_lengths_are_refused),
        cmocka_unit_test(a_frame_is_taken_whole_at_every_split),
        cmocka_unit_test(every_code_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
