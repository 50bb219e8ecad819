#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "tls/tls_priv.h"
#include "wire/base64.h"

/* ---- pins ---- */

int tls_pin_parse(struct slice text, struct tls_pin *pin_out)
{
    const struct slice prefix = SLICE("sha256:");
    size_t length;

    if (!slice_starts(text, prefix)) {
        return ERR_INVALID;
    }
    struct slice digits = slice_sub(text, prefix.len, text.len);
    if (base64_decode(digits, pin_out->sha256, sizeof pin_out->sha256, &length) < 0 ||
        length != sizeof pin_out->sha256) {
        return ERR_INVALID;
    }
    return 0;
}

void tls_pin_show(const struct tls_pin *pin, char out[TLS_PIN_TEXT_BYTES])
{
    const struct slice prefix = SLICE("sha256:");

    memcpy(out, prefix.ptr, prefix.len);
    base64_encode(slice_of(pin->sha256, sizeof pin->sha256), out + prefix.len);
    out[TLS_PIN_TEXT_BYTES - 1] = '\0';
}

void tls_pin_of(gnutls_x509_crt_t cert, struct tls_pin *pin_out)
{
    size_t length = sizeof pin_out->sha256;
    int ret = gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA256, pin_out->sha256, &length);
    ASSERT(ret == 0 && length == sizeof pin_out->sha256);
}

/* ---- life ---- */

static int load_roots(struct tls_trust *t, const char *ca_file, struct errinfo *why)
{
    if (!ca_file) {
        int count = gnutls_certificate_set_x509_system_trust(t->credentials);
        return count > 0 ? 0
                         : errinfo_set(why, ERR_CONFIG,
                                       "this system has no root certificates; install the package "
                                       "ca-certificates, or give --ca FILE or --pin");
    }
    int count =
        gnutls_certificate_set_x509_trust_file(t->credentials, ca_file, GNUTLS_X509_FMT_PEM);
    if (count < 0) {
        return errinfo_set(why, ERR_CONFIG, "cannot read the roots in %s: %s", ca_file,
                           gnutls_strerror(count));
    }
    return count > 0 ? 0 : errinfo_set(why, ERR_CONFIG, "%s holds no certificate in PEM", ca_file);
}

int tls_trust_new(const struct tls_trust_options *options, struct tls_trust **trust_out,
                  struct errinfo *why)
{
    struct tls_trust *t = NEW(struct tls_trust);

    atomic_init(&t->refs, 1);
    t->trusts_everybody = options->trusts_everybody;
    t->pin_count = options->pin_count;
    if (t->pin_count > 0) {
        t->pins = mem_alloc_array(t->pin_count, sizeof *t->pins);
        memcpy(t->pins, options->pins, t->pin_count * sizeof *t->pins);
    }
    int ret = gnutls_certificate_allocate_credentials(&t->credentials);
    ASSERT(ret == 0);
    bool needs_roots = t->pin_count == 0 && !t->trusts_everybody;
    int err = needs_roots ? load_roots(t, options->ca_file, why) : 0;
    if (err < 0) {
        tls_trust_unref(&t);
        return err;
    }
    *trust_out = t;
    return 0;
}

struct tls_trust *tls_trust_ref(struct tls_trust *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void tls_trust_unref(struct tls_trust **trust)
{
    struct tls_trust *t = *trust;

    *trust = NULL;
    if (t && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1) {
        gnutls_certificate_free_credentials(t->credentials);
        mem_free(t->pins);
        mem_free(t);
    }
}

/* ---- judging ---- */

/* The peer's own certificate, to be freed by the caller; NULL: none, or one nobody can read. */
static gnutls_x509_crt_t peer_certificate(gnutls_session_t session)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    gnutls_x509_crt_t cert;

    if (!chain || count == 0 || gnutls_x509_crt_init(&cert) < 0) {
        return NULL;
    }
    if (gnutls_x509_crt_import(cert, &chain[0], GNUTLS_X509_FMT_DER) < 0) {
        gnutls_x509_crt_deinit(cert);
        return NULL;
    }
    return cert;
}

static bool is_pinned(const struct tls_trust *t, const struct tls_pin *pin)
{
    bool found = false;

    for (size_t i = 0; i < t->pin_count; i++) {
        found |= mem_equal_secret(t->pins[i].sha256, pin->sha256, sizeof pin->sha256);
    }
    return found;
}

static void show_day(time_t when, char out[16])
{
    struct tm day;

    if (!gmtime_r(&when, &day) || strftime(out, 16, "%Y-%m-%d", &day) == 0) {
        out[0] = '\0';
    }
}

/* The first name the certificate is good for. */
static void show_names(gnutls_x509_crt_t cert, char *out, size_t cap)
{
    size_t length = cap - 1;

    memset(out, 0, cap);
    if (gnutls_x509_crt_get_subject_alt_name(cert, 0, out, &length, NULL) == GNUTLS_SAN_DNSNAME) {
        return;
    }
    length = cap - 1;
    if (gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, out, &length) < 0) {
        snprintf(out, cap, "another name");
    }
}

/* Which sentence helps most, when several things are wrong at once: who signed it comes first. */
static int explain(unsigned status, gnutls_x509_crt_t cert, const char *name, struct errinfo *why)
{
    const unsigned dates = GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED;
    const unsigned known = dates | GNUTLS_CERT_UNEXPECTED_OWNER | GNUTLS_CERT_INVALID;
    char pin_text[TLS_PIN_TEXT_BYTES];
    char detail[64];
    struct tls_pin pin;

    if (status & ~known) {
        tls_pin_of(cert, &pin);
        tls_pin_show(&pin, pin_text);
        return errinfo_set(why, ERR_DENIED,
                           "nobody trusted here has signed the certificate of %s; if it is the "
                           "right server: --pin %s, or --ca FILE",
                           name, pin_text);
    }
    if (status & GNUTLS_CERT_UNEXPECTED_OWNER) {
        show_names(cert, detail, sizeof detail);
        return errinfo_set(why, ERR_DENIED, "the certificate is for %s, not for %s", detail, name);
    }
    if (status & GNUTLS_CERT_EXPIRED) {
        show_day(gnutls_x509_crt_get_expiration_time(cert), detail);
        return errinfo_set(why, ERR_DENIED,
                           "the certificate of %s has expired on %s; its owner must renew it", name,
                           detail);
    }
    show_day(gnutls_x509_crt_get_activation_time(cert), detail);
    return errinfo_set(why, ERR_DENIED,
                       "the certificate of %s is valid from %s on; check this machine's clock",
                       name, detail);
}

static int judge_chain(gnutls_session_t session, gnutls_x509_crt_t cert, const char *name,
                       struct errinfo *why)
{
    unsigned status = 0;

    if (*name == '\0') {
        return errinfo_set(why, ERR_DENIED, "no name is known to check the certificate against");
    }
    int ret = gnutls_certificate_verify_peers3(session, name, &status);
    if (ret < 0) {
        return errinfo_set(why, ERR_DENIED, "the certificate of %s cannot be checked: %s", name,
                           gnutls_strerror(ret));
    }
    return status == 0 ? 0 : explain(status, cert, name, why);
}

static int judge_pin(const struct tls_trust *t, gnutls_x509_crt_t cert, struct errinfo *why)
{
    char text[TLS_PIN_TEXT_BYTES];
    struct tls_pin pin;

    tls_pin_of(cert, &pin);
    if (is_pinned(t, &pin)) {
        return 0;
    }
    tls_pin_show(&pin, text);
    return errinfo_set(why, ERR_DENIED,
                       "the server's key is %s, not the pinned one; pin this one only if its owner "
                       "says that the key has changed",
                       text);
}

int tls_trust_judge(const struct tls_trust *t, gnutls_session_t session, const char *name,
                    struct errinfo *why)
{
    if (t->trusts_everybody) {
        return 0;
    }
    gnutls_x509_crt_t cert = peer_certificate(session);
    if (!cert) {
        return errinfo_set(why, ERR_DENIED, "the server has shown no certificate");
    }
    int err = t->pin_count > 0 ? judge_pin(t, cert, why) : judge_chain(session, cert, name, why);
    gnutls_x509_crt_deinit(cert);
    return err;
}
