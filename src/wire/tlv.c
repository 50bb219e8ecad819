#include "wire/tlv.h"

void tlv_write(struct writer *w, uint16_t type, struct slice value)
{
    if (value.len > UINT16_MAX) {
        w->has_failed = true;
        return;
    }
    write_u16(w, type);
    write_u16(w, (uint16_t)value.len);
    write_slice(w, value);
}

void tlv_write_u16(struct writer *w, uint16_t type, uint16_t value)
{
    write_u16(w, type);
    write_u16(w, sizeof value);
    write_u16(w, value);
}

void tlv_write_u32(struct writer *w, uint16_t type, uint32_t value)
{
    write_u16(w, type);
    write_u16(w, sizeof value);
    write_u32(w, value);
}

int tlv_next(struct reader *r, struct tlv *out)
{
    if (!r->has_failed && r->left == 0) {
        return ERR_EOF;
    }
    uint16_t type = read_u16(r);
    uint16_t length = read_u16(r);

    out->is_critical = type & TLV_CRITICAL;
    out->type = type & (uint16_t)~TLV_CRITICAL;
    out->value = read_slice(r, length);
    return r->has_failed ? ERR_PROTOCOL : 0;
}

int tlv_u16(const struct tlv *t, uint16_t *out)
{
    struct reader r = reader_of(t->value);

    *out = read_u16(&r);
    return reader_end(&r);
}

int tlv_u32(const struct tlv *t, uint32_t *out)
{
    struct reader r = reader_of(t->value);

    *out = read_u32(&r);
    return reader_end(&r);
}

/* ---- records ---- */

static bool is_plain_text(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static int read_bytes_field(const struct tlv *t, const struct tlv_rule *rule, struct slice *field,
                            struct errinfo *info)
{
    if (t->value.len > rule->max) {
        return errinfo_set(info, ERR_TOO_LARGE, "fact %u has %zu bytes, at most %u are allowed",
                           t->type, t->value.len, rule->max);
    }
    if (rule->kind == TLV_KIND_TEXT && !is_plain_text(t->value)) {
        return errinfo_set(info, ERR_PROTOCOL, "fact %u holds control characters", t->type);
    }
    *field = t->value;
    return 0;
}

static int read_field(const struct tlv *t, const struct tlv_rule *rule, void *record,
                      struct errinfo *info)
{
    void *field = (char *)record + rule->offset;
    int err = 0;

    switch (rule->kind) {
    case TLV_KIND_TEXT:
    case TLV_KIND_BLOB:
        return read_bytes_field(t, rule, field, info);
    case TLV_KIND_U16:
        err = tlv_u16(t, field);
        break;
    case TLV_KIND_U32:
        err = tlv_u32(t, field);
        break;
    case TLV_KIND_FLAG:
        *(bool *)field = true;
        err = t->value.len == 0 ? 0 : ERR_PROTOCOL;
        break;
    }
    return err < 0 ? errinfo_set(info, err, "fact %u has a wrong size", t->type) : 0;
}

static const struct tlv_rule *find_rule(const struct tlv_rule *rules, size_t count, uint16_t type)
{
    for (size_t i = 0; i < count; i++) {
        if ((rules[i].type & (uint16_t)~TLV_CRITICAL) == type) {
            return &rules[i];
        }
    }
    return NULL;
}

int tlv_read_record(struct reader *r, const struct tlv_rule *rules, size_t rule_count, void *record,
                    struct errinfo *info)
{
    uint32_t seen = 0; /* bit per rule */
    struct tlv t;
    int err;

    ASSERT(rule_count <= 32);
    for (err = tlv_next(r, &t); err == 0; err = tlv_next(r, &t)) {
        const struct tlv_rule *rule = find_rule(rules, rule_count, t.type);
        if (!rule) {
            if (t.is_critical) {
                return errinfo_set(info, ERR_PROTOCOL, "critical fact %u is not known", t.type);
            }
            continue;
        }
        uint32_t bit = UINT32_C(1) << (rule - rules);
        if (seen & bit) {
            return errinfo_set(info, ERR_PROTOCOL, "fact %u appears twice", t.type);
        }
        seen |= bit;
        TRY(read_field(&t, rule, record, info));
    }
    return err == ERR_EOF ? 0 : errinfo_set(info, err, "facts are cut short");
}

void tlv_write_record(struct writer *w, const struct tlv_rule *rules, size_t rule_count,
                      const void *record)
{
    for (size_t i = 0; i < rule_count; i++) {
        const struct tlv_rule *rule = &rules[i];
        const void *field = (const char *)record + rule->offset;

        switch (rule->kind) {
        case TLV_KIND_TEXT:
        case TLV_KIND_BLOB: {
            struct slice s = *(const struct slice *)field;
            if (s.len > rule->max) {
                w->has_failed = true;
            } else if (s.len > 0) {
                tlv_write(w, rule->type, s);
            }
            break;
        }
        case TLV_KIND_U16:
            if (*(const uint16_t *)field != 0) {
                tlv_write_u16(w, rule->type, *(const uint16_t *)field);
            }
            break;
        case TLV_KIND_U32:
            if (*(const uint32_t *)field != 0) {
                tlv_write_u32(w, rule->type, *(const uint32_t *)field);
            }
            break;
        case TLV_KIND_FLAG:
            if (*(const bool *)field) {
                tlv_write(w, rule->type, SLICE_NONE);
            }
            break;
        }
    }
}
