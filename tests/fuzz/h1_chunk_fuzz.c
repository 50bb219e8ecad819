/* Chunked bodies of any shape, read in one go and in pieces: the same bytes, the same verdict, and
 * what was read survives being written and read again. The first byte says how to split. */
#include "wire/h1_chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct outcome {
    int err;
    enum h1_fault fault;
    struct bufq body;
    struct bufq rest;
};

static void read_in_pieces(struct slice input, size_t step, size_t max, struct outcome *o)
{
    struct h1_chunk_reader r = {0};

    *o = (struct outcome){.err = ERR_MORE};
    for (size_t at = 0; at < input.len; at += step) {
        bufq_push_slice(&o->rest, slice_sub(input, at, step));
        while (o->err == ERR_MORE || o->err == 0) {
            o->err = h1_chunk_read(&r, &o->rest, &o->body, max, &o->fault);
            if (o->err == ERR_MORE) {
                break;
            }
        }
    }
}

static void check_equal(struct bufq *a, struct bufq *b)
{
    ASSERT(a->bytes == b->bytes);
    while (!bufq_is_empty(a)) {
        struct slice x = bufq_front(a), y = bufq_front(b);
        size_t n = x.len < y.len ? x.len : y.len;
        ASSERT(memcmp(x.ptr, y.ptr, n) == 0);
        bufq_drop(a, n);
        bufq_drop(b, n);
    }
}

static void check_round_trip(struct bufq *body)
{
    struct h1_chunk_reader r = {0};
    struct bufq copy = {0}, wire = {0}, back = {0};
    struct bufq_mark mark = {0};
    enum h1_fault fault;

    bufq_share(&copy, body, &mark, body->bytes);
    while (!bufq_is_empty(&copy)) {
        h1_chunk_write(&wire, &copy, copy.bytes > 100 ? 100 : copy.bytes);
    }
    h1_chunk_write_last(&wire);
    ASSERT(h1_chunk_read(&r, &wire, &back, SIZE_MAX, &fault) == ERR_EOF);
    ASSERT(bufq_is_empty(&wire));
    check_equal(body, &back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct outcome one, many;

    if (size < 2) {
        return 0;
    }
    struct slice input = slice_of(bytes + 1, size - 1);
    read_in_pieces(input, input.len, SIZE_MAX, &one);
    read_in_pieces(input, 1 + (bytes[0] & 0x0f), 1 + (bytes[0] >> 4), &many);
    ASSERT(one.err == many.err && one.fault == many.fault);
    if (one.err != ERR_PROTOCOL) {
        check_equal(&one.rest, &many.rest);
        check_round_trip(&one.body);
    }
    bufq_clear(&one.body);
    bufq_clear(&one.rest);
    bufq_clear(&many.body);
    bufq_clear(&many.rest);
    return 0;
}
