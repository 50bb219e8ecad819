#include "base/log.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_limit.h"
#include "base/text.h"

enum { SCOPE_DEPTH_MAX = 8 };

static const char *const level_names[] = {"error", "warn", "info", "debug", "trace"};

static enum log_level max_level = LOG_INFO;
static enum log_format line_format = LOG_LOGFMT;
static void (*line_sink)(struct slice line, void *ctx);
static void *line_sink_ctx;
static _Thread_local struct log_limit limit;

void log_set_level(enum log_level level)
{
    max_level = level;
}

void log_set_format(enum log_format format)
{
    line_format = format;
}

void log_set_sink(void (*sink)(struct slice line, void *ctx), void *ctx)
{
    line_sink = sink;
    line_sink_ctx = ctx;
}

bool log_is_on(enum log_level level)
{
    return level <= max_level;
}

/* Bare words stay bare; anything a reader could misread is quoted. */
static bool needs_quotes(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f) {
            return true;
        }
    }
    return s.len == 0;
}

static void add_text(struct text *line, const char *key, struct slice value)
{
    bool is_json = line_format == LOG_JSON;
    bool is_quoted = is_json || needs_quotes(value);

    text_addf(line, is_json ? ",\"%s\":" : " %s=", key);
    if (!is_quoted) {
        text_add(line, value);
        return;
    }
    text_add_char(line, '"');
    text_add_json(line, value);
    text_add_char(line, '"');
}

static void add_number(struct text *line, const char *key, const char *sign, uint64_t value)
{
    text_addf(line, line_format == LOG_JSON ? ",\"%s\":%s%" PRIu64 : " %s=%s%" PRIu64, key, sign,
              value);
}

static void add_field(struct text *line, const struct log_field *f)
{
    switch (f->type) {
    case LOG_TYPE_END:
        return;
    case LOG_TYPE_SLICE:
        add_text(line, f->key, f->text);
        return;
    case LOG_TYPE_U64:
        add_number(line, f->key, "", f->number);
        return;
    case LOG_TYPE_I64:
        add_number(line, f->key, (int64_t)f->number < 0 ? "-" : "",
                   (int64_t)f->number < 0 ? 0 - f->number : f->number);
        return;
    }
}

static void add_scopes(struct text *line, const struct log_scope *scope)
{
    const struct log_scope *chain[SCOPE_DEPTH_MAX];
    int depth = 0;

    for (; scope && depth < SCOPE_DEPTH_MAX; scope = scope->parent) {
        chain[depth++] = scope;
    }
    while (depth > 0) {
        depth--;
        if (chain[depth]->kind) {
            add_number(line, chain[depth]->kind, "", chain[depth]->id);
        }
    }
}

static void emit(struct text *line)
{
    if (line_sink) {
        line_sink(text_slice(line), line_sink_ctx);
        return;
    }
    text_add_char(line, '\n');
    /* One write per line, so that lines of several threads never mix. */
    ssize_t written = write(STDERR_FILENO, line->ptr, line->len);
    (void)written;
}

void log_show(struct text *line, enum log_level level, const struct log_scope *scope,
              const char *message, const struct log_field *fields)
{
    char at[CLOCK_TEXT_BYTES];

    clock_show(clock_wall_ms(), at);
    if (line_format == LOG_JSON) {
        text_addf(line, "{\"at\":\"%s\",\"level\":\"%s\"", at, level_names[level]);
    } else {
        text_addf(line, "%s level=%s", at, level_names[level]);
    }
    add_text(line, "msg", slice_str(message));
    add_scopes(line, scope);
    for (; fields->type != LOG_TYPE_END; fields++) {
        add_field(line, fields);
    }
    if (line_format == LOG_JSON) {
        text_add_char(line, '}');
    }
}

static void write_line(enum log_level level, const struct log_scope *scope, const char *message,
                       const struct log_field *fields)
{
    struct text line = {0};

    log_show(&line, level, scope, message, fields);
    emit(&line);
    text_deinit(&line);
}

/* ---- floods ---- */

static const char *source_of(const struct log_scope *scope)
{
    while (scope && !scope->source) {
        scope = scope->parent;
    }
    return scope ? scope->source : NULL;
}

static void tell_sums(uint64_t now_ms)
{
    struct log_limit_count sum;

    while (log_limit_due(&limit, now_ms, &sum)) {
        const struct log_field fields[] = {
            LOG_STR("line", sum.message),
            LOG_STR("source", sum.source[0] ? sum.source : "all"),
            LOG_U64("count", sum.hidden),
            {.type = LOG_TYPE_END},
        };
        write_line(LOG_WARN, NULL, "more like this", fields);
    }
}

void log_tell_sums(void)
{
    tell_sums(clock_now_ms());
}

void log_write(enum log_level level, const struct log_scope *scope, const char *message,
               const struct log_field *fields)
{
    const char *source = level <= LOG_INFO ? source_of(scope) : NULL;
    uint64_t now_ms = clock_now_ms();

    tell_sums(now_ms);
    if (!source || log_limit_pass(&limit, message, source, now_ms)) {
        write_line(level, scope, message, fields);
    }
}
