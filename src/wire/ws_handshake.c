#include "wire/ws_handshake.h"

#include "base/mem.h"
#include "wire/base64.h"
#include "wire/http_value.h"

/* RFC 6455 section 1.3: proves that the server has understood what it was asked. */
static const struct slice accept_suffix = SLICE("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");

/* ---- what a head says ---- */

static const struct {
    struct slice name;
    size_t place; /* in struct ws_fields */
    bool may_repeat;
} kept_fields[] = {
    {SLICE("sec-websocket-key"), offsetof(struct ws_fields, key), false},
    {SLICE("sec-websocket-version"), offsetof(struct ws_fields, version), false},
    {SLICE("sec-websocket-accept"), offsetof(struct ws_fields, accept), false},
    {SLICE("sec-websocket-protocol"), offsetof(struct ws_fields, protocols), true},
    {SLICE("sec-websocket-extensions"), offsetof(struct ws_fields, extensions), true},
    {SLICE("origin"), offsetof(struct ws_fields, origin), false},
};

void ws_fields_add(struct ws_fields *f, struct slice name, struct slice value)
{
    f->has_upgrade |= slice_equal_nocase(name, SLICE("upgrade")) &&
                      http_list_has(value, SLICE("websocket"));
    f->has_connection |= slice_equal_nocase(name, SLICE("connection")) &&
                         http_list_has(value, SLICE("upgrade"));
    for (size_t i = 0; i < COUNT_OF(kept_fields); i++) {
        if (!slice_equal_nocase(name, kept_fields[i].name)) {
            continue;
        }
        struct slice *kept = (struct slice *)((char *)f + kept_fields[i].place);
        if (!kept->ptr) {
            *kept = slice_trim(value);
        } else {
            f->is_broken |= !kept_fields[i].may_repeat;
        }
    }
}

/* ---- client ---- */

void ws_key_make(const uint8_t nonce[WS_NONCE_BYTES], char key_out[WS_KEY_BYTES])
{
    base64_encode(slice_of(nonce, WS_NONCE_BYTES), key_out);
}

void ws_request_write(const struct ws_request *r, struct text *out)
{
    text_addf(out, "GET %.*s HTTP/1.1\r\n", SLICE_ARG(r->path));
    text_addf(out, "Host: %.*s\r\n", SLICE_ARG(r->host));
    text_add_str(out, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
    text_addf(out, "Sec-WebSocket-Key: %.*s\r\n", SLICE_ARG(r->key));
    if (r->protocol.len > 0) {
        text_addf(out, "Sec-WebSocket-Protocol: %.*s\r\n", SLICE_ARG(r->protocol));
    }
    text_add(out, r->fields);
    text_add_str(out, "\r\n");
}

int ws_answer_check(const struct ws_fields *f, unsigned status, struct slice key,
                    struct slice protocol, ws_sha1_fn *sha1, struct errinfo *why)
{
    char accept[WS_ACCEPT_BYTES];

    if (status != 101) {
        return errinfo_set(why, ERR_REFUSED, "the server answered %u instead of a WebSocket",
                           status);
    }
    if (f->is_broken || !f->has_upgrade || !f->has_connection) {
        return errinfo_set(why, ERR_PROTOCOL, "the server's 101 does not upgrade to WebSocket");
    }
    ws_accept_make(key, sha1, accept);
    if (!slice_equal(f->accept, slice_of(accept, sizeof accept))) {
        return errinfo_set(why, ERR_PROTOCOL,
                           "the WebSocket answer belongs to another request (a cache between?)");
    }
    if (f->extensions.len > 0) {
        return errinfo_set(why, ERR_PROTOCOL, "the server chose an extension nobody offered");
    }
    if (f->protocols.ptr && !slice_equal(f->protocols, protocol)) {
        return errinfo_set(why, ERR_PROTOCOL, "the server chose a subprotocol nobody offered");
    }
    return 0;
}

/* ---- server ---- */

static bool is_key(struct slice key)
{
    uint8_t nonce[WS_NONCE_BYTES];
    size_t length;

    return base64_decode(key, nonce, sizeof nonce, &length) == 0 && length == WS_NONCE_BYTES;
}

static int refuse(unsigned status, unsigned *status_out, struct errinfo *why, const char *text)
{
    *status_out = status;
    return errinfo_set(why, ERR_PROTOCOL, "%s", text);
}

int ws_request_check(const struct ws_fields *f, struct slice method, unsigned *status_out,
                     struct errinfo *why)
{
    if (!slice_is(method, "GET")) {
        return refuse(405, status_out, why, "a WebSocket is opened with GET");
    }
    if (!f->has_upgrade || !f->has_connection) {
        return refuse(426, status_out, why, "this path speaks WebSocket only");
    }
    if (f->is_broken || !is_key(f->key)) {
        return refuse(400, status_out, why, "Sec-WebSocket-Key must be 16 bytes in Base64, once");
    }
    if (!slice_is(f->version, "13")) {
        return refuse(426, status_out, why, "WebSocket version 13 is spoken here");
    }
    return 0;
}

void ws_accept_make(struct slice key, ws_sha1_fn *sha1, char accept_out[WS_ACCEPT_BYTES])
{
    uint8_t digest[WS_SHA1_BYTES];
    struct text joined = {0};

    text_add(&joined, key);
    text_add(&joined, accept_suffix);
    sha1(text_slice(&joined), digest);
    text_deinit(&joined);
    base64_encode(slice_of(digest, sizeof digest), accept_out);
}

void ws_answer_write(struct slice key, struct slice protocol, ws_sha1_fn *sha1, struct text *out)
{
    char accept[WS_ACCEPT_BYTES];

    ws_accept_make(key, sha1, accept);
    text_add_str(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\n");
    text_addf(out, "Sec-WebSocket-Accept: %.*s\r\n", WS_ACCEPT_BYTES, accept);
    if (protocol.len > 0) {
        text_addf(out, "Sec-WebSocket-Protocol: %.*s\r\n", SLICE_ARG(protocol));
    }
    text_add_str(out, "\r\n");
}
