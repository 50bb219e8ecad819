#include "http/condition.h"

#include "http/http_date.h"
#include "wire/http_value.h"

/* ---- preconditions ---- */

static bool has_etag(struct slice list, struct slice etag, bool is_weak_enough)
{
    struct slice element;

    if (slice_is(slice_trim(list), "*")) {
        return true;
    }
    while (http_list_next(&list, &element)) {
        if (slice_starts(element, SLICE("W/"))) {
            if (!is_weak_enough) {
                continue;
            }
            element = slice_sub(element, 2, element.len);
        }
        if (slice_equal(element, etag)) {
            return true;
        }
    }
    return false;
}

static bool any_field_has_etag(const struct http_head *request, enum http_name id,
                               struct slice etag, bool is_weak_enough)
{
    for (const struct http_field *f = http_head_find(request, id); f;
         f = http_head_next(request, f)) {
        if (has_etag(f->value, etag, is_weak_enough)) {
            return true;
        }
    }
    return false;
}

/* The date in a field; false: absent or no date, and then it counts as not there. */
static bool date_of(const struct http_head *request, enum http_name id, int64_t *seconds_out)
{
    const struct http_field *field = http_head_find(request, id);
    return field && http_date_parse(field->value, seconds_out) == 0;
}

uint16_t condition_judge(const struct http_head *request, const struct version_facts *version)
{
    int64_t at;

    if (http_head_find(request, HTTP_IF_MATCH)) {
        if (!any_field_has_etag(request, HTTP_IF_MATCH, version->etag, false)) {
            return 412;
        }
    } else if (date_of(request, HTTP_IF_UNMODIFIED_SINCE, &at) && version->modified_at > at) {
        return 412;
    }
    if (http_head_find(request, HTTP_IF_NONE_MATCH)) {
        return any_field_has_etag(request, HTTP_IF_NONE_MATCH, version->etag, true) ? 304 : 0;
    }
    return date_of(request, HTTP_IF_MODIFIED_SINCE, &at) && version->modified_at <= at ? 304 : 0;
}

/* ---- ranges ---- */

/* If-Range: the part only if it is still the same whole. */
static bool is_same_whole(const struct http_head *request, const struct version_facts *version)
{
    struct slice value = http_head_value(request, HTTP_IF_RANGE);
    int64_t at;

    if (value.len == 0) {
        return true;
    }
    if (value.ptr[0] == '"') {
        return slice_equal(value, version->etag);
    }
    return http_date_parse(value, &at) == 0 && at == version->modified_at;
}

/* "0-499", "500-", "-500" */
static enum range_verdict parse_spec(struct slice spec, uint64_t size_bytes, struct range *out)
{
    size_t dash = slice_index(spec, '-');
    struct slice first = slice_sub(spec, 0, dash);
    struct slice last = slice_sub(spec, dash + 1, spec.len);
    uint64_t from;
    uint64_t to = UINT64_MAX - 1;

    if (dash == spec.len || (first.len == 0 && last.len == 0) ||
        (last.len > 0 && slice_to_u64(last, UINT64_MAX - 1, &to) < 0)) {
        return RANGE_NONE;
    }
    if (first.len == 0) {
        out->count = to < size_bytes ? to : size_bytes;
        out->first = size_bytes - out->count;
        return out->count > 0 ? RANGE_PART : RANGE_UNSATISFIABLE;
    }
    if (slice_to_u64(first, UINT64_MAX - 1, &from) < 0 || from > to) {
        return RANGE_NONE;
    }
    if (from >= size_bytes) {
        return RANGE_UNSATISFIABLE;
    }
    if (to > size_bytes - 1) {
        to = size_bytes - 1;
    }
    *out = (struct range){from, to - from + 1};
    return RANGE_PART;
}

enum range_verdict range_judge(const struct http_head *request, const struct version_facts *version,
                               uint64_t size_bytes, struct range *range_out)
{
    const struct http_field *field = http_head_find(request, HTTP_RANGE);

    if (!field || !slice_is(request->method, "GET") ||
        !slice_starts(field->value, SLICE("bytes=")) || !is_same_whole(request, version)) {
        return RANGE_NONE;
    }
    struct slice spec = slice_trim(slice_sub(field->value, 6, field->value.len));
    if (slice_index(spec, ',') < spec.len) {
        return RANGE_NONE;
    }
    return parse_spec(spec, size_bytes, range_out);
}
