#include "relay/visitors/cookie_domain.h"

/* Domain=t.example.com, .t.example.com, example.com, com for the relay's t.example.com. */
static bool reaches_neighbours(struct slice attribute, struct slice relay_domain)
{
    struct slice name = slice_trim(slice_cut(&attribute, '='));

    if (!attribute.ptr || !slice_equal_nocase(name, SLICE("Domain"))) {
        return false;
    }
    struct slice domain = slice_trim(attribute);
    if (slice_starts(domain, SLICE("."))) {
        domain = slice_sub(domain, 1, domain.len);
    }
    if (domain.len == 0 || !slice_ends_nocase(relay_domain, domain)) {
        return false;
    }
    return domain.len == relay_domain.len ||
           relay_domain.ptr[relay_domain.len - domain.len - 1] == '.';
}

/* The whole attribute with the ';' before it, or nothing; the cookie itself is no attribute. */
static struct slice find_attribute(struct slice cookie, struct slice relay_domain)
{
    struct slice rest = cookie;

    (void)slice_cut(&rest, ';');
    while (rest.ptr) {
        struct slice attribute = slice_cut(&rest, ';');
        if (reaches_neighbours(attribute, relay_domain)) {
            return slice_of(attribute.ptr - 1, attribute.len + 1);
        }
    }
    return SLICE_NONE;
}

static struct slice without(struct http_head *head, struct slice whole, struct slice part)
{
    size_t before = (size_t)(part.ptr - whole.ptr);

    return http_head_keepf(head, "%.*s%.*s", (int)before, whole.ptr,
                           (int)(whole.len - before - part.len), part.ptr + part.len);
}

void cookie_domain_strip(struct http_head *response, struct slice relay_domain)
{
    if (relay_domain.len == 0) {
        return;
    }
    for (struct http_field *f = http_head_find(response, HTTP_SET_COOKIE); f;
         f = http_head_next(response, f)) {
        struct slice part = find_attribute(f->value, relay_domain);
        while (part.ptr) {
            f->value = without(response, f->value, part);
            part = find_attribute(f->value, relay_domain);
        }
    }
}
