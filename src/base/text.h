/* A growing piece of text: for messages, pages, paths and JSON lines. Never for bytes in flight
 * (bufq.h). Always terminated, so text_str is a C string. Zeroed memory is an empty text. */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct text {
    char *ptr;
    size_t len;
    size_t cap;
};

void text_deinit(struct text *t);
void text_wipe(struct text *t);  /* the same, of what held a secret */
void text_clear(struct text *t); /* keeps the memory */
void text_add(struct text *t, struct slice s);
void text_add_str(struct text *t, const char *s);
void text_add_char(struct text *t, char c);
void text_addf(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
void text_addv(struct text *t, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

/* As the inside of a JSON string: quotes, backslashes, control characters and bytes that are not
 * UTF-8 are escaped; the surrounding quotes are the caller's. */
void text_add_json(struct text *t, struct slice s);

/* As HTML text or attribute value. */
void text_add_html(struct text *t, struct slice s);

const char *text_str(const struct text *t); /* "" when empty */
struct slice text_slice(const struct text *t);

/* Hands the string over to the caller (mem_free) and leaves t empty. */
char *text_take(struct text *t);
