#include "base/log_limit.h"

#include <stddef.h>
#include <string.h>

#include "base/slice.h"
#include "base/table.h"

static void begin(struct log_limit_count *c, const char *message, struct slice source)
{
    *c = (struct log_limit_count){.message = message};
    memcpy(c->source, source.ptr, source.len);
}

static struct log_limit_count *find_kind(struct log_limit *l, const char *message)
{
    for (size_t i = 0; i < LOG_LIMIT_KINDS; i++) {
        struct log_limit_count *c = &l->kinds[i];
        if (!c->message) {
            begin(c, message, SLICE(""));
        }
        if (c->message == message) {
            return c;
        }
    }
    return &l->kinds[LOG_LIMIT_KINDS - 1];
}

static void note_due(struct log_limit *l, const struct log_limit_count *c)
{
    if (l->due_ms == 0 || c->until_ms < l->due_ms) {
        l->due_ms = c->until_ms;
    }
}

static void renew(struct log_limit_count *c, uint64_t now_ms)
{
    if (now_ms >= c->until_ms) {
        c->until_ms = now_ms + LOG_LIMIT_MS;
        c->shown = 0;
    }
}

static void hide(struct log_limit *l, struct log_limit_count *c, uint64_t lines)
{
    if (lines > 0) {
        c->hidden += lines;
        note_due(l, c);
    }
}

/* Its place; who had it before is pushed out. */
static struct log_limit_count *find_source(struct log_limit *l, const char *message,
                                           const char *source, uint64_t now_ms)
{
    struct slice name = slice_sub(slice_str(source), 0, LOG_LIMIT_SOURCE_BYTES - 1);
    uint64_t hash = table_hash_u64(slice_hash(name) ^ (uintptr_t)message);
    struct log_limit_count *c = &l->sources[hash % LOG_LIMIT_SOURCES];

    if (c->message == message && slice_is(name, c->source)) {
        return c;
    }
    if (c->hidden > 0) {
        struct log_limit_count *kind = find_kind(l, c->message);
        renew(kind, now_ms);
        hide(l, kind, c->hidden);
    }
    begin(c, message, name);
    return c;
}

bool log_limit_pass(struct log_limit *l, const char *message, const char *source, uint64_t now_ms)
{
    struct log_limit_count *mine = find_source(l, message, source, now_ms);
    struct log_limit_count *kind = find_kind(l, message);

    renew(mine, now_ms);
    renew(kind, now_ms);
    if (mine->shown >= LOG_LIMIT_LINES) {
        hide(l, mine, 1);
        return false;
    }
    if (kind->shown >= LOG_LIMIT_KIND_LINES) {
        hide(l, kind, 1);
        return false;
    }
    mine->shown++;
    kind->shown++;
    return true;
}

/* Takes the sum of one that is over; the others say when theirs is due. */
static bool take(struct log_limit *l, struct log_limit_count *all, size_t count, uint64_t now_ms,
                 struct log_limit_count *sum_out)
{
    for (size_t i = 0; i < count; i++) {
        struct log_limit_count *c = &all[i];
        if (c->hidden > 0 && now_ms >= c->until_ms) {
            *sum_out = *c;
            c->hidden = 0;
            return true;
        }
        if (c->hidden > 0) {
            note_due(l, c);
        }
    }
    return false;
}

bool log_limit_due(struct log_limit *l, uint64_t now_ms, struct log_limit_count *sum_out)
{
    uint64_t due_ms = l->due_ms;

    if (due_ms == 0 || now_ms < due_ms) {
        return false;
    }
    l->due_ms = 0;
    if (take(l, l->kinds, LOG_LIMIT_KINDS, now_ms, sum_out) ||
        take(l, l->sources, LOG_LIMIT_SOURCES, now_ms, sum_out)) {
        l->due_ms = due_ms; /* there may be more */
        return true;
    }
    return false;
}
