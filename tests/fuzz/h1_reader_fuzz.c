/* Whole connections of any shape through the reading half: pipelined requests, or answers to a
 * question, in one go and in pieces. Holds: the same heads, bodies and trailers come out, and it
 * ends in the same way. The first byte says how to split and which side it is. */
#include "base/text.h"
#include "http/h1_reader.h"

enum { MESSAGES_MAX = 20 };

static const struct h1_limits limits = {
    .head_bytes = 4096, .target_bytes = 1024, .fields = 32, .drain_bytes = 1024};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct run {
    struct h1_reader reader;
    struct bufq in;
    struct bufq body;
    struct text story;
    bool is_request;
    struct h1_question question;
    unsigned message_count;
    int end; /* 0: goes on */
};

static void tell_head(struct run *r, const struct http_head *h)
{
    text_addf(&r->story, "[%u %.*s %.*s %.*s %d %llu %d", h->status, SLICE_ARG(h->method),
              SLICE_ARG(h->authority), SLICE_ARG(h->path), (int)h->body,
              (unsigned long long)h->body_bytes, r->reader.is_kept);
    HTTP_HEAD_EACH (h, field) {
        ASSERT(field->id != HTTP_CONNECTION && field->id != HTTP_TRANSFER_ENCODING);
        text_addf(&r->story, "|%.*s=%.*s", SLICE_ARG(field->name), SLICE_ARG(field->value));
    }
    text_add_char(&r->story, ']');
}

static int read_head(struct run *r)
{
    int err = r->is_request ? h1_reader_request(&r->reader, &r->in, &limits)
                            : h1_reader_response(&r->reader, &r->in, &limits, &r->question);
    if (err == 0) {
        tell_head(r, &r->reader.head);
    }
    return err;
}

static int read_body(struct run *r, size_t max)
{
    int err = h1_reader_body(&r->reader, &r->in, &r->body, max, &limits);

    while (!bufq_is_empty(&r->body)) {
        struct slice piece = bufq_front(&r->body);
        text_add(&r->story, piece);
        bufq_drop(&r->body, piece.len);
    }
    if (err == ERR_EOF) {
        tell_head(r, &r->reader.trailers);
        h1_reader_begin(&r->reader);
        err = ++r->message_count < MESSAGES_MAX ? 0 : ERR_FULL;
    }
    return err;
}

static void advance(struct run *r, size_t max)
{
    int err = r->end;

    while (err == 0) {
        err = r->reader.state == H1_READER_HEAD ? read_head(r) : read_body(r, max);
    }
    if (err != ERR_MORE) {
        r->end = err;
    }
}

static void run_all(struct run *r, uint8_t mode, struct slice input, size_t step, size_t max)
{
    *r = (struct run){.is_request = !(mode & 0x80),
                      .question = {.asked = {.is_head = mode & 1, .is_connect = mode & 2},
                                   .has_upgrade = mode & 4}};
    h1_reader_begin(&r->reader);
    for (size_t at = 0; at < input.len && r->end == 0; at += step) {
        bufq_push_slice(&r->in, slice_sub(input, at, step));
        advance(r, max);
    }
    if (r->end == 0) {
        r->end = h1_reader_ended(&r->reader, ERR_EOF);
    }
}

static void drop(struct run *r)
{
    h1_reader_deinit(&r->reader);
    bufq_clear(&r->in);
    text_deinit(&r->story);
}

/* Of several faults the one seen first depends on how the bytes came. */
static bool is_refusal(int end)
{
    return end == ERR_PROTOCOL || end == ERR_TOO_LARGE;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct run one, many;

    if (size < 2) {
        return 0;
    }
    struct slice input = slice_of(bytes + 1, size - 1);
    run_all(&one, bytes[0], input, input.len, SIZE_MAX);
    run_all(&many, bytes[0], input, 1 + ((bytes[0] >> 3) & 0x0f), 3);
    ASSERT(one.end == many.end || (is_refusal(one.end) && is_refusal(many.end)));
    ASSERT(slice_equal(text_slice(&one.story), text_slice(&many.story)));
    drop(&one);
    drop(&many);
    return 0;
}
