#include "agent/login_check.h"

#include "agent/relay_call.h"
#include "base/mem.h"
#include "base/random.h"
#include "mux/mux_limits.h"
#include "wire/mux_frame.h"

struct login_check {
    struct loop *loop;
    struct ladder *ladder;
    struct greet_client *greeting;
    struct relay_call call;
    struct task begin;
    struct identity identity; /* wiped */
    uint8_t run_id[LINK_ID_BYTES];
    login_check_fn *done;
    void *ctx;
    struct grave grave;
};

static void bury(struct grave *grave)
{
    struct login_check *c = CONTAINER_OF(grave, struct login_check, grave);

    identity_wipe(&c->identity);
    mem_free(c);
}

static void end(struct login_check *c)
{
    ladder_stop(&c->ladder);
    greet_client_abort(&c->greeting);
    loop_bury(c->loop, &c->grave, bury);
}

static void fail(struct login_check *c, int err, const struct errinfo *why)
{
    end(c);
    c->done(c->ctx, err, NULL, why);
}

/* ---- the relay's answer ---- */

/* The session is not wanted: leave it in order, so that nothing of it stays. */
static void say_goodbye(struct greeted *carrier)
{
    frame_put_goaway(&carrier->out, GOAWAY_SHUTDOWN);
    if (stream_write(carrier->stream, &carrier->out) == 0) {
        stream_close(&carrier->stream);
    } else {
        stream_abort(&carrier->stream);
    }
    bufq_clear(&carrier->in);
    bufq_clear(&carrier->out);
}

static void on_logged_in(void *ctx, struct greet_client *g, const struct link_logged_in *said)
{
    struct login_check *c = ctx;
    const struct login_answer answer = {
        .token_name = said->token_name,
        .domain = said->domain,
        .relay_version = said->relay_version,
    };
    struct greeted carrier = greet_client_take(&c->greeting);

    (void)g;
    say_goodbye(&carrier);
    end(c);
    c->done(c->ctx, 0, &answer, NULL);
}

static void refuse(struct login_check *c, const struct link_refused *refused)
{
    const char *fix = relay_call_fix(refused->code);
    struct errinfo why = {0};

    errinfo_set(&why, ERR_DENIED, "the relay refused the login: %.*s%s%s",
                SLICE_ARG(refused->sentence), fix ? "; " : "", fix ? fix : "");
    fail(c, ERR_DENIED, &why);
}

static void on_refused(void *ctx, struct greet_client *g, const struct link_refused *refused)
{
    struct login_check *c = ctx;

    (void)g;
    c->greeting = NULL;
    refuse(c, refused);
}

static void on_greeting_failed(void *ctx, struct greet_client *g, int err,
                               const struct errinfo *why)
{
    struct login_check *c = ctx;

    (void)g;
    c->greeting = NULL;
    fail(c, err, why);
}

static const struct greet_client_user greeting_user = {
    .on_logged_in = on_logged_in,
    .on_refused = on_refused,
    .on_failed = on_greeting_failed,
};

/* ---- the ladder ---- */

static void on_hello(void *ctx, const struct ladder_win *win)
{
    struct login_check *c = ctx;

    c->ladder = NULL;
    c->greeting = win->greeting;
    greet_client_set_user(c->greeting, &greeting_user, c);
    relay_call_log_in(c->greeting, &c->call);
}

static void on_ladder_refused(void *ctx, const struct link_refused *refused)
{
    struct login_check *c = ctx;

    c->ladder = NULL;
    refuse(c, refused);
}

static void on_ladder_failed(void *ctx, int err, const struct errinfo *why)
{
    struct login_check *c = ctx;

    c->ladder = NULL;
    fail(c, err, why);
}

static void on_begin(struct task *task)
{
    static const struct ladder_user user = {
        .on_hello = on_hello, .on_refused = on_ladder_refused, .on_failed = on_ladder_failed};
    struct login_check *c = CONTAINER_OF(task, struct login_check, begin);
    struct errinfo why = {0};
    int err = relay_call_dial(c->loop, &c->call, &user, c, &c->ladder, &why);

    if (err < 0) {
        fail(c, err, &why);
    }
}

/* ---- life ---- */

void login_check_start(struct loop *loop, const struct login_check_options *o, login_check_fn *done,
                       void *ctx)
{
    struct login_check *c = NEW(struct login_check);

    c->loop = loop;
    c->done = done;
    c->ctx = ctx;
    c->identity = *o->identity;
    random_bytes(c->run_id, sizeof c->run_id);
    c->call = (struct relay_call){
        .relay = o->relay,
        .identity = &c->identity,
        .run_id = c->run_id,
        .version = o->version,
        .initial_window = MUX_INITIAL_WINDOW,
        .limit_ms = o->limit_ms,
    };
    c->begin.run = on_begin;
    loop_schedule(loop, &c->begin);
}
