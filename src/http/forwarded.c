#include "http/forwarded.h"

#include "base/least.h"
#include "base/mem.h"
#include "wire/http_value.h"

enum { CLAIM_NAME_MAX = 32 }; /* no name we know is as long */

static bool is_v6(struct slice address)
{
    return slice_index(address, ':') < address.len;
}

/* for=203.0.113.5;host="h:80";proto=https, behind what came before */
static struct slice element(struct http_head *h, struct slice before,
                            const struct forwarded_facts *facts)
{
    bool has_v6 = is_v6(facts->address);
    const struct slice parts[] = {
        before,
        before.len > 0 ? SLICE(", ") : SLICE(""),
        has_v6 ? SLICE("for=\"[") : SLICE("for="),
        facts->address,
        has_v6 ? SLICE("]\"") : SLICE(""),
        SLICE(";host=\""),
        h->authority,
        SLICE("\";proto="),
        facts->proto,
    };
    return http_head_keep_joined(h, parts, COUNT_OF(parts));
}

static void replace(struct http_head *h, enum http_name id, struct slice value)
{
    http_head_remove(h, id);
    http_head_add_kept(h, id, http_name_text(id), value);
}

static void add_missing(struct http_head *h, enum http_name id, struct slice value)
{
    if (!http_head_find(h, id)) {
        http_head_add_kept(h, id, http_name_text(id), value);
    }
}

/* All fields of that name as one list; they may have been several. */
static struct slice list_of(struct http_head *h, enum http_name id)
{
    const struct http_field *field = http_head_find(h, id);
    struct slice list = field ? field->value : SLICE("");

    while (field && (field = http_head_next(h, field)) != NULL) {
        const struct slice parts[] = {list, SLICE(", "), field->value};
        list = http_head_keep_joined(h, parts, COUNT_OF(parts));
    }
    return list;
}

/* Programs behind CGI and its like read '_' for '-': to them X_Real_IP is X-Real-IP, and
 * Content_Length a length. */
static bool is_claim(struct slice name)
{
    const struct slice prefix = SLICE("X-Forwarded-");
    bool has_underscore = slice_index(name, '_') < name.len;
    char dashed[CLAIM_NAME_MAX];
    struct slice plain = slice_of(dashed, least_size(name.len, sizeof dashed));

    if (!has_underscore && ascii_lower(name.ptr[0]) != 'x') {
        return false;
    }
    for (size_t i = 0; i < plain.len; i++) {
        dashed[i] = name.ptr[i] == '_' ? '-' : name.ptr[i];
    }
    return slice_equal_nocase(slice_sub(plain, 0, prefix.len), prefix) ||
           (has_underscore && http_name_of(plain) != HTTP_OTHER);
}

/* Also those we have no word for: X-Forwarded-User, X-Forwarded-Prefix. */
static void remove_claims(struct http_head *h)
{
    for (uint32_t i = h->field_count; i > 0; i--) {
        if (h->fields[i - 1].id == HTTP_OTHER && is_claim(h->fields[i - 1].name)) {
            http_head_remove_field(h, &h->fields[i - 1]);
        }
    }
}

static void replace_claims(struct http_head *h, const struct forwarded_facts *facts)
{
    remove_claims(h);
    http_head_remove(h, HTTP_X_FORWARDED_PORT);
    replace(h, HTTP_X_FORWARDED_FOR, facts->address);
    replace(h, HTTP_X_FORWARDED_PROTO, facts->proto);
    replace(h, HTTP_X_FORWARDED_HOST, h->authority);
    replace(h, HTTP_X_REAL_IP, facts->address);
    replace(h, HTTP_FORWARDED, element(h, SLICE(""), facts));
}

static void extend_claims(struct http_head *h, const struct forwarded_facts *facts)
{
    struct slice before = list_of(h, HTTP_X_FORWARDED_FOR);
    const struct slice parts[] = {before, before.len > 0 ? SLICE(", ") : SLICE(""), facts->address};

    add_missing(h, HTTP_X_REAL_IP, forwarded_visitor(h, facts));
    replace(h, HTTP_X_FORWARDED_FOR, http_head_keep_joined(h, parts, COUNT_OF(parts)));
    add_missing(h, HTTP_X_FORWARDED_PROTO, facts->proto);
    add_missing(h, HTTP_X_FORWARDED_HOST, h->authority);
    replace(h, HTTP_FORWARDED, element(h, list_of(h, HTTP_FORWARDED), facts));
}

void forwarded_add(struct http_head *request, const struct forwarded_facts *facts)
{
    if (facts->is_peer_trusted) {
        extend_claims(request, facts);
    } else {
        replace_claims(request, facts);
    }
}

struct slice forwarded_visitor(const struct http_head *request, const struct forwarded_facts *facts)
{
    struct slice last = facts->address;

    if (!facts->is_peer_trusted) {
        return last;
    }
    for (const struct http_field *field = http_head_find(request, HTTP_X_FORWARDED_FOR); field;
         field = http_head_next(request, field)) {
        struct slice rest = field->value;
        struct slice address;
        while (http_list_next(&rest, &address)) {
            last = address;
        }
    }
    return last;
}
