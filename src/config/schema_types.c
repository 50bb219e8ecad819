/* What each type of a key is, as a table: how it is called, what it is made of, what it owns. */
#include "base/mem.h"
#include "config/schema_priv.h"
#include "config/target.h"

/* INTEGER, DURATION and SIZE are numbers in different clothes. */
static int read_number(enum schema_type type, struct slice text, uint64_t *out)
{
    if (type == SCHEMA_DURATION) {
        return value_duration_ms(text, out);
    }
    if (type == SCHEMA_SIZE) {
        return value_size_bytes(text, out);
    }
    return slice_to_u64(text, UINT64_MAX, out);
}

static int set_number(const struct schema_key *key, void *field, struct slice text,
                      struct errinfo *why)
{
    uint64_t value, bound;

    (void)why;
    TRY(read_number(key->type, text, &value));
    if (key->min) {
        TRY(read_number(key->type, slice_str(key->min), &bound));
        if (value < bound) {
            return ERR_INVALID;
        }
    }
    if (key->max) {
        TRY(read_number(key->type, slice_str(key->max), &bound));
        if (value > bound) {
            return ERR_TOO_LARGE;
        }
    }
    *(uint64_t *)field = value;
    return 0;
}

static int set_bool(const struct schema_key *key, void *field, struct slice text,
                    struct errinfo *why)
{
    (void)key, (void)why;
    return value_bool(text, field);
}

static int set_port(const struct schema_key *key, void *field, struct slice text,
                    struct errinfo *why)
{
    (void)key, (void)why;
    return value_port(text, field);
}

static int set_ports(const struct schema_key *key, void *field, struct slice text,
                     struct errinfo *why)
{
    (void)key, (void)why;
    return value_port_range(text, field);
}

static int set_address(const struct schema_key *key, void *field, struct slice text,
                       struct errinfo *why)
{
    (void)key, (void)why;
    return value_address(text, 0, field);
}

static int set_choice(const struct schema_key *key, void *field, struct slice text,
                      struct errinfo *why)
{
    (void)why;
    for (int i = 0; key->choices[i]; i++) {
        if (slice_is(text, key->choices[i])) {
            *(int *)field = i;
            return 0;
        }
    }
    return ERR_INVALID;
}

static void clear_text(const struct schema_key *key, void *field)
{
    (void)key;
    mem_free(*(char **)field);
}

static int set_text(const struct schema_key *key, void *field, struct slice text,
                    struct errinfo *why)
{
    (void)why;
    clear_text(key, field);
    *(char **)field = slice_dup(text);
    return 0;
}

void secret_wipe(struct secret *secret)
{
    if (secret->text) {
        mem_wipe(secret->text, strlen(secret->text));
    }
    mem_free(secret->text);
    mem_free(secret->absent);
    *secret = (struct secret){0};
}

void secret_keep(struct secret *secret, struct slice text)
{
    secret_wipe(secret);
    secret->text = slice_dup(text);
}

static void clear_secret(const struct schema_key *key, void *field)
{
    (void)key;
    secret_wipe(field);
}

static int set_secret(const struct schema_key *key, void *field, struct slice text,
                      struct errinfo *why)
{
    (void)key, (void)why;
    secret_keep(field, text);
    return 0;
}

static void clear_list(const struct schema_key *key, void *field)
{
    struct text_list *list = field;

    (void)key;
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->items[i]);
    }
    mem_free(list->items);
}

/* A list grows by one. */
static int add_item(const struct schema_key *key, void *field, struct slice text,
                    struct errinfo *why)
{
    struct text_list *list = field;

    (void)key, (void)why;
    if (list->count >= SCHEMA_LIST_MAX) {
        return ERR_TOO_LARGE;
    }
    list->items = mem_resize(list->items, (list->count + 1) * sizeof *list->items);
    list->items[list->count++] = slice_dup(text);
    return 0;
}

static void clear_target(const struct schema_key *key, void *field)
{
    (void)key;
    target_deinit(field);
}

static int set_target(const struct schema_key *key, void *field, struct slice text,
                      struct errinfo *why)
{
    struct target target;

    TRY(target_parse(text, &target, why));
    clear_target(key, field);
    *(struct target *)field = target;
    return 0;
}

static void clear_map(const struct schema_key *key, void *field)
{
    schema_deinit(key->inner, field);
}

static void clear_custom(const struct schema_key *key, void *field)
{
    key->deinit(field);
}

const struct schema_type_rule schema_types[] = {
    [SCHEMA_TEXT] = {"a text", sizeof(char *), set_text, clear_text},
    [SCHEMA_BOOL] = {"true or false", sizeof(bool), set_bool, NULL},
    [SCHEMA_INTEGER] = {"a whole number", sizeof(uint64_t), set_number, NULL},
    [SCHEMA_DURATION] = {"a duration with its unit, such as 500ms, 10s, 5m or 24h",
                         sizeof(uint64_t), set_number, NULL},
    [SCHEMA_SIZE] = {"a size, such as 4096, 64K or 32M", sizeof(uint64_t), set_number, NULL},
    [SCHEMA_PORT] = {"a port (1-65535)", sizeof(uint16_t), set_port, NULL},
    [SCHEMA_PORTS] = {"a range of ports, such as 20000-29999", sizeof(struct port_range), set_ports,
                      NULL},
    [SCHEMA_ADDRESS] = {"an address with a port, such as 127.0.0.1:8080 or [::]:8080",
                        sizeof(struct address), set_address, NULL},
    [SCHEMA_CHOICE] = {"one of", sizeof(int), set_choice, NULL},
    [SCHEMA_TARGET] = {"a target", sizeof(struct target), set_target, clear_target},
    [SCHEMA_SECRET] = {"a text, {env: NAME} or {file: PATH}", sizeof(struct secret), set_secret,
                       clear_secret},
    [SCHEMA_LIST] = {"a list", sizeof(struct text_list), add_item, clear_list},
    [SCHEMA_MAP] = {"a map (key: value)", 0, NULL, clear_map},
    [SCHEMA_CUSTOM] = {"something else", 0, NULL, clear_custom},
};
