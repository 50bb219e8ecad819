#include "http/h1_writer.h"

#include <stdio.h>

#include "wire/h1_chunk.h"

enum {
    EXTRA_MAX = 5, /* fields of our own: Host, framing, Upgrade, TE, Connection */
    DIGITS_MAX = 24,
};

/* The lines of a head in the making: the user's fields less what is ours to say, and ours. */
struct draft {
    struct h1_lines lines;
    struct http_field extra[EXTRA_MAX];
    char digits[DIGITS_MAX];
};

static void set_state(struct h1_writer *w, enum h1_writer_state next)
{
    ASSERT(w->state != H1_WRITER_DONE || next == H1_WRITER_HEAD || next == H1_WRITER_TUNNEL);
    w->state = next;
}

void h1_writer_begin(struct h1_writer *w)
{
    set_state(w, H1_WRITER_HEAD);
    w->left = 0;
}

/* ---- fields ---- */

static void draft_begin(struct draft *d, const struct http_head *head)
{
    d->lines = (struct h1_lines){.fields = head->fields,
                                 .field_count = head->field_count,
                                 .skip = http_name_bit(HTTP_CONNECTION) |
                                         http_name_bit(HTTP_TRANSFER_ENCODING) |
                                         http_name_bit(HTTP_UPGRADE) | http_name_bit(HTTP_TE) |
                                         http_name_bit(HTTP_KEEP_ALIVE),
                                 .extra = d->extra};
}

static void draft_add(struct draft *d, enum http_name id, struct slice value)
{
    ASSERT(d->lines.extra_count < EXTRA_MAX);
    d->extra[d->lines.extra_count++] = (struct http_field){http_name_text(id), value, id};
}

static void draft_skip(struct draft *d, enum http_name id)
{
    d->lines.skip |= http_name_bit(id);
}

/* Content-Length stays where it is if it is the only one and says the truth. */
static void draft_length(struct draft *d, const struct http_head *head, uint64_t bytes)
{
    const struct http_field *field = http_head_find(head, HTTP_CONTENT_LENGTH);
    uint64_t said;

    if (field && slice_to_u64(field->value, UINT64_MAX, &said) == 0 && said == bytes &&
        !http_head_next(head, field)) {
        return;
    }
    draft_skip(d, HTTP_CONTENT_LENGTH);
    int n = snprintf(d->digits, sizeof(d->digits), "%llu", (unsigned long long)bytes);
    draft_add(d, HTTP_CONTENT_LENGTH, slice_of(d->digits, (size_t)n));
}

static void draft_chunked(struct draft *d)
{
    draft_skip(d, HTTP_CONTENT_LENGTH);
    draft_add(d, HTTP_TRANSFER_ENCODING, SLICE("chunked"));
}

/* ---- requests ---- */

/* A method that usually has a body says so when it has none (RFC 9110 section 8.6). */
static bool announces_no_body(const struct http_head *head)
{
    return http_head_find(head, HTTP_CONTENT_LENGTH) || slice_is(head->method, "POST") ||
           slice_is(head->method, "PUT") || slice_is(head->method, "PATCH");
}

static enum h1_writer_state frame_request(struct draft *d, const struct http_head *head)
{
    switch (head->body) {
    case HTTP_BODY_SIZED:
        draft_length(d, head, head->body_bytes);
        return head->body_bytes > 0 ? H1_WRITER_SIZED : H1_WRITER_DONE;
    case HTTP_BODY_OPEN:
        draft_chunked(d);
        return H1_WRITER_CHUNKED;
    case HTTP_BODY_NONE:
        if (announces_no_body(head)) {
            draft_length(d, head, 0);
        }
        return H1_WRITER_DONE;
    }
    UNREACHABLE();
}

/* What we ask of this connection. */
static void draft_wishes(struct draft *d, const struct http_head *head)
{
    bool has_upgrade = head->upgrade.len > 0;

    if (has_upgrade) {
        draft_add(d, HTTP_UPGRADE, head->upgrade);
    }
    if (head->takes_trailers) {
        draft_add(d, HTTP_TE, SLICE("trailers"));
    }
    if (has_upgrade || head->takes_trailers) {
        draft_add(d, HTTP_CONNECTION,
                  has_upgrade ? (head->takes_trailers ? SLICE("Upgrade, TE") : SLICE("Upgrade"))
                              : SLICE("TE"));
    }
}

int h1_writer_request(struct h1_writer *w, const struct http_head *head)
{
    struct draft d;
    struct slice target = head->path.len > 0 ? head->path : head->authority;

    ASSERT(w->state == H1_WRITER_HEAD);
    draft_begin(&d, head);
    if (!http_head_find(head, HTTP_HOST)) {
        draft_add(&d, HTTP_HOST, head->authority);
    }
    enum h1_writer_state next = frame_request(&d, head);
    draft_wishes(&d, head);
    TRY(h1_request_write(&w->out, head->method, target, &d.lines));
    w->left = head->body_bytes;
    set_state(w, next);
    return 0;
}

/* ---- responses ---- */

static bool has_no_body(const struct http_head *head, const struct h1_answer *answer)
{
    return answer->is_to_head || head->status == 204 || head->status == 304;
}

static enum h1_writer_state frame_body(struct draft *d, const struct http_head *head,
                                       struct h1_answer *answer)
{
    switch (head->body) {
    case HTTP_BODY_SIZED:
        draft_length(d, head, head->body_bytes);
        return head->body_bytes > 0 ? H1_WRITER_SIZED : H1_WRITER_DONE;
    case HTTP_BODY_OPEN:
        if (answer->version == HTTP_1_0) {
            draft_skip(d, HTTP_CONTENT_LENGTH);
            answer->is_kept = false;
            return H1_WRITER_UNTIL_CLOSE;
        }
        draft_chunked(d);
        return H1_WRITER_CHUNKED;
    case HTTP_BODY_NONE:
        draft_length(d, head, 0);
        return H1_WRITER_DONE;
    }
    UNREACHABLE();
}

static enum h1_writer_state frame_response(struct draft *d, const struct http_head *head,
                                           struct h1_answer *answer)
{
    if (http_head_is_informational(head)) {
        draft_skip(d, HTTP_CONTENT_LENGTH);
        return H1_WRITER_HEAD;
    }
    if (head->is_tunnel) {
        draft_skip(d, HTTP_CONTENT_LENGTH);
        if (!answer->is_to_connect) {
            draft_add(d, HTTP_UPGRADE, head->upgrade);
            draft_add(d, HTTP_CONNECTION, SLICE("Upgrade"));
        }
        return H1_WRITER_TUNNEL;
    }
    if (!has_no_body(head, answer)) {
        return frame_body(d, head, answer);
    }
    if (head->status == 204) {
        draft_skip(d, HTTP_CONTENT_LENGTH);
    } else if (head->body == HTTP_BODY_SIZED) { /* that of the body left out */
        draft_length(d, head, head->body_bytes);
    }
    return H1_WRITER_DONE;
}

/* 426 has to say what it requires (RFC 9110 section 15.5.22). */
static void draft_required(struct draft *d, const struct http_head *head)
{
    if (head->status == 426 && head->upgrade.len > 0) {
        draft_add(d, HTTP_UPGRADE, head->upgrade);
        draft_add(d, HTTP_CONNECTION, SLICE("Upgrade"));
    }
}

static void draft_persistence(struct draft *d, const struct h1_answer *answer)
{
    if (!answer->is_kept) {
        draft_add(d, HTTP_CONNECTION, SLICE("close"));
    } else if (answer->version == HTTP_1_0) {
        draft_add(d, HTTP_CONNECTION, SLICE("keep-alive"));
    }
}

int h1_writer_response(struct h1_writer *w, const struct http_head *head, struct h1_answer *answer)
{
    struct draft d;

    ASSERT(w->state == H1_WRITER_HEAD);
    draft_begin(&d, head);
    enum h1_writer_state next = frame_response(&d, head, answer);
    if (next != H1_WRITER_HEAD && next != H1_WRITER_TUNNEL) {
        draft_required(&d, head);
        draft_persistence(&d, answer);
    }
    struct slice reason = head->reason.len > 0 ? head->reason : http_status_reason(head->status);
    TRY(h1_response_write(&w->out, head->status, reason, &d.lines));
    w->left = head->body_bytes;
    set_state(w, next);
    return 0;
}

/* ---- bodies ---- */

int h1_writer_body(struct h1_writer *w, struct bufq *from, size_t n)
{
    switch (w->state) {
    case H1_WRITER_SIZED:
        if (n > w->left) {
            return ERR_INVALID;
        }
        bufq_move(&w->out, from, n);
        w->left -= n;
        if (w->left == 0) {
            set_state(w, H1_WRITER_DONE);
        }
        return 0;
    case H1_WRITER_CHUNKED:
        h1_chunk_write(&w->out, from, n);
        return 0;
    case H1_WRITER_UNTIL_CLOSE:
    case H1_WRITER_TUNNEL:
        bufq_move(&w->out, from, n);
        return 0;
    case H1_WRITER_DONE:
        return ERR_CLOSED;
    case H1_WRITER_HEAD:
        break;
    }
    UNREACHABLE();
}

int h1_writer_trailers(struct h1_writer *w, const struct http_head *trailers)
{
    const struct h1_lines lines = {.fields = trailers->fields,
                                   .field_count = trailers->field_count};

    if (w->state != H1_WRITER_CHUNKED) {
        return 0;
    }
    struct bufq end = {0};
    h1_chunk_write_last(&end);
    int err = h1_fields_write(&end, &lines);
    if (err == 0) {
        bufq_move(&w->out, &end, end.bytes);
        set_state(w, H1_WRITER_DONE);
    }
    bufq_clear(&end);
    return err;
}

void h1_writer_start_tunnel(struct h1_writer *w)
{
    set_state(w, H1_WRITER_TUNNEL);
}

int h1_writer_end(struct h1_writer *w)
{
    const struct http_head none = {0};

    switch (w->state) {
    case H1_WRITER_CHUNKED:
        return h1_writer_trailers(w, &none);
    case H1_WRITER_UNTIL_CLOSE:
    case H1_WRITER_TUNNEL:
        set_state(w, H1_WRITER_DONE);
        return 0;
    case H1_WRITER_DONE:
        return 0;
    case H1_WRITER_SIZED:
    case H1_WRITER_HEAD:
        return ERR_INVALID;
    }
    UNREACHABLE();
}
