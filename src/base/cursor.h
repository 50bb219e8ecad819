/* Reading and writing big-endian fields in a piece of memory, with a sticky error.
 *
 * Read or write as many fields as you like and ask once at the end: after the first one that does
 * not fit, reads give zeros, writes do nothing, and the error stays.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct reader {
    const uint8_t *at;
    size_t left;
    bool has_failed;
};

static inline struct reader reader_of(struct slice s)
{
    return (struct reader){(const uint8_t *)s.ptr, s.len, false};
}

uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
struct slice read_slice(struct reader *r, size_t n);    /* a view */
void read_bytes(struct reader *r, void *out, size_t n); /* a copy */
MUST_USE int reader_end(const struct reader *r);        /* ERR_PROTOCOL: cut short, or not empty */

struct writer {
    uint8_t *start;
    uint8_t *at;
    size_t left;
    bool has_failed;
};

static inline struct writer writer_of(void *out, size_t cap)
{
    return (struct writer){out, out, cap, false};
}

void write_u8(struct writer *w, uint8_t v);
void write_u16(struct writer *w, uint16_t v);
void write_u32(struct writer *w, uint32_t v);
void write_u64(struct writer *w, uint64_t v);
void write_slice(struct writer *w, struct slice s);

static inline size_t writer_len(const struct writer *w)
{
    return (size_t)(w->at - w->start);
}
