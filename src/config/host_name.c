#include "config/host_name.h"

enum { LABEL_MAX = 63, HOST_MAX = 253 };

bool host_name_is_label(struct slice s)
{
    if (s.len == 0 || s.len > LABEL_MAX || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return true;
}

bool host_name_is_host(struct slice s)
{
    struct slice rest = s;

    if (slice_is(s, "*")) {
        return true;
    }
    if (slice_starts(s, SLICE("*."))) {
        rest = slice_sub(s, 2, s.len);
    }
    if (s.len == 0 || s.len > HOST_MAX) {
        return false;
    }
    while (rest.ptr) {
        if (!host_name_is_label(slice_cut(&rest, '.'))) {
            return false;
        }
    }
    return true;
}
