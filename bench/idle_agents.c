/* Many agents in one process, each with a link, a session and tunnels of its own, doing nothing:
 *
 *     idle_agents RELAY PIN TOKEN FIRST LAST TUNNELS tcp|http
 *
 * Makes the agents of these numbers, each with so many tunnels. Prints each tunnel's URL; stays
 * until it is ended. Tunnel 3 of agent 17 is named a17-t3 and, for http, serves the path /mine. An
 * agent starts when fewer than WAVE tunnels are still waited for: the time until all URLs are there
 * is what the relay, and the agents, need for it. An agent holds two descriptors.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/reporter.h"
#include "base/mem.h"
#include "base/text.h"
#include "tls/digest.h"
#include "tls/sign_key.h"

enum { WAVE = 64, TURN_MS = 1 };

struct crowd {
    struct loop *loop;
    struct reporter *reporter;
    struct relay_url url;
    struct tls_pin pin;
    const char *token;
    int tunnels; /* of each agent */
    const char *target;
    const char *more; /* said of each tunnel */
    int urls_fd;      /* what the reporter says */
    int urls_due;     /* asked for, not yet said */
};

static void on_end(void *ctx, enum agent_end end)
{
    (void)ctx, (void)end;
    fprintf(stderr, "idle_agents: refused\n");
    exit(1);
}

static void config_with_tunnels(const struct crowd *crowd, uint32_t agent,
                                struct agent_config *config)
{
    struct problems problems = {0};
    struct text yaml = {0};

    text_add_str(&yaml, "tunnels:\n");
    for (int i = 1; i <= crowd->tunnels; i++) {
        text_addf(&yaml, "  a%u-t%d: {target: \"%s\"%s}\n", agent, i, crowd->target, crowd->more);
    }
    agent_config_init(config);
    if (agent_config_read(config, "idle", text_slice(&yaml), &problems) < 0) {
        exit(1);
    }
    text_deinit(&yaml);
}

static struct identity identity_of(uint32_t number)
{
    struct identity identity = {0};
    uint8_t key[SIGN_KEY_BYTES];
    uint8_t digest[SHA256_BYTES];

    memcpy(identity.secret, &number, sizeof number);
    sign_key_of(identity.secret, key);
    sha256(slice_of(key, sizeof key), digest);
    memcpy(identity.agent_id, digest, sizeof identity.agent_id);
    return identity;
}

static void start_one(struct crowd *crowd, uint32_t number)
{
    static const struct agent_user user = {.on_end = on_end};
    const struct identity identity = identity_of(number);
    struct agent_config config;
    struct agent_relay relay = {
        .url = crowd->url,
        .token = mem_strdup(crowd->token),
        .has_pin = relay_url_is_encrypted(&crowd->url),
        .pin = crowd->pin,
    };

    config_with_tunnels(crowd, number, &config);
    const struct agent_options options = {
        .identity = &identity,
        .version = "bench",
        .reporter = crowd->reporter,
        .relay_take = &relay,
        .config_take = &config,
    };
    (void)agent_start(crowd->loop, &options, &user, NULL);
    crowd->urls_due += crowd->tunnels;
}

/* Lets the agents work, and passes on what was said meanwhile. */
static void run_a_while(struct crowd *crowd)
{
    char said[4096];
    ssize_t n;

    loop_run_for(crowd->loop, TURN_MS);
    while ((n = read(crowd->urls_fd, said, sizeof said)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            crowd->urls_due -= said[i] == '\n';
        }
        (void)!write(STDOUT_FILENO, said, (size_t)n);
    }
}

static void prepare(struct crowd *crowd, char **argv)
{
    struct reporter_options looks = {0};
    struct errinfo why = {0};
    int ends[2];

    if (relay_url_parse(slice_str(argv[1]), &crowd->url, &why) < 0 ||
        tls_pin_parse(slice_str(argv[2]), &crowd->pin) < 0 || pipe2(ends, O_NONBLOCK) < 0) {
        fprintf(stderr, "idle_agents: a wrong relay or pin %s\n", why.text);
        exit(2);
    }
    crowd->token = argv[3];
    crowd->tunnels = atoi(argv[6]);
    crowd->target = strcmp(argv[7], "tcp") == 0 ? "tcp://127.0.0.1:9" : "http://127.0.0.1:9";
    crowd->more = strcmp(argv[7], "tcp") == 0 ? "" : ", path: /mine";
    crowd->urls_fd = ends[0];
    looks.out_fd = ends[1];
    crowd->loop = loop_new();
    crowd->reporter = reporter_new(crowd->loop, &looks);
}

int main(int argc, char **argv)
{
    struct crowd crowd = {0};

    if (argc != 8) {
        fprintf(stderr, "usage: idle_agents RELAY PIN TOKEN FIRST LAST TUNNELS tcp|http\n");
        return 2;
    }
    prepare(&crowd, argv);
    for (int number = atoi(argv[4]); number <= atoi(argv[5]); number++) {
        while (crowd.urls_due >= WAVE) {
            run_a_while(&crowd);
        }
        start_one(&crowd, (uint32_t)number);
    }
    while (crowd.urls_due > 0) {
        run_a_while(&crowd);
    }
    loop_run(crowd.loop);
    return 0;
}
