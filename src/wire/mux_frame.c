#include "wire/mux_frame.h"

#include "base/mem.h"

static const char *const type_names[] = {
#define X(name, value) [value] = #name,
    FRAME_TYPE_LIST(X)
#undef X
};

static const char *const goaway_sentences[] = {
#define X(name, code, sentence) [code] = sentence,
    GOAWAY_LIST(X)
#undef X
};

const char *frame_type_name(uint8_t type)
{
    return type < COUNT_OF(type_names) && type_names[type] ? type_names[type] : "unknown";
}

const char *goaway_sentence(uint16_t reason)
{
    if (reason >= COUNT_OF(goaway_sentences) || !goaway_sentences[reason]) {
        return "for a reason not known here";
    }
    return goaway_sentences[reason];
}

/* ---- headers ---- */

int frame_peek(const struct bufq *in, struct frame_header *out)
{
    uint8_t bytes[FRAME_HEADER_BYTES];

    if (in->bytes < sizeof bytes) {
        return ERR_MORE;
    }
    bufq_peek(in, bytes, sizeof bytes);
    *out = (struct frame_header){
        .length = (uint16_t)(bytes[0] << 8 | bytes[1]),
        .type = bytes[2],
        .flags = bytes[3],
        .id = (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 | (uint32_t)bytes[6] << 8 |
              bytes[7],
    };
    return out->length > FRAME_PAYLOAD_MAX || out->id >> 31 ? ERR_PROTOCOL : 0;
}

int frame_take(struct bufq *in, struct frame_header *header_out, struct slice *payload_out)
{
    TRY(frame_peek(in, header_out));
    if (header_out->length > FRAME_TAKE_MAX) {
        return ERR_TOO_LARGE;
    }
    if (in->bytes < (size_t)FRAME_HEADER_BYTES + header_out->length) {
        return ERR_MORE;
    }
    bufq_drop(in, FRAME_HEADER_BYTES);
    *payload_out = bufq_pullup(in, header_out->length);
    return 0;
}

static void write_header(struct writer *w, enum frame_type type, uint8_t flags, uint32_t id,
                         size_t length)
{
    ASSERT(length <= FRAME_PAYLOAD_MAX);
    write_u16(w, (uint16_t)length);
    write_u8(w, (uint8_t)type);
    write_u8(w, flags);
    write_u32(w, id);
}

static void push(struct bufq *out, const struct writer *w)
{
    ASSERT(!w->has_failed);
    bufq_push(out, w->start, writer_len(w));
}

void frame_put_header(struct bufq *out, enum frame_type type, uint8_t flags, uint32_t id,
                      size_t length)
{
    uint8_t bytes[FRAME_HEADER_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);

    write_header(&w, type, flags, id, length);
    push(out, &w);
}

void frame_put_data(struct bufq *out, uint32_t id, uint8_t flags, uint64_t offset, size_t length)
{
    uint8_t bytes[FRAME_HEADER_BYTES + FRAME_OFFSET_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);

    if (flags & DATA_OFFSET) {
        write_header(&w, FRAME_DATA, flags, id, length + FRAME_OFFSET_BYTES);
        write_u64(&w, offset);
    } else {
        write_header(&w, FRAME_DATA, flags, id, length);
    }
    push(out, &w);
}

/* ---- whole frames ---- */

/* A frame whose payload is at most two numbers. */
static void put_small(struct bufq *out, enum frame_type type, uint32_t id, struct slice payload)
{
    uint8_t bytes[FRAME_HEADER_BYTES + 16];
    struct writer w = writer_of(bytes, sizeof bytes);

    write_header(&w, type, 0, id, payload.len);
    write_slice(&w, payload);
    push(out, &w);
}

void frame_put_open(struct bufq *out, uint32_t id, const struct frame_open *open)
{
    uint8_t bytes[FRAME_HEADER_BYTES + FRAME_OPEN_MIN];
    struct writer w = writer_of(bytes, sizeof bytes);

    write_header(&w, FRAME_OPEN, 0, id, FRAME_OPEN_MIN + open->facts.len);
    write_u32(&w, open->tunnel_id);
    write_u64(&w, open->limit);
    push(out, &w);
    bufq_push_slice(out, open->facts);
}

void frame_put_opened(struct bufq *out, uint32_t id, struct slice facts)
{
    frame_put_header(out, FRAME_OPENED, 0, id, facts.len);
    bufq_push_slice(out, facts);
}

void frame_put_window(struct bufq *out, uint32_t id, const struct frame_window *window)
{
    uint8_t bytes[16];
    struct writer w = writer_of(bytes, sizeof bytes);

    write_u64(&w, window->received);
    write_u64(&w, window->limit);
    put_small(out, FRAME_WINDOW, id, slice_of(bytes, writer_len(&w)));
}

void frame_put_ack(struct bufq *out, const struct frame_ack_row *rows, size_t count)
{
    uint8_t bytes[FRAME_HEADER_BYTES + FRAME_ACK_ROWS_MAX * FRAME_ACK_ROW_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);

    ASSERT(count > 0 && count <= FRAME_ACK_ROWS_MAX);
    write_header(&w, FRAME_ACK, 0, 0, count * FRAME_ACK_ROW_BYTES);
    for (size_t i = 0; i < count; i++) {
        write_u32(&w, rows[i].id);
        write_u64(&w, rows[i].received);
    }
    push(out, &w);
}

static void put_code(struct bufq *out, enum frame_type type, uint32_t id, uint16_t code)
{
    uint8_t bytes[2];
    struct writer w = writer_of(bytes, sizeof bytes);

    write_u16(&w, code);
    put_small(out, type, id, slice_of(bytes, writer_len(&w)));
}

void frame_put_stop(struct bufq *out, uint32_t id, uint16_t code)
{
    put_code(out, FRAME_STOP, id, code);
}

void frame_put_reset(struct bufq *out, uint32_t id, const struct frame_reset *reset)
{
    uint8_t bytes[10];
    struct writer w = writer_of(bytes, sizeof bytes);

    write_u16(&w, reset->code);
    write_u64(&w, reset->final_offset);
    put_small(out, FRAME_RESET, id, slice_of(bytes, writer_len(&w)));
}

void frame_put_reset_ack(struct bufq *out, uint32_t id)
{
    frame_put_header(out, FRAME_RESET_ACK, 0, id, 0);
}

void frame_put_ping(struct bufq *out, enum frame_type ping_or_pong, uint64_t timestamp)
{
    uint8_t bytes[8];
    struct writer w = writer_of(bytes, sizeof bytes);

    write_u64(&w, timestamp);
    put_small(out, ping_or_pong, 0, slice_of(bytes, writer_len(&w)));
}

void frame_put_goaway(struct bufq *out, uint16_t reason)
{
    put_code(out, FRAME_GOAWAY, 0, reason);
}

/* ---- payloads ---- */

int frame_read_open(struct slice payload, struct frame_open *out)
{
    struct reader r = reader_of(payload);

    out->tunnel_id = read_u32(&r);
    out->limit = read_u64(&r);
    out->facts = slice_of(r.at, r.left);
    return r.has_failed ? ERR_PROTOCOL : 0;
}

int frame_read_window(struct slice payload, struct frame_window *out)
{
    struct reader r = reader_of(payload);

    out->received = read_u64(&r);
    out->limit = read_u64(&r);
    return reader_end(&r);
}

int frame_read_ack(struct slice payload, struct frame_ack_row *rows, size_t *count_out)
{
    struct reader r = reader_of(payload);
    size_t count = payload.len / FRAME_ACK_ROW_BYTES;

    *count_out = 0;
    if (count == 0 || count > FRAME_ACK_ROWS_MAX) {
        return ERR_PROTOCOL;
    }
    for (size_t i = 0; i < count; i++) {
        rows[i].id = read_u32(&r);
        rows[i].received = read_u64(&r);
        if (rows[i].id >> 31) {
            return ERR_PROTOCOL;
        }
    }
    *count_out = count;
    return reader_end(&r);
}

int frame_read_code(struct slice payload, uint16_t *out)
{
    struct reader r = reader_of(payload);

    *out = read_u16(&r);
    return reader_end(&r);
}

int frame_read_reset(struct slice payload, struct frame_reset *out)
{
    struct reader r = reader_of(payload);

    out->code = read_u16(&r);
    out->final_offset = read_u64(&r);
    return reader_end(&r);
}

int frame_read_ping(struct slice payload, uint64_t *timestamp_out)
{
    struct reader r = reader_of(payload);

    *timestamp_out = read_u64(&r);
    return reader_end(&r);
}
