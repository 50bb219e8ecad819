#include "wire/h1_head.h"

#include "wire/http_value.h"

static const struct {
    unsigned status;
    const char *sentence;
} faults[] = {
#define X(name, status, sentence) {status, sentence},
    H1_FAULT_LIST(X)
#undef X
};

unsigned h1_fault_status(enum h1_fault fault)
{
    return faults[fault].status;
}

const char *h1_fault_text(enum h1_fault fault)
{
    return faults[fault].sentence;
}

static int refuse(enum h1_fault *fault_out, enum h1_fault fault)
{
    *fault_out = fault;
    unsigned status = h1_fault_status(fault);
    return status == 431 || status == 414 ? ERR_TOO_LARGE : ERR_PROTOCOL;
}

/* ---- finding the end ---- */

enum {
    METHOD_AND_VERSION_BYTES = 64, /* the rest of a request line beside its target, generously */
};

/* A line of n bytes, CRLF included, is complete. */
static int end_line(struct h1_scan *scan, uint32_t n, const struct h1_scan_limits *limits,
                    enum h1_fault *fault_out)
{
    if (n == 2) {
        return 0;
    }
    if (scan->lines == 0) {
        scan->start_line = n;
    }
    if (scan->lines > limits->fields) {
        return refuse(fault_out, H1_FAULT_FIELDS_MANY);
    }
    scan->lines++;
    return ERR_MORE;
}

static int check_size(const struct h1_scan *scan, const struct h1_scan_limits *limits,
                      enum h1_fault *fault_out)
{
    if (scan->lines == 0 && scan->line_bytes > limits->target_bytes + METHOD_AND_VERSION_BYTES) {
        return refuse(fault_out, H1_FAULT_TARGET_LONG);
    }
    return scan->bytes > limits->bytes ? refuse(fault_out, H1_FAULT_HEAD_LONG) : ERR_MORE;
}

int h1_scan_feed(struct h1_scan *scan, struct slice piece, const struct h1_scan_limits *limits,
                 enum h1_fault *fault_out)
{
    const char *at = piece.ptr;
    const char *end = piece.ptr + piece.len;

    while (at < end) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        const char *next = lf ? lf + 1 : end;
        uint32_t seen = (uint32_t)(next - at);

        scan->line_bytes += seen;
        scan->bytes += seen;
        if (lf && (lf > piece.ptr ? lf[-1] : scan->last) != '\r') {
            return refuse(fault_out, H1_FAULT_BARE_LF);
        }
        int err = check_size(scan, limits, fault_out);
        if (lf && err == ERR_MORE) {
            err = end_line(scan, scan->line_bytes, limits, fault_out);
            scan->line_bytes = 0;
        }
        if (err != ERR_MORE) {
            return err;
        }
        at = next;
    }
    if (piece.len > 0) {
        scan->last = end[-1];
    }
    return ERR_MORE;
}

/* ---- parsing ---- */

/* Takes the next line off *rest, without its CRLF. */
static int next_line(struct slice *rest, struct slice *line_out, enum h1_fault *fault_out)
{
    size_t n = slice_index(*rest, '\n');

    if (n == rest->len || n == 0 || rest->ptr[n - 1] != '\r') {
        return refuse(fault_out, H1_FAULT_BARE_LF);
    }
    *line_out = slice_of(rest->ptr, n - 1);
    *rest = slice_of(rest->ptr + n + 1, rest->len - n - 1);
    return 0;
}

/* "HTTP/1.1"; another major version is a fault of its own, anything else is not a version. */
static int parse_version(struct slice s, unsigned *minor_out, enum h1_fault malformed,
                         enum h1_fault *fault_out)
{
    if (s.len != 8 || memcmp(s.ptr, "HTTP/", 5) != 0 || s.ptr[6] != '.' || s.ptr[5] < '0' ||
        s.ptr[5] > '9' || s.ptr[7] < '0' || s.ptr[7] > '9') {
        return refuse(fault_out, malformed);
    }
    if (s.ptr[5] != '1') {
        return refuse(fault_out, H1_FAULT_VERSION);
    }
    *minor_out = s.ptr[7] == '0' ? 0 : 1; /* a later minor version talks to us as 1.1 */
    return 0;
}

static int parse_request_line(struct slice line, struct h1_head *head, enum h1_fault *fault_out)
{
    size_t n = http_token_run(line);
    head->method = slice_of(line.ptr, n);
    if (n == 0 || n == line.len || line.ptr[n] != ' ') {
        return refuse(fault_out, H1_FAULT_METHOD);
    }

    struct slice rest = slice_of(line.ptr + n + 1, line.len - n - 1);
    n = http_target_run(rest);
    head->target = slice_of(rest.ptr, n);
    if (n == 0) {
        return refuse(fault_out, H1_FAULT_TARGET);
    }
    if (n == rest.len) {
        return refuse(fault_out, H1_FAULT_HTTP_0_9);
    }
    if (rest.ptr[n] != ' ') {
        return refuse(fault_out, H1_FAULT_TARGET);
    }
    return parse_version(slice_of(rest.ptr + n + 1, rest.len - n - 1), &head->minor,
                         H1_FAULT_START_LINE, fault_out);
}

int h1_request_line_check(struct slice line, enum h1_fault *fault_out)
{
    struct h1_head head = {0};
    struct slice text;

    TRY(next_line(&line, &text, fault_out));
    return parse_request_line(text, &head, fault_out);
}

/* "HTTP/1.1 200 OK"; the blank before an empty reason may be missing. */
static int parse_status_line(struct slice line, struct h1_head *head, enum h1_fault *fault_out)
{
    uint64_t status;

    TRY(parse_version(slice_sub(line, 0, 8), &head->minor, H1_FAULT_STATUS, fault_out));
    if (line.len < 12 || line.ptr[8] != ' ' || (line.len > 12 && line.ptr[12] != ' ') ||
        slice_to_u64(slice_sub(line, 9, 3), 999, &status) < 0 || status < 100) {
        return refuse(fault_out, H1_FAULT_STATUS);
    }
    head->status = (unsigned)status;
    head->reason = slice_sub(line, 13, line.len);
    return http_is_text(head->reason) ? 0 : refuse(fault_out, H1_FAULT_STATUS);
}

/* What is wrong with a line whose name run does not end at a colon. */
static enum h1_fault name_fault(struct slice line, size_t name_len)
{
    char c = name_len < line.len ? line.ptr[name_len] : '\0';

    if (name_len == 0 && (c == ' ' || c == '\t')) {
        return H1_FAULT_FOLDED;
    }
    return name_len > 0 && (c == ' ' || c == '\t') ? H1_FAULT_BLANK_BEFORE_COLON
                                                   : H1_FAULT_FIELD_NAME;
}

/* What is wrong with a value that does not end at CRLF. */
static enum h1_fault value_fault(struct slice rest, size_t text_len)
{
    char c = text_len < rest.len ? rest.ptr[text_len] : '\n';

    if (c == '\r') {
        return H1_FAULT_BARE_CR;
    }
    return c == '\n' ? H1_FAULT_BARE_LF : H1_FAULT_FIELD_VALUE;
}

static struct slice trim(struct slice s)
{
    while (s.len > 0 && (*s.ptr == ' ' || *s.ptr == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

/* Takes one field with its CRLF off *rest. The value is searched for its end once, by what may not
 * stand in it. */
static int parse_field(struct slice *rest, struct http_field *field, enum h1_fault *fault_out)
{
    size_t n = http_token_run(*rest);

    if (n == 0 || n == rest->len || rest->ptr[n] != ':') {
        return refuse(fault_out, name_fault(*rest, n));
    }
    field->name = slice_of(rest->ptr, n);
    field->id = http_name_of(field->name);
    struct slice value = slice_of(rest->ptr + n + 1, rest->len - n - 1);
    size_t text = http_text_run(value);
    if (value.len - text < 2 || value.ptr[text] != '\r' || value.ptr[text + 1] != '\n') {
        return refuse(fault_out, value_fault(value, text));
    }
    field->value = trim(slice_of(value.ptr, text));
    *rest = slice_of(value.ptr + text + 2, value.len - text - 2);
    return 0;
}

static bool is_empty_line(struct slice rest)
{
    return rest.len >= 2 && rest.ptr[0] == '\r' && rest.ptr[1] == '\n';
}

int h1_fields_parse(struct slice bytes, struct h1_head *head, enum h1_fault *fault_out)
{
    head->field_count = 0;
    head->known = 0;
    while (!is_empty_line(bytes)) {
        if (head->field_count == head->field_cap) {
            return refuse(fault_out, H1_FAULT_FIELDS_MANY);
        }
        struct http_field *field = &head->fields[head->field_count];
        TRY(parse_field(&bytes, field, fault_out));
        head->field_count++;
        head->known |= http_name_bit(field->id);
    }
    return 0;
}

int h1_request_parse(struct slice bytes, struct h1_head *head, enum h1_fault *fault_out)
{
    struct slice line;

    TRY(next_line(&bytes, &line, fault_out));
    TRY(parse_request_line(line, head, fault_out));
    return h1_fields_parse(bytes, head, fault_out);
}

int h1_response_parse(struct slice bytes, struct h1_head *head, enum h1_fault *fault_out)
{
    struct slice line;

    TRY(next_line(&bytes, &line, fault_out));
    TRY(parse_status_line(line, head, fault_out));
    return h1_fields_parse(bytes, head, fault_out);
}

/* ---- writing ---- */

static bool is_skipped(const struct h1_lines *lines, const struct http_field *field)
{
    return field->id != HTTP_OTHER && (lines->skip & http_name_bit(field->id));
}

static bool add_size(const struct http_field *field, size_t *bytes)
{
    *bytes += field->name.len + field->value.len + 4;
    return (field->id != HTTP_OTHER || http_is_token(field->name)) && http_is_text(field->value);
}

/* Bytes of all lines with the empty one. */
static int measure(const struct h1_lines *lines, size_t *bytes)
{
    *bytes += 2;
    for (uint32_t i = 0; i < lines->field_count; i++) {
        if (!is_skipped(lines, &lines->fields[i]) && !add_size(&lines->fields[i], bytes)) {
            return ERR_INVALID;
        }
    }
    for (uint32_t i = 0; i < lines->extra_count; i++) {
        if (!add_size(&lines->extra[i], bytes)) {
            return ERR_INVALID;
        }
    }
    return 0;
}

/* Where a head is written: into room measured before; a head too large for one chunk goes piece by
 * piece. */
struct sink {
    struct bufq *out;
    uint8_t *at; /* NULL: piece by piece */
    size_t bytes;
};

static struct sink sink_of(struct bufq *out, size_t bytes)
{
    size_t room;
    uint8_t *at = bytes <= CHUNK_LARGE_BYTES ? bufq_reserve(out, bytes, &room) : NULL;

    return (struct sink){out, at, bytes};
}

static void put(struct sink *sink, struct slice s)
{
    if (s.len == 0) {
        return;
    }
    if (!sink->at) {
        bufq_push_slice(sink->out, s);
        return;
    }
    memcpy(sink->at, s.ptr, s.len);
    sink->at += s.len;
}

static void put_field(struct sink *sink, const struct http_field *field)
{
    put(sink, field->name);
    put(sink, SLICE(": "));
    put(sink, field->value);
    put(sink, SLICE("\r\n"));
}

/* The field still stands as "Name: value" in the bytes it came in. */
static bool is_as_it_came(const struct http_field *field)
{
    const char *gap = field->name.ptr + field->name.len;
    return field->value.ptr == gap + 2 && gap[0] == ':' && gap[1] == ' ';
}

/* ... and the next one is the line behind it. */
static bool is_followed_by(const struct http_field *field, const struct http_field *next)
{
    const char *end = field->value.ptr + field->value.len;
    return next->name.ptr == end + 2 && end[0] == '\r' && end[1] == '\n';
}

/* Fields that nobody touched lie side by side in the head they came in: one copy for all of them.
 * Returns the first field behind the run. */
static uint32_t put_run(struct sink *sink, const struct h1_lines *lines, uint32_t first)
{
    uint32_t last = first;
    const struct http_field *fields = lines->fields;

    while (last + 1 < lines->field_count && is_as_it_came(&fields[last]) &&
           is_followed_by(&fields[last], &fields[last + 1]) &&
           !is_skipped(lines, &fields[last + 1])) {
        last++;
    }
    const char *start = fields[first].name.ptr;
    put(sink, slice_of(start, (size_t)(fields[last].name.ptr - start)));
    put_field(sink, &fields[last]);
    return last + 1;
}

static void put_lines(struct sink *sink, const struct h1_lines *lines)
{
    for (uint32_t i = 0; i < lines->field_count;) {
        i = is_skipped(lines, &lines->fields[i]) ? i + 1 : put_run(sink, lines, i);
    }
    for (uint32_t i = 0; i < lines->extra_count; i++) {
        put_field(sink, &lines->extra[i]);
    }
    put(sink, SLICE("\r\n"));
    if (sink->at) {
        bufq_commit(sink->out, sink->bytes);
    }
}

int h1_request_write(struct bufq *out, struct slice method, struct slice target,
                     const struct h1_lines *lines)
{
    size_t bytes = method.len + target.len + sizeof("  HTTP/1.1\r\n") - 1;

    if (!http_is_token(method) || !http_is_target(target)) {
        return ERR_INVALID;
    }
    TRY(measure(lines, &bytes));
    struct sink sink = sink_of(out, bytes);
    put(&sink, method);
    put(&sink, SLICE(" "));
    put(&sink, target);
    put(&sink, SLICE(" HTTP/1.1\r\n"));
    put_lines(&sink, lines);
    return 0;
}

int h1_response_write(struct bufq *out, unsigned status, struct slice reason,
                      const struct h1_lines *lines)
{
    char start[] = "HTTP/1.1 000 ";
    size_t bytes = sizeof(start) - 1 + reason.len + 2;

    if (status < 100 || status > 999 || !http_is_text(reason)) {
        return ERR_INVALID;
    }
    TRY(measure(lines, &bytes));
    start[9] = (char)('0' + status / 100);
    start[10] = (char)('0' + status / 10 % 10);
    start[11] = (char)('0' + status % 10);
    struct sink sink = sink_of(out, bytes);
    put(&sink, slice_of(start, sizeof(start) - 1));
    put(&sink, reason);
    put(&sink, SLICE("\r\n"));
    put_lines(&sink, lines);
    return 0;
}

int h1_fields_write(struct bufq *out, const struct h1_lines *lines)
{
    size_t bytes = 0;

    TRY(measure(lines, &bytes));
    struct sink sink = sink_of(out, bytes);
    put_lines(&sink, lines);
    return 0;
}
