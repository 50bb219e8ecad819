#include "support/library_peer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"

static ssize_t pull(gnutls_transport_ptr_t self, void *out, size_t n)
{
    struct library_peer *p = self;

    if (bufq_is_empty(&p->end.in)) {
        gnutls_transport_set_errno(p->session, EAGAIN);
        return -1;
    }
    n = n < p->end.in.bytes ? n : p->end.in.bytes;
    bufq_peek(&p->end.in, out, n);
    bufq_drop(&p->end.in, n);
    return (ssize_t)n;
}

static ssize_t push(gnutls_transport_ptr_t self, const void *bytes, size_t n)
{
    struct library_peer *p = self;
    stream_end_send(&p->end, bytes, n);
    return (ssize_t)n;
}

static int on_secret(gnutls_session_t session, gnutls_record_encryption_level_t level,
                     const void *in, const void *out, size_t n)
{
    struct library_peer *p = gnutls_session_get_ptr(session);

    (void)in;
    if (level == GNUTLS_ENCRYPTION_LEVEL_APPLICATION && out) {
        memcpy(p->secret, out, n);
        p->secret_bytes = n;
    }
    return 0;
}

void library_peer_init(struct library_peer *p, struct stream *lower, const char *priority,
                       const char *alpn)
{
    const gnutls_datum_t protocol = {(unsigned char *)alpn, alpn ? (unsigned)strlen(alpn) : 0};

    *p = (struct library_peer){0};
    assert_int_equal(gnutls_certificate_allocate_credentials(&p->credentials), 0);
    assert_int_equal(gnutls_init(&p->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK), 0);
    assert_int_equal(gnutls_priority_set_direct(p->session, priority, NULL), 0);
    gnutls_credentials_set(p->session, GNUTLS_CRD_CERTIFICATE, p->credentials);
    if (alpn) {
        gnutls_alpn_set_protocols(p->session, &protocol, 1, 0);
    }
    gnutls_session_set_ptr(p->session, p);
    gnutls_handshake_set_secret_function(p->session, on_secret);
    gnutls_transport_set_ptr(p->session, p);
    gnutls_transport_set_pull_function(p->session, pull);
    gnutls_transport_set_push_function(p->session, push);
    stream_end_init(&p->end, lower);
}

int library_peer_shake_hands(struct library_peer *p, struct loop *loop)
{
    int ret = GNUTLS_E_AGAIN;

    for (int ms = 0; ret < 0 && !gnutls_error_is_fatal(ret) && ms < 1000; ms++) {
        ret = gnutls_handshake(p->session);
        loop_run_for(loop, 1);
    }
    return ret;
}

void library_peer_close(struct library_peer *p)
{
    gnutls_deinit(p->session);
    gnutls_certificate_free_credentials(p->credentials);
    stream_end_close(&p->end);
}

void library_peer_forge(struct library_peer *p, enum tls13_type type, const void *bytes, size_t n)
{
    struct tls13_suite suite = {gnutls_cipher_get(p->session),
                                (gnutls_mac_algorithm_t)gnutls_prf_hash_get(p->session)};
    struct bufq content = {0}, record = {0};
    struct tls13_keys keys;
    uint8_t sequence[8];
    gnutls_datum_t mac, iv, key;

    assert_int_equal(tls13_keys_init(&keys, suite, slice_of(p->secret, p->secret_bytes)), 0);
    assert_int_equal(gnutls_record_get_state(p->session, 0, &mac, &iv, &key, sequence), 0);
    assert_memory_equal(iv.data, keys.iv, iv.size);
    struct reader r = reader_of(slice_of(sequence, sizeof sequence));
    keys.sequence = read_u64(&r);
    bufq_push(&content, bytes, n);
    tls13_seal(&keys, type, &content, n, &record);
    struct slice all = bufq_pullup(&record, record.bytes);
    stream_end_send(&p->end, all.ptr, all.len);
    bufq_clear(&record);
    struct writer w = writer_of(sequence, sizeof sequence);
    write_u64(&w, keys.sequence);
    assert_int_equal(gnutls_record_set_state(p->session, 0, sequence), 0);
    tls13_keys_deinit(&keys);
}
