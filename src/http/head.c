#include "http/head.h"

#include <stdarg.h>
#include <stdio.h>

#include "wire/http_value.h"

enum {
    FIELDS_FIRST = 16, /* room a list begins with */
    ALIGN = 8,
};

void http_head_clear(struct http_head *h)
{
    bufq_clear(&h->bytes);
    *h = (struct http_head){0};
}

/* ---- memory: the queue's pieces never move, so they serve as an arena ---- */

static char *take(struct http_head *h, size_t n)
{
    size_t room;
    uint8_t *at = bufq_reserve(&h->bytes, n, &room);

    bufq_commit(&h->bytes, n);
    return (char *)at;
}

struct slice http_head_keep(struct http_head *h, struct slice bytes)
{
    if (bytes.len == 0) {
        return SLICE("");
    }
    char *copy = take(h, bytes.len);
    memcpy(copy, bytes.ptr, bytes.len);
    return slice_of(copy, bytes.len);
}

struct slice http_head_keepf(struct http_head *h, const char *fmt, ...)
{
    va_list args;
    va_list again;

    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    ASSERT(n >= 0);
    char *text = take(h, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    return slice_of(text, (size_t)n);
}

struct slice http_head_keep_joined(struct http_head *h, const struct slice *parts, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++) {
        total += parts[i].len;
    }
    if (total == 0) {
        return SLICE("");
    }
    char *text = take(h, total);
    char *at = text;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0) {
            memcpy(at, parts[i].ptr, parts[i].len);
            at += parts[i].len;
        }
    }
    return slice_of(text, total);
}

void http_head_reserve_fields(struct http_head *h, uint32_t count)
{
    size_t bytes = count * sizeof(struct http_field);
    char *at = take(h, bytes + ALIGN - 1);
    uintptr_t misfit = (uintptr_t)at % ALIGN;
    struct http_field *fields = (void *)(misfit ? at + ALIGN - misfit : at);

    if (h->field_count > 0) {
        memcpy(fields, h->fields, h->field_count * sizeof(*fields));
    }
    h->fields = fields;
    h->field_cap = count;
}

/* ---- asking ---- */

struct http_field *http_head_find(const struct http_head *h, enum http_name id)
{
    if (!(h->known & http_name_bit(id))) {
        return NULL;
    }
    HTTP_HEAD_EACH (h, field) {
        if (field->id == id) {
            return field;
        }
    }
    return NULL;
}

struct http_field *http_head_next(const struct http_head *h, const struct http_field *field)
{
    for (size_t i = (size_t)(field - h->fields) + 1; i < h->field_count; i++) {
        if (h->fields[i].id == field->id && slice_equal_nocase(h->fields[i].name, field->name)) {
            return &h->fields[i];
        }
    }
    return NULL;
}

struct http_field *http_head_find_name(const struct http_head *h, struct slice name)
{
    enum http_name id = http_name_of(name);

    if (id != HTTP_OTHER) {
        return http_head_find(h, id);
    }
    HTTP_HEAD_EACH (h, field) {
        if (slice_equal_nocase(field->name, name)) {
            return field;
        }
    }
    return NULL;
}

struct slice http_head_value(const struct http_head *h, enum http_name id)
{
    const struct http_field *field = http_head_find(h, id);
    return field ? field->value : SLICE("");
}

struct slice http_head_host(const struct http_head *h)
{
    struct slice host;
    struct slice port;

    http_authority_split(h->authority, &host, &port);
    return host;
}

struct slice http_head_path_only(const struct http_head *h)
{
    return slice_sub(h->path, 0, slice_index(h->path, '?'));
}

/* ---- changing ---- */

void http_head_add_kept(struct http_head *h, enum http_name id, struct slice name,
                        struct slice value)
{
    if (h->field_count == h->field_cap) {
        http_head_reserve_fields(h, h->field_cap ? h->field_cap * 2 : FIELDS_FIRST);
    }
    h->fields[h->field_count++] = (struct http_field){name, value, id};
    h->known |= http_name_bit(id);
}

void http_head_add(struct http_head *h, enum http_name id, struct slice value)
{
    http_head_add_kept(h, id, http_name_text(id), http_head_keep(h, value));
}

void http_head_add_name(struct http_head *h, struct slice name, struct slice value)
{
    struct slice name_kept = http_head_keep(h, name);
    http_head_add_kept(h, http_name_of(name), name_kept, http_head_keep(h, value));
}

void http_head_remove_field(struct http_head *h, struct http_field *field)
{
    size_t behind = (size_t)(h->fields + h->field_count - (field + 1));

    memmove(field, field + 1, behind * sizeof(*field));
    h->field_count--;
}

bool http_head_remove(struct http_head *h, enum http_name id)
{
    struct http_field *field;
    bool has_removed = false;

    while ((field = http_head_find(h, id)) != NULL) {
        http_head_remove_field(h, field);
        has_removed = true;
    }
    h->known &= ~http_name_bit(id);
    return has_removed;
}

void http_head_set_authority(struct http_head *h, struct slice authority)
{
    struct http_field *host = http_head_find(h, HTTP_HOST);

    h->authority = http_head_keep(h, authority);
    if (host) {
        host->value = h->authority;
    }
}

void http_head_make_response(struct http_head *h, uint16_t status)
{
    ASSERT(h->bytes.bytes == 0);
    h->version = HTTP_1_1;
    h->status = status;
    h->reason = http_status_reason(status);
}

void http_head_copy(struct http_head *to, const struct http_head *from)
{
    ASSERT(to->bytes.bytes == 0);
    *to = *from;
    to->bytes = (struct bufq){0};
    to->fields = NULL;
    to->field_count = to->field_cap = 0;

    to->method = http_head_keep(to, from->method);
    to->scheme = http_head_keep(to, from->scheme);
    to->authority = http_head_keep(to, from->authority);
    to->path = http_head_keep(to, from->path);
    to->reason = http_head_keep(to, from->reason);
    to->upgrade = http_head_keep(to, from->upgrade);
    HTTP_HEAD_EACH (from, field) {
        http_head_add_kept(to, field->id, http_head_keep(to, field->name),
                           http_head_keep(to, field->value));
    }
}
