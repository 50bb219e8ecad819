#include "wire/control.h"

#include <jansson.h>

#include "base/mem.h"

/* ---- the table ---- */

enum field_kind {
    FIELD_TEXT,
    FIELD_U32,
    FIELD_U64,
    FIELD_BOOL,
    FIELD_LIST,
    FIELD_EXCHANGES, /* objects of exchange_shape; the field is count and items */
};

struct field {
    const char *key;
    enum field_kind kind;
    bool is_required;
    size_t offset; /* in struct control_message, or in the item of a list of objects */
};

/* What an object holds: a message, or an item within one. */
struct shape {
    const char *name;
    const struct field *fields;
    size_t field_count;
};

#define AT(field) offsetof(struct control_message, field)

static const struct field bind_fields[] = {
    {"tunnel", FIELD_U32, true, AT(bind.tunnel)},
    {"key", FIELD_TEXT, true, AT(bind.key)},
    {"kind", FIELD_TEXT, true, AT(bind.kind)},
    {"names", FIELD_LIST, false, AT(bind.names)},
    {"paths", FIELD_LIST, false, AT(bind.paths)},
    {"port", FIELD_U32, false, AT(bind.port)},
    {"target", FIELD_TEXT, false, AT(bind.target)},
    {"share", FIELD_BOOL, false, AT(bind.is_shared)},
    {"exchanges", FIELD_BOOL, false, AT(bind.wants_exchanges)},
};

static const struct field bound_fields[] = {
    {"tunnel", FIELD_U32, true, AT(bound.tunnel)},
    {"urls", FIELD_LIST, false, AT(bound.urls)},
    {"port", FIELD_U32, false, AT(bound.port)},
    {"code", FIELD_U32, false, AT(bound.code)},
    {"sentence", FIELD_TEXT, false, AT(bound.sentence)},
};

static const struct field unbind_fields[] = {
    {"tunnel", FIELD_U32, true, AT(unbind.tunnel)},
};

static const struct field unbound_fields[] = {
    {"tunnel", FIELD_U32, true, AT(unbound.tunnel)},
    {"code", FIELD_U32, false, AT(unbound.code)},
    {"sentence", FIELD_TEXT, false, AT(unbound.sentence)},
};

static const struct field reload_fields[] = {
    {"reason", FIELD_TEXT, false, AT(reload.reason)},
};

static const struct field health_fields[] = {
    {"tunnel", FIELD_U32, true, AT(health.tunnel)},
    {"up", FIELD_BOOL, true, AT(health.is_up)},
    {"sentence", FIELD_TEXT, false, AT(health.sentence)},
};

static const struct field notice_fields[] = {
    {"level", FIELD_TEXT, true, AT(notice.level)},
    {"sentence", FIELD_TEXT, true, AT(notice.sentence)},
};

static const struct field exchanges_fields[] = {
    {"exchanges", FIELD_EXCHANGES, true, AT(exchanges)},
    {"skipped", FIELD_U32, false, AT(exchanges.skipped)},
};

#undef AT
#define AT(field) offsetof(struct control_exchange, field)

static const struct field exchange_fields[] = {
    {"tunnel", FIELD_U32, true, AT(tunnel)},  {"method", FIELD_TEXT, true, AT(method)},
    {"path", FIELD_TEXT, true, AT(path)},     {"status", FIELD_U32, false, AT(status)},
    {"ms", FIELD_U64, false, AT(ms)},         {"in", FIELD_U64, false, AT(in_bytes)},
    {"out", FIELD_U64, false, AT(out_bytes)}, {"visitor", FIELD_TEXT, false, AT(visitor)},
};

#define SHAPE(name) #name, name##_fields, COUNT_OF(name##_fields)

static const struct shape shapes[CONTROL_TYPE_COUNT] = {
    [CONTROL_UNKNOWN] = {"unknown", NULL, 0}, [CONTROL_BIND] = {SHAPE(bind)},
    [CONTROL_BOUND] = {SHAPE(bound)},         [CONTROL_UNBIND] = {SHAPE(unbind)},
    [CONTROL_UNBOUND] = {SHAPE(unbound)},     [CONTROL_RELOAD] = {SHAPE(reload)},
    [CONTROL_HEALTH] = {SHAPE(health)},       [CONTROL_NOTICE] = {SHAPE(notice)},
    [CONTROL_EXCHANGES] = {SHAPE(exchanges)},
};

static const struct shape exchange_shape = {SHAPE(exchange)};

const char *control_type_name(enum control_type type)
{
    return shapes[type].name;
}

static enum control_type find_type(struct slice name)
{
    for (int type = CONTROL_UNKNOWN + 1; type < CONTROL_TYPE_COUNT; type++) {
        if (slice_is(name, shapes[type].name)) {
            return (enum control_type)type;
        }
    }
    return CONTROL_UNKNOWN;
}

/* ---- refusals ---- */

struct refusal {
    const char *sentence;
    bool is_final;
};

static const struct refusal refusals[] = {
#define X(name, code, is_final, sentence) [code] = {sentence, is_final},
    X(NONE, 0, false, "not refused") CONTROL_REFUSAL_LIST(X)
#undef X
};

/* A refusal of a newer peer is worth another try. */
static struct refusal find_refusal(uint32_t code)
{
    if (code >= COUNT_OF(refusals)) {
        return (struct refusal){"refused for a reason not known here", false};
    }
    return refusals[code];
}

const char *control_refusal_sentence(uint32_t code)
{
    return find_refusal(code).sentence;
}

bool control_refusal_is_final(uint32_t code)
{
    return find_refusal(code).is_final;
}

/* ---- encode ---- */

static json_t *text_to_json(struct slice s)
{
    return s.len <= CONTROL_TEXT_MAX ? json_stringn(s.ptr ? s.ptr : "", s.len) : NULL;
}

static json_t *list_to_json(const struct control_list *list)
{
    json_t *array = json_array();

    ASSERT(list->count <= CONTROL_LIST_MAX);
    for (size_t i = 0; i < list->count; i++) {
        if (json_array_append_new(array, text_to_json(list->items[i])) < 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static int add_fields(json_t *object, const struct shape *shape, const void *record);

static json_t *exchanges_to_json(const struct control_exchanges *list)
{
    json_t *array = json_array();

    ASSERT(list->count <= CONTROL_EXCHANGES_MAX);
    for (size_t i = 0; i < list->count; i++) {
        json_t *item = json_object();
        json_array_append_new(array, item);
        if (add_fields(item, &exchange_shape, &list->items[i]) < 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

/* What a reader takes for granted is left out. */
static bool is_default(const struct field *f, const void *value)
{
    switch (f->kind) {
    case FIELD_TEXT:
        return ((const struct slice *)value)->len == 0;
    case FIELD_U32:
        return *(const uint32_t *)value == 0;
    case FIELD_U64:
        return *(const uint64_t *)value == 0;
    case FIELD_BOOL:
        return !*(const bool *)value;
    case FIELD_LIST:
        return ((const struct control_list *)value)->count == 0;
    case FIELD_EXCHANGES:
        return ((const struct control_exchanges *)value)->count == 0;
    }
    UNREACHABLE();
}

/* NULL: not UTF-8, or too long. */
static json_t *field_to_json(const struct field *f, const void *value)
{
    switch (f->kind) {
    case FIELD_TEXT:
        return text_to_json(*(const struct slice *)value);
    case FIELD_U32:
        return json_integer(*(const uint32_t *)value);
    case FIELD_U64:
        return json_integer((json_int_t) * (const uint64_t *)value);
    case FIELD_BOOL:
        return json_boolean(*(const bool *)value);
    case FIELD_LIST:
        return list_to_json(value);
    case FIELD_EXCHANGES:
        return exchanges_to_json(value);
    }
    UNREACHABLE();
}

static int add_fields(json_t *object, const struct shape *shape, const void *record)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *f = &shape->fields[i];
        const void *value = (const char *)record + f->offset;

        if (!f->is_required && is_default(f, value)) {
            continue;
        }
        if (json_object_set_new(object, f->key, field_to_json(f, value)) < 0) {
            return ERR_INVALID;
        }
    }
    return 0;
}

static int add_json(const char *part, size_t n, void *out)
{
    text_add(out, slice_of(part, n));
    return 0;
}

static int dump(const json_t *object, struct text *out)
{
    if (json_dumpb(object, NULL, 0, JSON_COMPACT) > CONTROL_MESSAGE_MAX) {
        return ERR_TOO_LARGE;
    }
    ASSERT(json_dump_callback(object, add_json, out, JSON_COMPACT) == 0);
    return 0;
}

int control_encode(const struct control_message *m, struct text *out)
{
    ASSERT(m->type > CONTROL_UNKNOWN && m->type < CONTROL_TYPE_COUNT);
    const struct shape *shape = &shapes[m->type];
    json_t *object = json_pack("{s:s}", "type", shape->name);
    int err = add_fields(object, shape, m);

    if (err == 0) {
        err = dump(object, out);
    }
    json_decref(object);
    return err;
}

/* ---- decode ---- */

static int refuse(struct errinfo *info, const struct shape *shape, const struct field *f,
                  const char *what)
{
    return errinfo_set(info, ERR_PROTOCOL, "control message %s: %s %s", shape->name, f->key, what);
}

static bool text_from_json(const json_t *json, struct slice *out)
{
    if (!json_is_string(json) || json_string_length(json) > CONTROL_TEXT_MAX) {
        return false;
    }
    *out = slice_of(json_string_value(json), json_string_length(json));
    return true;
}

static bool u32_from_json(const json_t *json, uint32_t *out)
{
    json_int_t n = json_integer_value(json);

    if (!json_is_integer(json) || n < 0 || n > UINT32_MAX) {
        return false;
    }
    *out = (uint32_t)n;
    return true;
}

static bool u64_from_json(const json_t *json, uint64_t *out)
{
    *out = (uint64_t)json_integer_value(json);
    return json_is_integer(json) && json_integer_value(json) >= 0;
}

static bool list_from_json(const json_t *json, struct control_list *out)
{
    if (!json_is_array(json) || json_array_size(json) > CONTROL_LIST_MAX) {
        return false;
    }
    out->count = json_array_size(json);
    for (size_t i = 0; i < out->count; i++) {
        if (!text_from_json(json_array_get(json, i), &out->items[i])) {
            return false;
        }
    }
    return true;
}

static int read_fields(const json_t *object, const struct shape *shape, void *record,
                       struct errinfo *info);

static bool exchanges_from_json(const json_t *json, struct control_exchanges *out)
{
    if (!json_is_array(json) || json_array_size(json) > CONTROL_EXCHANGES_MAX) {
        return false;
    }
    out->count = json_array_size(json);
    for (size_t i = 0; i < out->count; i++) {
        const json_t *item = json_array_get(json, i);
        if (!json_is_object(item) || read_fields(item, &exchange_shape, &out->items[i], NULL) < 0) {
            return false;
        }
    }
    return true;
}

static bool field_from_json(const struct field *f, const json_t *json, void *value)
{
    switch (f->kind) {
    case FIELD_TEXT:
        return text_from_json(json, value);
    case FIELD_U32:
        return u32_from_json(json, value);
    case FIELD_U64:
        return u64_from_json(json, value);
    case FIELD_BOOL:
        *(bool *)value = json_is_true(json);
        return json_is_boolean(json);
    case FIELD_LIST:
        return list_from_json(json, value);
    case FIELD_EXCHANGES:
        return exchanges_from_json(json, value);
    }
    UNREACHABLE();
}

static int read_fields(const json_t *object, const struct shape *shape, void *record,
                       struct errinfo *info)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *f = &shape->fields[i];
        const json_t *json = json_object_get(object, f->key);

        if (!json) {
            if (f->is_required) {
                return refuse(info, shape, f, "is missing");
            }
            continue;
        }
        if (!field_from_json(f, json, (char *)record + f->offset)) {
            return refuse(info, shape, f, "has a wrong type or is too long");
        }
    }
    return 0;
}

static int read_message(const json_t *object, struct control_message *out, struct errinfo *info)
{
    struct slice name;

    if (!json_is_object(object) || !text_from_json(json_object_get(object, "type"), &name)) {
        return errinfo_set(info, ERR_PROTOCOL, "control message without a type");
    }
    out->type = find_type(name);
    return read_fields(object, &shapes[out->type], out, info);
}

int control_decode(struct slice json, struct control_message *out, struct errinfo *info)
{
    json_error_t error;

    *out = (struct control_message){0};
    if (json.len > CONTROL_MESSAGE_MAX) {
        return errinfo_set(info, ERR_TOO_LARGE, "control message of %zu bytes", json.len);
    }
    json_t *root = json_loadb(json.ptr ? json.ptr : "", json.len, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        return errinfo_set(info, ERR_PROTOCOL, "control message is not JSON: %s", error.text);
    }
    int err = read_message(root, out, info);
    if (err < 0) {
        json_decref(root);
        return err;
    }
    out->parsed = root;
    return 0;
}

void control_deinit(struct control_message *m)
{
    json_decref(m->parsed);
    *m = (struct control_message){0};
}
