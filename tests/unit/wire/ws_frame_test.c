#include "wire_check.h"

#include "base/mem.h"
#include "wire/ws_frame.h"

static struct slice bytes_of(const char *hex, uint8_t *out)
{
    size_t n = 0;

    for (const char *h = hex; *h; h++) {
        if (*h != ' ') {
            char pair[3] = {h[0], h[1], 0};
            out[n++] = (uint8_t)strtoul(pair, NULL, 16);
            h++;
        }
    }
    return slice_of(out, n);
}

/* RFC 6455 section 5.7: heads, and how long their payloads are. */
static const struct {
    const char *hex;
    enum ws_role sender;
    enum ws_opcode opcode;
    bool is_final;
    uint64_t payload_bytes;
} heads[] = {
    {"81 05", WS_SERVER, WS_TEXT, true, 5},
    {"81 85 37 fa 21 3d", WS_CLIENT, WS_TEXT, true, 5},
    {"01 03", WS_SERVER, WS_TEXT, false, 3},
    {"80 02", WS_SERVER, WS_CONTINUATION, true, 2},
    {"89 05", WS_SERVER, WS_PING, true, 5},
    {"8a 85 37 fa 21 3d", WS_CLIENT, WS_PONG, true, 5},
    {"82 7e 01 00", WS_SERVER, WS_BINARY, true, 256},
    {"82 7f 00 00 00 00 00 01 00 00", WS_SERVER, WS_BINARY, true, 65536},
    /* and the bounds of each form */
    {"82 7d", WS_SERVER, WS_BINARY, true, 125},
    {"82 7e 00 7e", WS_SERVER, WS_BINARY, true, 126},
    {"82 7e ff ff", WS_SERVER, WS_BINARY, true, 65535},
    {"82 fe 00 7e 01 02 03 04", WS_CLIENT, WS_BINARY, true, 126},
    {"82 ff 7f ff ff ff ff ff ff ff 01 02 03 04", WS_CLIENT, WS_BINARY, true, INT64_MAX},
    {"88 7d", WS_SERVER, WS_CLOSE, true, 125},
    {"88 00", WS_SERVER, WS_CLOSE, true, 0},
};

static void heads_are_read_and_written_to_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        uint8_t bytes[WS_HEAD_MAX_BYTES];
        uint8_t again[WS_HEAD_MAX_BYTES];
        struct slice s = bytes_of(heads[i].hex, bytes);
        struct ws_head head;
        size_t length;

        assert_int_equal(ws_head_read(s, heads[i].sender, &head, &length), 0);
        assert_int_equal(length, s.len);
        assert_int_equal(head.opcode, heads[i].opcode);
        assert_int_equal(head.is_final, heads[i].is_final);
        assert_int_equal(head.is_masked, heads[i].sender == WS_CLIENT);
        assert_true(head.payload_bytes == heads[i].payload_bytes);
        assert_int_equal(ws_head_write(&head, again), s.len);
        assert_memory_equal(again, bytes, s.len);
    }
}

static void every_truncated_head_asks_for_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        uint8_t bytes[WS_HEAD_MAX_BYTES];
        struct slice s = bytes_of(heads[i].hex, bytes);
        struct ws_head head;
        size_t length;

        for (size_t n = 0; n < s.len; n++) {
            struct slice cut = tight_copy(slice_sub(s, 0, n));
            assert_int_equal(ws_head_read(cut, heads[i].sender, &head, &length), ERR_MORE);
            free((void *)cut.ptr);
        }
    }
}

static void what_follows_a_head_is_left_alone(void **state)
{
    (void)state;
    uint8_t bytes[32];
    struct slice s = bytes_of("82 01 ff 00 00 00 00 00 00 00 00 00 00 00 00 00", bytes);
    struct ws_head head;
    size_t length;

    assert_int_equal(ws_head_read(s, WS_SERVER, &head, &length), 0);
    assert_int_equal(length, 2);
}

static void broken_heads_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum ws_role sender;
    } bad[] = {
        {"c2 00", WS_SERVER}, /* reserved bits */
        {"a2 00", WS_SERVER},
        {"92 00", WS_SERVER},
        {"83 00", WS_SERVER}, /* opcodes nobody knows */
        {"87 00", WS_SERVER},
        {"8b 00", WS_SERVER},
        {"8f 00", WS_SERVER},
        {"82 80 00 00 00 00", WS_SERVER}, /* a server must not mask */
        {"82 00", WS_CLIENT},             /* a client must */
        {"82 7e 00 7d", WS_SERVER},       /* not the shortest form */
        {"82 7f 00 00 00 00 00 00 ff ff", WS_SERVER},
        {"82 7f 80 00 00 00 00 00 00 00", WS_SERVER}, /* above 2^63 - 1 */
        {"09 00", WS_SERVER},                         /* control frames in pieces */
        {"08 00", WS_SERVER},
        {"89 7e 00 7e", WS_SERVER}, /* and too long */
        {"88 fe 00 7e 00 00 00 00", WS_CLIENT},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint8_t bytes[WS_HEAD_MAX_BYTES];
        struct slice s = bytes_of(bad[i].hex, bytes);
        struct ws_head head;
        size_t length;

        assert_int_equal(ws_head_read(s, bad[i].sender, &head, &length), ERR_PROTOCOL);
    }
}

/* ---- masking ---- */

static void the_masked_hello_of_the_rfc_unmasks(void **state)
{
    (void)state;
    uint8_t bytes[8];
    uint8_t mask[4];

    bytes_of("7f 9f 4d 51 58", bytes);
    bytes_of("37 fa 21 3d", mask);
    ws_mask(bytes, bytes, 5, mask, 0);
    assert_memory_equal(bytes, "Hello", 5);
}

/* Every length around the width of a block, every alignment, every phase, also in place. */
static void masking_by_blocks_equals_masking_by_bytes(void **state)
{
    (void)state;
    static const uint8_t mask[4] = {0x12, 0xA5, 0x00, 0xFE};
    uint8_t from[128];
    uint8_t to[128];

    for (size_t n = 0; n <= 100; n++) {
        for (size_t shift = 0; shift < 8; shift++) {
            for (uint64_t offset = 0; offset < 5; offset++) {
                for (size_t i = 0; i < sizeof from; i++) {
                    from[i] = (uint8_t)(i * 7 + n);
                    to[i] = 0xEE;
                }
                ws_mask(to + 3, from + shift, n, mask, offset);
                for (size_t i = 0; i < n; i++) {
                    assert_int_equal(to[3 + i], from[shift + i] ^ mask[(offset + i) % 4]);
                }
                assert_int_equal(to[2], 0xEE);
                assert_int_equal(to[3 + n], 0xEE);
                ws_mask(from + shift, from + shift, n, mask, offset);
                assert_memory_equal(from + shift, to + 3, n);
            }
        }
    }
}

static void a_payload_may_be_unmasked_at_every_split_point(void **state)
{
    (void)state;
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t plain[77];
    uint8_t masked[77];
    uint8_t back[77];

    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (uint8_t)i;
    }
    ws_mask(masked, plain, sizeof plain, mask, 0);
    for (size_t cut = 0; cut <= sizeof plain; cut++) {
        ws_mask(back, masked, cut, mask, 0);
        ws_mask(back + cut, masked + cut, sizeof plain - cut, mask, cut);
        assert_memory_equal(back, plain, sizeof plain);
    }
}

/* ---- order ---- */

static void a_message_may_hold_control_frames_and_no_other_message(void **state)
{
    (void)state;
    struct ws_sequence q = {0};
    const struct ws_head first = {.opcode = WS_BINARY};
    const struct ws_head middle = {.opcode = WS_CONTINUATION};
    const struct ws_head last = {.opcode = WS_CONTINUATION, .is_final = true};
    const struct ws_head whole = {.opcode = WS_TEXT, .is_final = true};
    const struct ws_head ping = {.opcode = WS_PING, .is_final = true};

    assert_int_equal(ws_sequence_add(&q, &last), ERR_PROTOCOL); /* of nothing */
    assert_int_equal(ws_sequence_add(&q, &first), 0);
    assert_int_equal(q.opcode, WS_BINARY);
    assert_int_equal(ws_sequence_add(&q, &ping), 0);
    assert_int_equal(ws_sequence_add(&q, &middle), 0);
    assert_int_equal(ws_sequence_add(&q, &whole), ERR_PROTOCOL);
    assert_int_equal(ws_sequence_add(&q, &first), ERR_PROTOCOL);
    assert_int_equal(ws_sequence_add(&q, &last), 0);
    assert_false(q.is_open);
    assert_int_equal(ws_sequence_add(&q, &middle), ERR_PROTOCOL);
    assert_int_equal(ws_sequence_add(&q, &whole), 0);
    assert_int_equal(q.opcode, WS_TEXT);
    assert_false(q.is_open);
}

/* ---- close ---- */

static void only_codes_that_may_travel_are_valid(void **state)
{
    (void)state;
    static const unsigned good[] = {1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999};
    static const unsigned bad[] = {0,    1,    999,  1004, 1005, 1006,
                                   1015, 1016, 2000, 2999, 5000, 65535};

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(ws_close_code_is_valid(good[i]));
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(ws_close_code_is_valid(bad[i]));
    }
}

static void close_payloads_are_read(void **state)
{
    (void)state;
    uint8_t bytes[WS_CONTROL_MAX_BYTES];
    struct slice reason;
    unsigned code = 1;

    assert_int_equal(ws_close_read(SLICE_NONE, &code, &reason), 0);
    assert_int_equal(code, WS_CLOSE_NONE);
    assert_int_equal(ws_close_read(bytes_of("03 e8", bytes), &code, &reason), 0);
    assert_int_equal(code, 1000);
    assert_int_equal(reason.len, 0);
    assert_int_equal(ws_close_read(bytes_of("03 e9 62 79 65", bytes), &code, &reason), 0);
    assert_int_equal(code, 1001);
    assert_true(slice_is(reason, "bye"));
    assert_int_equal(ws_close_read(bytes_of("03", bytes), &code, &reason), ERR_PROTOCOL);
    assert_int_equal(ws_close_read(bytes_of("03 ee", bytes), &code, &reason), ERR_PROTOCOL);
    assert_int_equal(ws_close_read(bytes_of("03 e8 c3", bytes), &code, &reason), ERR_PROTOCOL);
}

static void a_long_reason_is_cut_between_characters(void **state)
{
    (void)state;
    uint8_t out[WS_CONTROL_MAX_BYTES];
    char text[200];
    struct slice reason;
    unsigned code;

    for (size_t i = 0; i < sizeof text; i += 2) {
        memcpy(text + i, "\xC3\xA9", 2);
    }
    size_t n = ws_close_write(WS_CLOSE_PROTOCOL, slice_of(text, sizeof text), out);
    assert_int_equal(n, 124); /* 2 + 61 characters of two bytes */
    assert_int_equal(ws_close_read(slice_of(out, n), &code, &reason), 0);
    assert_int_equal(code, WS_CLOSE_PROTOCOL);
    assert_int_equal(reason.len, 122);
    assert_int_equal(ws_close_write(WS_CLOSE_NONE, SLICE("x"), out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_read_and_written_to_the_same_bytes),
        cmocka_unit_test(every_truncated_head_asks_for_more),
        cmocka_unit_test(what_follows_a_head_is_left_alone),
        cmocka_unit_test(broken_heads_are_refused),
        cmocka_unit_test(the_masked_hello_of_the_rfc_unmasks),
        cmocka_unit_test(masking_by_blocks_equals_masking_by_bytes),
        cmocka_unit_test(a_payload_may_be_unmasked_at_every_split_point),
        cmocka_unit_test(a_message_may_hold_control_frames_and_no_other_message),
        cmocka_unit_test(only_codes_that_may_travel_are_valid),
        cmocka_unit_test(close_payloads_are_read),
        cmocka_unit_test(a_long_reason_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
