/* How we set up every session: versions, ciphers, names, and what the library's errors mean.
 *
 * Ciphers: AES-GCM first where this machine has it in hardware, else ChaCha20-Poly1305. A server
 * with the hardware follows the client's order, which tells what the client is good at; a server
 * without insists on its own.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "tls/tls_priv.h"

#define TLS13_ONLY "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define TLS12_TOO                                                                                  \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-MAC-ALL:+AEAD"
#define GROUPS    ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"
#define AES_FIRST ":-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305" GROUPS
#define CHACHA_FIRST                                                                               \
    ":-CIPHER-ALL:+CHACHA20-POLY1305:+AES-128-GCM:+AES-256-GCM" GROUPS ":%SERVER_PRECEDENCE"

static gnutls_priority_t tls13_only;
static gnutls_priority_t tls12_too;
static gnutls_datum_t ticket_key; /* the library derives from it what it rotates */

static gnutls_priority_t parse_priority(const char *aes_first, const char *chacha_first)
{
    gnutls_priority_t priority;
    int ret = gnutls_priority_init(&priority, cpu_has_aes() ? aes_first : chacha_first, NULL);
    ASSERT(ret == 0);
    return priority;
}

static void init_once(void)
{
    tls13_only = parse_priority(TLS13_ONLY AES_FIRST, TLS13_ONLY CHACHA_FIRST);
    tls12_too = parse_priority(TLS12_TOO AES_FIRST, TLS12_TOO CHACHA_FIRST);
    int ret = gnutls_session_ticket_key_generate(&ticket_key);
    ASSERT(ret == 0);
}

gnutls_session_t tls_session_new(enum tls_side side, bool needs_tls13)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;
    gnutls_session_t session;

    pthread_once(&once, init_once);
    /* A server decides about its tickets when it knows the protocol; a client wants none. */
    flags |= side == TLS_CLIENT_SIDE ? GNUTLS_CLIENT | GNUTLS_NO_TICKETS
                                     : GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET;
    if (needs_tls13) {
        flags |= GNUTLS_KEY_SHARE_TOP;
    }
    int ret = gnutls_init(&session, flags);
    ASSERT(ret == 0);
    ret = gnutls_priority_set(session, needs_tls13 ? tls13_only : tls12_too);
    ASSERT(ret == 0);
    gnutls_handshake_set_timeout(session, GNUTLS_INDEFINITE_TIMEOUT); /* the stream has a timer */
    return session;
}

void tls_session_set_alpn(gnutls_session_t session, enum tls_side side, const char *const *alpn)
{
    enum { PROTOCOLS_MAX = 8 };
    gnutls_datum_t protocols[PROTOCOLS_MAX];
    unsigned count = 0;

    for (; alpn && alpn[count]; count++) {
        ASSERT(count < PROTOCOLS_MAX);
        protocols[count].data = (unsigned char *)alpn[count];
        protocols[count].size = (unsigned)strlen(alpn[count]);
    }
    if (count > 0) {
        unsigned flags =
            side == TLS_SERVER_SIDE ? GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE : 0;
        int ret = gnutls_alpn_set_protocols(session, protocols, count, flags);
        ASSERT(ret == 0);
    }
}

static bool is_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

void tls_session_set_name(gnutls_session_t session, const char *name)
{
    if (*name != '\0' && !is_address(name)) {
        /* A name the library cannot put into the extension is simply not sent. */
        (void)gnutls_server_name_set(session, GNUTLS_NAME_DNS, name, strlen(name));
    }
}

void tls_session_enable_tickets(gnutls_session_t session)
{
    int ret = gnutls_session_ticket_enable_server(session, &ticket_key);
    ASSERT(ret == 0);
}

bool tls_session_is_tls13(gnutls_session_t session)
{
    return gnutls_protocol_get_version(session) == GNUTLS_TLS1_3;
}

int tls_alert_error(gnutls_alert_description_t alert, struct errinfo *why)
{
    const char *name = gnutls_alert_get_name(alert);

    return errinfo_set(why, ERR_TLS, "the other side refused TLS: %s", name ? name : "unknown");
}

int tls_session_error(gnutls_session_t session, int ret, struct errinfo *why)
{
    switch (ret) {
    case GNUTLS_E_PREMATURE_TERMINATION:
        return errinfo_set(why, ERR_TRUNCATED, "the connection was cut inside TLS");
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
    case GNUTLS_E_WARNING_ALERT_RECEIVED:
        return tls_alert_error(gnutls_alert_get(session), why);
    case GNUTLS_E_UNEXPECTED_PACKET:
    case GNUTLS_E_UNEXPECTED_PACKET_LENGTH:
    case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
    case GNUTLS_E_RECORD_OVERFLOW:
        return errinfo_set(why, ERR_TLS, "the other side does not speak TLS here, check the port");
    case GNUTLS_E_NO_CIPHER_SUITES:
    case GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM:
        return errinfo_set(why, ERR_TLS, "no TLS cipher or signature in common");
    case GNUTLS_E_NO_APPLICATION_PROTOCOL:
        return errinfo_set(why, ERR_TLS, "no protocol in common (ALPN)");
    case GNUTLS_E_UNRECOGNIZED_NAME:
        return errinfo_set(why, ERR_TLS, "no certificate for the name that was asked for (SNI)");
    default:
        return errinfo_set(why, ERR_TLS, "TLS failed: %s", gnutls_strerror(ret));
    }
}
