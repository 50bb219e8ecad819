#include "base/cursor.h"

static const uint8_t *advance(struct reader *r, size_t n)
{
    if (r->has_failed || n > r->left) {
        r->has_failed = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += n;
    r->left -= n;
    return p;
}

static uint64_t read_uint(struct reader *r, size_t bytes)
{
    const uint8_t *p = advance(r, bytes);
    uint64_t v = 0;

    for (size_t i = 0; p && i < bytes; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_uint(r, 1);
}

uint16_t read_u16(struct reader *r)
{
    return (uint16_t)read_uint(r, 2);
}

uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_uint(r, 4);
}

uint64_t read_u64(struct reader *r)
{
    return read_uint(r, 8);
}

struct slice read_slice(struct reader *r, size_t n)
{
    const uint8_t *p = advance(r, n);
    return p ? slice_of(p, n) : SLICE_NONE;
}

void read_bytes(struct reader *r, void *out, size_t n)
{
    const uint8_t *p = advance(r, n);

    if (p) {
        memcpy(out, p, n);
    } else {
        memset(out, 0, n);
    }
}

int reader_end(const struct reader *r)
{
    return r->has_failed || r->left > 0 ? ERR_PROTOCOL : 0;
}

static void write_uint(struct writer *w, uint64_t v, size_t bytes)
{
    if (w->has_failed || bytes > w->left) {
        w->has_failed = true;
        return;
    }
    for (size_t i = 0; i < bytes; i++) {
        w->at[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    }
    w->at += bytes;
    w->left -= bytes;
}

void write_u8(struct writer *w, uint8_t v)
{
    write_uint(w, v, 1);
}

void write_u16(struct writer *w, uint16_t v)
{
    write_uint(w, v, 2);
}

void write_u32(struct writer *w, uint32_t v)
{
    write_uint(w, v, 4);
}

void write_u64(struct writer *w, uint64_t v)
{
    write_uint(w, v, 8);
}

void write_slice(struct writer *w, struct slice s)
{
    if (w->has_failed || s.len > w->left) {
        w->has_failed = true;
        return;
    }
    if (s.len) {
        memcpy(w->at, s.ptr, s.len);
    }
    w->at += s.len;
    w->left -= s.len;
}
