/* The handshake from anybody: the first byte chooses the frame, the rest is its payload. */
#include "wire/link_hello.h"
#include "wire/mux_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What was accepted must encode, and be accepted again. */
static struct slice payload_again(struct bufq *q)
{
    struct frame_header h;
    struct slice payload;

    ASSERT(frame_take(q, &h, &payload) == 0);
    return payload;
}

static void try_hello(struct slice payload)
{
    struct link_hello hello, back;
    struct bufq q = {0};
    uint16_t version;

    if (link_hello_decode(payload, &hello, NULL) == 0) {
        (void)!link_version_choose(&hello, &version);
        link_hello_encode(&q, &hello);
        ASSERT(link_magic_take(&q) == 0);
        ASSERT(link_hello_decode(payload_again(&q), &back, NULL) == 0);
        bufq_clear(&q);
    }
}

static void try_login(struct slice payload)
{
    struct link_login login, back;
    struct bufq q = {0};

    if (link_login_decode(payload, &login, NULL) == 0) {
        link_login_encode(&q, &login);
        ASSERT(link_login_decode(payload_again(&q), &back, NULL) == 0);
        ASSERT(slice_equal(login.token, back.token) && login.is_share == back.is_share);
        ASSERT(slice_equal(login.identity, back.identity));
        if (login.identity.len > 0) {
            link_identity_read(login.identity, &(struct link_identity){0});
        }
        bufq_clear(&q);
    }
}

static void try_answers(struct slice payload)
{
    struct link_logged_in logged_in, logged_in_back;
    struct link_refused refused, refused_back;
    struct bufq q = {0};

    if (link_logged_in_decode(payload, &logged_in, NULL) == 0) {
        link_logged_in_encode(&q, &logged_in);
        ASSERT(link_logged_in_decode(payload_again(&q), &logged_in_back, NULL) == 0);
        ASSERT(link_session_id_equal(&logged_in.session, &logged_in_back.session));
        bufq_clear(&q);
    }
    if (link_refused_decode(payload, &refused, NULL) == 0) {
        ASSERT(link_refusal_sentence(refused.code));
        link_refused_encode(&q, &refused);
        ASSERT(link_refused_decode(payload_again(&q), &refused_back, NULL) == 0);
        bufq_clear(&q);
    }
}

static void try_tables(struct slice payload)
{
    struct link_resume resume;
    struct link_resumed resumed;
    struct bufq q = {0}, rows = {0};
    struct slice table;

    (void)!link_table_decode(payload, &table, NULL);
    (void)!link_resumed_decode(payload, &resumed, NULL);
    if (link_resume_decode(payload, &resume, NULL) == 0) {
        bufq_push_slice(&rows, resume.rows);
        link_resume_encode(&q, &resume, &rows);
        bufq_clear(&q);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct slice payload = slice_of(bytes + 1, size - 1);
    switch (bytes[0]) {
    case FRAME_HELLO:
        try_hello(payload);
        break;
    case FRAME_LOGIN:
        try_login(payload);
        break;
    case FRAME_LOGGED_IN:
        try_answers(payload);
        break;
    default:
        try_tables(payload);
    }
    return 0;
}
