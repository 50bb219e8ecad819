/* How an agent presents itself to its relay: the ladder it climbs, the LOGIN it sends. Shared by
 * the agent and by `adit login`. */
#pragma once
#include "agent/agent.h"
#include "session/ladder.h"

struct relay_call {
    const struct agent_relay *relay;
    const struct identity *identity;
    const uint8_t *run_id; /* LINK_ID_BYTES */
    const char *version;
    uint32_t initial_window;
    uint64_t limit_ms; /* of a rung up to HELLO, and of the login after it */
    bool is_shared;    /* may stand beside another agent of the same token */
};

/* Whom the relay's certificate is believed by; *trust_out is NULL where no carrier has TLS. */
MUST_USE int relay_call_trust(const struct agent_relay *relay, struct tls_trust **trust_out,
                              struct errinfo *why);

/* ERR_CONFIG: see relay_call_trust. */
MUST_USE int relay_call_dial(struct loop *loop, const struct relay_call *call,
                             const struct ladder_user *user, void *ctx, struct ladder **ladder_out,
                             struct errinfo *why);

/* Once the relay has said HELLO. */
void relay_call_log_in(struct greet_client *greeting, const struct relay_call *call);

/* What a person can do about a refused login; NULL: nothing, but it may change. */
const char *relay_call_fix(uint16_t refusal);
