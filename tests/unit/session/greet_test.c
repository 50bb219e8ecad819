/* Both sides of the greeting, back to back over a pipe. */
#include "session/greet_client.h"
#include "session/greet_server.h"
#include "support/check.h"
#include "support/pipe_stream.h"
#include "support/stream_end.h"
#include "tls/digest.h"
#include "wire/mux_frame.h"

/* A relay and an agent that note what happened and answer as the test says. */
struct meeting {
    struct loop *loop;
    struct greet_server *server;
    struct greet_client *client;
    struct stream *raw; /* the client's end, where a test plays the agent itself */
    uint8_t secret[LINK_SECRET_BYTES];
    struct link_session_id session;

    /* what the test wants */
    uint64_t epoch; /* 0: log in; else resume with it */
    size_t row_count;
    bool is_unknown;
    bool is_refused;
    const uint8_t *seed; /* the agent proves its id with; NULL: it does not */
    uint8_t node_id[LINK_ID_BYTES];

    /* what happened */
    char token[64];
    size_t server_rows;
    size_t client_rows;
    bool was_proven;
    int identity; /* what greet_server_check_identity says */
    bool is_logged_in;
    bool is_resumed;
    bool is_client_over;
    bool is_server_over;
    int client_err;
    int server_err;
    uint16_t refusal;
    struct greeted at_client;
    struct stream_end at_server; /* plays the link: writes what the greeting could not */
};

static void log_in(struct meeting *m)
{
    struct link_login login = {.token = SLICE("secret-token"), .host_name = SLICE("box")};
    greet_client_log_in(m->client, &login, m->seed);
}

static void fill_rows(struct bufq *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[LINK_ROW_BYTES];
        struct writer w = writer_of(bytes, sizeof bytes);
        struct link_row row = {.id = (uint32_t)(2 * i + 1), .received = i, .limit = i + 1};
        link_row_write(&w, &row);
        bufq_push(rows, bytes, sizeof bytes);
    }
}

/* ---- the agent ---- */

static void client_on_hello(void *ctx, struct greet_client *g, const struct link_hello *peer)
{
    struct meeting *m = ctx;
    struct bufq rows = {0};

    (void)peer;
    if (m->epoch == 0) {
        log_in(m);
        return;
    }
    fill_rows(&rows, m->row_count);
    greet_client_resume(g, &m->session, m->epoch, m->secret, &rows);
}

static void client_on_logged_in(void *ctx, struct greet_client *g,
                                const struct link_logged_in *answer)
{
    struct meeting *m = ctx;

    (void)g;
    (void)answer;
    m->is_logged_in = true;
    m->is_client_over = true;
    m->at_client = greet_client_take(&m->client);
}

static void client_on_resumed(void *ctx, struct greet_client *g, const struct link_resumed *answer,
                              struct bufq *rows)
{
    struct meeting *m = ctx;

    (void)g;
    (void)answer;
    m->is_resumed = true;
    m->is_client_over = true;
    m->client_rows = rows->bytes / LINK_ROW_BYTES;
    m->at_client = greet_client_take(&m->client);
}

static void client_on_unknown(void *ctx, struct greet_client *g)
{
    (void)g;
    log_in(ctx);
}

static void client_on_refused(void *ctx, struct greet_client *g, const struct link_refused *refused)
{
    struct meeting *m = ctx;

    (void)g;
    m->client = NULL;
    m->refusal = refused->code;
    m->is_client_over = true;
}

static void client_on_failed(void *ctx, struct greet_client *g, int err, const struct errinfo *why)
{
    struct meeting *m = ctx;

    (void)g;
    (void)why;
    m->client = NULL;
    m->client_err = err;
    m->is_client_over = true;
}

static const struct greet_client_user client_user = {
    .on_hello = client_on_hello,
    .on_logged_in = client_on_logged_in,
    .on_resumed = client_on_resumed,
    .on_unknown = client_on_unknown,
    .on_refused = client_on_refused,
    .on_failed = client_on_failed,
};

/* ---- the relay ---- */

static void take_carrier(struct meeting *m, struct greeted carrier)
{
    m->is_server_over = true;
    stream_end_init(&m->at_server, carrier.stream);
    m->at_server.out = carrier.out;
    stream_want(carrier.stream, STREAM_WRITABLE);
    bufq_clear(&carrier.in);
}

static void server_on_login(void *ctx, struct greet_server *g, const struct link_login *login)
{
    struct meeting *m = ctx;
    struct link_refused no = {.code = LINK_REFUSAL_TOKEN};
    struct link_logged_in yes = {.session = m->session};

    m->identity = greet_server_check_identity(g, login->identity);
    assert_true(login->token.len < sizeof m->token);
    memcpy(m->token, login->token.ptr, login->token.len);
    if (m->is_refused) {
        greet_server_refuse(&m->server, &no);
        m->is_server_over = true;
    } else {
        take_carrier(m, greet_server_log_in(&m->server, &yes));
    }
}

static void server_on_resume(void *ctx, struct greet_server *g, const struct link_resume *resume,
                             struct bufq *rows)
{
    struct meeting *m = ctx;
    struct bufq own = {0};

    m->server_rows = rows->bytes / LINK_ROW_BYTES;
    uint8_t input[LINK_PROOF_INPUT_MAX];
    size_t n = greet_server_proof_input(g, resume, input);

    m->was_proven = greet_server_check_proof(slice_of(input, n), resume->proof, m->secret);
    if (m->is_unknown || !m->was_proven) {
        greet_server_unknown(g);
        return;
    }
    fill_rows(&own, m->row_count);
    struct greeted carrier = greet_server_take(&m->server);
    greet_server_put_resumed(&carrier.out, m->secret, &own);
    take_carrier(m, carrier);
}

static void server_on_failed(void *ctx, struct greet_server *g, int err, const struct errinfo *why)
{
    struct meeting *m = ctx;

    (void)g;
    (void)why;
    m->server = NULL;
    m->server_err = err;
    m->is_server_over = true;
}

static const struct greet_server_user server_user = {
    .on_login = server_on_login,
    .on_resume = server_on_resume,
    .on_failed = server_on_failed,
};

/* ---- life ---- */

static const uint8_t node_id[LINK_ID_BYTES] = "node";
static const uint8_t run_id[LINK_ID_BYTES] = "run";

static void start_server(struct meeting *m, struct stream *s)
{
    struct greet_server_options options = {
        .node_id = node_id, .run_id = run_id, .initial_window = 32768, .limit_ms = 300};
    m->server = greet_server_start(s, NULL, &options, &server_user, m);
}

static void meet(struct meeting *m, const struct pipe_options *pipe)
{
    struct stream *a;
    struct stream *b;
    struct greet_client_options options = {
        .node_id = m->node_id, .run_id = run_id, .initial_window = 32768, .limit_ms = 300};

    m->loop = loop_new();
    memset(m->secret, 7, sizeof m->secret);
    pipe_open(m->loop, pipe, &a, &b);
    m->client = greet_client_start(a, &options, &client_user, m);
    start_server(m, b);
    assert_true(run_until(m->loop, &m->is_server_over));
    assert_true(run_until(m->loop, &m->is_client_over));
}

/* The relay alone; the test writes the agent's bytes. */
static void meet_raw(struct meeting *m)
{
    struct pipe_options pipe = {0};
    struct stream *b;

    m->loop = loop_new();
    pipe_open(m->loop, &pipe, &m->raw, &b);
    start_server(m, b);
}

static void part(struct meeting *m)
{
    greet_client_abort(&m->client);
    greet_server_abort(&m->server);
    stream_abort(&m->at_client.stream);
    if (m->at_server.stream) {
        stream_end_close(&m->at_server);
    }
    stream_abort(&m->raw);
    bufq_clear(&m->at_client.in);
    bufq_clear(&m->at_client.out);
    loop_free(&m->loop);
    assert_int_equal(chunk_stats().in_use, 0);
}

/* ---- tests ---- */

static void an_agent_logs_in_byte_by_byte(void **state)
{
    (void)state;
    struct meeting m = {0};
    struct pipe_options slow = {.read_max = 1};

    meet(&m, &slow);
    assert_true(m.is_logged_in);
    assert_string_equal(m.token, "secret-token");
    assert_non_null(m.at_client.stream);
    assert_non_null(m.at_server.stream);
    part(&m);
}

static void a_refused_agent_hears_why(void **state)
{
    (void)state;
    struct meeting m = {.is_refused = true};
    struct pipe_options pipe = {0};

    meet(&m, &pipe);
    assert_int_equal(m.refusal, LINK_REFUSAL_TOKEN);
    assert_false(m.is_logged_in);
    part(&m);
}

static void a_session_resumes_with_the_right_secret(void **state)
{
    (void)state;
    struct meeting m = {.epoch = 1, .row_count = 5};
    struct pipe_options pipe = {0};

    meet(&m, &pipe);
    assert_true(m.was_proven);
    assert_true(m.is_resumed);
    assert_int_equal(m.server_rows, 5);
    assert_int_equal(m.client_rows, 5);
    part(&m);
}

/* A table larger than a frame goes over in several; what the stream has no room for travels with
 * the carrier (greeted.out), which the link writes. */
static void a_large_table_arrives_whole(void **state)
{
    (void)state;
    struct meeting m = {.epoch = 1, .row_count = 2000};
    struct pipe_options pipe = {0};

    meet(&m, &pipe);
    assert_int_equal(m.server_rows, 2000);
    assert_true(m.is_resumed);
    assert_int_equal(m.client_rows, 2000);
    part(&m);
}

static void an_unknown_session_logs_in_on_the_same_carrier(void **state)
{
    (void)state;
    struct meeting m = {.epoch = 3, .row_count = 1, .is_unknown = true};
    struct pipe_options pipe = {.read_max = 7};

    meet(&m, &pipe);
    assert_true(m.is_logged_in);
    assert_false(m.is_resumed);
    part(&m);
}

static void a_stranger_is_cut_at_once(void **state)
{
    (void)state;
    struct meeting m = {0};

    meet_raw(&m);
    assert_int_equal(stream_write_bytes(m.raw, "GET / HTTP/1.1\r\n", 16), 0);
    assert_true(run_until(m.loop, &m.is_server_over));
    assert_int_equal(m.server_err, ERR_PROTOCOL);
    part(&m);
}

/* ---- who the agent is ---- */

static const uint8_t seed[SIGN_SEED_BYTES] = "the secret of this very agent";

static void make_node_id(uint8_t out[LINK_ID_BYTES])
{
    uint8_t key[SIGN_KEY_BYTES];
    uint8_t digest[SHA256_BYTES];

    sign_key_of(seed, key);
    sha256(slice_of(key, sizeof key), digest);
    memcpy(out, digest, LINK_ID_BYTES);
}

static void an_agent_proves_its_id(void **state)
{
    (void)state;
    struct meeting m = {.seed = seed};
    struct pipe_options pipe = {0};

    make_node_id(m.node_id);
    meet(&m, &pipe);
    assert_true(m.is_logged_in);
    assert_int_equal(m.identity, 0);
    part(&m);
}

static void an_id_without_a_proof_proves_nothing(void **state)
{
    (void)state;
    struct meeting m = {0};
    struct pipe_options pipe = {0};

    make_node_id(m.node_id);
    meet(&m, &pipe);
    assert_int_equal(m.identity, ERR_NOT_FOUND);
    part(&m);
}

static void the_id_of_another_cannot_be_proven(void **state)
{
    static const uint8_t other[SIGN_SEED_BYTES] = "the secret of another agent";
    (void)state;
    struct meeting m = {.seed = other};
    struct pipe_options pipe = {0};

    make_node_id(m.node_id);
    meet(&m, &pipe);
    assert_int_equal(m.identity, ERR_DENIED);
    part(&m);
}

/* The proof of one login is worth nothing in another: the relay's nonce differs. */
static void a_recorded_proof_is_worth_nothing(void **state)
{
    (void)state;
    struct meeting m = {0};
    struct link_hello hello = {.version_min = 1, .version_max = 1, .initial_window = 32768};
    uint8_t proof[LINK_IDENTITY_MAX], input[LINK_IDENTITY_INPUT_MAX];
    static const uint8_t older_nonce[LINK_NONCE_BYTES] = "of another HELLO";
    struct link_identity recorded = {0};
    struct bufq out = {0};

    meet_raw(&m);
    make_node_id(hello.node_id);
    sign_key_of(seed, recorded.key);
    size_t n = link_identity_input(older_nonce, &hello, SLICE_NONE, input);
    sign_make(seed, slice_of(input, n), recorded.signature);
    n = link_identity_write(&recorded, proof);
    struct link_login login = {.token = SLICE("t"), .identity = slice_of(proof, n)};
    link_hello_encode(&out, &hello);
    link_login_encode(&out, &login);
    assert_int_equal(stream_write(m.raw, &out), 0);
    assert_true(run_until(m.loop, &m.is_server_over));
    assert_int_equal(m.identity, ERR_DENIED);
    part(&m);
}

static void a_login_before_hello_is_a_violation(void **state)
{
    (void)state;
    struct meeting m = {0};
    struct bufq out = {0};
    struct link_login login = {.token = SLICE("t")};

    meet_raw(&m);
    bufq_push_str(&out, LINK_MAGIC);
    link_login_encode(&out, &login);
    assert_int_equal(stream_write(m.raw, &out), 0);
    assert_true(run_until(m.loop, &m.is_server_over));
    assert_int_equal(m.server_err, ERR_PROTOCOL);
    part(&m);
}

static void an_agent_of_another_version_is_told(void **state)
{
    (void)state;
    struct meeting m = {0};
    struct bufq out = {0};
    struct stream_end end;
    struct link_hello hello = {
        .version_min = LINK_VERSION + 1, .version_max = LINK_VERSION + 2, .initial_window = 32768};

    meet_raw(&m);
    link_hello_encode(&out, &hello);
    assert_int_equal(stream_write(m.raw, &out), 0);
    stream_end_init(&end, m.raw);
    assert_true(run_until(m.loop, &m.is_server_over));
    assert_int_equal(m.server_err, ERR_VERSION);
    assert_true(run_until_end(m.loop, &end));
    assert_true(end.in.bytes > FRAME_HEADER_BYTES); /* REFUSED */
    m.raw = NULL;
    stream_end_close(&end);
    part(&m);
}

static void silence_ends_after_the_handshakes_time(void **state)
{
    (void)state;
    struct meeting m = {0};

    meet_raw(&m);
    assert_true(run_until(m.loop, &m.is_server_over));
    assert_int_equal(m.server_err, ERR_TIMEOUT);
    part(&m);
}

static void a_cut_carrier_fails_both_sides(void **state)
{
    (void)state;
    struct meeting m = {0};

    meet_raw(&m);
    pipe_cut(m.raw, ERR_RESET);
    assert_true(run_until(m.loop, &m.is_server_over));
    assert_int_equal(m.server_err, ERR_RESET);
    part(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_logs_in_byte_by_byte),
        cmocka_unit_test(a_refused_agent_hears_why),
        cmocka_unit_test(a_session_resumes_with_the_right_secret),
        cmocka_unit_test(a_large_table_arrives_whole),
        cmocka_unit_test(an_unknown_session_logs_in_on_the_same_carrier),
        cmocka_unit_test(a_stranger_is_cut_at_once),
        cmocka_unit_test(an_agent_proves_its_id),
        cmocka_unit_test(an_id_without_a_proof_proves_nothing),
        cmocka_unit_test(the_id_of_another_cannot_be_proven),
        cmocka_unit_test(a_recorded_proof_is_worth_nothing),
        cmocka_unit_test(a_login_before_hello_is_a_violation),
        cmocka_unit_test(an_agent_of_another_version_is_told),
        cmocka_unit_test(silence_ends_after_the_handshakes_time),
        cmocka_unit_test(a_cut_carrier_fails_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
