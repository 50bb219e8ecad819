#include "relay/operator/token_request.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"

#define EXPIRES_MAX_MS (100ULL * 365 * 24 * 60 * 60 * 1000)

static json_t *point_in_time(uint64_t wall_ms)
{
    char text[CLOCK_TEXT_BYTES];

    if (wall_ms == 0) {
        return json_null();
    }
    clock_show(wall_ms, text);
    return json_string(text);
}

/* What jansson says about a request that is not of the form asked for. */
static int refuse_form(const json_error_t *error, struct errinfo *why)
{
    return errinfo_set(why, ERR_INVALID, "%s", error->text);
}

/* ---- create ---- */

struct wanted {
    const char *name;
    const char *allow;
    int is_admin;
    json_int_t expires_ms; /* from now; 0: never */
};

static int parse_wanted(json_t *request, struct wanted *w, struct errinfo *why)
{
    const char *verb;
    json_error_t error;

    *w = (struct wanted){.allow = ""};
    if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s:s, s?s, s?b, s?I}", "do", &verb,
                       "name", &w->name, "allow", &w->allow, "admin", &w->is_admin, "expires_ms",
                       &w->expires_ms) < 0) {
        return refuse_form(&error, why);
    }
    if (w->expires_ms < 0 || (uint64_t)w->expires_ms > EXPIRES_MAX_MS) {
        return errinfo_set(why, ERR_INVALID, "a token expires within 100 years, or never");
    }
    return 0;
}

static int create(struct store *store, json_t *request, json_t **answer_out, struct errinfo *why)
{
    struct wanted wanted;
    struct rights rights;
    char text[STORE_TOKEN_TEXT_BYTES];
    uint64_t id;

    TRY(parse_wanted(request, &wanted, why));
    TRY(rights_parse(slice_str(wanted.allow), &rights, why));
    rights.is_admin = rights.is_admin || wanted.is_admin;
    uint64_t expires_at = wanted.expires_ms ? clock_wall_ms() + (uint64_t)wanted.expires_ms : 0;
    int err =
        store_create_token(store, slice_str(wanted.name), &rights, expires_at, text, &id, why);
    if (err < 0) {
        rights_deinit(&rights);
        return err;
    }
    *answer_out = json_pack("{s:b, s:I, s:s}", "ok", 1, "id", (json_int_t)id, "token", text);
    mem_wipe(text, sizeof text);
    return 0;
}

void token_answer_wipe(json_t *answer)
{
    json_t *token = json_object_get(answer, "token");

    if (json_is_string(token)) {
        union {
            const char *given;
            char *own;
        } text = {json_string_value(token)};
        mem_wipe(text.own, json_string_length(token));
    }
}

/* ---- list ---- */

static void add_row(void *ctx, const struct store_token *t)
{
    json_t *rows = ctx;
    struct text allow = {0};

    rights_show(&t->rights, &allow);
    json_array_append_new(
        rows,
        json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o}", "id", (json_int_t)t->id, "name", t->name,
                  "allow", text_str(&allow), "created_at", point_in_time(t->created_at), "used_at",
                  point_in_time(t->used_at), "expires_at", point_in_time(t->expires_at),
                  "revoked_at", point_in_time(t->revoked_at)));
    text_deinit(&allow);
}

static int list(struct store *store, json_t *request, json_t **answer_out, struct errinfo *why)
{
    const char *verb;
    json_error_t error;

    if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s}", "do", &verb) < 0) {
        return refuse_form(&error, why);
    }
    json_t *rows = json_array();
    store_each_token(store, add_row, rows);
    *answer_out = json_pack("{s:b, s:o}", "ok", 1, "tokens", rows);
    return 0;
}

/* ---- revoke ---- */

static int revoke(struct store *store, json_t *request, json_t **answer_out, struct errinfo *why)
{
    const char *verb;
    json_int_t id;
    json_error_t error;

    if (json_unpack_ex(request, &error, JSON_STRICT, "{s:s, s:I}", "do", &verb, "id", &id) < 0) {
        return refuse_form(&error, why);
    }
    int err = id > 0 ? store_revoke_token(store, (uint64_t)id) : ERR_NOT_FOUND;
    if (err < 0) {
        return errinfo_set(why, err, "there is no token %lld; see: adit token list", (long long)id);
    }
    const struct store_token *token = store_find_token(store, (uint64_t)id);
    *answer_out = json_pack("{s:b, s:s}", "ok", 1, "name", token->name);
    return 0;
}

/* ---- the table ---- */

static const struct operation {
    const char *name;
    int (*run)(struct store *store, json_t *request, json_t **answer_out, struct errinfo *why);
} operations[] = {
    {"token_create", create},
    {"token_list", list},
    {"token_revoke", revoke},
};

int token_request_run(struct store *store, json_t *request, json_t **answer_out,
                      struct errinfo *why)
{
    const char *verb = json_string_value(json_object_get(request, "do"));

    for (size_t i = 0; verb && i < COUNT_OF(operations); i++) {
        if (strcmp(verb, operations[i].name) == 0) {
            return operations[i].run(store, request, answer_out, why);
        }
    }
    return errinfo_set(why, ERR_UNSUPPORTED, "there is no request of that name");
}
