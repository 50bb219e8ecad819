/* Heads of any shape: the first byte says how the rest is split and which side it comes from.
 *
 * Holds: splitting changes nothing; what was parsed and written again parses to the same; no
 * verdict depends on bytes behind the head.
 */
#include <stdlib.h>

#include "wire/h1_framing.h"

enum { FIELDS_MAX = 64 };

static const struct h1_scan_limits limits = {8192, 4096, FIELDS_MAX - 2};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int scan(struct slice input, size_t step, struct h1_scan *s, enum h1_fault *fault)
{
    int err = ERR_MORE;

    for (size_t at = 0; at < input.len && err == ERR_MORE; at += step) {
        err = h1_scan_feed(s, slice_sub(input, at, step), &limits, fault);
    }
    return err;
}

static void check_same_fields(const struct h1_head *a, const struct h1_head *b)
{
    ASSERT(a->field_count == b->field_count);
    for (uint32_t i = 0; i < a->field_count; i++) {
        ASSERT(a->fields[i].id == b->fields[i].id);
        ASSERT(slice_equal(a->fields[i].name, b->fields[i].name));
        ASSERT(slice_equal(a->fields[i].value, b->fields[i].value));
    }
}

static int parse(struct slice whole, bool is_request, struct h1_head *head, enum h1_fault *fault)
{
    return is_request ? h1_request_parse(whole, head, fault)
                      : h1_response_parse(whole, head, fault);
}

static void check_round_trip(const struct h1_head *head, bool is_request)
{
    struct http_field fields[FIELDS_MAX];
    struct h1_head again = {.fields = fields, .field_cap = FIELDS_MAX};
    struct h1_lines lines = {head->fields, head->field_count, 0, NULL, 0};
    enum h1_fault fault;
    struct bufq out = {0};

    if (is_request) {
        ASSERT(h1_request_write(&out, head->method, head->target, &lines) == 0);
    } else {
        ASSERT(h1_response_write(&out, head->status, head->reason, &lines) == 0);
    }
    ASSERT(parse(bufq_pullup(&out, out.bytes), is_request, &again, &fault) == 0);
    ASSERT(slice_equal(head->method, again.method) && slice_equal(head->target, again.target));
    ASSERT(head->status == again.status && slice_equal(head->reason, again.reason));
    check_same_fields(head, &again);
    bufq_clear(&out);
}

static void judge(struct h1_head *head, bool is_request)
{
    struct h1_target target;
    struct h1_framing framing;
    struct h1_connection connection;
    enum h1_fault fault;

    if (is_request) {
        if (h1_target_judge(head, &target, &fault) == 0) {
            ASSERT(target.path.len > 0 || slice_is(head->method, "CONNECT"));
        }
        (void)!h1_request_body(head, &framing, &fault);
    } else {
        (void)!h1_response_body(head, (struct h1_asked){0}, &framing, &fault);
    }
    if (h1_connection_judge(head, &connection, &fault) == 0) {
        h1_hop_fields_remove(head);
        for (uint32_t i = 0; i < head->field_count; i++) {
            ASSERT(head->fields[i].id != HTTP_CONNECTION);
            ASSERT(head->fields[i].id != HTTP_TRANSFER_ENCODING);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct http_field fields[FIELDS_MAX];
    struct h1_head head = {.fields = fields, .field_cap = FIELDS_MAX};
    struct h1_scan one = {0}, many = {0};
    enum h1_fault fault_one = H1_FAULT_NONE, fault_many = H1_FAULT_NONE;

    if (size < 2) {
        return 0;
    }
    bool is_request = !(bytes[0] & 0x80);
    size_t step = 1 + (bytes[0] & 0x7f);
    struct slice input = slice_of(bytes + 1, size - 1);

    int err = scan(input, input.len, &one, &fault_one);
    ASSERT(scan(input, step, &many, &fault_many) == err);
    ASSERT(fault_one == fault_many);
    if (err < 0) {
        return 0;
    }
    ASSERT(one.bytes == many.bytes && one.lines == many.lines && one.bytes <= input.len);
    char *whole = malloc(one.bytes); /* of exactly this size, so that ASan sees a read past it */
    memcpy(whole, input.ptr, one.bytes);
    if (one.lines > 0 && parse(slice_of(whole, one.bytes), is_request, &head, &fault_one) == 0) {
        ASSERT(head.field_count == one.lines - 1);
        check_round_trip(&head, is_request);
        judge(&head, is_request);
    }
    free(whole);
    return 0;
}
