#include "wire_check.h"

#include <stdio.h>

#include "base/mem.h"
#include "wire/ws_handshake.h"

/* SHA-1 of the key of RFC 6455 section 1.3 with its suffix; wire/ has no digests. */
static void sha1_of_the_rfc(struct slice bytes, uint8_t out[WS_SHA1_BYTES])
{
    static const uint8_t digest[] = {0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6,
                                     0x46, 0x06, 0xcf, 0x38, 0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea};

    assert_true(
        slice_is(bytes, "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    memcpy(out, digest, sizeof digest);
}

#define KEY    SLICE("dGhlIHNhbXBsZSBub25jZQ==")
#define ACCEPT SLICE("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")

struct line {
    const char *name;
    const char *value;
};

static struct ws_fields fields_of(const struct line *lines)
{
    struct ws_fields f = {0};

    for (; lines->name; lines++) {
        ws_fields_add(&f, slice_str(lines->name), slice_str(lines->value));
    }
    return f;
}

static void the_accept_key_is_the_one_of_the_rfc(void **state)
{
    (void)state;
    char accept[WS_ACCEPT_BYTES];

    ws_accept_make(KEY, sha1_of_the_rfc, accept);
    assert_true(slice_equal(slice_of(accept, sizeof accept), ACCEPT));
}

static void the_key_is_the_nonce_in_base64(void **state)
{
    (void)state;
    char key[WS_KEY_BYTES];

    ws_key_make((const uint8_t *)"the sample nonce", key);
    assert_true(slice_equal(slice_of(key, sizeof key), KEY));
}

static void requests_and_answers_are_written(void **state)
{
    (void)state;
    struct text out = {0};
    const struct ws_request request = {.host = SLICE("relay.test:8080"),
                                       .path = SLICE("/_adit/link?v=1"),
                                       .key = KEY,
                                       .protocol = SLICE("adit"),
                                       .fields = SLICE("X-Token: abc\r\n")};

    ws_request_write(&request, &out);
    assert_string_equal(text_str(&out), "GET /_adit/link?v=1 HTTP/1.1\r\n"
                                        "Host: relay.test:8080\r\n"
                                        "Upgrade: websocket\r\n"
                                        "Connection: Upgrade\r\n"
                                        "Sec-WebSocket-Version: 13\r\n"
                                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                        "Sec-WebSocket-Protocol: adit\r\n"
                                        "X-Token: abc\r\n"
                                        "\r\n");
    text_clear(&out);
    ws_answer_write(KEY, SLICE_NONE, sha1_of_the_rfc, &out);
    assert_string_equal(text_str(&out), "HTTP/1.1 101 Switching Protocols\r\n"
                                        "Upgrade: websocket\r\n"
                                        "Connection: Upgrade\r\n"
                                        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                                        "\r\n");
    text_deinit(&out);
}

/* ---- server ---- */

#define GOOD_REQUEST                                                                               \
    {"Host", "relay.test"}, {"UPGRADE", "WebSocket"}, {"connection", "keep-alive, Upgrade"},       \
        {"Sec-WebSocket-Key", " dGhlIHNhbXBsZSBub25jZQ== "}, {"Sec-WebSocket-Version", "13"}

static void a_proper_request_passes(void **state)
{
    (void)state;
    struct ws_fields f = fields_of((struct line[]){
        GOOD_REQUEST, {"Origin", "https://x"}, {"Sec-WebSocket-Protocol", "a"}, {NULL, NULL}});
    unsigned status = 0;

    assert_int_equal(ws_request_check(&f, SLICE("GET"), &status, NULL), 0);
    assert_true(slice_equal(f.key, KEY));
    assert_true(slice_is(f.origin, "https://x"));
    assert_true(slice_is(f.protocols, "a"));
}

static void other_requests_get_their_status(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        unsigned status;
        struct line lines[6];
    } bad[] = {
        {"POST", 405, {GOOD_REQUEST}},
        {"get", 405, {GOOD_REQUEST}},
        {"GET", 426, {{"Host", "x"}}},
        {"GET", 426, {{"Upgrade", "h2c"}, {"Connection", "upgrade"}}},
        {"GET", 426, {{"Upgrade", "websocket"}, {"Connection", "close"}}},
        {"GET", 400, {{"Upgrade", "websocket"}, {"Connection", "upgrade"}}},
        {"GET", 400, {GOOD_REQUEST, {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}},
        {"GET",
         400,
         {{"Upgrade", "websocket"}, {"Connection", "upgrade"}, {"Sec-WebSocket-Key", "c2hvcnQ="}}},
        {"GET",
         426,
         {{"Upgrade", "websocket"},
          {"Connection", "upgrade"},
          {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
          {"Sec-WebSocket-Version", "8"}}},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct line lines[7] = {{0}};
        unsigned status = 0;

        memcpy(lines, bad[i].lines, sizeof bad[i].lines);
        struct ws_fields f = fields_of(lines);
        assert_int_equal(ws_request_check(&f, slice_str(bad[i].method), &status, NULL),
                         ERR_PROTOCOL);
        assert_int_equal(status, bad[i].status);
    }
}

/* ---- client ---- */

#define GOOD_ANSWER                                                                                \
    {"Upgrade", "websocket"}, {"Connection", "Upgrade"},                                           \
        {"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}

static void the_answer_to_our_key_passes(void **state)
{
    (void)state;
    struct ws_fields plain = fields_of((struct line[]){GOOD_ANSWER, {NULL, NULL}});
    struct ws_fields chosen =
        fields_of((struct line[]){GOOD_ANSWER, {"Sec-WebSocket-Protocol", "adit"}, {NULL, NULL}});

    assert_int_equal(ws_answer_check(&plain, 101, KEY, SLICE_NONE, sha1_of_the_rfc, NULL), 0);
    assert_int_equal(ws_answer_check(&chosen, 101, KEY, SLICE("adit"), sha1_of_the_rfc, NULL), 0);
}

static void other_answers_are_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        int err;
        const char *says;
        struct line lines[5];
    } bad[] = {
        {403, ERR_REFUSED, "answered 403", {GOOD_ANSWER}},
        {200, ERR_REFUSED, "answered 200", {GOOD_ANSWER}},
        {101, ERR_PROTOCOL, "does not upgrade", {{"Connection", "Upgrade"}}},
        {101, ERR_PROTOCOL, "does not upgrade", {{"Upgrade", "websocket"}}},
        {101, ERR_PROTOCOL, "another request", {{"Upgrade", "websocket"}, {"Connection", "upgrade"}}},
        {101,
         ERR_PROTOCOL,
         "another request",
         {{"Upgrade", "websocket"},
          {"Connection", "upgrade"},
          {"Sec-WebSocket-Accept", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo="}}},
        {101, ERR_PROTOCOL, "does not upgrade", {GOOD_ANSWER, {"Sec-WebSocket-Accept", "x"}}},
        {101, ERR_PROTOCOL, "extension", {GOOD_ANSWER, {"Sec-WebSocket-Extensions", "x"}}},
        {101, ERR_PROTOCOL, "subprotocol", {GOOD_ANSWER, {"Sec-WebSocket-Protocol", "x"}}},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct line lines[6] = {{0}};
        struct errinfo why = {0};

        memcpy(lines, bad[i].lines, sizeof bad[i].lines);
        struct ws_fields f = fields_of(lines);
        assert_int_equal(ws_answer_check(&f, bad[i].status, KEY, SLICE("adit"), sha1_of_the_rfc,
                                         &why),
                         bad[i].err);
        assert_non_null(strstr(why.text, bad[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_accept_key_is_the_one_of_the_rfc),
        cmocka_unit_test(the_key_is_the_nonce_in_base64),
        cmocka_unit_test(requests_and_answers_are_written),
        cmocka_unit_test(a_proper_request_passes),
        cmocka_unit_test(other_requests_get_their_status),
        cmocka_unit_test(the_answer_to_our_key_passes),
        cmocka_unit_test(other_answers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
