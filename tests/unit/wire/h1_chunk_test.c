/* Chunked bodies: both ways, at every split and truncation, and every trick refused. */
#include "wire/h1_chunk.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

struct outcome {
    int err;
    enum h1_fault fault;
    struct bufq body;
    struct bufq rest;
};

/* Feeds the input in pieces of `step` bytes and reads at most `max` body bytes at a time. */
static struct outcome read_in_pieces(struct slice input, size_t step, size_t max)
{
    struct h1_chunk_reader r = {0};
    struct outcome o = {.err = ERR_MORE};

    for (size_t at = 0; at < input.len; at += step) {
        bufq_push_slice(&o.rest, slice_sub(input, at, step));
        do {
            if (o.err == ERR_MORE || o.err == 0) {
                o.err = h1_chunk_read(&r, &o.rest, &o.body, max, &o.fault);
            }
        } while (o.err == 0);
    }
    return o;
}

static void drop(struct outcome *o)
{
    bufq_clear(&o->body);
    bufq_clear(&o->rest);
}

static bool holds(struct bufq *q, struct slice expected)
{
    return q->bytes == expected.len && slice_equal(bufq_pullup(q, q->bytes), expected);
}

static const char sample[] = "4\r\nWiki\r\n"
                             "7;a=b;c=\"d\"\r\npedia i\r\n"
                             "00B\r\nn \r\nchunks.\r\n"
                             "0\r\n"
                             "Sum: 1\r\n\r\nGET";
static const struct slice sample_body = {"Wikipedia in \r\nchunks.", 22};

static void every_split_yields_the_same_body_and_rest(void **state)
{
    (void)state;
    for (size_t step = 1; step < sizeof(sample); step++) {
        for (size_t max = 1; max < 25; max++) {
            struct outcome o = read_in_pieces(slice_str(sample), step, max);
            assert_int_equal(o.err, ERR_EOF);
            assert_true(holds(&o.body, sample_body));
            assert_true(holds(&o.rest, SLICE("Sum: 1\r\n\r\nGET")));
            drop(&o);
        }
    }
}

static void every_truncation_needs_more(void **state)
{
    (void)state;
    for (size_t len = 0; len < slice_find(slice_str(sample), SLICE("Sum")); len++) {
        struct outcome o = read_in_pieces(slice_of(sample, len), 3, 100);
        assert_int_equal(o.err, ERR_MORE);
        drop(&o);
    }
}

static enum h1_fault fault_of(struct slice input)
{
    struct outcome o = read_in_pieces(input, input.len, 1 << 20);
    enum h1_fault fault = o.fault;

    assert_int_equal(o.err == ERR_PROTOCOL, fault != H1_FAULT_NONE);
    drop(&o);
    return fault;
}
#define FAULT(literal) fault_of(SLICE(literal))

static void every_chunk_trick_is_refused(void **state)
{
    (void)state;
    assert_int_equal(FAULT("\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("x\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("0x4\r\nWiki\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("+4\r\nWiki\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("-1\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT(" 4\r\nWiki\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("4 \r\nWiki\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("4\nWiki\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("4\rWiki\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("4\r\nWiki0\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("4\r\nWiki\n0\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("4\r\nWiki\r0\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("4\r\nWik\r\n0\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("4;a\n\r\nWiki\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("4;a\0b\r\nWiki\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("4,4\r\nWiki\r\n"), H1_FAULT_CHUNK);
    assert_int_equal(FAULT("1000000000000000\r\n"), H1_FAULT_CHUNK_LONG);
    assert_int_equal(FAULT("0000000000000001\r\n"), H1_FAULT_CHUNK_LONG);
    assert_int_equal(FAULT("fffffffffffffff\r\n"), H1_FAULT_NONE);
}

static enum h1_fault fault_of_extensions(unsigned chunks, unsigned bytes_each)
{
    struct bufq input = {0};

    for (unsigned i = 0; i < chunks; i++) {
        bufq_push_str(&input, "1;");
        for (unsigned j = 0; j < bytes_each; j++) {
            bufq_push_str(&input, "x");
        }
        bufq_push_str(&input, "\r\na\r\n");
    }
    enum h1_fault fault = fault_of(bufq_pullup(&input, input.bytes));
    bufq_clear(&input);
    return fault;
}

static void extensions_are_limited_per_chunk_and_per_body(void **state)
{
    unsigned all = H1_CHUNK_EXTENSIONS_BYTES / H1_CHUNK_EXTENSION_BYTES;

    (void)state;
    assert_int_equal(fault_of_extensions(1, H1_CHUNK_EXTENSION_BYTES), H1_FAULT_NONE);
    assert_int_equal(fault_of_extensions(1, H1_CHUNK_EXTENSION_BYTES + 1), H1_FAULT_CHUNK_LONG);
    assert_int_equal(fault_of_extensions(all, H1_CHUNK_EXTENSION_BYTES), H1_FAULT_NONE);
    assert_int_equal(fault_of_extensions(all + 1, H1_CHUNK_EXTENSION_BYTES), H1_FAULT_CHUNK_LONG);
}

static void what_is_written_reads_back(void **state)
{
    static const size_t sizes[] = {1, 15, 16, 17, 255, 256, 4095, 4096, 70000};
    struct bufq body = {0};
    struct bufq wire = {0};
    struct bufq back = {0};
    struct h1_chunk_reader r = {0};
    enum h1_fault fault;
    size_t total = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t n = 0; n < sizes[i]; n++) {
            bufq_push(&body, &(char){(char)(n * 7)}, 1);
        }
        h1_chunk_write(&wire, &body, sizes[i]);
        assert_true(bufq_is_empty(&body));
        total += sizes[i];
    }
    h1_chunk_write_last(&wire);
    assert_int_equal(h1_chunk_read(&r, &wire, &back, SIZE_MAX, &fault), ERR_EOF);
    assert_int_equal(back.bytes, total);
    assert_true(bufq_is_empty(&wire));
    bufq_clear(&back);
}

static void large_pieces_move_without_a_copy(void **state)
{
    struct bufq wire = {0};
    struct bufq body = {0};
    struct h1_chunk_reader r = {0};
    enum h1_fault fault;
    size_t room;

    (void)state;
    bufq_push_str(&wire, "8000\r\n");
    uint8_t *bytes = bufq_reserve(&wire, 0x8000, &room);
    memset(bytes, 'b', 0x8000);
    bufq_commit(&wire, 0x8000);
    assert_int_equal(h1_chunk_read(&r, &wire, &body, SIZE_MAX, &fault), ERR_MORE);
    assert_int_equal(body.bytes, 0x8000);
    assert_ptr_equal(bufq_front(&body).ptr, bytes);
    bufq_clear(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_yields_the_same_body_and_rest),
        cmocka_unit_test(every_truncation_needs_more),
        cmocka_unit_test(every_chunk_trick_is_refused),
        cmocka_unit_test(extensions_are_limited_per_chunk_and_per_body),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(large_pieces_move_without_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
