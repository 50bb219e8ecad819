/* A table for people: cells are added one after the other, widths follow by themselves.
 *
 *     struct columns t;
 *     columns_init(&t, "NAME KIND >IN");           words; a `>` puts numbers to the right
 *     columns_add(&t, "%s", name);  columns_add(&t, "%s", kind);  columns_add(&t, "%u", in);
 *     columns_show(&t, &text);
 *
 * What a terminal would obey (control characters) is shown as `?`. Pure.
 */
#pragma once
#include <stddef.h>

#include "base/text.h"

enum { COLUMNS_MAX = 16 };

struct columns {
    struct text *cells; /* row by row, the headings first */
    size_t cell_count;
    size_t cell_capacity;
    size_t column_count;
    bool is_right[COLUMNS_MAX];
};

void columns_init(struct columns *t, const char *headings);
void columns_deinit(struct columns *t);

/* The next cell; an empty one is shown as `-`. */
void columns_add(struct columns *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

void columns_show(const struct columns *t, struct text *out);
