/* Who an agent is: the file `agent` in its state folder, made once, 0600.
 *
 *     id HEX         for people
 *     secret HEX     the seed of a signing key (tls/sign_key.h)
 *
 * The id is a digest of the key's public half: nobody can show the id and prove it without the
 * secret.
 */
#pragma once
#include <stdint.h>

#include "base/err.h"

enum {
    AGENT_ID_BYTES = 16,
    AGENT_SECRET_BYTES = 32,
};

struct identity {
    uint8_t agent_id[AGENT_ID_BYTES];
    uint8_t secret[AGENT_SECRET_BYTES];
};

/* Reads it, or makes it if there is none. A broken file is an error, never replaced. */
MUST_USE int identity_load(const char *folder, struct identity *out, struct errinfo *info);
void identity_wipe(struct identity *identity);
