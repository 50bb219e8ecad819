#include "base/slice.h"

#include "base/fnv.h"
#include "base/mem.h"
#include "base/random.h"

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_equal(slice_sub(s, 0, prefix.len), prefix);
}

bool slice_ends(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && slice_equal(slice_sub(s, s.len - suffix.len, suffix.len), suffix);
}

bool slice_ends_nocase(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len &&
           slice_equal_nocase(slice_sub(s, s.len - suffix.len, suffix.len), suffix);
}

struct slice slice_sub(struct slice s, size_t from, size_t len)
{
    if (from > s.len) {
        from = s.len;
    }
    if (len > s.len - from) {
        len = s.len - from;
    }
    return (struct slice){s.ptr ? s.ptr + from : NULL, len};
}

size_t slice_index(struct slice s, char c)
{
    const char *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : s.len;
}

size_t slice_find(struct slice s, struct slice needle)
{
    const char *hit = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : s.len;
}

struct slice slice_trim(struct slice s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s = slice_sub(s, 1, s.len);
    }
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

struct slice slice_cut(struct slice *rest, char sep)
{
    size_t at = slice_index(*rest, sep);
    struct slice part = slice_sub(*rest, 0, at);

    *rest = at < rest->len ? slice_sub(*rest, at + 1, rest->len) : SLICE_NONE;
    return part;
}

int slice_to_u64(struct slice s, uint64_t max, uint64_t *value_out)
{
    uint64_t value = 0;

    if (s.len == 0) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';
        if (digit > 9) {
            return ERR_INVALID;
        }
        if (value > (UINT64_MAX - digit) / 10) {
            return ERR_TOO_LARGE;
        }
        value = value * 10 + digit;
    }
    if (value > max) {
        return ERR_TOO_LARGE;
    }
    *value_out = value;
    return 0;
}

char *slice_dup(struct slice s)
{
    return mem_strndup(s.ptr, s.len);
}

/* FNV-1a over a per-process secret, finished with a 64-bit mix: short keys, no allocation. */
static uint64_t hash_bytes(struct slice s, bool fold)
{
    uint64_t h = FNV_START ^ random_process_key();

    for (size_t i = 0; i < s.len; i++) {
        h = fnv_add(h, (unsigned char)(fold ? ascii_lower(s.ptr[i]) : s.ptr[i]));
    }
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 32);
}

uint64_t slice_hash(struct slice s)
{
    return hash_bytes(s, false);
}

uint64_t slice_hash_nocase(struct slice s)
{
    return hash_bytes(s, true);
}
