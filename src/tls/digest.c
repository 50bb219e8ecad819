#include "tls/digest.h"

#include <gnutls/crypto.h>

static void digest(gnutls_digest_algorithm_t algorithm, struct slice bytes, uint8_t *out)
{
    int ret = gnutls_hash_fast(algorithm, bytes.ptr ? bytes.ptr : "", bytes.len, out);
    ASSERT(ret == 0);
}

void sha1(struct slice bytes, uint8_t out[SHA1_BYTES])
{
    digest(GNUTLS_DIG_SHA1, bytes, out);
}

void sha256(struct slice bytes, uint8_t out[SHA256_BYTES])
{
    digest(GNUTLS_DIG_SHA256, bytes, out);
}

void hmac_sha256(struct slice key, struct slice bytes, uint8_t out[SHA256_BYTES])
{
    int ret = gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.ptr ? key.ptr : "", key.len,
                               bytes.ptr ? bytes.ptr : "", bytes.len, out);
    ASSERT(ret == 0);
}
