/* Files of anybody: whatever is in them ends in values or in findings, never in anything else; a
 * finding has its line; and a target of a good file reads back as it is shown. The
 * first byte says whose file it is. */
#include "config/agent_config.h"
#include "config/relay_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A refusal without a finding would leave a person alone. */
static void check_findings(int result, const struct problems *problems)
{
    ASSERT((result < 0) == (problems->count > 0));
    ASSERT(problems->count == 0 || text_slice(&problems->lines).len > 0);
}

static void read_relay(struct slice yaml)
{
    struct problems problems = {0};
    struct relay_config config;

    relay_config_init(&config);
    int result = relay_config_read(&config, "f", yaml, &problems);
    check_findings(result, &problems);
    if (result == 0) {
        result = relay_config_check(&config, (struct origin){"f", 0}, &problems);
        check_findings(result, &problems);
    }
    relay_config_deinit(&config);
    problems_deinit(&problems);
}

static void check_tunnels(const struct agent_config *config)
{
    for (size_t i = 0; i < config->tunnels.count; i++) {
        const struct tunnel_config *t = &config->tunnels.items[i];
        ASSERT(t->kind == TUNNEL_HTTP || t->kind == TUNNEL_TCP);
        ASSERT(t->target.scheme != TARGET_NONE);
        ASSERT(agent_config_find(config, t->key) == t); /* keys are unique */
        ASSERT(tunnel_config_equal(t, t));
    }
}

/* What target_show writes, target_parse reads as the same place. */
static void check_targets(const struct agent_config *config)
{
    for (size_t i = 0; i < config->tunnels.count; i++) {
        struct text shown = {0}, again = {0};
        struct target back;
        bool is_http = config->tunnels.items[i].kind == TUNNEL_HTTP;

        target_show(&shown, &config->tunnels.items[i].target, is_http);
        ASSERT(target_parse(text_slice(&shown), &back, NULL) == 0);
        target_show(&again, &back, is_http);
        ASSERT(slice_equal(text_slice(&shown), text_slice(&again)));
        target_deinit(&back);
        text_deinit(&shown);
        text_deinit(&again);
    }
}

static void read_agent(struct slice yaml)
{
    struct problems problems = {0};
    struct agent_config config;

    agent_config_init(&config);
    int result = agent_config_read(&config, "f", yaml, &problems);
    check_findings(result, &problems);
    if (result == 0) {
        check_tunnels(&config);
        check_targets(&config);
    }
    agent_config_deinit(&config);
    problems_deinit(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct slice yaml = slice_of(bytes + 1, size - 1);
    if (slice_find(yaml, SLICE("file")) < yaml.len) {
        return 0; /* {file: PATH} would read what lies around on this machine */
    }
    if (bytes[0] % 2) {
        read_relay(yaml);
    } else {
        read_agent(yaml);
    }
    return 0;
}
