/* Whom a TLS client believes: pinned keys, or roots that may sign names.
 *
 * Immutable after it was made, so it may be shared by threads; counted, because streams on several
 * loops hold it beside the configuration that made it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* ---- pins ---- */

/* SHA-256 of a certificate's SubjectPublicKeyInfo. */
struct tls_pin {
    uint8_t sha256[32];
};

enum { TLS_PIN_TEXT_BYTES = sizeof("sha256:") + 44 }; /* with the terminator */

/* "sha256:BASE64"; ERR_INVALID otherwise. */
MUST_USE int tls_pin_parse(struct slice text, struct tls_pin *pin_out);
void tls_pin_show(const struct tls_pin *pin, char out[TLS_PIN_TEXT_BYTES]);

/* ---- trust ---- */

struct tls_trust;

struct tls_trust_options {
    const struct tls_pin *pins; /* any of these keys, whatever its certificate says; nothing else
                                   counts then */
    size_t pin_count;
    const char *ca_file;   /* PEM: these roots instead of the system's; NULL: the system's */
    bool trusts_everybody; /* no check at all: for an origin whose owner said so */
};

/* ERR_CONFIG with a line that says what to do: no such file, no certificate in it, ... */
MUST_USE int tls_trust_new(const struct tls_trust_options *options, struct tls_trust **trust_out,
                           struct errinfo *why);

struct tls_trust *tls_trust_ref(struct tls_trust *t);
void tls_trust_unref(struct tls_trust **t);
