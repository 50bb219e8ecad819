/* The keys of one direction of TLS 1.3, and the records they seal and open (RFC 8446, sections 5.2
 * and 7). The ciphers are the TLS library's; nothing here knows a stream. Behind the doors of tls/.
 *
 * Records are sealed and opened where they lie: of a record that arrives nothing is copied, of one
 * that leaves each byte once. The library's own record layer copies three times and once more.
 */
#pragma once
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/bufq.h"
#include "base/err.h"

enum {
    TLS13_HEAD_BYTES = 5,
    TLS13_TAG_BYTES = 16,
    TLS13_IV_BYTES = 12,
    TLS13_SECRET_MAX_BYTES = 48,
    TLS13_LABEL_MAX_BYTES = 249,
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

struct tls13_suite {
    gnutls_cipher_algorithm_t cipher;
    gnutls_mac_algorithm_t hash;
};

struct tls13_keys {
    gnutls_aead_cipher_hd_t aead;
    struct tls13_suite suite;
    uint64_t sequence; /* of the next record */
    uint8_t iv[TLS13_IV_BYTES];
    uint8_t secret_bytes;
    uint8_t secret[TLS13_SECRET_MAX_BYTES];
};

/* From a traffic secret (section 7.3). ERR_UNSUPPORTED: a suite with other sizes than ours. */
MUST_USE int tls13_keys_init(struct tls13_keys *k, struct tls13_suite suite, struct slice secret);
void tls13_keys_deinit(struct tls13_keys *k); /* zeroed memory too */

/* The next generation (section 7.2), from record 0 on. */
void tls13_keys_update(struct tls13_keys *k);

/* Key material for a proof (section 7.5), from the exporter's secret, without a context. */
void tls13_export(gnutls_mac_algorithm_t hash, struct slice secret, struct slice label, void *out,
                  size_t n);

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
