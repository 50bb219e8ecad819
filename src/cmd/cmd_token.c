#include "cmd/cmd_token.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cmd/columns.h"
#include "cmd/control_client.h"
#include "cmd/data_dir.h"
#include "net/loop.h"
#include "relay/operator/token_request.h"
#include "relay/relay.h"
#include "store/store.h"

enum { DISK_MS = 10 * 1000 }; /* longest wait for it */

/* ---- asking where no relay runs ---- */

struct sync {
    struct loop *loop;
    bool is_over;
    int result;
};

static void on_synced(void *ctx, int result)
{
    struct sync *s = ctx;

    s->is_over = true;
    s->result = result;
    loop_stop(s->loop);
}

static int run_on_disk(struct loop *loop, struct store *store, json_t *request, json_t **answer_out,
                       struct errinfo *why)
{
    struct sync sync = {.loop = loop};

    TRY(token_request_run(store, request, answer_out, why));
    store_sync(store, on_synced, &sync);
    loop_run_for(loop, DISK_MS);
    if (sync.is_over && sync.result == 0) {
        return 0;
    }
    token_answer_wipe(*answer_out);
    json_decref(*answer_out);
    *answer_out = NULL;
    return errinfo_set(why, ERR_STORAGE, "the store cannot be written");
}

static int ask_store(const char *data, json_t *request, json_t **answer_out, struct errinfo *why)
{
    struct loop *loop = loop_new();
    struct store *store = NULL;
    struct text path = {0};

    text_addf(&path, "%s/" RELAY_STORE_NAME, data);
    int err = store_open_sqlite(loop, text_str(&path), &store, why);
    if (err == 0) {
        err = run_on_disk(loop, store, request, answer_out, why);
        store_close(&store);
    }
    text_deinit(&path);
    loop_free(&loop);
    return err;
}

static bool has_store(const char *data)
{
    struct text path = {0};
    struct stat st;

    text_addf(&path, "%s/" RELAY_STORE_NAME, data);
    bool is_there = stat(text_str(&path), &st) == 0;
    text_deinit(&path);
    return is_there;
}

/* The relay, or its store. Only making a token makes a store. */
static int ask_in(const char *data, bool may_make, json_t *request, json_t **answer_out,
                  struct errinfo *why)
{
    struct errinfo refusal = {0};
    int err = control_ask(data, request, answer_out, &refusal);

    if (err != ERR_NOT_FOUND) {
        *why = refusal;
        return err;
    }
    if (!may_make && !has_store(data)) {
        return errinfo_set(why, err, "no relay has its data in %s; --data DIR says where it is",
                           data);
    }
    return ask_store(data, request, answer_out, why);
}

static int ask(const struct options *options, bool may_make, json_t *request, json_t **answer_out,
               struct errinfo *why)
{
    struct text data = {0};
    int err = may_make ? data_dir_open(options->relay.data, &data, why)
                       : data_dir_find(options->relay.data, &data, why);

    if (err == 0) {
        err = ask_in(text_str(&data), may_make, request, answer_out, why);
    }
    text_deinit(&data);
    return err;
}

/* ---- create ---- */

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static json_t *request_create(const char *name, const struct token_options *wanted)
{
    struct text allow = {0};

    for (size_t i = 0; i < wanted->allow.count; i++) {
        text_addf(&allow, "%s%s", i ? " " : "", wanted->allow.items[i]);
    }
    json_t *request = json_pack("{s:s, s:s, s:s, s:b, s:I}", "do", "token_create", "name", name,
                                "allow", text_str(&allow), "admin", wanted->is_admin ? 1 : 0,
                                "expires_ms", (json_int_t)wanted->expires_ms);
    text_deinit(&allow);
    return request;
}

/* The token stands alone on stdout, for scripts; what to do with it is for people. */
static void show_created(const json_t *answer)
{
    const char *token = text_at(answer, "token");
    const char *login = text_at(answer, "login");

    printf("%s\n", token);
    fflush(stdout);
    fprintf(stderr, "shown once; on the machine with the service:\n");
    if (login[0]) {
        fprintf(stderr, "    adit login %s\n", login);
    } else {
        fprintf(stderr,
                "    adit login RELAY#%s\n"
                "no relay runs here now: when it starts it prints what stands for RELAY, and its "
                "pin\n",
                token);
    }
}

/* ---- list ---- */

/* "2026-11-21 09:30" of "2026-11-21T09:30:05.123Z". */
static void add_time(struct columns *table, const json_t *token, const char *key)
{
    const char *at = text_at(token, key);

    if (at[0]) {
        columns_add(table, "%.10s %.5s", at, at + 11);
    } else {
        columns_add(table, "never");
    }
}

static const char *state_of(const json_t *token)
{
    char now[CLOCK_TEXT_BYTES];
    const char *expires_at = text_at(token, "expires_at");

    if (text_at(token, "revoked_at")[0]) {
        return "revoked";
    }
    clock_show(clock_wall_ms(), now);
    return expires_at[0] && strcmp(expires_at, now) <= 0 ? "expired" : "valid";
}

static void show_list(const json_t *answer)
{
    struct columns table;
    struct text text = {0};
    size_t i;
    json_t *token;

    columns_init(&table, "ID NAME STATE CREATED USED EXPIRES MAY");
    json_array_foreach (json_object_get(answer, "tokens"), i, token) {
        const char *allow = text_at(token, "allow");
        columns_add(&table, "%lld", (long long)json_integer_value(json_object_get(token, "id")));
        columns_add(&table, "%s", text_at(token, "name"));
        columns_add(&table, "%s", state_of(token));
        add_time(&table, token, "created_at");
        add_time(&table, token, "used_at");
        add_time(&table, token, "expires_at");
        columns_add(&table, "%s", allow[0] ? allow : "every tunnel");
    }
    columns_show(&table, &text);
    fputs(text_str(&text), stdout);
    text_deinit(&text);
    columns_deinit(&table);
}

/* ---- revoke ---- */

static void show_revoked(const json_t *answer)
{
    fprintf(stderr, "token %s is revoked; its agents are cut off\n", text_at(answer, "name"));
}

/* ---- the command ---- */

static json_t *request_list(const char *unused, const struct token_options *wanted)
{
    (void)unused;
    (void)wanted;
    return json_pack("{s:s}", "do", "token_list");
}

static json_t *request_revoke(const char *id, const struct token_options *wanted)
{
    uint64_t number;

    (void)wanted;
    if (slice_to_u64(slice_str(id), INT64_MAX, &number) < 0) {
        return NULL;
    }
    return json_pack("{s:s, s:I}", "do", "token_revoke", "id", (json_int_t)number);
}

static const struct verb {
    const char *name;
    size_t arg_count; /* the verb included */
    bool may_make;    /* the data folder and the store in it */
    /* NULL: the argument is not of the form it must have. */
    json_t *(*request)(const char *arg, const struct token_options *wanted);
    void (*show)(const json_t *answer);
} verbs[] = {
    {"create", 2, true, request_create, show_created},
    {"list", 1, false, request_list, show_list},
    {"revoke", 2, false, request_revoke, show_revoked},
};

static const struct verb *find_verb(const struct command_line *line)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (strcmp(line->args[0], verbs[i].name) == 0) {
            return line->arg_count == verbs[i].arg_count ? &verbs[i] : NULL;
        }
    }
    return NULL;
}

static void show(const struct verb *verb, json_t *answer, bool is_json)
{
    const char *warning = text_at(answer, "warning");

    if (warning[0]) {
        fprintf(stderr, "adit token: %s\n", warning);
    }
    if (is_json) {
        json_object_del(answer, "ok");
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        verb->show(answer);
    }
}

int cmd_token(const struct command_line *line, struct options *options)
{
    const struct verb *verb = find_verb(line);
    json_t *request = verb ? verb->request(line->args[1], &options->token) : NULL;
    struct errinfo why = {0};
    json_t *answer = NULL;

    if (!request) {
        fprintf(stderr, "adit token: create NAME, list, or revoke ID (a number that list shows)\n");
        return EXIT_USAGE;
    }
    int err = ask(options, verb->may_make, request, &answer, &why);
    json_decref(request);
    if (err < 0) {
        fprintf(stderr, "adit token: %s\n", errinfo_text(&why, err));
        return EXIT_REFUSED;
    }
    show(verb, answer, options->common.is_json);
    token_answer_wipe(answer);
    json_decref(answer);
    return EXIT_STOPPED;
}
