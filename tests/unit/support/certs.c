#include "support/certs.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/x509.h>

enum { DAY_S = 24 * 3600 };

static void must(int ret)
{
    if (ret < 0) {
        fprintf(stderr, "certs: %s\n", gnutls_strerror(ret));
        abort();
    }
}

static void save(const char *folder, const char *file, const char *suffix, gnutls_datum_t *pem)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s.%s", folder, file, suffix);
    FILE *f = fopen(path, "w");
    if (!f || fwrite(pem->data, 1, pem->size, f) != pem->size || fclose(f) != 0) {
        perror(path);
        abort();
    }
    gnutls_free(pem->data);
}

static void load(const char *folder, const char *file, gnutls_x509_crt_t cert,
                 gnutls_x509_privkey_t key)
{
    char path[4096];
    gnutls_datum_t pem;

    snprintf(path, sizeof path, "%s/%s.crt", folder, file);
    must(gnutls_load_file(path, &pem));
    must(gnutls_x509_crt_import(cert, &pem, GNUTLS_X509_FMT_PEM));
    gnutls_free(pem.data);
    snprintf(path, sizeof path, "%s/%s.key", folder, file);
    must(gnutls_load_file(path, &pem));
    must(gnutls_x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0));
    gnutls_free(pem.data);
}

static void fill_in(gnutls_x509_crt_t cert, gnutls_x509_privkey_t key, const struct cert_spec *spec)
{
    static uint8_t serial = 1;
    unsigned char ip[4];
    time_t now = time(NULL);

    must(gnutls_x509_crt_set_version(cert, 3));
    must(gnutls_x509_crt_set_serial(cert, &serial, 1));
    serial++;
    must(gnutls_x509_crt_set_key(cert, key));
    must(gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, spec->name,
                                       (unsigned)strlen(spec->name)));
    if (inet_pton(AF_INET, spec->name, ip) == 1) {
        must(gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_IPADDRESS, ip, 4, 0));
    } else {
        must(gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, spec->name,
                                                  (unsigned)strlen(spec->name), 0));
    }
    must(gnutls_x509_crt_set_activation_time(cert, now + (spec->from_days ? spec->from_days : -1) *
                                                             DAY_S));
    must(gnutls_x509_crt_set_expiration_time(cert,
                                             now + (spec->to_days ? spec->to_days : 10) * DAY_S));
    must(gnutls_x509_crt_set_ca_status(cert, spec->is_authority));
    must(gnutls_x509_crt_set_key_usage(cert, spec->is_authority ? GNUTLS_KEY_KEY_CERT_SIGN
                                                                : GNUTLS_KEY_DIGITAL_SIGNATURE));
}

void cert_make(const char *folder, const struct cert_spec *spec)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t cert;
    gnutls_x509_privkey_t signer_key;
    gnutls_x509_crt_t signer;
    gnutls_datum_t pem;

    must(gnutls_x509_privkey_init(&key));
    must(gnutls_x509_crt_init(&cert));
    must(gnutls_x509_privkey_init(&signer_key));
    must(gnutls_x509_crt_init(&signer));
    must(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    fill_in(cert, key, spec);
    if (spec->signer) {
        load(folder, spec->signer, signer, signer_key);
        must(gnutls_x509_crt_sign2(cert, signer, signer_key, GNUTLS_DIG_SHA256, 0));
    } else {
        must(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0));
    }
    must(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &pem));
    save(folder, spec->file, "crt", &pem);
    must(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem));
    save(folder, spec->file, "key", &pem);
    gnutls_x509_crt_deinit(signer);
    gnutls_x509_privkey_deinit(signer_key);
    gnutls_x509_crt_deinit(cert);
    gnutls_x509_privkey_deinit(key);
}
