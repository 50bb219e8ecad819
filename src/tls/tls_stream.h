/* TLS as a stream over any stream, both sides.
 *
 * Attaching starts the handshake; `done` tells its end, once. It may be left out: what is written
 * before the end waits for it (up to STREAM_TX_BYTES), reading says ERR_AGAIN until then, and a
 * failure is the error of the next read or write.
 *
 * The peer's close_notify is the EOF; the end of the lower stream without it is ERR_TRUNCATED.
 * With TLS 1.3 close_notify ends one direction only (stream_shutdown works); with 1.2 it ends both,
 * and stream_shutdown gives ERR_UNSUPPORTED.
 *
 * Cipher records are cut at flush, many for one write below. An idle stream holds no chunk.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/bufq.h"
#include "net/stream.h"
#include "tls/tls_identity.h"
#include "tls/tls_trust.h"

/* Zero means the default beside it. */
struct tls_limits {
    uint32_t handshake_ms;  /* 10 s */
    uint64_t rekey_records; /* 2^23 sent with one key */
    uint64_t rekey_bytes;   /* 64 GB */
};

/* The handshake has ended; called once, in the ready phase, never from inside attach, and not after
 * stream_close. err 0: read and write (why is NULL). Otherwise the stream is dead (ERR_DENIED: the
 * certificate is not believed; ERR_TLS, ERR_TIMEOUT, ERR_TRUNCATED, ...), `why` says what to do and
 * lives until the end of the turn, and the user gives the stream up: by stream_close, which lets
 * the alert out. */
typedef void tls_done_fn(void *ctx, struct stream *s, int err, const struct errinfo *why);

/* ---- client ---- */

struct tls_client_options {
    struct tls_trust *trust;
    struct slice server_name; /* host name (sent as SNI) or address; the certificate must fit */
    const char *const *alpn;  /* what we speak, best first, NULL at the end; NULL: not said */
    bool needs_tls13;         /* links */
    struct tls_limits limits;
};

/* Takes the lower stream; options are copied, trust is counted. Never fails. */
struct stream *tls_client_attach(struct stream *lower_take,
                                 const struct tls_client_options *options, tls_done_fn *done,
                                 void *ctx);

/* ---- server ---- */

/* The identity for a name the client asked for (SNI in lower case; empty: none was sent). Borrowed:
 * the stream counts it itself. NULL: refused with unrecognized_name. */
typedef struct tls_identity *tls_find_identity_fn(void *ctx, struct slice server_name);

struct tls_server_options {
    struct tls_identity *identity;       /* or, if there is more than one: */
    tls_find_identity_fn *find_identity; /* called once, during the handshake */
    void *find_ctx;
    const char *const *alpn; /* what we speak, best first, NULL at the end. A client that offers
                                only other protocols is refused; one that offers none is not */
    const char *tls13_alpn;  /* the one of them that is not spoken below TLS 1.3; or NULL */
    struct tls_limits limits;
};

/* Takes the lower stream and, if not NULL, what was read from it already (left empty). */
struct stream *tls_server_attach(struct stream *lower_take, struct bufq *leftover_take,
                                 const struct tls_server_options *options, tls_done_fn *done,
                                 void *ctx);

/* ---- questions, after the handshake ---- */

/* Key material both ends have and nobody else (RFC 5705, RFC 8446 section 7.5), for a proof that
 * belongs to this very connection. ERR_UNSUPPORTED before the end of the handshake. */
MUST_USE int tls_stream_exporter(const struct stream *s, struct slice label, void *out, size_t n);

/* Why it failed; the sentence of the error when nothing more is known. */
const struct errinfo *tls_stream_why(const struct stream *s);
