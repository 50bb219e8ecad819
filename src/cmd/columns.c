#include "cmd/columns.h"

#include "base/mem.h"

static const char gap[] = "  ";

static struct text *next_cell(struct columns *t)
{
    if (t->cell_count == t->cell_capacity) {
        t->cell_capacity = t->cell_capacity ? 2 * t->cell_capacity : 64;
        t->cells = mem_resize(t->cells, t->cell_capacity * sizeof *t->cells);
    }
    struct text *cell = &t->cells[t->cell_count++];
    *cell = (struct text){0};
    return cell;
}

void columns_init(struct columns *t, const char *headings)
{
    struct slice rest = slice_str(headings);

    *t = (struct columns){0};
    while (rest.ptr) {
        struct slice word = slice_cut(&rest, ' ');
        ASSERT(t->column_count < COLUMNS_MAX);
        t->is_right[t->column_count] = slice_starts(word, SLICE(">"));
        text_add(next_cell(t), slice_sub(word, t->is_right[t->column_count] ? 1 : 0, word.len));
        t->column_count++;
    }
}

void columns_deinit(struct columns *t)
{
    for (size_t i = 0; i < t->cell_count; i++) {
        text_deinit(&t->cells[i]);
    }
    mem_free(t->cells);
    *t = (struct columns){0};
}

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

void columns_add(struct columns *t, const char *fmt, ...)
{
    struct text *cell = next_cell(t);
    va_list args;

    va_start(args, fmt);
    text_addv(cell, fmt, args);
    va_end(args);
    for (size_t i = 0; i < cell->len; i++) {
        cell->ptr[i] = is_control(cell->ptr[i]) ? '?' : cell->ptr[i];
    }
    if (cell->len == 0) {
        text_add_char(cell, '-');
    }
}

/* In characters: the bytes that continue one do not count. */
static size_t width_of(const struct text *cell)
{
    size_t width = 0;

    for (size_t i = 0; i < cell->len; i++) {
        width += ((unsigned char)cell->ptr[i] & 0xc0) != 0x80;
    }
    return width;
}

static void measure(const struct columns *t, size_t widths[COLUMNS_MAX])
{
    for (size_t i = 0; i < t->cell_count; i++) {
        size_t *widest = &widths[i % t->column_count];
        size_t width = width_of(&t->cells[i]);
        *widest = width > *widest ? width : *widest;
    }
}

static void add_blanks(struct text *out, size_t count)
{
    while (count-- > 0) {
        text_add_char(out, ' ');
    }
}

void columns_show(const struct columns *t, struct text *out)
{
    size_t widths[COLUMNS_MAX] = {0};

    measure(t, widths);
    for (size_t i = 0; i < t->cell_count; i++) {
        size_t column = i % t->column_count;
        size_t blanks = widths[column] - width_of(&t->cells[i]);
        bool is_last = column + 1 == t->column_count;

        if (t->is_right[column]) {
            add_blanks(out, blanks);
        }
        text_add(out, text_slice(&t->cells[i]));
        if (!t->is_right[column] && !is_last) {
            add_blanks(out, blanks);
        }
        text_add_str(out, is_last ? "\n" : gap);
    }
}
