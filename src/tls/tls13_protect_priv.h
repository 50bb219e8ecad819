/* Records of TLS 1.3, sealed and opened (RFC 8446, section 5.2). Nothing here knows a stream.
 * Behind the doors of tls/.
 *
 * They are opened where they lie and sealed in one pass: of a record that arrives nothing is
 * copied, of one that leaves each byte once. The library's own record layer copies three times and
 * once more.
 */
#pragma once
#include "tls/tls13_keys_priv.h"

enum {
    TLS13_PLAIN_MAX_BYTES = 16384,
    TLS13_CIPHER_MAX_BYTES = TLS13_PLAIN_MAX_BYTES + 256,
    TLS13_OVERHEAD_BYTES = TLS13_HEAD_BYTES + 1 + TLS13_TAG_BYTES,

    /* What we put into a record: four of them fill a large chunk. */
    TLS13_SEAL_BYTES = CHUNK_LARGE_BYTES / 4 - TLS13_OVERHEAD_BYTES,
};

enum tls13_type {
    TLS13_ALERT = 21,
    TLS13_HANDSHAKE = 22,
    TLS13_DATA = 23,
};

/* Takes n bytes, at most TLS13_SEAL_BYTES, off the front of `from`, and appends them to `out` as
 * one record. */
void tls13_seal(struct tls13_keys *k, enum tls13_type type, struct bufq *from, size_t n,
                struct bufq *out);

/* Whether a whole record is at the front of `in`, or one that cannot be right. */
bool tls13_has_record(const struct bufq *in);

/* Takes the record at the front of `in` off and appends what was in it to `out`. ERR_MORE: it is
 * not all there yet. ERR_TLS: *alert_out says what to tell the peer, and `in` is of no use any
 * more. The bytes of `in` must be nobody else's: they are changed. */
MUST_USE int tls13_open(struct tls13_keys *k, struct bufq *in, struct bufq *out,
                        enum tls13_type *type_out, gnutls_alert_description_t *alert_out);
