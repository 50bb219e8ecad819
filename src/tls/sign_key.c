#include "tls/sign_key.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "base/mem.h"

/* PKCS #8 (RFC 8410 section 7): the library takes seeds in this form only, and then makes the
 * public key itself. */
static const uint8_t pkcs8_prefix[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                       0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

static gnutls_datum_t datum_of(struct slice s)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)s.ptr, (unsigned)s.len};
}

static gnutls_x509_privkey_t open_seed(const uint8_t seed[SIGN_SEED_BYTES])
{
    uint8_t der[sizeof pkcs8_prefix + SIGN_SEED_BYTES];
    gnutls_datum_t datum = {der, sizeof der};
    gnutls_x509_privkey_t key;

    memcpy(der, pkcs8_prefix, sizeof pkcs8_prefix);
    memcpy(der + sizeof pkcs8_prefix, seed, SIGN_SEED_BYTES);
    int ret = gnutls_x509_privkey_init(&key);
    ASSERT(ret == 0);
    ret =
        gnutls_x509_privkey_import_pkcs8(key, &datum, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN);
    ASSERT(ret == 0); /* any 32 bytes are a seed */
    mem_wipe(der, sizeof der);
    return key;
}

void sign_key_of(const uint8_t seed[SIGN_SEED_BYTES], uint8_t key_out[SIGN_KEY_BYTES])
{
    gnutls_x509_privkey_t key = open_seed(seed);
    gnutls_datum_t x, k;

    int ret = gnutls_x509_privkey_export_ecc_raw(key, NULL, &x, NULL, &k);
    ASSERT(ret == 0 && x.size == SIGN_KEY_BYTES);
    memcpy(key_out, x.data, SIGN_KEY_BYTES);
    mem_wipe(k.data, k.size);
    gnutls_free(x.data);
    gnutls_free(k.data);
    gnutls_x509_privkey_deinit(key);
}

void sign_make(const uint8_t seed[SIGN_SEED_BYTES], struct slice message,
               uint8_t signature_out[SIGN_BYTES])
{
    gnutls_x509_privkey_t raw = open_seed(seed);
    gnutls_datum_t bytes = datum_of(message);
    gnutls_datum_t signature;
    gnutls_privkey_t key;

    int ret = gnutls_privkey_init(&key);
    ASSERT(ret == 0);
    ret = gnutls_privkey_import_x509(key, raw, GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
    ASSERT(ret == 0);
    ret = gnutls_privkey_sign_data2(key, GNUTLS_SIGN_EDDSA_ED25519, 0, &bytes, &signature);
    ASSERT(ret == 0 && signature.size == SIGN_BYTES);
    memcpy(signature_out, signature.data, SIGN_BYTES);
    gnutls_free(signature.data);
    gnutls_privkey_deinit(key);
}

bool sign_check(const uint8_t key[SIGN_KEY_BYTES], struct slice message,
                const uint8_t signature[SIGN_BYTES])
{
    gnutls_datum_t x = datum_of(slice_of(key, SIGN_KEY_BYTES));
    gnutls_datum_t bytes = datum_of(message);
    gnutls_datum_t given = datum_of(slice_of(signature, SIGN_BYTES));
    gnutls_pubkey_t public;

    int ret = gnutls_pubkey_init(&public);
    ASSERT(ret == 0);
    ret = gnutls_pubkey_import_ecc_raw(public, GNUTLS_ECC_CURVE_ED25519, &x, NULL);
    if (ret == 0) {
        ret = gnutls_pubkey_verify_data2(public, GNUTLS_SIGN_EDDSA_ED25519, 0, &bytes, &given);
    }
    gnutls_pubkey_deinit(public);
    return ret >= 0;
}
