/* Log lines with the chain of objects they belong to: logfmt, or JSON, on stderr.
 *
 * Every long-lived object embeds a log_scope with its parent's; a line written anywhere carries
 * the whole chain (`link=3 stream=17`) without repeating it. One closing line per stream and
 * session. Levels: error (the operator must act), warn (a peer or the set-up is odd), info (the
 * life of sessions), debug, trace. Secrets are never given to these functions.
 *
 * What strangers can cause has a source in its chain, and each source may write so many lines of a
 * kind in a while (log_limit.h). How many there were beyond tells "more like this", before the next
 * line of the same thread or by log_tell_sums. Debug and trace lines are asked for, and never held
 * back.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct text;

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_scope {
    const struct log_scope *parent; /* outlives this one */
    const char *kind;               /* "session", "stream": a literal; NULL: not shown */
    uint64_t id;
    const char *source; /* who causes these lines, and outlives the scope; NULL: as the parent */
};

enum log_type { LOG_TYPE_END, LOG_TYPE_SLICE, LOG_TYPE_U64, LOG_TYPE_I64 };

struct log_field {
    enum log_type type;
    const char *key;
    struct slice text;
    uint64_t number;
};

#define LOG_STR(k, v)   {.type = LOG_TYPE_SLICE, .key = (k), .text = slice_str(v)}
#define LOG_SLICE(k, v) {.type = LOG_TYPE_SLICE, .key = (k), .text = (v)}
#define LOG_U64(k, v)   {.type = LOG_TYPE_U64, .key = (k), .number = (v)}
#define LOG_I64(k, v)   {.type = LOG_TYPE_I64, .key = (k), .number = (uint64_t)(int64_t)(v)}
#define LOG_ERR(err)    {.type = LOG_TYPE_SLICE, .key = "reason", .text = slice_str(err_text(err))}

/* Process-wide, set before threads start. Default: info, logfmt. */
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);

/* Where lines go; NULL: stderr. For tests. The line comes without its newline. */
void log_set_sink(void (*sink)(struct slice line, void *ctx), void *ctx);

bool log_is_on(enum log_level level);
void log_write(enum log_level level, const struct log_scope *scope, const char *message,
               const struct log_field *fields);

/* Appends the line as log_write would write it, without its newline. */
void log_show(struct text *line, enum log_level level, const struct log_scope *scope,
              const char *message, const struct log_field *fields);

/* Tells now what this thread has held back and not told yet, as far as it is due. */
void log_tell_sums(void);

/* log_info(&s->log, "stream closed", LOG_U64("in", n), LOG_STR("reason", r)); scope may be NULL. */
#define LOG_AT(level, scope, message, ...)                                                         \
    do {                                                                                           \
        if (log_is_on(level)) {                                                                    \
            const struct log_field log_fields_[] = {                                               \
                __VA_ARGS__ __VA_OPT__(, ){.type = LOG_TYPE_END},                                  \
            };                                                                                     \
            log_write(level, scope, message, log_fields_);                                         \
        }                                                                                          \
    } while (0)
#define log_error(scope, ...) LOG_AT(LOG_ERROR, scope, __VA_ARGS__)
#define log_warn(scope, ...)  LOG_AT(LOG_WARN, scope, __VA_ARGS__)
#define log_info(scope, ...)  LOG_AT(LOG_INFO, scope, __VA_ARGS__)
#define log_debug(scope, ...) LOG_AT(LOG_DEBUG, scope, __VA_ARGS__)
#define log_trace(scope, ...) LOG_AT(LOG_TRACE, scope, __VA_ARGS__)
