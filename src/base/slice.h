/* A view of bytes somebody else owns: pointer and length, no terminator.
 *
 * Inside the program text is slices; C strings live only at the edges to the system. A slice is
 * valid as long as what it points into; functions that keep it say so.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct slice {
    const char *ptr;
    size_t len;
};

/* For printf("%.*s", SLICE_ARG(s)). */
#define SLICE_ARG(s)   (int)(s).len, ((s).ptr ? (s).ptr : "")
#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
#define SLICE_NONE     ((struct slice){NULL, 0})

static inline struct slice slice_of(const void *ptr, size_t len)
{
    return (struct slice){(const char *)ptr, len};
}

static inline struct slice slice_str(const char *s)
{
    return (struct slice){s, s ? strlen(s) : 0};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *s)
{
    return slice_equal(a, slice_str(s));
}

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* The value of a hexadecimal digit of either case, or -1. */
static inline int ascii_hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Comparison, prefix and suffix; _nocase folds ASCII letters only. */
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);
bool slice_ends_nocase(struct slice s, struct slice suffix);

/* The part from `from` (clamped) of at most len bytes. */
struct slice slice_sub(struct slice s, size_t from, size_t len);

/* Position of c, or s.len. slice_find: of a byte sequence. */
size_t slice_index(struct slice s, char c);
size_t slice_find(struct slice s, struct slice needle);

/* Without spaces and tabs at both ends. */
struct slice slice_trim(struct slice s);

/* Cuts the part before the first sep off *rest and returns it; without a sep all of it, and *rest
 * becomes SLICE_NONE (ptr NULL), so `while (rest.ptr)` visits every part, empty ones included. */
struct slice slice_cut(struct slice *rest, char sep);

/* Whole slice as decimal number without sign or blanks; ERR_INVALID, or ERR_TOO_LARGE above max. */
MUST_USE int slice_to_u64(struct slice s, uint64_t max, uint64_t *value_out);

/* A copy as a C string, for mem_free; of SLICE_NONE too. */
char *slice_dup(struct slice s);

/* 64-bit hash for tables, keyed per process (hash flooding). _nocase folds ASCII letters. */
uint64_t slice_hash(struct slice s);
uint64_t slice_hash_nocase(struct slice s);
