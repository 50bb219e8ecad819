#include "store/rights.h"

#include "base/mem.h"

/* ---- reading ---- */

static bool is_pattern(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-.*", c))) {
            return false;
        }
    }
    return s.len > 0 && s.len <= RIGHTS_NAME_BYTES;
}

static int add_name(struct rights *r, struct slice pattern, struct errinfo *info)
{
    if (!is_pattern(pattern)) {
        return errinfo_set(info, ERR_INVALID,
                           "'name:%.*s' is no right; write name:blog, name:app-* or "
                           "name:*.example.com",
                           SLICE_ARG(slice_sub(pattern, 0, 60)));
    }
    if (r->name_count == RIGHTS_NAMES_MAX) {
        return errinfo_set(info, ERR_FULL, "more than %d names; use a * in them", RIGHTS_NAMES_MAX);
    }
    char *name = slice_dup(pattern);
    for (char *c = name; *c; c++) {
        *c = ascii_lower(*c);
    }
    r->names[r->name_count++] = name;
    return 0;
}

static int read_range(struct slice text, struct rights_ports *out)
{
    struct slice last = text;
    struct slice first = slice_cut(&last, '-');
    uint64_t a, b;

    TRY(slice_to_u64(first, UINT16_MAX, &a));
    b = a;
    if (last.ptr) {
        TRY(slice_to_u64(last, UINT16_MAX, &b));
    }
    if (a == 0 || b < a) {
        return ERR_INVALID;
    }
    *out = (struct rights_ports){(uint16_t)a, (uint16_t)b};
    return 0;
}

static int add_ports(struct rights *r, struct slice text, struct errinfo *info)
{
    struct rights_ports range;

    if (read_range(text, &range) < 0) {
        return errinfo_set(info, ERR_INVALID,
                           "'port:%.*s' is no right; write port:6000 or port:6000-6100",
                           SLICE_ARG(slice_sub(text, 0, 60)));
    }
    if (r->port_count == RIGHTS_PORTS_MAX) {
        return errinfo_set(info, ERR_FULL, "more than %d port ranges; join some", RIGHTS_PORTS_MAX);
    }
    r->ports[r->port_count++] = range;
    return 0;
}

static int add_word(struct rights *r, struct slice word, struct errinfo *info)
{
    if (slice_starts(word, SLICE("name:"))) {
        return add_name(r, slice_sub(word, 5, word.len), info);
    }
    if (slice_starts(word, SLICE("port:"))) {
        return add_ports(r, slice_sub(word, 5, word.len), info);
    }
    if (slice_is(word, "http")) {
        r->kinds |= RIGHTS_HTTP;
        return 0;
    }
    if (slice_is(word, "tcp")) {
        r->kinds |= RIGHTS_TCP;
        return 0;
    }
    if (slice_is(word, "admin")) {
        r->is_admin = true;
        return 0;
    }
    return errinfo_set(info, ERR_INVALID,
                       "'%.*s' is no right; use http, tcp, name:PATTERN, port:A-B or admin",
                       SLICE_ARG(slice_sub(word, 0, 60)));
}

static struct slice cut_word(struct slice *rest)
{
    size_t end = 0;

    while (end < rest->len && !strchr(" ,\t\n", rest->ptr[end])) {
        end++;
    }
    struct slice word = slice_sub(*rest, 0, end);
    *rest = slice_sub(*rest, end + 1, rest->len);
    return word;
}

int rights_parse(struct slice text, struct rights *out, struct errinfo *info)
{
    *out = (struct rights){0};
    while (text.len) {
        struct slice word = cut_word(&text);
        int result = word.len ? add_word(out, word, info) : 0;
        if (result < 0) {
            rights_deinit(out);
            return result;
        }
    }
    return 0;
}

void rights_deinit(struct rights *rights)
{
    for (size_t i = 0; i < rights->name_count; i++) {
        mem_free(rights->names[i]);
    }
    *rights = (struct rights){0};
}

/* ---- showing ---- */

static void add_shown(struct text *out, size_t start, const char *word, const char *value)
{
    text_add_str(out, out->len > start ? " " : "");
    text_add_str(out, word);
    text_add_str(out, value);
}

void rights_show(const struct rights *r, struct text *out)
{
    size_t start = out->len;

    if (r->is_admin) {
        add_shown(out, start, "admin", "");
    }
    if (r->kinds & RIGHTS_HTTP) {
        add_shown(out, start, "http", "");
    }
    if (r->kinds & RIGHTS_TCP) {
        add_shown(out, start, "tcp", "");
    }
    for (size_t i = 0; i < r->name_count; i++) {
        add_shown(out, start, "name:", r->names[i]);
    }
    for (size_t i = 0; i < r->port_count; i++) {
        add_shown(out, start, "port:", "");
        text_addf(out, r->ports[i].first == r->ports[i].last ? "%u" : "%u-%u", r->ports[i].first,
                  r->ports[i].last);
    }
}

/* ---- asking ---- */

/* `*` stands for any characters, none included. Linear: only the last star is ever retried. */
static bool matches(const char *pattern, struct slice name)
{
    const char *after_star = NULL;
    size_t at = 0, star_at = 0;

    while (at < name.len) {
        if (*pattern == '*') {
            after_star = ++pattern;
            star_at = at;
        } else if (*pattern == ascii_lower(name.ptr[at])) {
            pattern++;
            at++;
        } else if (after_star) {
            pattern = after_star;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

bool rights_allow_kind(const struct rights *r, enum rights_kind kind)
{
    return r->is_admin || r->kinds == 0 || (r->kinds & kind) != 0;
}

bool rights_allow_name(const struct rights *r, struct slice name)
{
    if (r->is_admin || r->name_count == 0) {
        return true;
    }
    for (size_t i = 0; i < r->name_count; i++) {
        if (matches(r->names[i], name)) {
            return true;
        }
    }
    return false;
}

bool rights_allow_port(const struct rights *r, uint16_t port)
{
    if (r->is_admin || r->port_count == 0) {
        return true;
    }
    for (size_t i = 0; i < r->port_count; i++) {
        if (port >= r->ports[i].first && port <= r->ports[i].last) {
            return true;
        }
    }
    return false;
}
