/* Big-endian fields with a sticky error. */
#include "base/cursor.h"

#include "support/check.h"

static void what_is_written_is_read(void **state)
{
    uint8_t bytes[32];
    char copy[3];
    (void)state;
    struct writer w = writer_of(bytes, sizeof bytes);
    write_u8(&w, 0x01);
    write_u16(&w, 0x0203);
    write_u32(&w, 0x04050607);
    write_u64(&w, 0x08090a0b0c0d0e0f);
    write_slice(&w, SLICE("abcxyz"));
    assert_false(w.has_failed);
    assert_int_equal(writer_len(&w), 21);
    for (uint8_t i = 0; i < 15; i++) {
        assert_int_equal(bytes[i], i + 1); /* big endian on the wire */
    }

    struct reader r = reader_of(slice_of(bytes, writer_len(&w)));
    assert_int_equal(read_u8(&r), 0x01);
    assert_int_equal(read_u16(&r), 0x0203);
    assert_int_equal(read_u32(&r), 0x04050607);
    assert_true(read_u64(&r) == 0x08090a0b0c0d0e0f);
    check_slice(read_slice(&r, 3), "abc");
    read_bytes(&r, copy, 3);
    assert_memory_equal(copy, "xyz", 3);
    assert_int_equal(reader_end(&r), 0);
}

static void a_cut_read_gives_zeros_and_the_error_stays(void **state)
{
    char copy[2] = "x";
    (void)state;
    struct reader r = reader_of(SLICE("\x01\x02\x03"));
    assert_int_equal(read_u16(&r), 0x0102);
    assert_int_equal(read_u32(&r), 0);
    assert_int_equal(read_u8(&r), 0); /* the third byte is not given any more */
    assert_null(read_slice(&r, 1).ptr);
    read_bytes(&r, copy, 1);
    assert_int_equal(copy[0], 0);
    assert_int_equal(reader_end(&r), ERR_PROTOCOL);
}

static void bytes_left_over_are_an_error(void **state)
{
    (void)state;
    struct reader r = reader_of(SLICE("\x01\x02"));
    read_u8(&r);
    assert_int_equal(reader_end(&r), ERR_PROTOCOL);
    read_u8(&r);
    assert_int_equal(reader_end(&r), 0);
}

static void a_full_writer_writes_nothing_more(void **state)
{
    uint8_t bytes[4] = {9, 9, 9, 9};
    (void)state;
    struct writer w = writer_of(bytes, 3);
    write_u16(&w, 0);
    write_u16(&w, 0x0101); /* does not fit */
    write_u8(&w, 1);       /* would fit, but the error stays */
    write_slice(&w, SLICE(""));
    assert_true(w.has_failed);
    assert_int_equal(writer_len(&w), 2);
    assert_int_equal(bytes[2], 9);
    assert_int_equal(bytes[3], 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_cut_read_gives_zeros_and_the_error_stays),
        cmocka_unit_test(bytes_left_over_are_an_error),
        cmocka_unit_test(a_full_writer_writes_nothing_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
