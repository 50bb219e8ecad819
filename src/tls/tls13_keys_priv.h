/* The keys of one direction of TLS 1.3 (RFC 8446, section 7), from the secret that the handshake
 * gave. What they do to records is in tls13_protect.c; nothing here knows a stream. Behind the
 * doors of tls/.
 */
#pragma once
#include <gnutls/gnutls.h>

#include "base/err.h"
#include "base/slice.h"
#include "tls/tls13_cipher_priv.h"

enum {
    TLS13_SECRET_MAX_BYTES = 48,
    TLS13_LABEL_MAX_BYTES = 249,
};

struct tls13_suite {
    gnutls_cipher_algorithm_t cipher;
    gnutls_mac_algorithm_t hash;
};

struct tls13_keys {
    struct tls13_cipher *cipher;
    struct tls13_suite suite;
    uint64_t sequence;         /* of the next record */
    uint32_t small_bytes_left; /* until a wide cipher pays */
    uint8_t iv[TLS13_IV_BYTES];
    uint8_t secret_bytes;
    uint8_t secret[TLS13_SECRET_MAX_BYTES];
};

/* From a traffic secret (section 7.3). ERR_UNSUPPORTED: a suite with other sizes than ours. */
MUST_USE int tls13_keys_init(struct tls13_keys *k, struct tls13_suite suite, struct slice secret);
void tls13_keys_deinit(struct tls13_keys *k); /* zeroed memory too */

/* The next generation (section 7.2), from record 0 on. */
void tls13_keys_update(struct tls13_keys *k);

/* The nonce of the next record (section 5.3), which has n bytes; its cipher is k->cipher then. */
void tls13_keys_next(struct tls13_keys *k, size_t n, uint8_t nonce[TLS13_IV_BYTES]);

/* Key material for a proof (section 7.5), from the exporter's secret, without a context. */
void tls13_export(gnutls_mac_algorithm_t hash, struct slice secret, struct slice label, void *out,
                  size_t n);
