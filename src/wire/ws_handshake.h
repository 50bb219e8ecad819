/* The WebSocket opening handshake (RFC 6455 section 4), both sides, over any HTTP parser.
 *
 * Pure. The parser of the caller gives the fields one by one to ws_fields_add; the questions are
 * asked when the head has ended. SHA-1 is given in as a function, for this floor has no digests.
 *
 *   client   ws_key_make, ws_request_write ... ws_fields_add per field, ws_answer_check
 *   server   ws_fields_add per field, ws_request_check, ws_answer_write
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/text.h"

enum {
    WS_NONCE_BYTES = 16,
    WS_KEY_BYTES = 24,    /* the nonce in Base64 */
    WS_ACCEPT_BYTES = 28, /* the digest in Base64 */
    WS_SHA1_BYTES = 20,
};

typedef void ws_sha1_fn(struct slice bytes, uint8_t out[WS_SHA1_BYTES]);

/* ---- what a head says ---- */

/* Collected from one request or answer. Zeroed memory is a head without fields. Views into the
 * caller's head. */
struct ws_fields {
    bool has_upgrade;        /* Upgrade names websocket */
    bool has_connection;     /* Connection names upgrade */
    bool is_broken;          /* a field that may come once came twice */
    struct slice key;        /* Sec-WebSocket-Key */
    struct slice version;    /* Sec-WebSocket-Version */
    struct slice accept;     /* Sec-WebSocket-Accept */
    struct slice protocols;  /* Sec-WebSocket-Protocol, the first line */
    struct slice extensions; /* Sec-WebSocket-Extensions, the first line */
    struct slice origin;     /* Origin: set by browsers only */
};

/* Looks at one field; those of no interest are ignored. */
void ws_fields_add(struct ws_fields *f, struct slice name, struct slice value);

/* ---- client ---- */

void ws_key_make(const uint8_t nonce[WS_NONCE_BYTES], char key_out[WS_KEY_BYTES]);

struct ws_request {
    struct slice host; /* with the port, as in the URL */
    struct slice path; /* and query */
    struct slice key;
    struct slice protocol; /* empty: none is offered */
    struct slice fields;   /* more field lines, each with its CRLF; may be empty */
};

/* The whole head of a GET, with the empty line. */
void ws_request_write(const struct ws_request *r, struct text *out);

/* Is this the answer to our key? ERR_REFUSED: an honest answer that is not 101. ERR_PROTOCOL: a
 * 101 that is wrong (`why` says what): another accept key, an extension or a subprotocol
 * (protocol: the one that was offered) nobody asked for. */
MUST_USE int ws_answer_check(const struct ws_fields *f, unsigned status, struct slice key,
                             struct slice protocol, ws_sha1_fn *sha1, struct errinfo *why);

/* ---- server ---- */

/* Is this a proper request to open a WebSocket? 0, or ERR_PROTOCOL and the status to answer with
 * (400, 405, or 426 with `Sec-WebSocket-Version: 13`). The HTTP version must be 1.1. */
MUST_USE int ws_request_check(const struct ws_fields *f, struct slice method, unsigned *status_out,
                              struct errinfo *why);

void ws_accept_make(struct slice key, ws_sha1_fn *sha1, char accept_out[WS_ACCEPT_BYTES]);

/* The whole head of the 101 answer, with the empty line. protocol: one of those offered, or
 * empty. */
void ws_answer_write(struct slice key, struct slice protocol, ws_sha1_fn *sha1, struct text *out);
