#include "relay/operator/control_request.h"

#include <jansson.h>

#include "base/mem.h"
#include "base/text.h"
#include "relay/operator/relay_show.h"
#include "relay/operator/status_report.h"
#include "relay/operator/token_request.h"
#include "relay/workers/shared.h"
#include "store/store.h"

struct control_request {
    struct relay *relay;
    control_answered_fn *answered;
    void *ctx;
    json_t *answer;
    struct task telling;
};

/* ---- answering ---- */

static int add_json(const char *bytes, size_t n, void *ctx)
{
    text_add(ctx, slice_of(bytes, n));
    return 0;
}

static void tell(struct task *task)
{
    struct control_request *r = CONTAINER_OF(task, struct control_request, telling);
    struct text line = {0};

    ASSERT(json_dump_callback(r->answer, add_json, &line, JSON_COMPACT) == 0);
    r->answered(r->ctx, text_slice(&line));
    token_answer_wipe(r->answer);
    mem_wipe(line.ptr, line.len);
    text_deinit(&line);
    json_decref(r->answer);
    mem_free(r);
}

static void answer(struct control_request *r, json_t *answer_take)
{
    r->answer = answer_take;
    loop_schedule(r->relay->workers[0].loop, &r->telling);
}

/* What was refused may be quoted, and is not always UTF-8. */
static void refuse(struct control_request *r, const char *why)
{
    json_t *text = json_string(why);

    text = text ? text : json_string("not a valid request");
    answer(r, json_pack("{s:b, s:o}", "ok", 0, "error", text));
}

/* ---- tokens ---- */

/* What was changed is in force in any case; the disk decides whether it stays so. */
static void on_synced(void *ctx, int result)
{
    struct control_request *r = ctx;

    if (result < 0) {
        json_object_set_new(r->answer, "warning",
                            json_string("in force, but not on disk: it is lost if the relay ends "
                                        "before its data folder can be written again"));
    }
    answer(r, r->answer);
}

/* A new token comes with the line that a person types on the machine with the service. */
static void add_login(const struct relay *relay, json_t *token_answer)
{
    const char *token = json_string_value(json_object_get(token_answer, "token"));
    struct text login = {0};

    if (token) {
        relay_show_login(relay, slice_str(token), &login);
        json_object_set_new(token_answer, "login", json_string(text_str(&login)));
        mem_wipe(login.ptr, login.len);
        text_deinit(&login);
    }
}

static void run_token_request(struct control_request *r, json_t *request)
{
    struct errinfo why = {0};
    int err = token_request_run(r->relay->store, request, &r->answer, &why);

    if (err < 0) {
        refuse(r, errinfo_text(&why, err));
        return;
    }
    add_login(r->relay, r->answer);
    store_sync(r->relay->store, on_synced, r);
}

/* ---- status ---- */

static void on_report(void *ctx, json_t *report_take)
{
    answer(ctx, report_take);
}

static void run_request(struct control_request *r, json_t *request)
{
    const char *verb = json_string_value(json_object_get(request, "do"));

    if (!verb) {
        refuse(r, "a request is a JSON object with \"do\"");
    } else if (strcmp(verb, "status") == 0) {
        status_report_ask(r->relay, on_report, r);
    } else {
        run_token_request(r, request);
    }
}

void control_request_start(struct relay *relay, struct slice line, control_answered_fn *answered,
                           void *ctx)
{
    struct control_request *r = NEW(struct control_request);
    json_error_t error;

    r->relay = relay;
    r->answered = answered;
    r->ctx = ctx;
    r->telling.run = tell;
    json_t *request =
        json_loadb(line.ptr ? line.ptr : "", line.len, JSON_REJECT_DUPLICATES, &error);
    if (request) {
        run_request(r, request);
    } else {
        refuse(r, error.text);
    }
    json_decref(request);
}
