#include "base/text.h"

#include <stdio.h>

#include "base/mem.h"

void text_deinit(struct text *t)
{
    mem_free(t->ptr);
    *t = (struct text){0};
}

void text_wipe(struct text *t)
{
    if (t->ptr) {
        mem_wipe(t->ptr, t->cap);
    }
    text_deinit(t);
}

void text_clear(struct text *t)
{
    t->len = 0;
    if (t->ptr) {
        t->ptr[0] = '\0';
    }
}

static void make_room(struct text *t, size_t more)
{
    size_t need = t->len + more + 1;

    if (need <= t->cap) {
        return;
    }
    size_t cap = t->cap ? t->cap : 64;
    while (cap < need) {
        cap *= 2;
    }
    t->ptr = mem_resize(t->ptr, cap);
    t->cap = cap;
}

void text_add(struct text *t, struct slice s)
{
    make_room(t, s.len);
    if (s.len) {
        memcpy(t->ptr + t->len, s.ptr, s.len);
    }
    t->len += s.len;
    t->ptr[t->len] = '\0';
}

void text_add_str(struct text *t, const char *s)
{
    text_add(t, slice_str(s));
}

void text_add_char(struct text *t, char c)
{
    text_add(t, slice_of(&c, 1));
}

void text_addv(struct text *t, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    ASSERT(n >= 0);
    make_room(t, (size_t)n);
    vsnprintf(t->ptr + t->len, (size_t)n + 1, fmt, args);
    t->len += (size_t)n;
}

void text_addf(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    text_addv(t, fmt, args);
    va_end(args);
}

/* Length of the UTF-8 sequence at s, or 0 if it is none (overlong, surrogate, cut off). */
static size_t utf8_length(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;

    if (n == 0 || n > s.len) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_bad_second = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
                         (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f);
    return n > 1 && is_bad_second ? 0 : n;
}

void text_add_json(struct text *t, struct slice s)
{
    while (s.len) {
        unsigned char c = (unsigned char)s.ptr[0];
        size_t n = utf8_length(s);

        if (n == 0) {
            text_add_str(t, "\\ufffd");
            n = 1;
        } else if (c == '"' || c == '\\') {
            text_addf(t, "\\%c", c);
        } else if (c == '\n') {
            text_add_str(t, "\\n");
        } else if (c < 0x20 || c == 0x7f) {
            text_addf(t, "\\u%04x", c);
        } else {
            text_add(t, slice_sub(s, 0, n));
        }
        s = slice_sub(s, n, s.len);
    }
}

void text_add_html(struct text *t, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        switch (s.ptr[i]) {
        case '&':
            text_add_str(t, "&amp;");
            break;
        case '<':
            text_add_str(t, "&lt;");
            break;
        case '>':
            text_add_str(t, "&gt;");
            break;
        case '"':
            text_add_str(t, "&quot;");
            break;
        case '\'':
            text_add_str(t, "&#39;");
            break;
        default:
            text_add_char(t, s.ptr[i]);
        }
    }
}

const char *text_str(const struct text *t)
{
    return t->ptr ? t->ptr : "";
}

struct slice text_slice(const struct text *t)
{
    return slice_of(text_str(t), t->len);
}

char *text_take(struct text *t)
{
    char *s = t->ptr ? t->ptr : mem_strdup("");
    *t = (struct text){0};
    return s;
}
