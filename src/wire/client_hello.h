/* The server name in the first bytes of a TLS connection, read without taking part in it.
 *
 * RFC 8446 section 4.1.2 and RFC 6066 section 3. Only a look: whatever is wrong with the rest of
 * the message is the TLS library's business. Pure.
 */
#pragma once
#include "base/slice.h"

enum {
    CLIENT_HELLO_FIRST_BYTE = 0x16, /* a handshake record */
    CLIENT_HELLO_NAME_MAX = 255,
};

/* 0: *name_out is a view of the host name the client asks for. ERR_MORE: the first record is not
 * complete yet. ERR_NOT_FOUND: a ClientHello without a name, or one that goes on in a second
 * record. ERR_PROTOCOL: no ClientHello. */
MUST_USE int client_hello_name(struct slice bytes, struct slice *name_out);
