/* An agent's state folder: who it is, and where it is logged in. Files are 0600, written whole
 * (a new file renamed over the old one), so that a crash leaves the old one or the new one.
 *
 *     agent         the secret, made once, and the id that is made of it
 *     logins.yml    relay, token and pin of every login; the last one first
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum {
    AGENT_ID_BYTES = 16,
    AGENT_SECRET_BYTES = 32,
    LOGINS_MAX = 100, /* the oldest is forgotten */
};

/* The secret is the seed of a signing key (tls/sign_key.h), and the id a digest of its public key:
 * nobody can show the id and prove it without the secret. */
struct identity {
    uint8_t agent_id[AGENT_ID_BYTES];
    uint8_t secret[AGENT_SECRET_BYTES];
};

/* Reads it, or makes it if there is none. A broken file is an error, never replaced. */
MUST_USE int identity_load(const char *folder, struct identity *out, struct errinfo *info);
void identity_wipe(struct identity *identity);

struct login {
    char *relay; /* as relay_url_show writes it */
    char *token; /* NULL: the relay is open */
    char *pin;   /* "sha256:..." or NULL */
};

struct logins {
    struct login *items; /* the last login first */
    size_t count;
};

/* No file: an empty list. */
MUST_USE int logins_load(const char *folder, struct logins *out, struct errinfo *info);
void logins_deinit(struct logins *logins);

/* The login of that relay, or the last one when relay is NULL; NULL if there is none. */
const struct login *logins_find(const struct logins *logins, const char *relay);

/* Puts this login first, in place of an older one of the same relay, and writes the file. */
MUST_USE int logins_save(const char *folder, const struct login *login, struct errinfo *info);
