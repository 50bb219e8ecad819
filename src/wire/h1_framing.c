#include "wire/h1_framing.h"

#include "wire/http_value.h"

static int refuse(enum h1_fault *fault_out, enum h1_fault fault)
{
    *fault_out = fault;
    return ERR_PROTOCOL;
}

static uint64_t bit(enum http_name id)
{
    return http_name_bit(id);
}

/* The only field of that name; *field_out is NULL without one. */
static int only_field(const struct h1_head *head, enum http_name id, enum h1_fault twice,
                      const struct http_field **field_out, enum h1_fault *fault_out)
{
    *field_out = NULL;
    if (!(head->known & bit(id))) {
        return 0;
    }
    for (uint32_t i = 0; i < head->field_count; i++) {
        if (head->fields[i].id != id) {
            continue;
        }
        if (*field_out) {
            return refuse(fault_out, twice);
        }
        *field_out = &head->fields[i];
    }
    return 0;
}

/* ---- target ---- */

static bool is_default_port(struct slice port)
{
    return port.len == 0 || slice_is(port, "80") || slice_is(port, "443");
}

/* Equal but for case and for a default port one of them leaves out. */
static bool is_same_authority(struct slice a, struct slice b)
{
    struct slice host_a, host_b, port_a, port_b;

    http_authority_split(a, &host_a, &port_a);
    http_authority_split(b, &host_b, &port_b);
    if (!slice_equal_nocase(host_a, host_b)) {
        return false;
    }
    return slice_equal(port_a, port_b) || ((port_a.len == 0 || port_b.len == 0) &&
                                           is_default_port(port_a) && is_default_port(port_b));
}

/* "http://host:80/path" into its three parts. */
static int split_absolute(struct slice target, struct h1_target *out, enum h1_fault *fault_out)
{
    size_t colon = slice_index(target, ':');
    struct slice rest = slice_sub(target, colon, target.len);

    out->scheme = slice_sub(target, 0, colon);
    if (!slice_starts(rest, SLICE("://")) || (!slice_equal_nocase(out->scheme, SLICE("http")) &&
                                              !slice_equal_nocase(out->scheme, SLICE("https")))) {
        return refuse(fault_out, H1_FAULT_TARGET);
    }
    rest = slice_sub(rest, 3, rest.len);
    size_t slash = slice_index(rest, '/');
    size_t query = slice_index(rest, '?');
    size_t end = slash < query ? slash : query;

    out->authority = slice_sub(rest, 0, end);
    out->path = slice_sub(rest, end, rest.len);
    return out->authority.len > 0 && http_is_authority(out->authority)
               ? 0
               : refuse(fault_out, H1_FAULT_TARGET);
}

/* The form decides: origin, asterisk, authority (CONNECT only) or absolute. */
static int split_target(const struct h1_head *head, struct h1_target *out, enum h1_fault *fault_out)
{
    struct slice target = head->target;

    if (slice_is(head->method, "CONNECT")) {
        struct slice host, port;
        http_authority_split(target, &host, &port);
        out->authority = target;
        return host.len > 0 && port.len > 0 && http_is_authority(target)
                   ? 0
                   : refuse(fault_out, H1_FAULT_TARGET);
    }
    if (target.ptr[0] == '/') {
        out->path = target;
        return 0;
    }
    if (slice_is(target, "*")) {
        out->path = target;
        return slice_is(head->method, "OPTIONS") ? 0 : refuse(fault_out, H1_FAULT_TARGET);
    }
    TRY(split_absolute(target, out, fault_out));
    if (out->path.len == 0) { /* RFC 9112 section 3.2.4 */
        out->path = slice_is(head->method, "OPTIONS") ? SLICE("*") : SLICE("/");
    }
    return 0;
}

int h1_target_judge(const struct h1_head *head, struct h1_target *target_out,
                    enum h1_fault *fault_out)
{
    const struct http_field *host;

    *target_out = (struct h1_target){0};
    TRY(only_field(head, HTTP_HOST, H1_FAULT_HOST_TWICE, &host, fault_out));
    if (!host && head->minor > 0) {
        return refuse(fault_out, H1_FAULT_HOST_MISSING);
    }
    if (host && !http_is_authority(host->value)) {
        return refuse(fault_out, H1_FAULT_HOST_BAD);
    }
    TRY(split_target(head, target_out, fault_out));
    if (!host) {
        return 0;
    }
    if (target_out->authority.len == 0) {
        target_out->authority = host->value;
        return 0;
    }
    return is_same_authority(target_out->authority, host->value)
               ? 0
               : refuse(fault_out, H1_FAULT_HOST_DIFFERS);
}

/* ---- body ---- */

/* What the two framing fields say together; neither of them: H1_BODY_NONE. */
static int announced_body(const struct h1_head *head, struct h1_framing *out,
                          enum h1_fault *fault_out)
{
    const struct http_field *length;
    const struct http_field *coding;

    *out = (struct h1_framing){H1_BODY_NONE, 0};
    TRY(only_field(head, HTTP_TRANSFER_ENCODING, H1_FAULT_CODING_TWICE, &coding, fault_out));
    TRY(only_field(head, HTTP_CONTENT_LENGTH, H1_FAULT_LENGTH_TWICE, &length, fault_out));
    if (coding && length) {
        return refuse(fault_out, H1_FAULT_LENGTH_AND_CODING);
    }
    if (coding && head->minor == 0) {
        return refuse(fault_out, H1_FAULT_CODING_IN_1_0);
    }
    if (coding) {
        out->body = H1_BODY_CHUNKED;
        return slice_equal_nocase(coding->value, SLICE("chunked"))
                   ? 0
                   : refuse(fault_out, H1_FAULT_CODING_UNKNOWN);
    }
    if (length) {
        out->body = H1_BODY_SIZED;
        return http_length_parse(length->value, &out->bytes) == 0
                   ? 0
                   : refuse(fault_out, H1_FAULT_LENGTH_BAD);
    }
    return 0;
}

int h1_request_body(const struct h1_head *head, struct h1_framing *framing_out,
                    enum h1_fault *fault_out)
{
    TRY(announced_body(head, framing_out, fault_out));
    if (framing_out->body == H1_BODY_SIZED && framing_out->bytes == 0) {
        framing_out->body = H1_BODY_NONE;
    }
    return 0;
}

int h1_response_body(const struct h1_head *head, struct h1_asked asked,
                     struct h1_framing *framing_out, enum h1_fault *fault_out)
{
    bool is_tunnel = asked.is_connect && head->status / 100 == 2;

    TRY(announced_body(head, framing_out, fault_out));
    if (asked.is_head || is_tunnel || head->status < 200 || head->status == 204 ||
        head->status == 304) {
        *framing_out = (struct h1_framing){H1_BODY_NONE, 0};
        return 0;
    }
    if (framing_out->body == H1_BODY_NONE) {
        framing_out->body = H1_BODY_UNTIL_CLOSE;
    } else if (framing_out->body == H1_BODY_SIZED && framing_out->bytes == 0) {
        framing_out->body = H1_BODY_NONE;
    }
    return 0;
}

/* ---- connection ---- */

enum { CONNECTION_OPTIONS_MAX = 32 };

struct options {
    unsigned count;
    bool has_close;
    bool has_keep_alive;
    bool has_upgrade;
};

static void note_options(struct slice list, struct options *options)
{
    struct slice option;

    while (http_list_next(&list, &option)) {
        options->count++;
        options->has_close |= slice_equal_nocase(option, SLICE("close"));
        options->has_keep_alive |= slice_equal_nocase(option, SLICE("keep-alive"));
        options->has_upgrade |= slice_equal_nocase(option, SLICE("upgrade"));
    }
}

/* The first protocol offered. h2c is not: with prior knowledge only (RFC 9113 section 3.1). */
static struct slice first_protocol(struct slice list)
{
    struct slice protocol;

    if (!http_list_next(&list, &protocol) || slice_equal_nocase(protocol, SLICE("h2c"))) {
        return SLICE_NONE;
    }
    return protocol;
}

static uint32_t keep_alive_timeout(struct slice list)
{
    struct slice param;
    uint64_t seconds;

    while (http_list_next(&list, &param)) {
        struct slice name = slice_trim(slice_cut(&param, '='));
        if (slice_equal_nocase(name, SLICE("timeout")) &&
            slice_to_u64(slice_trim(param), UINT32_MAX, &seconds) == 0) {
            return (uint32_t)seconds;
        }
    }
    return 0;
}

int h1_connection_judge(const struct h1_head *head, struct h1_connection *connection_out,
                        enum h1_fault *fault_out)
{
    struct options options = {0};
    struct h1_connection c = {0};
    const uint64_t asked = bit(HTTP_CONNECTION) | bit(HTTP_UPGRADE) | bit(HTTP_TE) |
                           bit(HTTP_KEEP_ALIVE);

    for (uint32_t i = 0; (head->known & asked) && i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];
        if (field->id == HTTP_CONNECTION) {
            note_options(field->value, &options);
        } else if (field->id == HTTP_UPGRADE && c.upgrade.len == 0) {
            c.upgrade = first_protocol(field->value);
        } else if (field->id == HTTP_TE) {
            c.takes_trailers |= http_list_has(field->value, SLICE("trailers"));
        } else if (field->id == HTTP_KEEP_ALIVE) {
            c.keep_alive_s = keep_alive_timeout(field->value);
        }
    }
    if (options.count > CONNECTION_OPTIONS_MAX) {
        return refuse(fault_out, H1_FAULT_CONNECTION_MANY);
    }
    c.is_kept = !options.has_close && (head->minor > 0 || options.has_keep_alive);
    if (!options.has_upgrade || head->minor == 0) {
        c.upgrade = SLICE_NONE;
    }
    *connection_out = c;
    return 0;
}

/* ---- fields of this hop only ---- */

static void remove_ids(struct h1_head *head, uint64_t ids)
{
    uint32_t kept = 0;

    if (!(head->known & ids)) {
        return;
    }
    for (uint32_t i = 0; i < head->field_count; i++) {
        if (head->fields[i].id != HTTP_OTHER && (ids & bit(head->fields[i].id))) {
            continue;
        }
        if (kept != i) {
            head->fields[kept] = head->fields[i];
        }
        kept++;
    }
    head->field_count = kept;
    head->known &= ~ids;
}

static void remove_name(struct h1_head *head, struct slice name)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < head->field_count; i++) {
        if (!slice_equal_nocase(head->fields[i].name, name)) {
            head->fields[kept++] = head->fields[i];
        }
    }
    head->field_count = kept;
}

/* The fields a Connection field names; the usual options are no names of fields. */
static void remove_named(struct h1_head *head, struct slice list)
{
    const uint64_t stay = bit(HTTP_CONNECTION) | bit(HTTP_HOST) | bit(HTTP_CONTENT_LENGTH) |
                          bit(HTTP_EXPECT);
    struct slice option;

    while (http_list_next(&list, &option)) {
        enum http_name id = http_name_of(option);
        bool is_usual = slice_equal_nocase(option, SLICE("close")) || id == HTTP_KEEP_ALIVE ||
                        id == HTTP_UPGRADE || id == HTTP_TE;
        if (!is_usual && (id == HTTP_OTHER || !(stay & bit(id)))) {
            remove_name(head, option);
        }
    }
}

void h1_hop_fields_remove(struct h1_head *head)
{
    const uint64_t always = bit(HTTP_CONNECTION) | bit(HTTP_KEEP_ALIVE) | bit(HTTP_TE) |
                            bit(HTTP_TRANSFER_ENCODING) | bit(HTTP_UPGRADE) |
                            bit(HTTP_HTTP2_SETTINGS) | bit(HTTP_PROXY_CONNECTION) |
                            bit(HTTP_PROXY_AUTHENTICATE) | bit(HTTP_PROXY_AUTHORIZATION);

    for (uint32_t i = 0; (head->known & bit(HTTP_CONNECTION)) && i < head->field_count; i++) {
        if (head->fields[i].id == HTTP_CONNECTION) {
            struct slice list = head->fields[i].value;
            remove_named(head, list);
        }
    }
    remove_ids(head, always);
}

void h1_trailer_fields_remove(struct h1_head *trailers)
{
    h1_hop_fields_remove(trailers);
    remove_ids(trailers, bit(HTTP_CONTENT_LENGTH) | bit(HTTP_HOST) | bit(HTTP_CONTENT_ENCODING) |
                             bit(HTTP_CONTENT_TYPE) | bit(HTTP_CONTENT_RANGE) | bit(HTTP_TRAILER) |
                             bit(HTTP_AUTHORIZATION) | bit(HTTP_COOKIE) | bit(HTTP_SET_COOKIE) |
                             bit(HTTP_CACHE_CONTROL) | bit(HTTP_EXPECT) | bit(HTTP_RANGE) |
                             bit(HTTP_LOCATION));
}
