/* What one HTTP/1 connection may ask of us, with the default of each limit. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/bufq.h"

enum {
    H1_HEAD_BYTES = CHUNK_LARGE_BYTES, /* a head, or trailers: 64 KiB with the chunk's header */
    H1_TARGET_BYTES = 32 * 1024,       /* request target; more is 414 */
    H1_FIELDS = 256,                   /* fields in a head */
    H1_INFORMATIONAL = 16,             /* 1xx heads before the final one */
    H1_DRAIN_BYTES = 64 * 1024,        /* unread request body worth reading to keep a connection */
    H1_HEAD_MS = 30 * 1000,            /* from a head's first byte to its last */
    H1_IDLE_MS = 75 * 1000,            /* between two requests */
    H1_STALL_MS = 60 * 1000,           /* a visitor that neither sends nor takes body bytes */
    H1_ANSWER_MS = 300 * 1000,         /* from the end of the request to the final head */
    H1_LEFT_MS = 2 * 1000,             /* after a visitor's FIN: for an endless answer to go on */
    H1_LINGER_MS = 2 * 1000,           /* after a last answer: for the visitor to read it */
    H1_LINGER_BYTES = 1024 * 1024,     /* thrown away meanwhile */
};

struct h1_limits {
    uint32_t head_bytes;
    uint32_t target_bytes;
    uint32_t fields;
    uint32_t drain_bytes;
    uint32_t head_ms;
    uint32_t idle_ms;
    uint32_t stall_ms;
    uint32_t left_ms;
    uint32_t answer_ms; /* back only; 0: no limit */
};

#define H1_LIMITS_DEFAULT                                                                          \
    {                                                                                              \
        .head_bytes = H1_HEAD_BYTES, .target_bytes = H1_TARGET_BYTES, .fields = H1_FIELDS,         \
        .drain_bytes = H1_DRAIN_BYTES, .head_ms = H1_HEAD_MS, .idle_ms = H1_IDLE_MS,               \
        .stall_ms = H1_STALL_MS, .left_ms = H1_LEFT_MS, .answer_ms = H1_ANSWER_MS,                 \
    }
