/* Where an agent is logged in: the file `logins.yml` in its state folder, 0600, with relay, token
 * and pin of every login, the last one first. Written whole (a new file renamed over the old one),
 * so that a crash leaves the old one or the new one.
 */
#pragma once
#include <stddef.h>

#include "base/err.h"

enum { LOGINS_MAX = 100 }; /* the oldest is forgotten */

struct login {
    char *relay; /* as relay_url_show writes it */
    char *token; /* NULL: the relay is open */
    char *pin;   /* "sha256:..." or NULL */
    char *ca;    /* absolute path of a PEM file, or NULL */
};

void login_deinit(struct login *login); /* wipes the token */

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
