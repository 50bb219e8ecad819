/* Form: enum and one consume function per state. */
#include "http/h1_reader.h"

enum {
    FIELDS_SPARE = 8, /* room for fields that are added on the way */
};

static void set_state(struct h1_reader *r, enum h1_reader_state next)
{
    ASSERT(r->state != H1_READER_FAILED && (r->state != H1_READER_DONE || next != H1_READER_HEAD));
    r->state = next;
}

void h1_reader_deinit(struct h1_reader *r)
{
    http_head_clear(&r->head);
    http_head_clear(&r->trailers);
}

void h1_reader_begin(struct h1_reader *r)
{
    h1_reader_deinit(r);
    *r = (struct h1_reader){.state = H1_READER_HEAD};
}

void h1_reader_fail(struct h1_reader *r, int err)
{
    if (r->state != H1_READER_FAILED) {
        set_state(r, H1_READER_FAILED);
        r->err = err;
    }
}

static int fail(struct h1_reader *r, int err)
{
    h1_reader_fail(r, err);
    return err;
}

/* ---- heads and trailers ---- */

/* Looks at what is new in the input. */
static int scan_input(struct h1_reader *r, const struct bufq *in, const struct h1_limits *limits)
{
    const struct h1_scan_limits scan_limits = {limits->head_bytes, limits->target_bytes,
                                               limits->fields};

    for (;;) {
        struct slice piece = bufq_walk(in, &r->mark);
        if (piece.len == 0) {
            return ERR_MORE;
        }
        int err = h1_scan_feed(&r->scan, piece, &scan_limits, &r->fault);
        if (err != ERR_MORE) {
            return err;
        }
    }
}

static void forget_scan(struct h1_reader *r)
{
    r->scan = (struct h1_scan){0};
    r->mark = (struct bufq_mark){0};
}

/* Moves the bytes that were scanned into the head's own memory, in one piece, with room for their
 * fields behind. */
static struct slice take_scanned(struct h1_reader *r, struct bufq *in, struct http_head *head)
{
    size_t room;
    uint8_t *bytes = bufq_reserve(&head->bytes, r->scan.bytes, &room);

    bufq_peek(in, bytes, r->scan.bytes);
    bufq_commit(&head->bytes, r->scan.bytes);
    bufq_drop(in, r->scan.bytes);
    http_head_reserve_fields(head, r->scan.lines + FIELDS_SPARE);
    return slice_of(bytes, r->scan.bytes);
}

static void keep_fields(struct http_head *head, const struct h1_head *parsed)
{
    head->field_count = parsed->field_count;
    head->known = parsed->known;
    head->version = parsed->minor == 0 ? HTTP_1_0 : HTTP_1_1;
}

static void start_body(struct h1_reader *r, const struct h1_framing *framing, bool is_tunnel)
{
    switch (framing->body) {
    case H1_BODY_SIZED:
        r->head.body = HTTP_BODY_SIZED;
        r->head.body_bytes = r->left = framing->bytes;
        set_state(r, H1_READER_SIZED);
        return;
    case H1_BODY_CHUNKED:
        r->head.body = HTTP_BODY_OPEN;
        set_state(r, H1_READER_CHUNKED);
        return;
    case H1_BODY_UNTIL_CLOSE:
        r->head.body = HTTP_BODY_OPEN;
        r->is_kept = false;
        set_state(r, H1_READER_UNTIL_CLOSE);
        return;
    case H1_BODY_NONE:
        set_state(r, is_tunnel ? H1_READER_TUNNEL : H1_READER_DONE);
        return;
    }
    UNREACHABLE();
}

/* ---- requests ---- */

/* An empty line in front of a request is what some clients leave behind a body (RFC 9112 section
 * 2.2): one is forgiven. */
static void drop_empty_line(struct h1_reader *r, struct bufq *in)
{
    bufq_drop(in, r->scan.bytes);
    forget_scan(r);
    r->has_forgiven = true;
}

static void fill_request(struct http_head *head, const struct h1_head *parsed,
                         const struct h1_target *target)
{
    const struct http_field *host = http_head_find(head, HTTP_HOST);

    head->method = parsed->method;
    head->authority = target->authority;
    head->path = target->path;
    if (head->path.len > 0 && head->path.ptr[0] == '?') {
        head->path = http_head_keepf(head, "/%.*s", SLICE_ARG(target->path));
    }
    if (host && !slice_equal(host->value, target->authority)) {
        http_head_set_authority(head, target->authority);
    }
    if (head->version == HTTP_1_0) {
        http_head_remove(head, HTTP_EXPECT);
    }
}

static int parse_request(struct h1_reader *r, struct slice bytes)
{
    struct h1_head parsed = {.fields = r->head.fields, .field_cap = r->head.field_cap};
    struct h1_target target;
    struct h1_framing framing;
    struct h1_connection connection;

    TRY(h1_request_parse(bytes, &parsed, &r->fault));
    TRY(h1_target_judge(&parsed, &target, &r->fault));
    TRY(h1_request_body(&parsed, &framing, &r->fault));
    TRY(h1_connection_judge(&parsed, &connection, &r->fault));
    h1_hop_fields_remove(&parsed);

    keep_fields(&r->head, &parsed);
    fill_request(&r->head, &parsed, &target);
    r->is_kept = connection.is_kept;
    r->head.takes_trailers = connection.takes_trailers;
    r->head.is_tunnel = slice_is(parsed.method, "CONNECT");
    if (r->head.is_tunnel && framing.body != H1_BODY_NONE) {
        r->fault = H1_FAULT_LENGTH_FORBIDDEN;
        return ERR_PROTOCOL;
    }
    if (framing.body == H1_BODY_NONE) { /* an Upgrade with a body is read as a plain request */
        r->head.upgrade = connection.upgrade;
    }
    start_body(r, &framing, false);
    return 0;
}

/* What cannot become a request is refused before the rest of its head has come. */
static int check_first_line(struct h1_reader *r, struct bufq *in, const struct h1_limits *limits)
{
    if (r->scan.start_line == 0 || r->has_checked_line) {
        return ERR_MORE;
    }
    r->has_checked_line = true;
    TRY(h1_request_line_check(bufq_pullup(in, r->scan.start_line), &r->fault));
    forget_scan(r); /* pulling up moved the bytes from under the mark */
    return scan_input(r, in, limits);
}

int h1_reader_request(struct h1_reader *r, struct bufq *in, const struct h1_limits *limits)
{
    if (r->state == H1_READER_FAILED) {
        return r->err;
    }
    ASSERT(r->state == H1_READER_HEAD);
    int err = scan_input(r, in, limits);
    if (err == 0 && r->scan.lines == 0 && !r->has_forgiven) {
        drop_empty_line(r, in);
        err = scan_input(r, in, limits);
    }
    if (err == ERR_MORE) {
        err = check_first_line(r, in, limits);
    }
    if (err == 0) {
        struct slice bytes = take_scanned(r, in, &r->head);
        forget_scan(r);
        err = parse_request(r, bytes);
    }
    return err == 0 || err == ERR_MORE ? err : fail(r, err);
}

/* ---- responses ---- */

/* 101 answers a question only; any other 1xx is followed by another head. */
static int judge_informational(struct h1_reader *r, const struct h1_connection *connection,
                               const struct h1_question *question)
{
    if (r->head.status == 101) {
        if (!question->has_upgrade || connection->upgrade.len == 0) {
            r->fault = H1_FAULT_STATUS;
            return ERR_PROTOCOL;
        }
        r->head.upgrade = connection->upgrade;
        r->head.is_tunnel = true;
        return 0;
    }
    if (++r->informational_count > H1_INFORMATIONAL) {
        r->fault = H1_FAULT_STATUS;
        return ERR_PROTOCOL;
    }
    return 0;
}

static int parse_response(struct h1_reader *r, struct slice bytes,
                          const struct h1_question *question)
{
    struct h1_head parsed = {.fields = r->head.fields, .field_cap = r->head.field_cap};
    struct h1_framing framing;
    struct h1_connection connection;

    TRY(h1_response_parse(bytes, &parsed, &r->fault));
    TRY(h1_response_body(&parsed, question->asked, &framing, &r->fault));
    TRY(h1_connection_judge(&parsed, &connection, &r->fault));
    h1_hop_fields_remove(&parsed);

    keep_fields(&r->head, &parsed);
    r->head.status = (uint16_t)parsed.status;
    r->head.reason = parsed.reason;
    r->is_kept = connection.is_kept;
    r->keep_alive_s = connection.keep_alive_s;
    if (parsed.status < 200) {
        TRY(judge_informational(r, &connection, question));
    } else {
        r->head.is_tunnel = question->asked.is_connect && parsed.status / 100 == 2;
        r->head.upgrade = parsed.status == 426 ? connection.upgrade : SLICE_NONE;
    }
    if (!http_head_is_informational(&r->head)) {
        start_body(r, &framing, r->head.is_tunnel);
    }
    return 0;
}

int h1_reader_response(struct h1_reader *r, struct bufq *in, const struct h1_limits *limits,
                       const struct h1_question *question)
{
    if (r->state == H1_READER_FAILED) {
        return r->err;
    }
    ASSERT(r->state == H1_READER_HEAD);
    http_head_clear(&r->head); /* of the informational one before */
    int err = scan_input(r, in, limits);
    if (err == 0) {
        struct slice bytes = take_scanned(r, in, &r->head);
        forget_scan(r);
        err = parse_response(r, bytes, question);
    }
    return err == 0 || err == ERR_MORE ? err : fail(r, err);
}

/* ---- bodies ---- */

static int read_trailers(struct h1_reader *r, struct bufq *in, const struct h1_limits *limits)
{
    int err = scan_input(r, in, limits);

    if (err == ERR_MORE) {
        return err;
    }
    if (err == 0) {
        struct slice bytes = take_scanned(r, in, &r->trailers);
        struct h1_head parsed = {.fields = r->trailers.fields, .field_cap = r->trailers.field_cap};
        forget_scan(r);
        err = h1_fields_parse(bytes, &parsed, &r->fault);
        if (err == 0) {
            h1_trailer_fields_remove(&parsed);
            keep_fields(&r->trailers, &parsed);
            set_state(r, H1_READER_DONE);
            return ERR_EOF;
        }
    }
    return fail(r, err);
}

static int read_sized(struct h1_reader *r, struct bufq *in, struct bufq *into, size_t max)
{
    size_t n = bufq_move(into, in, r->left < max ? (size_t)r->left : max);

    h1_reader_passed(r, n);
    return n > 0 ? 0 : ERR_MORE;
}

static int read_chunked(struct h1_reader *r, struct bufq *in, struct bufq *into, size_t max,
                        const struct h1_limits *limits)
{
    size_t before = into->bytes;
    int err = h1_chunk_read(&r->chunk, in, into, max, &r->fault);

    if (err == ERR_EOF) {
        set_state(r, H1_READER_TRAILERS);
        err = read_trailers(r, in, limits);
    } else if (err != 0 && err != ERR_MORE) {
        fail(r, err);
    }
    return into->bytes > before ? 0 : err; /* an end or a failure is told by the next call */
}

static int read_unframed(struct bufq *in, struct bufq *into, size_t max)
{
    return bufq_move(into, in, max) > 0 ? 0 : ERR_MORE;
}

int h1_reader_body(struct h1_reader *r, struct bufq *in, struct bufq *into, size_t max,
                   const struct h1_limits *limits)
{
    switch (r->state) {
    case H1_READER_SIZED:
        return read_sized(r, in, into, max);
    case H1_READER_CHUNKED:
        return read_chunked(r, in, into, max, limits);
    case H1_READER_TRAILERS:
        return read_trailers(r, in, limits);
    case H1_READER_UNTIL_CLOSE:
    case H1_READER_TUNNEL:
        return read_unframed(in, into, max);
    case H1_READER_DONE:
        return ERR_EOF;
    case H1_READER_FAILED:
        return r->err;
    case H1_READER_HEAD:
        break;
    }
    UNREACHABLE();
}

size_t h1_reader_direct(const struct h1_reader *r)
{
    if (r->state == H1_READER_UNTIL_CLOSE || r->state == H1_READER_TUNNEL) {
        return SIZE_MAX;
    }
    if (r->state != H1_READER_SIZED) {
        return 0;
    }
    return r->left < SIZE_MAX ? (size_t)r->left : SIZE_MAX;
}

void h1_reader_passed(struct h1_reader *r, size_t n)
{
    if (r->state == H1_READER_SIZED) {
        r->left -= n;
        if (r->left == 0) {
            set_state(r, H1_READER_DONE);
        }
    }
}

int h1_reader_ended(struct h1_reader *r, int err)
{
    switch (r->state) {
    case H1_READER_UNTIL_CLOSE:
    case H1_READER_TUNNEL:
        if (err == ERR_EOF) {
            set_state(r, H1_READER_DONE);
            return err;
        }
        return fail(r, err);
    case H1_READER_HEAD:
    case H1_READER_SIZED:
    case H1_READER_CHUNKED:
    case H1_READER_TRAILERS:
        return fail(r, err == ERR_EOF ? ERR_TRUNCATED : err);
    case H1_READER_DONE:
        return ERR_EOF;
    case H1_READER_FAILED:
        return r->err;
    }
    UNREACHABLE();
}

bool h1_reader_has_input(const struct h1_reader *r, const struct bufq *in)
{
    switch (r->state) {
    case H1_READER_HEAD:
    case H1_READER_TRAILERS:
        return in->bytes > r->scan.bytes;
    case H1_READER_SIZED:
    case H1_READER_CHUNKED:
    case H1_READER_UNTIL_CLOSE:
    case H1_READER_TUNNEL:
        return !bufq_is_empty(in);
    case H1_READER_DONE:
    case H1_READER_FAILED:
        return true;
    }
    UNREACHABLE();
}

void h1_reader_start_tunnel(struct h1_reader *r)
{
    set_state(r, H1_READER_TUNNEL);
}
