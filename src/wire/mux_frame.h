/* The frames of a link: header, types, flags, and the payloads of the frames streams live by.
 *
 *     0        2      3       4            8
 *     +--------+------+-------+------------+---------- ... ----------+
 *     | length | type | flags | stream id  | payload (length bytes)  |
 *     +--------+------+-------+------------+---------- ... ----------+
 *       u16      u8     u8      u32          at most FRAME_PAYLOAD_MAX
 *
 * Big endian. Pure codecs: what a frame may follow is the engine's business (mux/), what is inside
 * the handshake frames is link_hello.h's. docs/protocol.md is the page this is written from.
 */
#pragma once
#include "base/bufq.h"
#include "base/cursor.h"

enum {
    FRAME_HEADER_BYTES = 8,
    FRAME_PAYLOAD_MAX = 65528,
    FRAME_ID_MAX = 1 << 30, /* ids above are never opened: GOAWAY rollover comes first */
    FRAME_ACK_ROWS_MAX = 64,
    FRAME_ACK_ROW_BYTES = 12,
    FRAME_OFFSET_BYTES = 8, /* of DATA, with DATA_OFFSET */
    FRAME_OPEN_MIN = 12,    /* payload of an OPEN without facts */
    FRAME_TAKE_MAX = 65512, /* what frame_take joins: a whole table frame, one chunk */
};

/*      name       type */
#define FRAME_TYPE_LIST(X)                                                                         \
    X(HELLO, 0x01)                                                                                 \
    X(LOGIN, 0x02)                                                                                 \
    X(LOGGED_IN, 0x03)                                                                             \
    X(REFUSED, 0x04)                                                                               \
    X(RESUME, 0x05)                                                                                \
    X(RESUMED, 0x06)                                                                               \
    X(TABLE, 0x07)                                                                                 \
    X(UNKNOWN, 0x08)                                                                               \
    X(OPEN, 0x10)                                                                                  \
    X(OPENED, 0x11)                                                                                \
    X(DATA, 0x12)                                                                                  \
    X(WINDOW, 0x13)                                                                                \
    X(ACK, 0x14)                                                                                   \
    X(STOP, 0x15)                                                                                  \
    X(RESET, 0x16)                                                                                 \
    X(RESET_ACK, 0x17)                                                                             \
    X(PING, 0x20)                                                                                  \
    X(PONG, 0x21)                                                                                  \
    X(GOAWAY, 0x22)

enum frame_type {
#define X(name, value) FRAME_##name = (value),
    FRAME_TYPE_LIST(X)
#undef X
        FRAME_TYPE_COUNT = 0x23,
};

enum frame_flags {
    DATA_FIN = 0x01,    /* nothing comes after these bytes */
    DATA_BEGIN = 0x02,  /* an exchange starts with the first of these bytes */
    DATA_OFFSET = 0x04, /* the payload begins with the u64 offset of its first byte */

    TABLE_MORE = 0x01, /* on RESUME, RESUMED, TABLE: rows go on in the next frame, a TABLE */

    FRAME_SKIPPABLE = 0x80, /* on types the receiver does not know: it may skip the frame */
};

/*      name       code  sentence */
#define GOAWAY_LIST(X)                                                                             \
    X(SUCCESSOR, 1, "a new relay process takes over: log in again, beside this session")           \
    X(ROLLOVER, 2, "stream ids are used up: log in again, beside this session")                    \
    X(REVOKED, 3, "the token was revoked")                                                         \
    X(SHUTDOWN, 4, "shutting down")                                                                \
    X(SUPERSEDED, 5, "another agent took over")

enum goaway_reason {
#define X(name, code, sentence) GOAWAY_##name = (code),
    GOAWAY_LIST(X)
#undef X
};

struct frame_header {
    uint16_t length;
    uint8_t type;
    uint8_t flags;
    uint32_t id;
};

struct frame_window {
    uint64_t received;
    uint64_t limit;
};

struct frame_reset {
    uint16_t code;         /* enum reset_code */
    uint64_t final_offset; /* bytes the sender of the RESET had sent */
};

struct frame_open {
    uint32_t tunnel_id;
    uint64_t limit;     /* credit for the other direction */
    struct slice facts; /* TLVs, open_facts.h; a view */
};

struct frame_ack_row {
    uint32_t id;
    uint64_t received;
};

/* "DATA"; "0x7f" style names are not made: unknown types give "unknown". */
const char *frame_type_name(uint8_t type);
const char *goaway_sentence(uint16_t reason);

/* The header of the frame at the front of `in`, which stays there. ERR_MORE: fewer than 8 bytes.
 * ERR_PROTOCOL: a reserved bit of the id is set, or the length is above FRAME_PAYLOAD_MAX. */
MUST_USE int frame_peek(const struct bufq *in, struct frame_header *out);

/* frame_peek, and ERR_MORE until the payload is there too: then the header is dropped and
 * *payload_out is a view of the payload, in one piece, good until `in` changes. The caller drops
 * it (bufq_drop(in, header.length)). ERR_TOO_LARGE above FRAME_TAKE_MAX. For the handshake; the
 * engine moves DATA without a copy. */
MUST_USE int frame_take(struct bufq *in, struct frame_header *header_out,
                        struct slice *payload_out);

/* Appends a header; the caller appends exactly `length` bytes. */
void frame_put_header(struct bufq *out, enum frame_type type, uint8_t flags, uint32_t id,
                      size_t length);

/* The header of a DATA frame of `length` bytes, and the offset where flags say so. */
void frame_put_data(struct bufq *out, uint32_t id, uint8_t flags, uint64_t offset, size_t length);

/* Appends whole frames. Facts and rows within their limits are the caller's duty. */
void frame_put_open(struct bufq *out, uint32_t id, const struct frame_open *open);
void frame_put_opened(struct bufq *out, uint32_t id, struct slice facts);
void frame_put_window(struct bufq *out, uint32_t id, const struct frame_window *window);
void frame_put_ack(struct bufq *out, const struct frame_ack_row *rows, size_t count);
void frame_put_stop(struct bufq *out, uint32_t id, uint16_t code);
void frame_put_reset(struct bufq *out, uint32_t id, const struct frame_reset *reset);
void frame_put_reset_ack(struct bufq *out, uint32_t id);
void frame_put_ping(struct bufq *out, enum frame_type ping_or_pong, uint64_t timestamp);
void frame_put_goaway(struct bufq *out, uint16_t reason);

/* Payloads back into values. ERR_PROTOCOL when the size does not fit. */
MUST_USE int frame_read_open(struct slice payload, struct frame_open *out);
MUST_USE int frame_read_window(struct slice payload, struct frame_window *out);
MUST_USE int frame_read_ack(struct slice payload, struct frame_ack_row *rows, size_t *count_out);
MUST_USE int frame_read_code(struct slice payload, uint16_t *out); /* STOP and GOAWAY */
MUST_USE int frame_read_reset(struct slice payload, struct frame_reset *out);
MUST_USE int frame_read_ping(struct slice payload, uint64_t *timestamp_out);
