#include "wire/open_facts.h"

#include "base/mem.h"

#define AT(field) offsetof(struct open_facts, field)

static const struct tlv_rule open_rules[] = {
    {1, TLV_KIND_BLOB, 16, AT(visitor)},
    {2, TLV_KIND_U16, 0, AT(visitor_port)},
    {3, TLV_KIND_TEXT, OPEN_TEXT_MAX_BYTES, AT(relay_host)},
    {4, TLV_KIND_U16, 0, AT(relay_port)},
    {5, TLV_KIND_TEXT, OPEN_TEXT_MAX_BYTES, AT(scheme)},
    {6 | TLV_CRITICAL, TLV_KIND_FLAG, 0, AT(is_exchange)},
};

static const struct tlv_rule opened_rules[] = {
    {1, TLV_KIND_TEXT, OPEN_TEXT_MAX_BYTES, offsetof(struct opened_facts, alpn)},
};

static int finish(const struct writer *w, size_t *length_out)
{
    *length_out = writer_len(w);
    return w->has_failed ? ERR_TOO_LARGE : 0;
}

static bool is_address(struct slice visitor)
{
    return visitor.len == 0 || visitor.len == 4 || visitor.len == 16;
}

int open_facts_encode(const struct open_facts *f, uint8_t *out, size_t cap, size_t *length_out)
{
    struct writer w = writer_of(out, cap);

    ASSERT(is_address(f->visitor));
    tlv_write_record(&w, open_rules, COUNT_OF(open_rules), f);
    return finish(&w, length_out);
}

int open_facts_decode(struct slice tlvs, struct open_facts *out, struct errinfo *info)
{
    struct reader r = reader_of(tlvs);

    *out = (struct open_facts){0};
    TRY(tlv_read_record(&r, open_rules, COUNT_OF(open_rules), out, info));
    if (!is_address(out->visitor)) {
        return errinfo_set(info, ERR_PROTOCOL, "a visitor address of %zu bytes", out->visitor.len);
    }
    return 0;
}

int opened_facts_encode(const struct opened_facts *f, uint8_t *out, size_t cap, size_t *length_out)
{
    struct writer w = writer_of(out, cap);

    tlv_write_record(&w, opened_rules, COUNT_OF(opened_rules), f);
    return finish(&w, length_out);
}

int opened_facts_decode(struct slice tlvs, struct opened_facts *out, struct errinfo *info)
{
    struct reader r = reader_of(tlvs);

    *out = (struct opened_facts){0};
    return tlv_read_record(&r, opened_rules, COUNT_OF(opened_rules), out, info);
}
