/* Form: resumable byte parser. One function takes one byte of a line; body bytes never come here.
 */
#include "wire/h1_chunk.h"

#include "wire/http_value.h"

static const uint8_t may_follow[] = {
    [H1_CHUNK_SIZE] = 1 << H1_CHUNK_SIZE_LF | 1 << H1_CHUNK_EXTENSION,
    [H1_CHUNK_EXTENSION] = 1 << H1_CHUNK_SIZE_LF,
    [H1_CHUNK_SIZE_LF] = 1 << H1_CHUNK_BYTES | 1 << H1_CHUNK_DONE,
    [H1_CHUNK_BYTES] = 1 << H1_CHUNK_END_CR,
    [H1_CHUNK_END_CR] = 1 << H1_CHUNK_END_LF,
    [H1_CHUNK_END_LF] = 1 << H1_CHUNK_SIZE,
    [H1_CHUNK_DONE] = 0,
};

static void set_state(struct h1_chunk_reader *r, enum h1_chunk_state next)
{
    ASSERT(may_follow[r->state] & 1 << next);
    r->state = next;
}

/* chunk-size = 1*HEXDIG; a blank may stand before an extension only. */
static enum h1_fault on_size(struct h1_chunk_reader *r, uint8_t c)
{
    int digit = ascii_hex_value((char)c);

    if (digit >= 0) {
        r->left = r->left * 16 + (unsigned)digit;
        return ++r->digits > H1_CHUNK_SIZE_DIGITS ? H1_FAULT_CHUNK_LONG : H1_FAULT_NONE;
    }
    if (r->digits == 0) {
        return H1_FAULT_CHUNK;
    }
    if (c == '\r') {
        set_state(r, H1_CHUNK_SIZE_LF);
        return H1_FAULT_NONE;
    }
    set_state(r, H1_CHUNK_EXTENSION);
    return c == ';' ? H1_FAULT_NONE : H1_FAULT_CHUNK;
}

/* What extensions say does not matter, that they end does. */
static enum h1_fault on_extension(struct h1_chunk_reader *r, uint8_t c)
{
    if (c == '\r') {
        set_state(r, H1_CHUNK_SIZE_LF);
        return H1_FAULT_NONE;
    }
    r->extension_bytes++;
    r->extensions_bytes++;
    if (r->extension_bytes > H1_CHUNK_EXTENSION_BYTES ||
        r->extensions_bytes > H1_CHUNK_EXTENSIONS_BYTES) {
        return H1_FAULT_CHUNK_LONG;
    }
    return http_is_text(slice_of(&c, 1)) ? H1_FAULT_NONE : H1_FAULT_CHUNK;
}

static enum h1_fault on_size_lf(struct h1_chunk_reader *r, uint8_t c)
{
    set_state(r, r->left > 0 ? H1_CHUNK_BYTES : H1_CHUNK_DONE);
    r->digits = 0;
    r->extension_bytes = 0;
    return c == '\n' ? H1_FAULT_NONE : H1_FAULT_CHUNK;
}

static enum h1_fault on_end_cr(struct h1_chunk_reader *r, uint8_t c)
{
    set_state(r, H1_CHUNK_END_LF);
    return c == '\r' ? H1_FAULT_NONE : H1_FAULT_CHUNK;
}

static enum h1_fault on_end_lf(struct h1_chunk_reader *r, uint8_t c)
{
    set_state(r, H1_CHUNK_SIZE);
    return c == '\n' ? H1_FAULT_NONE : H1_FAULT_CHUNK;
}

static enum h1_fault on_byte(struct h1_chunk_reader *r, uint8_t c)
{
    switch (r->state) {
    case H1_CHUNK_SIZE:
        return on_size(r, c);
    case H1_CHUNK_EXTENSION:
        return on_extension(r, c);
    case H1_CHUNK_SIZE_LF:
        return on_size_lf(r, c);
    case H1_CHUNK_END_CR:
        return on_end_cr(r, c);
    case H1_CHUNK_END_LF:
        return on_end_lf(r, c);
    case H1_CHUNK_BYTES:
    case H1_CHUNK_DONE:
        break;
    }
    UNREACHABLE();
}

static bool is_between_bodies(const struct h1_chunk_reader *r)
{
    return r->state != H1_CHUNK_BYTES && r->state != H1_CHUNK_DONE;
}

/* Uses up bytes of lines from the front of `in`. */
static int read_lines(struct h1_chunk_reader *r, struct bufq *in, enum h1_fault *fault_out)
{
    struct slice front = bufq_front(in);
    size_t used = 0;

    *fault_out = H1_FAULT_NONE;
    while (used < front.len && is_between_bodies(r) && *fault_out == H1_FAULT_NONE) {
        *fault_out = on_byte(r, (uint8_t)front.ptr[used]);
        used++;
    }
    bufq_drop(in, used);
    return *fault_out == H1_FAULT_NONE ? 0 : ERR_PROTOCOL;
}

static size_t read_body(struct h1_chunk_reader *r, struct bufq *in, struct bufq *body, size_t max)
{
    size_t n = bufq_move(body, in, r->left < max ? (size_t)r->left : max);

    r->left -= n;
    if (r->left == 0) {
        set_state(r, H1_CHUNK_END_CR);
    }
    return n;
}

int h1_chunk_read(struct h1_chunk_reader *r, struct bufq *in, struct bufq *body, size_t max,
                  enum h1_fault *fault_out)
{
    for (;;) {
        if (r->state == H1_CHUNK_DONE) {
            return ERR_EOF;
        }
        if (r->state == H1_CHUNK_BYTES && max == 0) {
            return 0;
        }
        if (bufq_is_empty(in)) {
            return ERR_MORE;
        }
        if (r->state == H1_CHUNK_BYTES) {
            max -= read_body(r, in, body, max);
        } else {
            TRY(read_lines(r, in, fault_out));
        }
    }
}

void h1_chunk_write(struct bufq *out, struct bufq *body, size_t n)
{
    char line[2 * sizeof(n) + 2];
    char *at = line + sizeof(line) - 2;

    memcpy(at, "\r\n", 2);
    for (size_t left = n; left > 0; left >>= 4) {
        *--at = "0123456789abcdef"[left & 15];
    }
    bufq_push(out, at, (size_t)(line + sizeof(line) - at));
    bufq_move(out, body, n);
    bufq_push_str(out, "\r\n");
}

void h1_chunk_write_last(struct bufq *out)
{
    bufq_push_str(out, "0\r\n");
}
