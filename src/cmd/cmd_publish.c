#include "cmd/cmd_publish.h"

#include <signal.h>
#include <stdio.h>

#include "agent/reporter.h"
#include "cmd/agent_run.h"
#include "cmd/data_dir.h"
#include "cmd/relay_choice.h"
#include "net/fswatch.h"
#include "net/signals.h"

enum { LAST_WORDS_MS = 50 }; /* for what was written to the relay before the end */

struct publishing {
    const struct command_line *line;
    struct loop *loop;
    struct text state; /* folder */
    struct agent_run run;
    const char *path;      /* of the file to follow; NULL: there is none */
    struct fswatch *watch; /* of it */
    struct signals *signals;
    enum exit_code code;
};

static enum exit_code complain(const struct errinfo *why)
{
    fprintf(stderr, "adit: %s\n", why->text);
    return EXIT_USAGE;
}

/* ---- the file has changed ---- */

static void tell_bad_file(struct publishing *p, const struct problems *problems)
{
    struct text lines = {0};
    struct text what = {0};

    problems_show(problems, &lines);
    text_add(&what, slice_sub(text_slice(&lines), 0, lines.len - 1)); /* without the last newline */
    reporter_error(p->run.reporter, text_str(&what), "what was read before stays in force", false);
    text_deinit(&lines);
    text_deinit(&what);
}

/* Nothing would ever be seen of this agent. It stays: the file may still be written. */
static void tell_if_empty(struct publishing *p)
{
    struct text what = {0};

    if (p->path && agent_config_now(p->run.agent)->tunnels.count == 0) {
        text_addf(&what, "%s has no tunnels", p->path);
        reporter_error(p->run.reporter, text_str(&what),
                       "write them below `tunnels:`, such as `web: 3000`, and save it", false);
        text_deinit(&what);
    }
}

/* Relay, token or trust are others now. */
static int move_agent(struct publishing *p, const struct agent_config *config, struct errinfo *why)
{
    struct agent_relay relay = {0};
    int err = relay_choice_find(config, text_str(&p->state), &relay, why);

    if (err == 0) {
        agent_move(p->run.agent, &relay);
    }
    agent_relay_deinit(&relay);
    return err;
}

/* A good file is applied, a bad one is told and forgotten. */
static void read_again(void *ctx)
{
    struct publishing *p = ctx;
    struct problems problems = {0};
    struct errinfo why = {0};
    struct options fresh;

    if (options_load(p->line, &fresh, &problems) < 0) {
        tell_bad_file(p, &problems);
    } else if (!agent_config_same_link(agent_config_now(p->run.agent), &fresh.agent) &&
               move_agent(p, &fresh.agent, &why) < 0) {
        reporter_error(p->run.reporter, why.text, "what was read before stays in force", false);
    } else {
        agent_apply(p->run.agent, &fresh.agent);
        tell_if_empty(p);
    }
    problems_deinit(&problems);
    options_deinit(&fresh);
}

static int follow_file(struct publishing *p, struct errinfo *why)
{
    int err = fswatch_open(&p->watch, p->loop, p->path, read_again, p);
    return err < 0 ? errinfo_set(why, err, "cannot watch %s: %s", p->path, err_text(err)) : 0;
}

/* ---- running ---- */

static void on_end(void *ctx, enum agent_end end)
{
    struct publishing *p = ctx;

    p->code = agent_run_exit_code(end);
    loop_stop(p->loop);
}

/* The first signal lets streams finish, the second does not wait for them. */
static void on_signal(void *ctx, int number)
{
    struct publishing *p = ctx;

    if (number == SIGHUP && p->watch) {
        read_again(p);
    } else {
        agent_stop(p->run.agent);
    }
}

static enum exit_code run(struct publishing *p, struct options *options,
                          struct agent_relay *relay_take)
{
    static const struct agent_user user = {.on_end = on_end};
    static const struct agent_user file_user = {.on_end = on_end, .on_reload = read_again};
    const struct agent_run_options run_options = {
        .state_folder = text_str(&p->state),
        .is_json = options->common.is_json,
        .names_tunnels = p->path != NULL,
        .relay_take = relay_take,
        .config_take = &options->agent,
    };
    struct errinfo why = {0};
    int err =
        agent_run_start(&p->run, p->loop, &run_options, p->path ? &file_user : &user, p, &why);

    if (err < 0) {
        fprintf(stderr, "adit: %s\n", errinfo_text(&why, err));
        return EXIT_REFUSED;
    }
    err = signals_open(&p->signals, p->loop, on_signal, p);
    if (err < 0) {
        fprintf(stderr, "adit: signals: %s\n", err_text(err));
        return EXIT_REFUSED;
    }
    tell_if_empty(p);
    loop_run(p->loop);
    loop_run_for(p->loop, LAST_WORDS_MS);
    return p->code;
}

/* --save: the tunnel of this command line goes into the file it would be read from. */
static int save(const struct options *options, struct errinfo *why)
{
    const char *path = options->config_path ? options->config_path : "adit.yml";

    return options->common.wants_save
               ? agent_config_save_tunnel(path, &options->agent.tunnels.items[0], why)
               : 0;
}

static enum exit_code publish(const struct command_line *line, struct options *options,
                              const char *path_to_follow)
{
    struct publishing p = {
        .line = line, .loop = loop_new(), .path = path_to_follow, .code = EXIT_REFUSED};
    struct agent_relay relay = {0};
    struct errinfo why = {0};
    enum exit_code code;
    int err = data_dir_open(options->agent.state, &p.state, &why);

    if (err == 0) {
        err = relay_choice_find(&options->agent, text_str(&p.state), &relay, &why);
    }
    if (err == 0 && p.path) {
        err = follow_file(&p, &why);
    }
    if (err == 0) {
        err = save(options, &why);
    }
    code = err == 0 ? run(&p, options, &relay) : complain(&why);
    signals_close(&p.signals);
    fswatch_close(&p.watch);
    agent_run_end(&p.run);
    agent_relay_deinit(&relay);
    loop_free(&p.loop);
    text_deinit(&p.state);
    return code;
}

int cmd_publish(const struct command_line *line, struct options *options)
{
    options_apply_log(options);
    return (int)publish(line, options, NULL);
}

int cmd_up(const struct command_line *line, struct options *options)
{
    options_apply_log(options);
    return (int)publish(line, options, options->config_path);
}
