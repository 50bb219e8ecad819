/* Who a TLS server is: a certificate chain and its private key.
 *
 * Immutable, so it may be shared by threads; counted, because the streams that use it outlive a
 * reload. Hot reload is: load a new one, put it where new connections look, unref the old one.
 */
#pragma once
#include <stdint.h>

#include "base/slice.h"
#include "tls/tls_trust.h"

struct tls_identity;

/* PEM files; the certificate first, then its chain. ERR_CONFIG with a line for a person: missing
 * file, not PEM, key and certificate do not belong together. */
MUST_USE int tls_identity_load(const char *cert_file, const char *key_file,
                               struct tls_identity **identity_out, struct errinfo *why);

/* The self-signed identity in `folder` (relay.crt, relay.key; the folder exists), made on the first
 * start: a P-256 key, readable by us only, and a certificate for `name` that lasts ten years.
 * Clients know it by its pin. */
MUST_USE int tls_identity_load_or_make(const char *folder, const char *name,
                                       struct tls_identity **identity_out, struct errinfo *why);

struct tls_identity *tls_identity_ref(struct tls_identity *i);
void tls_identity_unref(struct tls_identity **i);

/* ---- questions ---- */

void tls_identity_pin(const struct tls_identity *i, struct tls_pin *pin_out);

/* For "certificate: ISSUER, until DATE". The view lives as long as the identity. */
struct slice tls_identity_issuer(const struct tls_identity *i);
uint64_t tls_identity_expires_at_ms(const struct tls_identity *i); /* wall clock */
