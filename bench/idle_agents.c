/* Many agents in one process, each with a link, a session and a tunnel of its own, doing nothing:
 *
 *     idle_agents RELAY PIN TOKEN COUNT
 *
 * Prints each tunnel's URL; stays until it is ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/reporter.h"
#include "base/mem.h"

enum { APART_MS = 2 };

struct crowd {
    struct loop *loop;
    struct reporter *reporter;
    struct relay_url url;
    struct tls_pin pin;
    const char *token;
};

static void on_end(void *ctx, enum agent_end end)
{
    (void)ctx, (void)end;
    fprintf(stderr, "idle_agents: refused\n");
    exit(1);
}

static struct agent_config *config_with_one_tunnel(struct agent_config *config)
{
    struct problems problems = {0};
    static const char yaml[] = "tunnels:\n  idle: tcp://127.0.0.1:9\n";

    agent_config_init(config);
    if (agent_config_read(config, "idle", slice_of(yaml, sizeof yaml - 1), &problems) < 0) {
        exit(1);
    }
    return config;
}

static void start_one(struct crowd *crowd, uint32_t number)
{
    static const struct agent_user user = {.on_end = on_end};
    struct identity identity = {{0}, {0}};
    struct agent_config config;
    struct agent_relay relay = {
        .url = crowd->url,
        .token = mem_strdup(crowd->token),
        .has_pin = relay_url_is_encrypted(&crowd->url),
        .pin = crowd->pin,
    };

    memcpy(identity.agent_id, &number, sizeof number);
    identity.agent_id[AGENT_ID_BYTES - 1] = 1;
    memset(identity.secret, 1, sizeof identity.secret);
    const struct agent_options options = {
        .identity = &identity,
        .version = "bench",
        .reporter = crowd->reporter,
        .relay_take = &relay,
        .config_take = config_with_one_tunnel(&config),
    };
    (void)agent_start(crowd->loop, &options, &user, NULL);
    loop_run_for(crowd->loop, APART_MS);
}

static void prepare(struct crowd *crowd, const char *relay, const char *pin_text)
{
    const struct reporter_options looks = {.out_fd = STDOUT_FILENO};
    struct errinfo why = {0};

    if (relay_url_parse(slice_of(relay, strlen(relay)), &crowd->url, &why) < 0 ||
        tls_pin_parse(slice_of(pin_text, strlen(pin_text)), &crowd->pin) < 0) {
        fprintf(stderr, "idle_agents: a wrong relay or pin %s\n", why.text);
        exit(2);
    }
    crowd->loop = loop_new();
    crowd->reporter = reporter_new(crowd->loop, &looks);
}

int main(int argc, char **argv)
{
    struct crowd crowd = {0};

    if (argc != 5) {
        fprintf(stderr, "usage: idle_agents RELAY PIN TOKEN COUNT\n");
        return 2;
    }
    prepare(&crowd, argv[1], argv[2]);
    crowd.token = argv[3];
    for (int i = 0; i < atoi(argv[4]); i++) {
        start_one(&crowd, (uint32_t)i + 1);
    }
    loop_run(crowd.loop);
    return 0;
}
