/* What one key of TLS 1.3 does to a record (RFC 8446, section 5.2), and who does it. Either
 *
 *  - tls13_cipher_library.c: the TLS library, every cipher on every machine; or
 *  - tls13_cipher_wide.c: AES-GCM on whole vectors, where the processor can: 2.5 times as fast, and
 *    what is sealed is gathered in the same pass.
 *
 * A record lies in one piece: the head (written, authenticated), the content and its type, the tag.
 * Behind the doors of tls/.
 */
#pragma once
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/bufq.h"

enum {
    TLS13_HEAD_BYTES = 5,
    TLS13_TAG_BYTES = 16,
    TLS13_IV_BYTES = 12,

    /* A wide cipher costs 1 KB, and the first of a process 4 MB: for keys that have carried this
     * much, which an idle agent's never do. */
    TLS13_WIDE_AFTER_BYTES = 1024 * 1024,
};

struct tls13_cipher;

struct tls13_cipher_ops {
    /* Takes n bytes off the front of `from` and puts them, the type, and the tag behind the head.
     */
    void (*seal)(struct tls13_cipher *c, const uint8_t nonce[TLS13_IV_BYTES], uint8_t *record,
                 struct bufq *from, size_t n, uint8_t type);

    /* Opens the `length` bytes behind the head, the tag among them, into `to`, which may be where
     * they lie and has room for `length`. False: they are not what was sealed; `to` is of no use.
     */
    bool (*open)(struct tls13_cipher *c, const uint8_t nonce[TLS13_IV_BYTES], const uint8_t *record,
                 size_t length, uint8_t *to);

    void (*free)(struct tls13_cipher *c); /* wipes the key */
};

struct tls13_cipher {
    const struct tls13_cipher_ops *ops;
};

struct tls13_cipher *tls13_cipher_library(gnutls_cipher_algorithm_t cipher, struct slice key);

/* NULL: not this cipher, or not on this machine. From any thread. */
struct tls13_cipher *tls13_cipher_wide(gnutls_cipher_algorithm_t cipher, struct slice key);

static inline void tls13_cipher_free(struct tls13_cipher **c)
{
    if (*c) {
        (*c)->ops->free(*c);
        *c = NULL;
    }
}
