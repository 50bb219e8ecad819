#include "cmd/cmd_try.h"

#include <signal.h>
#include <stdio.h>

#include "base/mem.h"
#include "cmd/agent_run.h"
#include "cmd/data_dir.h"
#include "cmd/relay_choice.h"
#include "config/logins.h"
#include "net/addr.h"
#include "net/signals.h"
#include "relay/relay.h"
#include "store/store.h"

enum { LAST_WORDS_MS = 50 }; /* for what is still on its way to the terminal */

#define TRY_TOKEN_NAME "try"

struct trying {
    struct loop *loop;
    struct relay *relay;
    struct agent_run run;
    struct signals *signals;
    struct text data;  /* folder of the relay */
    struct text state; /* folder of the agent, inside of it */
    enum exit_code code;
};

/* ---- stopping: first the agent, then the relay ---- */

static void on_relay_stopped(void *ctx)
{
    struct trying *t = ctx;
    loop_stop(t->loop);
}

static void on_agent_end(void *ctx, enum agent_end end)
{
    struct trying *t = ctx;

    t->code = agent_run_exit_code(end);
    relay_drain(t->relay, on_relay_stopped, t);
}

static void on_signal(void *ctx, int number)
{
    struct trying *t = ctx;

    (void)number;
    agent_stop(t->run.agent);
}

/* ---- the agent's login at the relay beside it ---- */

static const struct login *saved_login(const struct trying *t, const struct logins *logins)
{
    const struct login *login = logins_find(logins, NULL);
    const struct store_token *token = NULL;

    if (!login || !login->token ||
        store_check_token(t->relay->store, slice_str(login->token), &token, NULL) < 0) {
        return NULL;
    }
    return login;
}

/* The relay keeps hashes only: without a saved login the old token is of no use to anybody. */
static int make_token(struct trying *t, char text_out[STORE_TOKEN_TEXT_BYTES], struct errinfo *why)
{
    const struct store_token *old = store_find_token_named(t->relay->store, SLICE(TRY_TOKEN_NAME));
    struct rights rights = {0};
    uint64_t id = 0;

    if (old) {
        TRY(store_revoke_token(t->relay->store, old->id));
    }
    return store_create_token(t->relay->store, SLICE(TRY_TOKEN_NAME), &rights, 0, text_out, &id,
                              why);
}

/* Where the relay listens; that is everywhere or at one address. */
static int show_relay(const struct relay *relay, struct text *out, struct errinfo *why)
{
    struct addr at;
    char text[ADDR_TEXT_BYTES];

    TRY(relay_listen_addr(relay, relay->port, &at, why));
    text_add_str(out, "tls://");
    if (addr_is_any(&at)) {
        text_addf(out, "127.0.0.1:%u", relay->port);
    } else {
        text_add_str(out, addr_show(&at, text));
    }
    return 0;
}

static int choose_login(struct trying *t, const struct options *options,
                        struct agent_relay *relay_out, struct errinfo *why)
{
    struct logins logins = {0};
    struct text address = {0};
    char token[STORE_TOKEN_TEXT_BYTES] = "";
    char pin_text[TLS_PIN_TEXT_BYTES];
    struct tls_pin pin;
    int err = show_relay(t->relay, &address, why);

    if (err == 0) {
        err = logins_load(text_str(&t->state), &logins, why);
    }
    tls_identity_pin(t->relay->identity, &pin);
    tls_pin_show(&pin, pin_text);
    struct login login = {.relay = address.ptr, .token = token, .pin = pin_text};
    if (err == 0) {
        const struct login *saved = saved_login(t, &logins);
        if (saved) {
            snprintf(token, sizeof token, "%s", saved->token);
        } else {
            err = make_token(t, token, why);
        }
        if (err == 0 && !saved) {
            err = logins_save(text_str(&t->state), &login, why);
        }
    }
    if (err == 0) {
        err = relay_choice_make(&options->agent, &login, relay_out, why);
    }
    mem_wipe(token, sizeof token);
    logins_deinit(&logins);
    text_deinit(&address);
    return err;
}

/* ---- running ---- */

static int start_agent(struct trying *t, struct options *options, struct errinfo *why)
{
    static const struct agent_user user = {.on_end = on_agent_end};
    struct agent_relay relay = {0};

    TRY(choose_login(t, options, &relay, why));
    const struct agent_run_options run_options = {
        .state_folder = text_str(&t->state),
        .is_json = options->common.is_json,
        .relay_take = &relay,
        .config_take = &options->agent,
    };
    int err = agent_run_start(&t->run, t->loop, &run_options, &user, t, why);
    agent_relay_deinit(&relay);
    return err;
}

/* Without TARGET: the small page of adit itself, which is the folder of no name. */
static void publish_own_page(struct agent_config *config)
{
    struct tunnel_config *page = NEW(struct tunnel_config);

    page->key = mem_strdup("page");
    page->kind = TUNNEL_HTTP;
    page->target.scheme = TARGET_FILE;
    page->target.path = mem_strdup("");
    config->tunnels = (struct tunnel_list){.items = page, .count = 1};
}

static int start(struct trying *t, struct options *options, struct errinfo *why)
{
    struct text wanted = {0};
    int err = data_dir_open(options->relay.data, &t->data, why);

    if (err == 0) {
        text_addf(&wanted, "%s/agent", text_str(&t->data));
        err = data_dir_open(text_str(&wanted), &t->state, why);
        text_deinit(&wanted);
    }
    TRY(err);
    fprintf(stderr, "data: %s\n", text_str(&t->data));
    TRY(relay_new(&t->relay, t->loop, &options->relay, text_str(&t->data), why));
    TRY(signals_open(&t->signals, t->loop, on_signal, t));
    return start_agent(t, options, why);
}

int cmd_try(const struct command_line *line, struct options *options)
{
    struct trying t = {.loop = loop_new(), .code = EXIT_REFUSED};
    struct errinfo why = {0};

    options_apply_log(options);
    if (line->arg_count == 0) {
        publish_own_page(&options->agent);
    }
    int err = start(&t, options, &why);
    if (err < 0) {
        fprintf(stderr, "adit try: %s\n", errinfo_text(&why, err));
    } else {
        loop_run(t.loop);
        loop_run_for(t.loop, LAST_WORDS_MS);
    }
    signals_close(&t.signals);
    agent_run_end(&t.run);
    relay_free(&t.relay);
    loop_free(&t.loop);
    text_deinit(&t.data);
    text_deinit(&t.state);
    return (int)t.code;
}
