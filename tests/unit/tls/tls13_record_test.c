/* Records of our own beside the library's: a server stream, and a client that is the library alone,
 * which now and then forges what no library would send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "support/certs.h"
#include "support/folder.h"
#include "support/library_peer.h"
#include "support/pipe_stream.h"
#include "tls/tls_stream.h"

static struct folder folder;

static int fill_folder(void **state)
{
    (void)state;
    folder_make(&folder);
    cert_make(folder.path, &(struct cert_spec){.file = "self", .name = "relay.test"});
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

struct meeting {
    struct loop *loop;
    struct tls_identity *identity;
    struct stream_end server;
    struct library_peer client;
};

static void meet(struct meeting *m, const char *ciphers, struct tls_limits limits)
{
    struct tls_server_options options = {.limits = limits};
    struct stream *client, *server;
    struct errinfo why = {0};
    char priority[128];

    *m = (struct meeting){.loop = loop_new()};
    snprintf(priority, sizeof priority, "NORMAL:-VERS-ALL:+VERS-TLS1.3%s", ciphers);
    assert_int_equal(tls_identity_load(folder_path(&folder, "self.crt"),
                                       folder_path(&folder, "self.key"), &m->identity, &why),
                     0);
    options.identity = m->identity;
    pipe_open(m->loop, &(struct pipe_options){.read_max = 3000}, &client, &server);
    library_peer_init(&m->client, client, priority, NULL);
    stream_end_init(&m->server, tls_server_attach(server, NULL, &options, NULL, NULL));
    assert_int_equal(library_peer_shake_hands(&m->client, m->loop), 0);
}

static void part(struct meeting *m)
{
    library_peer_close(&m->client);
    stream_end_close(&m->server);
    tls_identity_unref(&m->identity);
    loop_run_for(m->loop, 1);
    loop_free(&m->loop);
    assert_int_equal(chunk_stats().in_use, 0);
}

/* What the client reads next; the library says AGAIN after a ticket, too. */
static ssize_t client_reads(struct meeting *m, void *out, size_t n)
{
    ssize_t got = GNUTLS_E_AGAIN;

    for (int ms = 0; got == GNUTLS_E_AGAIN && ms < 5000; ms++) {
        got = gnutls_record_recv(m->client.session, out, n);
        if (got == GNUTLS_E_AGAIN) {
            loop_run_for(m->loop, 1);
        }
    }
    return got;
}

/* Sends n random bytes and reads them back as they are echoed by hand. */
static void assert_echoed(struct meeting *m, size_t n)
{
    uint8_t *sent = mem_alloc(n), *came = mem_alloc(n);
    size_t have = 0;

    random_bytes(sent, n);
    for (size_t at = 0; at < n;) {
        ssize_t part = gnutls_record_send(m->client.session, sent + at, n - at);
        assert_true(part > 0);
        at += (size_t)part;
    }
    assert_true(run_until_bytes(m->loop, &m->server, m->server.received - m->server.in.bytes + n));
    assert_int_equal(m->server.in.bytes, n);
    bufq_peek(&m->server.in, came, n);
    assert_memory_equal(came, sent, n);
    bufq_clear(&m->server.in);
    stream_end_send(&m->server, sent, n);
    memset(came, 0, n);
    while (have < n) {
        ssize_t part = client_reads(m, came + have, n - have);
        assert_true(part > 0);
        have += (size_t)part;
    }
    assert_memory_equal(came, sent, n);
    mem_free(sent);
    mem_free(came);
}

/* ---- what a library does ---- */

static void bytes_pass_with_each_cipher(void **state)
{
    static const char *const ciphers[] = {":-CIPHER-ALL:+AES-128-GCM", ":-CIPHER-ALL:+AES-256-GCM",
                                          ":-CIPHER-ALL:+CHACHA20-POLY1305"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ciphers); i++) {
        struct meeting m;

        meet(&m, ciphers[i], (struct tls_limits){0});
        assert_echoed(&m, 1);
        assert_echoed(&m, 200001);
        assert_echoed(&m, 16384);
        part(&m);
    }
}

static void key_material_is_that_of_the_library(void **state)
{
    static const char *const ciphers[] = {":-CIPHER-ALL:+AES-128-GCM", ":-CIPHER-ALL:+AES-256-GCM"};
    static const char label[] = "EXPORTER-adit-resume";

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ciphers); i++) { /* SHA-256, SHA-384 */
        struct meeting m;
        char ours[80], its[80];

        meet(&m, ciphers[i], (struct tls_limits){0});
        assert_echoed(&m, 1);
        assert_int_equal(tls_stream_exporter(m.server.stream, slice_str(label), ours, sizeof ours),
                         0);
        assert_int_equal(
            gnutls_prf_rfc5705(m.client.session, sizeof label - 1, label, 0, NULL, sizeof its, its),
            0);
        assert_memory_equal(ours, its, sizeof ours);
        part(&m);
    }
}

static void a_peer_renews_its_keys_and_asks_for_ours(void **state)
{
    struct meeting m;

    (void)state;
    meet(&m, "", (struct tls_limits){0});
    for (int i = 0; i < 5; i++) {
        assert_echoed(&m, 5000);
        assert_int_equal(gnutls_session_key_update(m.client.session, i % 2 ? GNUTLS_KU_PEER : 0),
                         0);
    }
    assert_echoed(&m, 70000);
    part(&m);
}

static void we_renew_ours(void **state)
{
    struct meeting m;

    (void)state;
    meet(&m, "", (struct tls_limits){.rekey_bytes = 100000});
    assert_echoed(&m, 650000); /* six times: the library takes eight a second */
    part(&m);
}

static void a_peer_may_pad(void **state)
{
    struct meeting m;

    (void)state;
    meet(&m, "", (struct tls_limits){0});
    assert_int_equal(gnutls_record_send2(m.client.session, "hidden", 6, 1000, 0), 6);
    assert_true(run_until_bytes(m.loop, &m.server, 6));
    assert_true(slice_is(bufq_front(&m.server.in), "hidden"));
    bufq_clear(&m.server.in);
    assert_echoed(&m, 10);
    part(&m);
}

static void each_side_ends_its_direction(void **state)
{
    struct meeting m;
    char text[8];

    (void)state;
    meet(&m, "", (struct tls_limits){0});
    assert_int_equal(gnutls_record_send(m.client.session, "ask", 3), 3);
    assert_int_equal(gnutls_bye(m.client.session, GNUTLS_SHUT_WR), 0);
    assert_true(run_until_end(m.loop, &m.server));
    assert_int_equal(m.server.end, ERR_EOF);
    stream_end_send(&m.server, "answer", 6);
    assert_int_equal(stream_shutdown(m.server.stream), 0);
    assert_int_equal(client_reads(&m, text, sizeof text), 6);
    assert_int_equal(client_reads(&m, text, sizeof text), 0);
    part(&m);
}

static void the_alert_of_a_peer_is_named(void **state)
{
    struct meeting m;

    (void)state;
    meet(&m, "", (struct tls_limits){0});
    assert_int_equal(gnutls_alert_send(m.client.session, GNUTLS_AL_FATAL, GNUTLS_A_INTERNAL_ERROR),
                     0);
    assert_true(run_until_end(m.loop, &m.server));
    assert_int_equal(m.server.end, ERR_TLS);
    assert_string_equal(tls_stream_why(m.server.stream)->text,
                        "the other side refused TLS: Internal error");
    part(&m);
}

/* ---- what no library does ---- */

struct forgery {
    const char *what;
    enum tls13_type type;
    const char *bytes;
    size_t n;
    gnutls_alert_description_t alert;
};

#define FORGED(what, type, bytes, alert)                                                           \
    {                                                                                              \
        what, type, bytes, sizeof(bytes) - 1, alert                                                \
    }

static const struct forgery forgeries[] = {
    FORGED("no message", TLS13_HANDSHAKE, "", GNUTLS_A_UNEXPECTED_MESSAGE),
    FORGED("a hello", TLS13_HANDSHAKE, "\x01\0\0\x05hello", GNUTLS_A_UNEXPECTED_MESSAGE),
    FORGED("a finished", TLS13_HANDSHAKE, "\x14\0\0\x20", GNUTLS_A_UNEXPECTED_MESSAGE),
    FORGED("a client's ticket", TLS13_HANDSHAKE, "\x04\0\0\x01x", GNUTLS_A_UNEXPECTED_MESSAGE),
    FORGED("an update of two bytes", TLS13_HANDSHAKE, "\x18\0\0\x02\0\0", GNUTLS_A_DECODE_ERROR),
    FORGED("an empty update", TLS13_HANDSHAKE, "\x18\0\0\0", GNUTLS_A_DECODE_ERROR),
    FORGED("a long update", TLS13_HANDSHAKE, "\x18\xff\xff\xff", GNUTLS_A_DECODE_ERROR),
    FORGED("a third wish", TLS13_HANDSHAKE, "\x18\0\0\x01\x02", GNUTLS_A_ILLEGAL_PARAMETER),
    FORGED("two updates in one record", TLS13_HANDSHAKE, "\x18\0\0\x01\0\x18\0\0\x01\0",
           GNUTLS_A_UNEXPECTED_MESSAGE),
    FORGED("half an alert", TLS13_ALERT, "\x02", GNUTLS_A_DECODE_ERROR),
    FORGED("two alerts", TLS13_ALERT, "\x01\x00\x01\x00", GNUTLS_A_DECODE_ERROR),
    FORGED("a change of ciphers", (enum tls13_type)20, "\x01", GNUTLS_A_UNEXPECTED_MESSAGE),
};

static void assert_refused(struct meeting *m, const char *what, gnutls_alert_description_t alert)
{
    char text[8];

    if (!run_until_end(m->loop, &m->server) || m->server.end != ERR_TLS) {
        fail_msg("%s: ended with %s", what, err_name(m->server.end));
    }
    assert_int_equal(client_reads(m, text, sizeof text), GNUTLS_E_FATAL_ALERT_RECEIVED);
    if (gnutls_alert_get(m->client.session) != alert) {
        fail_msg("%s: alert %d", what, gnutls_alert_get(m->client.session));
    }
}

static void what_must_not_follow_a_handshake_is_refused_with_its_alert(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forgeries); i++) {
        const struct forgery *f = &forgeries[i];
        struct meeting m;

        meet(&m, "", (struct tls_limits){0});
        assert_echoed(&m, 3);
        library_peer_forge(&m.client, f->type, f->bytes, f->n);
        assert_refused(&m, f->what, f->alert);
        part(&m);
    }
}

static void data_between_the_parts_of_a_message_is_refused(void **state)
{
    struct meeting m;

    (void)state;
    meet(&m, "", (struct tls_limits){0});
    library_peer_forge(&m.client, TLS13_HANDSHAKE, "\x18\0", 2);
    library_peer_forge(&m.client, TLS13_DATA, "x", 1);
    assert_refused(&m, "data", GNUTLS_A_UNEXPECTED_MESSAGE);
    assert_int_equal(m.server.received, 0);
    part(&m);
}

static void empty_records_and_cancellations_are_passed_over(void **state)
{
    struct meeting m;

    (void)state;
    meet(&m, "", (struct tls_limits){0});
    for (int i = 0; i < 200; i++) {
        library_peer_forge(&m.client, TLS13_DATA, "", 0);
    }
    library_peer_forge(&m.client, TLS13_ALERT, "\x01\x5a", 2);
    assert_echoed(&m, 100);
    part(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_pass_with_each_cipher),
        cmocka_unit_test(key_material_is_that_of_the_library),
        cmocka_unit_test(a_peer_renews_its_keys_and_asks_for_ours),
        cmocka_unit_test(we_renew_ours),
        cmocka_unit_test(a_peer_may_pad),
        cmocka_unit_test(each_side_ends_its_direction),
        cmocka_unit_test(the_alert_of_a_peer_is_named),
        cmocka_unit_test(what_must_not_follow_a_handshake_is_refused_with_its_alert),
        cmocka_unit_test(data_between_the_parts_of_a_message_is_refused),
        cmocka_unit_test(empty_records_and_cancellations_are_passed_over),
    };

    return cmocka_run_group_tests(tests, fill_folder, drop_folder);
}
