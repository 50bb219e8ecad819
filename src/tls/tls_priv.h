/* What the rooms of tls/ share behind their doors; nobody else includes it. */
#pragma once
#include <stdatomic.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/err.h"
#include "base/slice.h"
#include "tls/tls_identity.h"
#include "tls/tls_trust.h"

struct tls_trust {
    atomic_uint refs;
    gnutls_certificate_credentials_t credentials;
    struct tls_pin *pins;
    size_t pin_count;
    bool trusts_everybody;
};

struct tls_identity {
    atomic_uint refs;
    gnutls_certificate_credentials_t credentials;
    struct tls_pin pin;
    char *issuer;
    uint64_t expires_at_ms;
};

/* ---- tls_trust.c ---- */

/* Judges what the server of this session has shown. ERR_DENIED with the reason and what to do. */
MUST_USE int tls_trust_judge(const struct tls_trust *t, gnutls_session_t session, const char *name,
                             struct errinfo *why);

void tls_pin_of(gnutls_x509_crt_t cert, struct tls_pin *pin_out);

/* ---- tls_self_signed.c ---- */

/* Makes the key file if it is missing, then the certificate file for that key if it is missing. */
MUST_USE int tls_self_signed_make(const char *cert_file, const char *key_file, const char *name,
                                  struct errinfo *why);

/* ---- tls_session.c: all about a session that needs no stream ---- */

enum tls_side { TLS_CLIENT_SIDE, TLS_SERVER_SIDE };

/* A session with our versions and ciphers; credentials, ALPN and transport are the caller's. */
gnutls_session_t tls_session_new(enum tls_side side, bool needs_tls13);

/* alpn as in tls_stream.h; may be NULL. */
void tls_session_set_alpn(gnutls_session_t session, enum tls_side side, const char *const *alpn);

/* Sends the name as SNI, unless it is an address. */
void tls_session_set_name(gnutls_session_t session, const char *name);

/* A server that resumes: tickets are sealed with a key of this process. */
void tls_session_enable_tickets(gnutls_session_t session);

bool tls_session_is_tls13(gnutls_session_t session);

/* ERR_TLS, and a line about the alert that came. */
MUST_USE int tls_alert_error(gnutls_alert_description_t alert, struct errinfo *why);

/* The enum err for a fatal result of the library, and a line about it. */
MUST_USE int tls_session_error(gnutls_session_t session, int ret, struct errinfo *why);
