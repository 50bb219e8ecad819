/* A TLS client that is the library alone, at the far end of a pipe: what ours must get along with,
 * and, where it lends its keys, a hostile one. */
#pragma once
#include <gnutls/gnutls.h>

#include "support/stream_end.h"
#include "tls/tls13_protect_priv.h"

struct library_peer {
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
    struct stream_end end; /* the far end of the pipe: records */
    uint8_t secret[TLS13_SECRET_MAX_BYTES];
    size_t secret_bytes; /* of what it sends, once the handshake has ended */
};

/* priority is the library's word for versions and ciphers; alpn NULL: none is offered. */
void library_peer_init(struct library_peer *p, struct stream *lower, const char *priority,
                       const char *alpn);

/* Returns what the library's handshake says. */
int library_peer_shake_hands(struct library_peer *p, struct loop *loop);

void library_peer_close(struct library_peer *p);

/* Sends content of any type as its next record, past the library. */
void library_peer_forge(struct library_peer *p, enum tls13_type type, const void *bytes, size_t n);
