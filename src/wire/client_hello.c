#include "wire/client_hello.h"

#include "base/cursor.h"

enum {
    RECORD_HEADER_BYTES = 5,
    RECORD_MAX_BYTES = 16384,
    HANDSHAKE_CLIENT_HELLO = 1,
    RANDOM_BYTES = 32,
    EXTENSION_SERVER_NAME = 0,
    NAME_TYPE_HOST = 0,
};

static void skip_u8_vector(struct reader *r)
{
    read_slice(r, read_u8(r));
}

static void skip_u16_vector(struct reader *r)
{
    read_slice(r, read_u16(r));
}

/* server_name: a list of names, of which the first host name counts. */
static int find_in_list(struct slice extension, struct slice *name_out)
{
    struct reader r = reader_of(extension);
    struct reader list = reader_of(read_slice(&r, read_u16(&r)));

    while (list.left > 0 && !list.has_failed) {
        uint8_t type = read_u8(&list);
        struct slice name = read_slice(&list, read_u16(&list));
        if (type == NAME_TYPE_HOST && name.len > 0 && name.len <= CLIENT_HELLO_NAME_MAX) {
            *name_out = name;
            return 0;
        }
    }
    return ERR_NOT_FOUND;
}

static int find_in_extensions(struct slice extensions, struct slice *name_out)
{
    struct reader r = reader_of(extensions);

    while (r.left > 0 && !r.has_failed) {
        uint16_t type = read_u16(&r);
        struct slice extension = read_slice(&r, read_u16(&r));
        if (type == EXTENSION_SERVER_NAME && !r.has_failed) {
            return find_in_list(extension, name_out);
        }
    }
    return ERR_NOT_FOUND;
}

int client_hello_name(struct slice bytes, struct slice *name_out)
{
    struct reader r = reader_of(bytes);

    if (bytes.len < RECORD_HEADER_BYTES) {
        return bytes.len > 0 && (uint8_t)bytes.ptr[0] != CLIENT_HELLO_FIRST_BYTE ? ERR_PROTOCOL
                                                                                 : ERR_MORE;
    }
    uint8_t type = read_u8(&r);
    uint8_t major = (uint8_t)(read_u16(&r) >> 8);
    uint16_t length = read_u16(&r);
    if (type != CLIENT_HELLO_FIRST_BYTE || major != 3 || length > RECORD_MAX_BYTES) {
        return ERR_PROTOCOL;
    }
    if (r.left < length) {
        return ERR_MORE;
    }
    struct reader hello = reader_of(read_slice(&r, length));
    if (read_u8(&hello) != HANDSHAKE_CLIENT_HELLO) {
        return ERR_PROTOCOL;
    }
    read_u8(&hello); /* the length of the message: u24; what is missing here came in no record */
    read_u16(&hello);
    read_u16(&hello); /* version */
    read_slice(&hello, RANDOM_BYTES);
    skip_u8_vector(&hello);  /* session id */
    skip_u16_vector(&hello); /* cipher suites */
    skip_u8_vector(&hello);  /* compression */
    struct slice extensions = read_slice(&hello, read_u16(&hello));
    return hello.has_failed ? ERR_NOT_FOUND : find_in_extensions(extensions, name_out);
}
