#include "cmd/agent_run.h"

#include <unistd.h>

#include "agent/reporter.h"
#include "base/mem.h"
#include "gen/version.h"

int agent_run_start(struct agent_run *run, struct loop *loop,
                    const struct agent_run_options *options, const struct agent_user *user,
                    void *ctx, struct errinfo *why)
{
    const struct reporter_options looks = {
        .is_json = options->is_json,
        .is_screen = isatty(STDOUT_FILENO),
        .is_terminal = isatty(STDERR_FILENO),
        .names_tunnels = options->names_tunnels,
        .out_fd = STDOUT_FILENO,
    };
    struct identity identity;
    int err = identity_load(options->state_folder, &identity, why);

    if (err < 0) {
        agent_relay_deinit(options->relay_take);
        agent_config_deinit(options->config_take);
        return err;
    }
    run->reporter = reporter_new(loop, &looks);
    const struct agent_options agent = {
        .identity = &identity,
        .version = ADIT_VERSION,
        .reporter = run->reporter,
        .relay_take = options->relay_take,
        .config_take = options->config_take,
    };
    run->agent = agent_start(loop, &agent, user, ctx);
    identity_wipe(&identity);
    return 0;
}

void agent_run_end(struct agent_run *run)
{
    agent_free(&run->agent);
    reporter_free(&run->reporter);
}

enum exit_code agent_run_exit_code(enum agent_end end)
{
    switch (end) {
    case AGENT_STOPPED:
        return EXIT_STOPPED;
    case AGENT_REFUSED:
        return EXIT_REFUSED;
    }
    UNREACHABLE();
}
