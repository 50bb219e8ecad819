#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tls/tls_priv.h"

/* Says itself why a file cannot be read, for the library says only that it cannot. */
static int check_readable(const char *file, struct errinfo *why)
{
    gnutls_datum_t content;

    errno = 0;
    int ret = gnutls_load_file(file, &content);
    if (ret < 0) {
        return errinfo_set(why, ERR_CONFIG, "cannot read %s: %s", file,
                           errno ? strerror(errno) : gnutls_strerror(ret));
    }
    mem_wipe(content.data, content.size);
    gnutls_free(content.data);
    return 0;
}

static int load_pair(struct tls_identity *i, const char *cert_file, const char *key_file,
                     struct errinfo *why)
{
    TRY(check_readable(cert_file, why));
    TRY(check_readable(key_file, why));
    int ret = gnutls_certificate_set_x509_key_file(i->credentials, cert_file, key_file,
                                                   GNUTLS_X509_FMT_PEM);
    if (ret == GNUTLS_E_CERTIFICATE_KEY_MISMATCH) {
        return errinfo_set(why, ERR_CONFIG,
                           "the key in %s does not belong to the certificate in %s", key_file,
                           cert_file);
    }
    if (ret < 0) {
        return errinfo_set(
            why, ERR_CONFIG,
            "%s and %s are not a certificate and a key in PEM without passphrase: %s", cert_file,
            key_file, gnutls_strerror(ret));
    }
    return 0;
}

/* The issuer as people know it: the organisation, else the common name. */
static char *issuer_of(gnutls_x509_crt_t cert)
{
    static const char *const oids[] = {GNUTLS_OID_X520_ORGANIZATION_NAME,
                                       GNUTLS_OID_X520_COMMON_NAME};
    char name[128];

    for (size_t i = 0; i < COUNT_OF(oids); i++) {
        size_t length = sizeof name;
        if (gnutls_x509_crt_get_issuer_dn_by_oid(cert, oids[i], 0, 0, name, &length) == 0) {
            return mem_strndup(name, length);
        }
    }
    return mem_strdup("unnamed issuer");
}

static void note_facts(struct tls_identity *i)
{
    gnutls_x509_crt_t *chain = NULL;
    unsigned count = 0;

    int ret = gnutls_certificate_get_x509_crt(i->credentials, 0, &chain, &count);
    ASSERT(ret == 0 && count > 0);
    tls_pin_of(chain[0], &i->pin);
    i->issuer = issuer_of(chain[0]);
    i->expires_at_ms = (uint64_t)gnutls_x509_crt_get_expiration_time(chain[0]) * 1000;
    for (unsigned at = 0; at < count; at++) {
        gnutls_x509_crt_deinit(chain[at]);
    }
    gnutls_free(chain);
}

int tls_identity_load(const char *cert_file, const char *key_file,
                      struct tls_identity **identity_out, struct errinfo *why)
{
    struct tls_identity *i = NEW(struct tls_identity);

    atomic_init(&i->refs, 1);
    int ret = gnutls_certificate_allocate_credentials(&i->credentials);
    ASSERT(ret == 0);
    int err = load_pair(i, cert_file, key_file, why);
    if (err < 0) {
        tls_identity_unref(&i);
        return err;
    }
    note_facts(i);
    *identity_out = i;
    return 0;
}

int tls_identity_load_or_make(const char *folder, const char *name,
                              struct tls_identity **identity_out, struct errinfo *why)
{
    char cert_file[4096];
    char key_file[4096];
    int cert_length = snprintf(cert_file, sizeof cert_file, "%s/relay.crt", folder);
    int key_length = snprintf(key_file, sizeof key_file, "%s/relay.key", folder);

    if (cert_length >= (int)sizeof cert_file || key_length >= (int)sizeof key_file) {
        return errinfo_set(why, ERR_CONFIG, "the path of the data folder is too long");
    }
    TRY(tls_self_signed_make(cert_file, key_file, name, why));
    return tls_identity_load(cert_file, key_file, identity_out, why);
}

struct tls_identity *tls_identity_ref(struct tls_identity *i)
{
    atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
    return i;
}

void tls_identity_unref(struct tls_identity **identity)
{
    struct tls_identity *i = *identity;

    *identity = NULL;
    if (i && atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) == 1) {
        gnutls_certificate_free_credentials(i->credentials);
        mem_free(i->issuer);
        mem_free(i);
    }
}

void tls_identity_pin(const struct tls_identity *i, struct tls_pin *pin_out)
{
    *pin_out = i->pin;
}

struct slice tls_identity_issuer(const struct tls_identity *i)
{
    return slice_str(i->issuer);
}

uint64_t tls_identity_expires_at_ms(const struct tls_identity *i)
{
    return i->expires_at_ms;
}
