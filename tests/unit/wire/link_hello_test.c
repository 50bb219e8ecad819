#include "wire/link_hello.h"

#include "wire/mux_frame.h"
#include "wire/wire_check.h"

static const struct link_session_id session = {.relay = 0x0102030405060708,
                                               .generation = 9,
                                               .worker = 3,
                                               .random = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}};

static struct link_hello sample_hello(void)
{
    struct link_hello h = {.version_min = 1, .version_max = 1, .initial_window = 32768};

    memset(h.node_id, 0xaa, sizeof h.node_id);
    memset(h.run_id, 0xbb, sizeof h.run_id);
    memset(h.nonce, 0xcc, sizeof h.nonce);
    return h;
}

/* The payload of the frame at the front, in a block of its own; the queue is emptied. */
static struct slice take_payload(struct bufq *q, enum frame_type type)
{
    struct frame_header h;
    struct slice payload;

    assert_int_equal(frame_take(q, &h, &payload), 0);
    assert_int_equal(h.type, type);
    assert_int_equal(h.id, 0);
    struct slice tight = tight_copy(payload);
    bufq_drop(q, h.length);
    return tight;
}

static void hello_is_the_page_s_vector(void **state)
{
    struct link_hello h = sample_hello();
    struct bufq q = {0};

    (void)state;
    link_hello_encode(&q, &h);
    assert_hex(&q, "61646974 004c 01 00 00000000 0001 0001 00000000"
                   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                   "cccccccccccccccccccccccccccccccc cccccccccccccccccccccccccccccccc 00008000");
}

static void hello_comes_back_and_every_truncation_is_refused(void **state)
{
    struct link_hello h = sample_hello(), back;
    struct bufq q = {0};

    (void)state;
    link_hello_encode(&q, &h);
    assert_int_equal(link_magic_take(&q), 0);
    struct slice p = take_payload(&q, FRAME_HELLO);
    assert_int_equal(link_hello_decode(p, &back, NULL), 0);
    assert_memory_equal(&back, &h, sizeof h);
    for (size_t n = 0; n < p.len; n++) {
        struct slice cut = tight_copy(slice_of(p.ptr, n));
        assert_int_equal(link_hello_decode(cut, &back, NULL), ERR_PROTOCOL);
        free((void *)cut.ptr);
    }
    free((void *)p.ptr);
}

static void the_magic_is_known_at_every_split(void **state)
{
    (void)state;
    for (size_t n = 0; n < LINK_MAGIC_BYTES; n++) {
        struct bufq q = {0};
        bufq_push(&q, LINK_MAGIC, n);
        assert_int_equal(link_magic_take(&q), ERR_MORE);
        assert_int_equal(q.bytes, n);
        bufq_push(&q, "X", 1);
        assert_int_equal(link_magic_take(&q), ERR_PROTOCOL);
        bufq_clear(&q);
    }
}

static int decode_hello(struct link_hello h)
{
    struct bufq q = {0};
    struct link_hello back;

    link_hello_encode(&q, &h);
    bufq_drop(&q, LINK_MAGIC_BYTES);
    struct slice p = take_payload(&q, FRAME_HELLO);
    int err = link_hello_decode(p, &back, NULL);
    free((void *)p.ptr);
    return err;
}

static void impossible_hellos_are_refused(void **state)
{
    struct link_hello h = sample_hello();

    (void)state;
    h.initial_window = LINK_INITIAL_WINDOW_MIN - 1;
    assert_int_equal(decode_hello(h), ERR_PROTOCOL);
    h.initial_window = LINK_INITIAL_WINDOW_MAX + 1;
    assert_int_equal(decode_hello(h), ERR_PROTOCOL);
    h.initial_window = LINK_INITIAL_WINDOW_MAX;
    assert_int_equal(decode_hello(h), 0);
    h.version_min = 2;
    assert_int_equal(decode_hello(h), ERR_PROTOCOL);
    h.version_min = 0;
    assert_int_equal(decode_hello(h), ERR_PROTOCOL);
}

static void versions_must_overlap(void **state)
{
    struct link_hello h = sample_hello();
    uint16_t version;

    (void)state;
    h.version_max = 9;
    assert_int_equal(link_version_choose(&h, &version), 0);
    assert_int_equal(version, 1);
    h.version_min = 2;
    assert_int_equal(link_version_choose(&h, &version), ERR_VERSION);
}

static void login_comes_back_as_it_was(void **state)
{
    struct link_login in = {
        SLICE("k7f2-secret"),       SLICE("nas"), SLICE("1.2.3"), SLICE("linux/x86-64"),
        SLICE("t.example.com:443"), true,         SLICE_NONE};
    struct link_login out;
    struct bufq q = {0};

    (void)state;
    link_login_encode(&q, &in);
    struct slice p = take_payload(&q, FRAME_LOGIN);
    assert_int_equal(link_login_decode(p, &out, NULL), 0);
    assert_true(slice_equal(in.token, out.token) && slice_equal(in.host_name, out.host_name));
    assert_true(slice_equal(in.dialled, out.dialled) && slice_equal(in.platform, out.platform));
    assert_true(slice_equal(in.agent_version, out.agent_version) && out.is_share);
    free((void *)p.ptr);
}

static void an_identity_has_one_of_two_sizes(void **state)
{
    char bytes[LINK_IDENTITY_MAX + 1];
    struct link_login out;

    (void)state;
    memset(bytes, 0x33, sizeof bytes);
    for (size_t n = 1; n <= sizeof bytes; n++) {
        struct link_login in = {.token = SLICE("t"), .identity = slice_of(bytes, n)};
        bool is_size = n == 96 || n == 128;
        struct bufq q = {0};
        if (n <= LINK_IDENTITY_MAX) {
            link_login_encode(&q, &in);
            struct slice p = take_payload(&q, FRAME_LOGIN);
            assert_int_equal(link_login_decode(p, &out, NULL), is_size ? 0 : ERR_PROTOCOL);
            free((void *)p.ptr);
        }
    }
}

static void an_identity_comes_back_as_it_was(void **state)
{
    struct link_identity in = {.key = {1, 2}, .signature = {3, 4}}, out;
    uint8_t bytes[LINK_IDENTITY_MAX];
    char exporter[LINK_EXPORTER_BYTES];

    (void)state;
    memset(exporter, 0x22, sizeof exporter);
    in.exporter = slice_of(exporter, sizeof exporter);
    link_identity_read(slice_of(bytes, link_identity_write(&in, bytes)), &out);
    assert_memory_equal(in.key, out.key, sizeof in.key);
    assert_memory_equal(in.signature, out.signature, sizeof in.signature);
    assert_true(slice_equal(in.exporter, out.exporter));
    in.exporter = SLICE_NONE;
    assert_int_equal(link_identity_write(&in, bytes), 96);
    link_identity_read(slice_of(bytes, 96), &out);
    assert_int_equal(out.exporter.len, 0);
}

static void identity_input_is_label_nonce_ids_exporter(void **state)
{
    struct link_hello agent = {0};
    uint8_t nonce[LINK_NONCE_BYTES], out[LINK_IDENTITY_INPUT_MAX];
    char exporter[LINK_EXPORTER_BYTES];
    struct bufq q = {0};

    (void)state;
    memset(nonce, 0x11, sizeof nonce);
    memset(agent.node_id, 0xaa, sizeof agent.node_id);
    memset(agent.run_id, 0xbb, sizeof agent.run_id);
    memset(exporter, 0x22, sizeof exporter);
    size_t n = link_identity_input(nonce, &agent, SLICE_NONE, out);
    bufq_push(&q, out, n);
    assert_hex(&q, "61646974206c6f67696e207631 000000"
                   "11111111111111111111111111111111 11111111111111111111111111111111"
                   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    assert_int_equal(link_identity_input(nonce, &agent, slice_of(exporter, 32), out), n + 32);
    assert_memory_equal(out + n, exporter, 32);
}

static void logged_in_comes_back_as_it_was(void **state)
{
    struct link_logged_in in = {session,      {1, 2, 3},    SLICE("t.example.com"),
                                SLICE("1.0"), SLICE("ann"), 60000};
    struct link_logged_in out;
    struct bufq q = {0};

    (void)state;
    link_logged_in_encode(&q, &in);
    struct slice p = take_payload(&q, FRAME_LOGGED_IN);
    assert_int_equal(link_logged_in_decode(p, &out, NULL), 0);
    assert_true(link_session_id_equal(&in.session, &out.session));
    assert_memory_equal(in.secret, out.secret, sizeof in.secret);
    assert_true(slice_is(out.domain, "t.example.com") && slice_is(out.relay_version, "1.0"));
    assert_true(slice_is(out.token_name, "ann") && out.grace_ms == 60000);
    for (size_t n = 0; n < LINK_SESSION_ID_BYTES + LINK_SECRET_BYTES; n++) {
        assert_int_equal(link_logged_in_decode(slice_of(p.ptr, n), &out, NULL), ERR_PROTOCOL);
    }
    free((void *)p.ptr);
}

static void refused_comes_back_and_has_a_sentence(void **state)
{
    struct link_refused out;
    struct bufq q = {0};

    (void)state;
    link_refused_encode(&q, &(struct link_refused){LINK_REFUSAL_BANNED, 5000, SLICE("slow down")});
    struct slice p = take_payload(&q, FRAME_REFUSED);
    assert_int_equal(link_refused_decode(p, &out, NULL), 0);
    assert_true(out.code == LINK_REFUSAL_BANNED && out.retry_after_ms == 5000);
    assert_true(slice_is(out.sentence, "slow down"));
    assert_int_equal(link_refused_decode(slice_of(p.ptr, 1), &out, NULL), ERR_PROTOCOL);
    free((void *)p.ptr);
    assert_true(link_refusal_is_final(LINK_REFUSAL_TOKEN));
    assert_false(link_refusal_is_final(LINK_REFUSAL_LIMIT));
    assert_false(link_refusal_is_final(4711));
    assert_string_equal(link_refusal_sentence(0), link_refusal_sentence(4711));
}

static void proof_input_is_label_nonce_session_epoch_exporter(void **state)
{
    uint8_t nonce[LINK_NONCE_BYTES], out[LINK_PROOF_INPUT_MAX];
    char exporter[LINK_EXPORTER_BYTES];
    struct bufq q = {0};

    (void)state;
    memset(nonce, 0x11, sizeof nonce);
    memset(exporter, 0x22, sizeof exporter);
    size_t n = link_proof_input(nonce, &session, 5, SLICE_NONE, out);
    bufq_push(&q, out, n);
    assert_hex(&q, "616469742072657375 6d65207631 0000"
                   "11111111111111111111111111111111 11111111111111111111111111111111"
                   "0102030405060708 00000009 0003 0102030405060708090a 0000000000000005");
    assert_int_equal(link_proof_input(nonce, &session, 5, slice_of(exporter, 32), out), n + 32);
    assert_memory_equal(out + n, exporter, 32);
}

static void fill_rows(struct bufq *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[LINK_ROW_BYTES];
        struct writer w = writer_of(bytes, sizeof bytes);
        link_row_write(&w, &(struct link_row){(uint32_t)i, LINK_ROW_OPENED, i * 3, i * 5});
        bufq_push(rows, bytes, sizeof bytes);
    }
}

static size_t check_rows(struct slice bytes, size_t first)
{
    struct reader r = reader_of(bytes);
    struct link_row row;

    while (r.left > 0) {
        link_row_read(&r, &row);
        assert_true(row.id == first && row.received == first * 3 && row.limit == first * 5);
        assert_int_equal(row.state, LINK_ROW_OPENED);
        first++;
    }
    return first;
}

/* Takes a table of `count` rows through RESUME and its TABLE frames. */
static void send_table(size_t count)
{
    struct link_resume in = {.session = session, .epoch = 7, .proof = {9, 9}}, out;
    struct bufq q = {0}, rows = {0};
    struct frame_header h;
    struct slice payload, more;

    fill_rows(&rows, count);
    link_resume_encode(&q, &in, &rows);
    assert_true(bufq_is_empty(&rows));
    assert_int_equal(frame_take(&q, &h, &payload), 0);
    assert_int_equal(h.type, FRAME_RESUME);
    assert_int_equal(link_resume_decode(payload, &out, NULL), 0);
    assert_true(link_session_id_equal(&out.session, &session) && out.epoch == 7);
    assert_memory_equal(out.proof, in.proof, sizeof in.proof);
    size_t seen = check_rows(out.rows, 0);
    while (bufq_drop(&q, h.length), h.flags & TABLE_MORE) {
        assert_int_equal(frame_take(&q, &h, &payload), 0);
        assert_int_equal(h.type, FRAME_TABLE);
        assert_int_equal(link_table_decode(payload, &more, NULL), 0);
        seen = check_rows(more, seen);
    }
    assert_int_equal(seen, count);
    assert_true(bufq_is_empty(&q));
}

static void tables_of_every_size_arrive_whole(void **state)
{
    (void)state;
    send_table(0);
    send_table(1);
    send_table(2726); /* one frame */
    send_table(2727); /* one row in the next */
    send_table(20000);
}

static void tables_cut_inside_a_row_are_refused(void **state)
{
    static const char zeros[LINK_SECRET_BYTES + 2 * LINK_ROW_BYTES];
    struct link_resumed resumed;
    struct slice rows;

    (void)state;
    for (size_t n = 0; n <= sizeof zeros; n++) {
        bool is_whole = n >= LINK_SECRET_BYTES && (n - LINK_SECRET_BYTES) % LINK_ROW_BYTES == 0;
        struct slice p = tight_copy(slice_of(zeros, n));
        assert_int_equal(link_resumed_decode(p, &resumed, NULL), is_whole ? 0 : ERR_PROTOCOL);
        assert_int_equal(link_table_decode(p, &rows, NULL),
                         n % LINK_ROW_BYTES == 0 ? 0 : ERR_PROTOCOL);
        free((void *)p.ptr);
    }
}

static void resumed_and_unknown_are_the_page_s_vectors(void **state)
{
    struct bufq q = {0}, rows = {0};
    struct link_resumed resumed = {.secret = {[0] = 1, [31] = 2}};

    (void)state;
    fill_rows(&rows, 1);
    link_resumed_encode(&q, &resumed, &rows);
    assert_hex(&q, "0038 06 00 00000000"
                   "0100000000000000 0000000000000000 0000000000000000 0000000000000002"
                   "00000000 00000001 0000000000000000 0000000000000000");
    link_unknown_encode(&q);
    assert_hex(&q, "0000 08 00 00000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_is_the_page_s_vector),
        cmocka_unit_test(hello_comes_back_and_every_truncation_is_refused),
        cmocka_unit_test(the_magic_is_known_at_every_split),
        cmocka_unit_test(impossible_hellos_are_refused),
        cmocka_unit_test(versions_must_overlap),
        cmocka_unit_test(login_comes_back_as_it_was),
        cmocka_unit_test(an_identity_has_one_of_two_sizes),
        cmocka_unit_test(an_identity_comes_back_as_it_was),
        cmocka_unit_test(identity_input_is_label_nonce_ids_exporter),
        cmocka_unit_test(logged_in_comes_back_as_it_was),
        cmocka_unit_test(refused_comes_back_and_has_a_sentence),
        cmocka_unit_test(proof_input_is_label_nonce_session_epoch_exporter),
        cmocka_unit_test(tables_of_every_size_arrive_whole),
        cmocka_unit_test(tables_cut_inside_a_row_are_refused),
        cmocka_unit_test(resumed_and_unknown_are_the_page_s_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
