#include "cmd/cmd_login.h"

#include <stdio.h>

#include "agent/login_check.h"
#include "base/mem.h"
#include "cmd/data_dir.h"
#include "cmd/relay_choice.h"
#include "config/file.h"
#include "config/logins.h"
#include "gen/version.h"

enum { LAST_WORDS_MS = 50 }; /* for the goodbye to the relay */

struct logging_in {
    struct loop *loop;
    struct text state;  /* folder */
    struct login login; /* ours; its relay as it was typed */
    struct agent_relay relay;
    int err;
    struct errinfo why;
    char *token_name; /* as whom the relay knows us; NULL: not yet */
};

static void on_done(void *ctx, int err, const struct login_answer *answer,
                    const struct errinfo *why)
{
    struct logging_in *l = ctx;

    l->err = err;
    if (err < 0) {
        errinfo_set(&l->why, err, "%s", errinfo_text(why, err));
    } else {
        l->token_name = slice_dup(answer->token_name);
    }
    loop_stop(l->loop);
}

static int check(struct logging_in *l, const struct identity *identity,
                 const struct options *options)
{
    const struct login_check_options check_options = {
        .relay = &l->relay,
        .identity = identity,
        .version = ADIT_VERSION,
        .limit_ms = options->agent.limits.handshake,
    };

    login_check_start(l->loop, &check_options, on_done, l);
    loop_run(l->loop);
    loop_run_for(l->loop, LAST_WORDS_MS);
    return l->err;
}

static int save(struct logging_in *l)
{
    struct text relay = {0};
    struct login login = l->login;

    relay_url_show(&relay, &l->relay.url);
    login.relay = relay.ptr;
    int err = logins_save(text_str(&l->state), &login, &l->why);
    if (err == 0) {
        fprintf(stderr, "logged in to %s%s%s; saved in %s\n", text_str(&relay),
                l->token_name[0] ? " as " : "", l->token_name, text_str(&l->state));
    }
    text_deinit(&relay);
    return err;
}

static int log_in(struct logging_in *l, const struct options *options)
{
    struct identity identity;

    TRY(identity_load(text_str(&l->state), &identity, &l->why));
    int err = check(l, &identity, options);
    identity_wipe(&identity);
    TRY(err);
    return save(l);
}

static char *copy(struct slice part)
{
    return part.len ? slice_dup(part) : NULL;
}

/* Absolute: later commands run elsewhere. */
static int take_ca(struct logging_in *l, const char *ca)
{
    struct text path = {0};

    if (ca) {
        TRY(file_add_absolute(&path, ca, &l->why));
        l->login.ca = slice_dup(text_slice(&path));
        text_deinit(&path);
    }
    return 0;
}

/* A pin that is given as a flag goes before the one in the word, as everywhere. */
static void take_pin(struct logging_in *l, const char *pin)
{
    if (pin) {
        mem_free(l->login.pin);
        l->login.pin = mem_strdup(pin);
    }
}

/* What can be said without asking the relay. */
static int prepare(struct logging_in *l, const char *word, const struct options *options)
{
    struct slice relay;
    struct slice token;
    struct slice pin;

    TRY(login_word_parse(slice_str(word), &relay, &token, &pin, &l->why));
    l->login = (struct login){.relay = slice_dup(relay), .token = copy(token), .pin = copy(pin)};
    TRY(take_ca(l, options->agent.ca));
    take_pin(l, options->agent.pin);
    TRY(relay_choice_make(&options->agent, &l->login, &l->relay, &l->why));
    return data_dir_open(options->agent.state, &l->state, &l->why);
}

int cmd_login(const struct command_line *line, struct options *options)
{
    struct logging_in l = {.loop = loop_new()};
    enum exit_code code = EXIT_STOPPED;

    options_apply_log(options);
    int err = prepare(&l, line->args[0], options);
    if (err < 0) {
        code = EXIT_USAGE;
    } else {
        err = log_in(&l, options);
        code = err < 0 ? EXIT_REFUSED : EXIT_STOPPED;
    }
    if (err < 0) {
        fprintf(stderr, "adit login: %s\n", errinfo_text(&l.why, err));
    }
    login_deinit(&l.login);
    agent_relay_deinit(&l.relay);
    loop_free(&l.loop);
    mem_free(l.token_name);
    text_deinit(&l.state);
    return (int)code;
}
