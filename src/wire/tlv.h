/* Facts that may be added later: (u16 type, u16 length, value) one after the other.
 *
 *     bit 15 of type: critical. A reader that does not know a critical fact refuses the whole
 *     frame; other unknown facts are skipped. No type may appear twice.
 *
 * Pure; values are views into what is read.
 */
#pragma once
#include "base/cursor.h"

enum {
    TLV_CRITICAL = 0x8000,
    TLV_HEADER_BYTES = 4,
};

struct tlv {
    uint16_t type; /* without the critical bit */
    bool is_critical;
    struct slice value;
};

void tlv_write(struct writer *w, uint16_t type, struct slice value);
void tlv_write_u16(struct writer *w, uint16_t type, uint16_t value);
void tlv_write_u32(struct writer *w, uint16_t type, uint32_t value);

/* The next fact. ERR_EOF: no more. ERR_PROTOCOL: cut short. */
MUST_USE int tlv_next(struct reader *r, struct tlv *out);

/* Whole value as a number of exactly this size; ERR_PROTOCOL otherwise. */
MUST_USE int tlv_u16(const struct tlv *t, uint16_t *out);
MUST_USE int tlv_u32(const struct tlv *t, uint32_t *out);

/* Which fact goes where. A table of these per frame; the field is found by its offset. */
enum tlv_kind {
    TLV_KIND_TEXT, /* struct slice, max bytes; no NUL, no control characters */
    TLV_KIND_BLOB, /* struct slice, max bytes */
    TLV_KIND_U16,
    TLV_KIND_U32,
    TLV_KIND_FLAG, /* bool, by being there */
};

struct tlv_rule {
    uint16_t type; /* with TLV_CRITICAL where the fact must be understood */
    enum tlv_kind kind;
    uint16_t max; /* bytes, for TEXT and BLOB */
    size_t offset;
};

/* Reads all facts that are left in r into the fields of `record`; unknown ones are skipped or, if
 * critical, refused. ERR_PROTOCOL or ERR_TOO_LARGE, with a line in info. */
MUST_USE int tlv_read_record(struct reader *r, const struct tlv_rule *rules, size_t rule_count,
                             void *record, struct errinfo *info);

/* Writes the fields that hold something (empty texts, zero numbers and false flags are left out).
 */
void tlv_write_record(struct writer *w, const struct tlv_rule *rules, size_t rule_count,
                      const void *record);
