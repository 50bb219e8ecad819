/* The chunked transfer coding (RFC 9112 section 7.1), both ways.
 *
 *      1f;name=value CRLF  31 bytes  CRLF      any number of these
 *      0 CRLF                                  then trailers, which are h1_fields_parse's
 *
 * Resumable at every byte. Body bytes move from queue to queue by reference; only the lines around
 * them are looked at. Pure.
 */
#pragma once
#include <stdint.h>

#include "wire/h1_head.h"

enum {
    H1_CHUNK_SIZE_DIGITS = 15,        /* a size below 2^60 */
    H1_CHUNK_EXTENSION_BYTES = 1024,  /* of one chunk */
    H1_CHUNK_EXTENSIONS_BYTES = 8192, /* of a whole body */
};

enum h1_chunk_state {
    H1_CHUNK_SIZE,      /* hex digits */
    H1_CHUNK_EXTENSION, /* from behind the size to CR */
    H1_CHUNK_SIZE_LF,   /* CR came */
    H1_CHUNK_BYTES,     /* `left` bytes of body */
    H1_CHUNK_END_CR,    /* behind the body bytes */
    H1_CHUNK_END_LF,
    H1_CHUNK_DONE, /* the last chunk's line is read */
};

/* Zeroed to begin. */
struct h1_chunk_reader {
    enum h1_chunk_state state;
    unsigned digits;
    uint64_t left; /* of this chunk */
    uint32_t extension_bytes;
    uint32_t extensions_bytes;
};

/* Moves up to max body bytes from the front of `in` to the end of `body`.
 * 0: max bytes came; ERR_MORE: `in` is used up; ERR_EOF: the last chunk is behind us, `in` begins
 * with the trailers. Bytes may have come in any of these cases. ERR_PROTOCOL with *fault_out: not
 * to be called again. */
MUST_USE int h1_chunk_read(struct h1_chunk_reader *r, struct bufq *in, struct bufq *body,
                           size_t max, enum h1_fault *fault_out);

/* Appends one chunk made of the first n bytes of `body` (0 < n <= body->bytes). */
void h1_chunk_write(struct bufq *out, struct bufq *body, size_t n);

/* Appends the last chunk's line; fields or an empty line follow (h1_fields_write). */
void h1_chunk_write_last(struct bufq *out);
