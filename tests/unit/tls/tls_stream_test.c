/* Pairs of TLS streams over the test's pipe: what passes, what ends, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "support/certs.h"
#include "support/folder.h"
#include "support/library_peer.h"
#include "support/pipe_stream.h"
#include "support/stream_end.h"
#include "tls/digest.h"
#include "tls/tls_stream.h"

static struct folder folder;
static const char *const link_alpn[] = {"adit/1", NULL};
static const char *const server_alpn[] = {"adit/1", "http/1.1", NULL};

static const char *path(const char *file)
{
    return folder_path(&folder, file);
}

static struct tls_identity *identity(const char *file)
{
    struct tls_identity *i;
    struct errinfo why = {0};
    char cert[64];
    char key[64];

    snprintf(cert, sizeof cert, "%s.crt", file);
    snprintf(key, sizeof key, "%s.key", file);
    int err = tls_identity_load(path(cert), path(key), &i, &why);
    if (err < 0) {
        fail_msg("%s", why.text);
    }
    return i;
}

static struct tls_trust *trust_ca(const char *file)
{
    struct tls_trust *t;
    struct tls_trust_options options = {.ca_file = path(file)};
    assert_int_equal(tls_trust_new(&options, &t, NULL), 0);
    return t;
}

static struct tls_trust *trust_pin(const struct tls_pin *pin)
{
    struct tls_trust *t;
    struct tls_trust_options options = {.pins = pin, .pin_count = 1};
    assert_int_equal(tls_trust_new(&options, &t, NULL), 0);
    return t;
}

static int fill_folder(void **state)
{
    (void)state;
    folder_make(&folder);
    cert_make(folder.path,
              &(struct cert_spec){.file = "ca", .name = "test root", .is_authority = true});
    cert_make(folder.path,
              &(struct cert_spec){.file = "good", .name = "relay.test", .signer = "ca"});
    cert_make(folder.path, &(struct cert_spec){.file = "ip", .name = "127.0.0.1", .signer = "ca"});
    cert_make(
        folder.path,
        &(struct cert_spec){
            .file = "old", .name = "relay.test", .signer = "ca", .from_days = -9, .to_days = -2});
    cert_make(
        folder.path,
        &(struct cert_spec){.file = "early", .name = "relay.test", .signer = "ca", .from_days = 2});
    cert_make(folder.path, &(struct cert_spec){.file = "self", .name = "relay.test"});
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

/* ---- one pair ---- */

struct side {
    struct stream_end end;
    struct stream *lower; /* weak */
    bool is_done;
    int err;
    char why[sizeof(struct errinfo)];
};

struct pair {
    struct loop *loop;
    struct side client;
    struct side server;
    struct tls_identity *identity;
    struct tls_trust *trust;
    struct tls_client_options client_options;
    struct tls_server_options server_options;
};

static void on_done(void *ctx, struct stream *s, int err, const struct errinfo *why)
{
    struct side *side = ctx;

    assert_ptr_equal(s, side->end.stream);
    assert_false(side->is_done);
    side->is_done = true;
    side->err = err;
    snprintf(side->why, sizeof side->why, "%s", why ? why->text : "");
}

/* The usual options, to be changed before pair_open. */
static void pair_init(struct pair *p, const char *identity_file)
{
    *p = (struct pair){.loop = loop_new()};
    p->identity = identity(identity_file);
    p->trust = trust_ca("ca.crt");
    p->client_options = (struct tls_client_options){.trust = p->trust,
                                                    .server_name = SLICE("relay.test"),
                                                    .alpn = link_alpn,
                                                    .needs_tls13 = true};
    p->server_options = (struct tls_server_options){
        .identity = p->identity, .alpn = server_alpn, .tls13_alpn = "adit/1"};
}

static void pair_open(struct pair *p, const struct pipe_options *pipe)
{
    pipe_open(p->loop, pipe, &p->client.lower, &p->server.lower);
    stream_end_init(&p->client.end,
                    tls_client_attach(p->client.lower, &p->client_options, on_done, &p->client));
    stream_end_init(&p->server.end, tls_server_attach(p->server.lower, NULL, &p->server_options,
                                                      on_done, &p->server));
}

static void pair_shake_hands(struct pair *p, const struct pipe_options *pipe)
{
    pair_open(p, pipe);
    assert_true(run_until(p->loop, &p->client.is_done));
    assert_true(run_until(p->loop, &p->server.is_done));
    assert_int_equal(p->client.err, 0);
    assert_int_equal(p->server.err, 0);
}

static void pair_close(struct pair *p)
{
    stream_end_close(&p->client.end);
    stream_end_close(&p->server.end);
    loop_run_for(p->loop, 1);
    tls_identity_unref(&p->identity);
    tls_trust_unref(&p->trust);
    loop_free(&p->loop);
    assert_int_equal(chunk_stats().in_use, 0);
}

static void assert_received(const struct stream_end *e, const char *text)
{
    char *copy = mem_alloc(e->in.bytes);

    bufq_peek(&e->in, copy, e->in.bytes);
    assert_true(slice_is(slice_of(copy, e->in.bytes), text));
    mem_free(copy);
}

/* ---- what passes ---- */

static void both_sides_know_the_facts_after_the_handshake(void **state)
{
    (void)state;
    struct pair p;
    struct stream_facts facts;
    uint8_t a[32];
    uint8_t b[32];

    pair_init(&p, "good");
    pair_open(&p, &(struct pipe_options){0});
    assert_int_equal(tls_stream_exporter(p.client.end.stream, SLICE("x"), a, 32), ERR_UNSUPPORTED);
    assert_true(run_until(p.loop, &p.client.is_done));
    assert_true(run_until(p.loop, &p.server.is_done));

    stream_facts(p.server.end.stream, &facts);
    assert_string_equal(facts.transport, "tls");
    assert_true(slice_is(facts.alpn, "adit/1"));
    assert_true(slice_is(facts.server_name, "relay.test"));
    assert_true(facts.is_encrypted && facts.can_half_close && facts.eof_is_authentic);
    stream_facts(p.client.end.stream, &facts);
    assert_true(slice_is(facts.alpn, "adit/1"));

    assert_int_equal(tls_stream_exporter(p.client.end.stream, SLICE("adit resume"), a, 32), 0);
    assert_int_equal(tls_stream_exporter(p.server.end.stream, SLICE("adit resume"), b, 32), 0);
    assert_memory_equal(a, b, 32);
    assert_int_equal(tls_stream_exporter(p.server.end.stream, SLICE("other"), b, 32), 0);
    assert_memory_not_equal(a, b, 32);
    pair_close(&p);
}

static void bytes_pass_both_ways_over_a_transport_of_single_bytes(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    pair_shake_hands(&p, &(struct pipe_options){.read_max = 1});
    p.client.end.shuts = true;
    p.server.end.shuts = true;
    stream_end_send(&p.client.end, "a question", 10);
    stream_end_send(&p.server.end, "an answer", 9);
    assert_true(run_until_end(p.loop, &p.client.end));
    assert_true(run_until_end(p.loop, &p.server.end));
    assert_received(&p.server.end, "a question");
    assert_received(&p.client.end, "an answer");
    assert_int_equal(p.client.end.end, ERR_EOF);
    assert_int_equal(p.server.end.end, ERR_EOF);
    assert_false(p.client.end.has_false_alarm || p.server.end.has_false_alarm);
    pair_close(&p);
}

/* TLS 1.3: close_notify ends one direction, the other goes on. */
static void an_answer_passes_after_the_half_close_of_the_asker(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    pair_shake_hands(&p, &(struct pipe_options){0});
    p.client.end.shuts = true;
    stream_end_send(&p.client.end, "ask", 3);
    assert_true(run_until_end(p.loop, &p.server.end));
    assert_int_equal(p.server.end.end, ERR_EOF);
    assert_int_equal(stream_write_bytes(p.client.end.stream, "x", 1), ERR_AGAIN); /* no room */
    stream_end_send(&p.server.end, "late answer", 11);
    assert_true(run_until_bytes(p.loop, &p.client.end, 11));
    assert_received(&p.client.end, "late answer");
    assert_int_equal(p.client.end.end, 0);
    pair_close(&p);
}

static void what_is_written_before_the_handshake_and_closed_at_once_arrives(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    pair_open(&p, &(struct pipe_options){.read_max = 100});
    stream_end_send(&p.client.end, "in a hurry", 10);
    assert_true(bufq_is_empty(&p.client.end.out));
    stream_end_close(&p.client.end);
    assert_true(run_until_end(p.loop, &p.server.end));
    assert_int_equal(p.server.end.end, ERR_EOF);
    assert_received(&p.server.end, "in a hurry");
    assert_false(p.client.is_done); /* nobody is told after close */
    pair_close(&p);
}

static void bytes_read_before_the_attach_belong_to_the_handshake(void **state)
{
    (void)state;
    struct pair p;
    struct bufq sniffed = {0};

    pair_init(&p, "good");
    pipe_open(p.loop, &(struct pipe_options){0}, &p.client.lower, &p.server.lower);
    stream_end_init(&p.client.end,
                    tls_client_attach(p.client.lower, &p.client_options, on_done, &p.client));
    loop_run_for(p.loop, 2);
    assert_int_equal(stream_read(p.server.lower, &sniffed, 50), 0);
    stream_end_init(&p.server.end, tls_server_attach(p.server.lower, &sniffed, &p.server_options,
                                                     on_done, &p.server));
    assert_true(bufq_is_empty(&sniffed));
    assert_true(run_until(p.loop, &p.server.is_done));
    assert_int_equal(p.server.err, 0);
    assert_true(run_until(p.loop, &p.client.is_done));
    pair_close(&p);
}

/* ---- much ---- */

enum { MUCH_BYTES = 20 << 20 };

static void digest_of(const struct bufq *q, uint8_t out[SHA256_BYTES])
{
    char *copy = mem_alloc(q->bytes);
    bufq_peek(q, copy, q->bytes);
    sha256(slice_of(copy, q->bytes), out);
    mem_free(copy);
}

static void send_much_both_ways(struct pair *p, size_t n)
{
    uint8_t *bytes = mem_alloc(n);
    uint8_t sent[2][SHA256_BYTES];
    uint8_t came[2][SHA256_BYTES];
    struct side *sides[] = {&p->client, &p->server};

    for (int i = 0; i < 2; i++) {
        random_bytes(bytes, n);
        sha256(slice_of(bytes, n), sent[i]);
        sides[i]->end.shuts = true;
        stream_end_send(&sides[i]->end, bytes, n);
    }
    for (int i = 0; i < 2; i++) {
        assert_true(run_until_end(p->loop, &sides[i]->end));
        assert_int_equal(sides[i]->end.end, ERR_EOF);
        digest_of(&sides[i]->end.in, came[i]);
    }
    assert_memory_equal(came[0], sent[1], SHA256_BYTES);
    assert_memory_equal(came[1], sent[0], SHA256_BYTES);
    mem_free(bytes);
}

static void much_passes_both_ways_at_once_unharmed(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    pair_shake_hands(&p, &(struct pipe_options){0});
    send_much_both_ways(&p, MUCH_BYTES);
    assert_false(p.client.end.has_false_alarm || p.server.end.has_false_alarm);
    pair_close(&p);
}

static void odd_sizes_pass_a_narrow_transport(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    pair_shake_hands(&p, &(struct pipe_options){.read_max = 997, .room = 1500});
    p.client.end.read_max = 313;
    p.server.end.read_max = 17000;
    send_much_both_ways(&p, 300001);
    pair_close(&p);
}

static void keys_are_changed_on_the_way(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    p.client_options.limits.rekey_records = 100; /* of 123 at least; a peer takes 8 a second */
    p.server_options.limits.rekey_bytes = 700000;
    pair_shake_hands(&p, &(struct pipe_options){.read_max = 5000});
    send_much_both_ways(&p, 2000000);
    assert_false(p.client.end.has_false_alarm || p.server.end.has_false_alarm);
    pair_close(&p);
}

static void a_reader_that_stops_stops_the_writer(void **state)
{
    (void)state;
    struct pair p;
    static char much[1 << 20];

    pair_init(&p, "good");
    pair_shake_hands(&p, &(struct pipe_options){0});
    stream_unwant(p.server.end.stream, STREAM_READABLE);
    stream_end_send(&p.client.end, much, sizeof much);
    loop_run_for(p.loop, 20);
    assert_int_equal(p.server.end.received, 0);
    assert_true(p.client.end.out.bytes > sizeof much / 2);
    stream_want(p.server.end.stream, STREAM_READABLE);
    assert_true(run_until_bytes(p.loop, &p.server.end, sizeof much));
    pair_close(&p);
}

static void an_idle_stream_holds_no_chunk(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    pair_shake_hands(&p, &(struct pipe_options){0});
    stream_end_send(&p.client.end, "some words", 10);
    assert_true(run_until_bytes(p.loop, &p.server.end, 10));
    bufq_clear(&p.server.end.in);
    loop_run_for(p.loop, 5);
    assert_int_equal(chunk_stats().in_use, 0);
    pair_close(&p);
}

/* ---- ends ---- */

static void an_end_without_close_notify_is_a_truncation(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    pair_shake_hands(&p, &(struct pipe_options){0});
    stream_end_send(&p.server.end, "all but", 7);
    assert_true(run_until_bytes(p.loop, &p.client.end, 7));
    assert_int_equal(stream_shutdown(p.server.lower), 0); /* as if somebody forged a FIN */
    assert_true(run_until_end(p.loop, &p.client.end));
    assert_int_equal(p.client.end.end, ERR_TRUNCATED);
    pair_close(&p);
}

static void a_cut_inside_a_record_is_a_truncation(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    pair_shake_hands(&p, &(struct pipe_options){.read_max = 1});
    stream_end_send(&p.server.end, "a record of some length", 23);
    loop_run_for(p.loop, 0);
    pipe_cut(p.server.lower, ERR_TRUNCATED);
    assert_true(run_until_end(p.loop, &p.client.end));
    assert_int_equal(p.client.end.end, ERR_TRUNCATED);
    pair_close(&p);
}

static void a_lost_connection_is_told_to_both_sides(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    pair_shake_hands(&p, &(struct pipe_options){0});
    pipe_cut(p.client.lower, ERR_RESET);
    assert_true(run_until_end(p.loop, &p.client.end));
    assert_true(run_until_end(p.loop, &p.server.end));
    assert_int_equal(p.client.end.end, ERR_RESET);
    assert_true(p.client.end.is_broken && p.server.end.is_broken);
    assert_true(stream_write_bytes(p.client.end.stream, "x", 1) < 0);
    pair_close(&p);
}

static void an_abort_resets_the_other_side(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    pair_shake_hands(&p, &(struct pipe_options){0});
    stream_abort(&p.client.end.stream);
    assert_true(run_until_end(p.loop, &p.server.end));
    assert_int_equal(p.server.end.end, ERR_RESET);
    pair_close(&p);
}

static void a_forged_record_is_refused(void **state)
{
    (void)state;
    struct pair p;
    static const uint8_t record[] = {23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8,
                                     9,  1, 2, 3, 4,  5, 6, 7, 8, 9, 1, 2};

    pair_init(&p, "good");
    pair_shake_hands(&p, &(struct pipe_options){0});
    assert_int_equal(stream_write_bytes(p.client.lower, record, sizeof record), 0);
    assert_true(run_until_end(p.loop, &p.server.end));
    assert_int_equal(p.server.end.end, ERR_TLS);
    assert_true(p.server.end.is_broken);
    assert_true(run_until_end(p.loop, &p.client.end)); /* by the alert */
    assert_int_equal(p.client.end.end, ERR_TLS);
    pair_close(&p);
}

/* The writer is gone, the reader slow: the rest still arrives, then the end. */
static void bytes_go_out_in_the_background_after_close(void **state)
{
    (void)state;
    struct pair p;
    static char much[60000];

    pair_init(&p, "good");
    pair_shake_hands(&p, &(struct pipe_options){.room = 1000, .read_max = 700});
    stream_end_send(&p.client.end, much, sizeof much);
    assert_true(bufq_is_empty(&p.client.end.out));
    stream_end_close(&p.client.end);
    assert_true(run_until_end(p.loop, &p.server.end));
    assert_int_equal(p.server.end.end, ERR_EOF);
    assert_int_equal(p.server.end.received, sizeof much);
    pair_close(&p);
}

static void a_loop_that_ends_cuts_what_still_sends(void **state)
{
    (void)state;
    struct pair p;
    static char much[60000];

    pair_init(&p, "good");
    pair_shake_hands(&p, &(struct pipe_options){.room = 1000, .read_max = 700});
    stream_end_send(&p.client.end, much, sizeof much);
    stream_end_close(&p.client.end);
    stream_end_close(&p.server.end);
    tls_identity_unref(&p.identity);
    tls_trust_unref(&p.trust);
    loop_free(&p.loop);
    assert_int_equal(chunk_stats().in_use, 0);
}

/* ---- refusals ---- */

/* The client refuses, the server hears of it, and both sides have a line for a person. */
static void assert_refused(struct pair *p, const char *sentence)
{
    pair_open(p, &(struct pipe_options){0});
    assert_true(run_until(p->loop, &p->client.is_done));
    assert_int_equal(p->client.err, ERR_DENIED);
    if (slice_find(slice_str(p->client.why), slice_str(sentence)) == strlen(p->client.why)) {
        fail_msg("\"%s\" is not in \"%s\"", sentence, p->client.why);
    }
    stream_end_close(&p->client.end);
    assert_true(run_until(p->loop, &p->server.is_done));
    assert_int_equal(p->server.err, ERR_TLS);
    pair_close(p);
}

static void a_certificate_nobody_signed_is_refused(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, "self");
    assert_refused(&p, "nobody trusted here has signed the certificate of relay.test");
}

static void an_expired_certificate_is_refused(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, "old");
    assert_refused(&p, "has expired on 20");
}

static void a_certificate_of_tomorrow_is_refused(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, "early");
    assert_refused(&p, "check this machine's clock");
}

static void a_certificate_for_another_name_is_refused(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, "good");
    p.client_options.server_name = SLICE("other.test");
    assert_refused(&p, "is for relay.test, not for other.test");
}

static void a_client_without_a_name_to_check_is_refused(void **state)
{
    (void)state;
    struct pair p;
    pair_init(&p, "good");
    p.client_options.server_name = SLICE_NONE;
    assert_refused(&p, "no name is known");
}

static void another_key_than_the_pinned_one_is_refused(void **state)
{
    (void)state;
    struct pair p;
    struct tls_pin pin = {{1, 2, 3}};

    pair_init(&p, "good");
    tls_trust_unref(&p.trust);
    p.trust = trust_pin(&pin);
    p.client_options.trust = p.trust;
    assert_refused(&p, "not the pinned one");
}

static void a_pinned_key_needs_neither_name_nor_date_nor_signer(void **state)
{
    (void)state;
    static const char *const files[] = {"self", "old", "good"};

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct pair p;
        struct tls_pin pin;

        pair_init(&p, files[i]);
        tls_identity_pin(p.identity, &pin);
        tls_trust_unref(&p.trust);
        p.trust = trust_pin(&pin);
        p.client_options.trust = p.trust;
        p.client_options.server_name = SLICE("203.0.113.5");
        pair_shake_hands(&p, &(struct pipe_options){0});
        pair_close(&p);
    }
}

static void an_address_is_checked_and_not_sent_as_a_name(void **state)
{
    (void)state;
    struct pair p;
    struct stream_facts facts;

    pair_init(&p, "ip");
    p.client_options.server_name = SLICE("127.0.0.1");
    pair_shake_hands(&p, &(struct pipe_options){0});
    stream_facts(p.server.end.stream, &facts);
    assert_int_equal(facts.server_name.len, 0);
    pair_close(&p);
}

static void who_trusts_everybody_gets_through(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "old");
    tls_trust_unref(&p.trust);
    assert_int_equal(
        tls_trust_new(&(struct tls_trust_options){.trusts_everybody = true}, &p.trust, NULL), 0);
    p.client_options.trust = p.trust;
    pair_shake_hands(&p, &(struct pipe_options){0});
    pair_close(&p);
}

static void a_client_without_a_protocol_in_common_is_refused(void **state)
{
    (void)state;
    static const char *const other[] = {"h3", NULL};
    struct pair p;

    pair_init(&p, "good");
    p.client_options.alpn = other;
    pair_open(&p, &(struct pipe_options){0});
    assert_true(run_until(p.loop, &p.client.is_done));
    assert_int_equal(p.client.err, ERR_TLS);
    assert_int_equal(p.server.err, ERR_TLS);
    assert_string_equal(p.server.why, "no protocol in common (ALPN)");
    pair_close(&p);
}

static void a_client_that_names_no_protocol_is_served(void **state)
{
    (void)state;
    struct pair p;
    struct stream_facts facts;

    pair_init(&p, "good");
    p.client_options.alpn = NULL;
    p.client_options.needs_tls13 = false;
    pair_shake_hands(&p, &(struct pipe_options){0});
    stream_facts(p.server.end.stream, &facts);
    assert_int_equal(facts.alpn.len, 0);
    pair_close(&p);
}

/* The server hands out a ticket first, which the client has no use for. */
static void bytes_pass_beside_a_ticket(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    p.client_options.alpn = NULL;
    pair_shake_hands(&p, &(struct pipe_options){.read_max = 7});
    stream_end_send(&p.server.end, "an answer", 9);
    stream_end_send(&p.client.end, "a question", 10);
    assert_true(run_until_bytes(p.loop, &p.client.end, 9));
    assert_true(run_until_bytes(p.loop, &p.server.end, 10));
    assert_received(&p.client.end, "an answer");
    assert_received(&p.server.end, "a question");
    pair_close(&p);
}

struct names {
    struct tls_identity *identity;
    int asked_count;
    char asked[64];
};

static struct tls_identity *find_by_name(void *ctx, struct slice name)
{
    struct names *names = ctx;

    names->asked_count++;
    snprintf(names->asked, sizeof names->asked, "%.*s", SLICE_ARG(name));
    return slice_is(name, "relay.test") ? names->identity : NULL;
}

static void the_identity_is_found_by_the_name_asked_for(void **state)
{
    (void)state;
    struct pair p;
    struct names names = {0};

    pair_init(&p, "good");
    names.identity = p.identity;
    p.server_options.identity = NULL;
    p.server_options.find_identity = find_by_name;
    p.server_options.find_ctx = &names;
    p.client_options.server_name = SLICE("RELAY.test");
    pair_shake_hands(&p, &(struct pipe_options){0});
    assert_string_equal(names.asked, "relay.test");
    assert_int_equal(names.asked_count, 1);
    pair_close(&p);
}

static void a_name_nobody_has_is_refused(void **state)
{
    (void)state;
    struct pair p;
    struct names names = {0};

    pair_init(&p, "good");
    p.server_options.identity = NULL;
    p.server_options.find_identity = find_by_name;
    p.server_options.find_ctx = &names;
    p.client_options.server_name = SLICE("other.test");
    pair_open(&p, &(struct pipe_options){0});
    assert_true(run_until(p.loop, &p.client.is_done));
    assert_true(run_until(p.loop, &p.server.is_done));
    assert_int_equal(p.server.err, ERR_TLS);
    assert_int_equal(p.client.err, ERR_TLS);
    assert_string_equal(p.client.why, "the other side refused TLS: The server name sent was not "
                                      "recognized");
    pair_close(&p);
}

static void a_peer_that_speaks_no_tls_is_named(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    pipe_open(p.loop, &(struct pipe_options){0}, &p.client.lower, &p.server.lower);
    stream_end_init(&p.client.end,
                    tls_client_attach(p.client.lower, &p.client_options, on_done, &p.client));
    stream_end_init(&p.server.end, p.server.lower);
    stream_end_send(&p.server.end, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    assert_true(run_until(p.loop, &p.client.is_done));
    assert_int_equal(p.client.err, ERR_TLS);
    assert_string_equal(p.client.why, "the other side does not speak TLS here, check the port");
    assert_true(run_until_end(p.loop, &p.client.end));
    assert_int_equal(p.client.end.end, ERR_TLS);
    pair_close(&p);
}

static void a_silent_peer_ends_at_the_deadline(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    p.client_options.limits.handshake_ms = 20;
    pair_open(&p, &(struct pipe_options){0});
    pipe_stall(p.client.lower, true);
    assert_true(run_until(p.loop, &p.client.is_done));
    assert_int_equal(p.client.err, ERR_TIMEOUT);
    assert_string_equal(p.client.why, "the TLS handshake has not ended within 20 ms");
    stream_end_close(&p.client.end);
    assert_true(run_until(p.loop, &p.server.is_done));
    assert_int_equal(p.server.err, ERR_TRUNCATED);
    pair_close(&p);
}

static void a_connection_lost_in_the_handshake_is_told(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    pair_open(&p, &(struct pipe_options){.read_max = 100});
    loop_run_for(p.loop, 0);
    pipe_cut(p.client.lower, ERR_RESET);
    assert_true(run_until(p.loop, &p.client.is_done));
    assert_int_equal(p.client.err, ERR_RESET);
    assert_string_equal(p.client.why, "lost during the TLS handshake: connection reset");
    pair_close(&p);
}

/* ---- TLS 1.2: a client that is the library alone, for ours does not go below 1.3 on demand ----
 */

/* In place of p's client; returns what the handshake says on the client's side. */
static int old_client_shake_hands(struct library_peer *c, struct pair *p, const char *alpn)
{
    pipe_open(p->loop, &(struct pipe_options){0}, &p->client.lower, &p->server.lower);
    library_peer_init(c, p->client.lower, "NORMAL:-VERS-ALL:+VERS-TLS1.2", alpn);
    stream_end_init(&p->server.end, tls_server_attach(p->server.lower, NULL, &p->server_options,
                                                      on_done, &p->server));
    return library_peer_shake_hands(c, p->loop);
}

/* close_notify of TLS 1.2 ends both directions: what a pump must know. */
static void a_visitor_with_tls12_is_served_without_half_close(void **state)
{
    (void)state;
    struct stream_facts facts;
    struct library_peer c;
    struct pair p;
    char text[8];

    pair_init(&p, "good");
    assert_int_equal(old_client_shake_hands(&c, &p, "http/1.1"), 0);
    assert_true(run_until(p.loop, &p.server.is_done));
    assert_int_equal(p.server.err, 0);
    stream_facts(p.server.end.stream, &facts);
    assert_false(facts.can_half_close);
    assert_int_equal(stream_shutdown(p.server.end.stream), ERR_UNSUPPORTED);

    assert_int_equal(gnutls_record_send(c.session, "ask", 3), 3);
    assert_true(run_until_bytes(p.loop, &p.server.end, 3));
    stream_end_send(&p.server.end, "answer", 6);
    stream_end_close(&p.server.end);
    loop_run_for(p.loop, 2);
    assert_int_equal(gnutls_record_recv(c.session, text, sizeof text), 6);
    assert_memory_equal(text, "answer", 6);
    assert_int_equal(gnutls_record_recv(c.session, text, sizeof text), 0); /* close_notify */
    library_peer_close(&c);
    pair_close(&p);
}

static void an_agent_with_tls12_is_refused(void **state)
{
    (void)state;
    struct library_peer c;
    struct pair p;

    pair_init(&p, "good");
    (void)old_client_shake_hands(&c, &p, "adit/1");
    assert_true(run_until(p.loop, &p.server.is_done));
    assert_int_equal(p.server.err, ERR_TLS);
    assert_string_equal(p.server.why, "adit/1 needs TLS 1.3");
    library_peer_close(&c);
    pair_close(&p);
}

/* ---- reload ---- */

static void an_identity_may_be_replaced_while_streams_use_it(void **state)
{
    (void)state;
    struct pair p;

    pair_init(&p, "good");
    pair_open(&p, &(struct pipe_options){.read_max = 50});
    tls_identity_unref(&p.identity); /* in the middle of the handshake */
    tls_trust_unref(&p.trust);
    assert_true(run_until(p.loop, &p.client.is_done));
    assert_int_equal(p.client.err, 0);
    stream_end_send(&p.client.end, "still here", 10);
    assert_true(run_until_bytes(p.loop, &p.server.end, 10));
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_know_the_facts_after_the_handshake),
        cmocka_unit_test(bytes_pass_both_ways_over_a_transport_of_single_bytes),
        cmocka_unit_test(an_answer_passes_after_the_half_close_of_the_asker),
        cmocka_unit_test(what_is_written_before_the_handshake_and_closed_at_once_arrives),
        cmocka_unit_test(bytes_read_before_the_attach_belong_to_the_handshake),
        cmocka_unit_test(much_passes_both_ways_at_once_unharmed),
        cmocka_unit_test(odd_sizes_pass_a_narrow_transport),
        cmocka_unit_test(keys_are_changed_on_the_way),
        cmocka_unit_test(a_reader_that_stops_stops_the_writer),
        cmocka_unit_test(an_idle_stream_holds_no_chunk),
        cmocka_unit_test(an_end_without_close_notify_is_a_truncation),
        cmocka_unit_test(a_cut_inside_a_record_is_a_truncation),
        cmocka_unit_test(a_lost_connection_is_told_to_both_sides),
        cmocka_unit_test(an_abort_resets_the_other_side),
        cmocka_unit_test(a_forged_record_is_refused),
        cmocka_unit_test(bytes_go_out_in_the_background_after_close),
        cmocka_unit_test(a_loop_that_ends_cuts_what_still_sends),
        cmocka_unit_test(a_certificate_nobody_signed_is_refused),
        cmocka_unit_test(an_expired_certificate_is_refused),
        cmocka_unit_test(a_certificate_of_tomorrow_is_refused),
        cmocka_unit_test(a_certificate_for_another_name_is_refused),
        cmocka_unit_test(a_client_without_a_name_to_check_is_refused),
        cmocka_unit_test(another_key_than_the_pinned_one_is_refused),
        cmocka_unit_test(a_pinned_key_needs_neither_name_nor_date_nor_signer),
        cmocka_unit_test(an_address_is_checked_and_not_sent_as_a_name),
        cmocka_unit_test(who_trusts_everybody_gets_through),
        cmocka_unit_test(a_client_without_a_protocol_in_common_is_refused),
        cmocka_unit_test(a_client_that_names_no_protocol_is_served),
        cmocka_unit_test(bytes_pass_beside_a_ticket),
        cmocka_unit_test(the_identity_is_found_by_the_name_asked_for),
        cmocka_unit_test(a_name_nobody_has_is_refused),
        cmocka_unit_test(a_peer_that_speaks_no_tls_is_named),
        cmocka_unit_test(a_silent_peer_ends_at_the_deadline),
        cmocka_unit_test(a_connection_lost_in_the_handshake_is_told),
        cmocka_unit_test(a_visitor_with_tls12_is_served_without_half_close),
        cmocka_unit_test(an_agent_with_tls12_is_refused),
        cmocka_unit_test(an_identity_may_be_replaced_while_streams_use_it),
    };
    return cmocka_run_group_tests(tests, fill_folder, drop_folder);
}
