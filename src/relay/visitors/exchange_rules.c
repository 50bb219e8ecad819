#include "relay/visitors/exchange_rules.h"

#include "base/mem.h"
#include "wire/reset_code.h"

bool exchange_is_idempotent(const struct http_head *request)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"};

    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (slice_is(request->method, methods[i])) {
            return true;
        }
    }
    return false;
}

bool exchange_was_stale(int err, uint16_t reset_code)
{
    if (reset_code != RESET_NONE) {
        return reset_code == RESET_CANCEL || reset_code == RESET_GONE;
    }
    return err_category(err) == ERR_CAT_GONE && err != ERR_TIMEOUT;
}

bool exchange_binds_connection(const struct http_head *head, enum http_name name)
{
    for (const struct http_field *f = http_head_find(head, name); f; f = http_head_next(head, f)) {
        struct slice rest = f->value;
        struct slice scheme = slice_cut(&rest, ' ');
        if (slice_equal_nocase(scheme, SLICE("NTLM")) ||
            slice_equal_nocase(scheme, SLICE("Negotiate"))) {
            return true;
        }
    }
    return false;
}
