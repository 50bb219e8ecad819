#include "config/problems.h"

void problems_deinit(struct problems *p)
{
    text_deinit(&p->lines);
    p->count = 0;
}

void problems_add(struct problems *p, struct origin at, const char *fmt, ...)
{
    va_list args;

    p->count++;
    if (p->count > PROBLEMS_MAX) {
        return;
    }
    if (at.line) {
        text_addf(&p->lines, "%s:%u: ", at.name, at.line);
    } else if (at.name) {
        text_addf(&p->lines, "%s: ", at.name);
    }
    va_start(args, fmt);
    text_addv(&p->lines, fmt, args);
    va_end(args);
    text_add_char(&p->lines, '\n');
}

void problems_show(const struct problems *p, struct text *out)
{
    text_add(out, text_slice(&p->lines));
    if (p->count > PROBLEMS_MAX) {
        text_addf(out, "and %u more\n", p->count - PROBLEMS_MAX);
    }
}
