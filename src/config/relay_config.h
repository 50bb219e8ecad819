/* What a relay is told: relay.yml, or the flags of `adit relay`; one key per flag.
 *
 * Owned by whoever loaded it; constant while the relay runs.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "config/limits.h"
#include "config/problems.h"
#include "config/schema.h"

struct relay_config {
    struct address listen;     /* speaks everything; default every address, port 8080 */
    struct address listen_tls; /* port 0: none; TLS only */
    char *cert;                /* PEM files; both or none */
    char *key;
    char *domain;         /* lower case, without a dot at either end; NULL: none */
    char *data;           /* folder; NULL: the default one */
    bool is_open;         /* agents need no token */
    bool is_insecure;     /* ws:// and tcp:// links from beyond loopback are accepted */
    struct address admin; /* port 0: none */
    struct port_range tcp_ports;
    uint64_t workers; /* 0: one per core */
    char *access_log; /* file; "-": stdout; NULL: none */
    struct limits limits;
};

extern const struct schema relay_schema; /* over struct relay_config */

void relay_config_init(struct relay_config *config); /* the defaults */
void relay_config_deinit(struct relay_config *config);

/* Reads a file over what is in *config; see agent_config_read. */
MUST_USE int relay_config_read(struct relay_config *config, const char *name, struct slice yaml,
                               struct problems *problems);
MUST_USE int relay_config_load(struct relay_config *config, const char *path,
                               struct problems *problems);

/* What only shows when all sources have been read: cert without key, a domain that is none. */
MUST_USE int relay_config_check(struct relay_config *config, struct origin at,
                                struct problems *problems);
