/* What an OPEN tells about the visitor, and an OPENED about the target: the TLVs of both frames.
 *
 * The engine carries them unread. Texts are views: for encoding the caller's, after decoding into
 * the frame (good for the length of the callback).
 */
#pragma once
#include "wire/tlv.h"

enum {
    OPEN_FACTS_MAX_BYTES = 1024, /* the TLVs of one OPEN or OPENED */
    OPEN_TEXT_MAX_BYTES = 255,
};

struct open_facts {
    struct slice visitor; /* 4 or 16 address bytes, network order; empty: not known */
    uint16_t visitor_port;
    struct slice relay_host; /* the name the visitor asked for (Host, SNI), or the address */
    uint16_t relay_port;
    struct slice scheme; /* "http", "https", "tcp": how the visitor came */
    bool is_exchange;    /* HTTP exchanges, each begun by BEGIN; else raw bytes. Critical */
};

struct opened_facts {
    struct slice alpn; /* what the target's TLS agreed on */
};

/* Into at most cap bytes; returns the length used. cap >= OPEN_FACTS_MAX_BYTES always fits when
 * the texts keep to OPEN_TEXT_MAX_BYTES, else ERR_TOO_LARGE. */
MUST_USE int open_facts_encode(const struct open_facts *f, uint8_t *out, size_t cap,
                               size_t *length_out);
MUST_USE int open_facts_decode(struct slice tlvs, struct open_facts *out, struct errinfo *info);

MUST_USE int opened_facts_encode(const struct opened_facts *f, uint8_t *out, size_t cap,
                                 size_t *length_out);
MUST_USE int opened_facts_decode(struct slice tlvs, struct opened_facts *out, struct errinfo *info);
