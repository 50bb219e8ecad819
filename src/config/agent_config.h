/* What an agent is told: its relay, its credential and its tunnels.
 *
 * adit.yml holds all of it; `adit http` and `adit tcp` make the same struct with one tunnel from
 * their command line. Two of them can be compared tunnel by tunnel, which is how a saved file is
 * applied without dropping what did not change. Owned by whoever loaded it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "config/limits.h"
#include "config/problems.h"
#include "config/schema.h"
#include "config/target.h"

enum {
    AGENT_TUNNELS_MAX = 1000,
    TUNNEL_KEY_MAX = 63,
};

enum tunnel_kind {
    TUNNEL_AUTO, /* before the target has said it; never after agent_config_load */
    TUNNEL_HTTP,
    TUNNEL_TCP,
};

struct tunnel_config {
    char *key; /* its name in the file: unique, constant for ever */
    int kind;  /* enum tunnel_kind */
    struct target target;
    char *subdomain;        /* NULL: the relay chooses */
    bool wants_words;       /* of a file: not called by its key, the relay shall choose */
    struct text_list hosts; /* whole host names */
    char *path;             /* prefix, "/api"; NULL: everything */
    uint16_t port;          /* TCP: public port; 0: the relay chooses */
    bool is_shared;         /* other agents of the same token may serve it too */
};

struct tunnel_list {
    struct tunnel_config *items;
    size_t count;
};

struct agent_config {
    char *relay; /* NULL: the one of the last login */
    struct secret token;
    char *state; /* folder; NULL: the default one */
    char *ca;    /* PEM file trusted instead of the system's roots */
    char *pin;   /* "sha256:BASE64" */
    bool is_insecure;
    struct limits limits;
    struct tunnel_list tunnels;
};

extern const struct schema agent_schema;      /* over struct agent_config */
extern const struct schema tunnel_schema;     /* over struct tunnel_config */
extern const char *const tunnel_kind_names[]; /* "auto", "http", "tcp" */

void agent_config_init(struct agent_config *config); /* the defaults */
void agent_config_deinit(struct agent_config *config);

/* Reads a file over what is in *config. Everything wrong is in `problems`, each line with `name`
 * as the file's name; *config then holds what was right and must not be used. */
MUST_USE int agent_config_read(struct agent_config *config, const char *name, struct slice yaml,
                               struct problems *problems);
MUST_USE int agent_config_load(struct agent_config *config, const char *path,
                               struct problems *problems);

/* Settles kind, subdomain and hosts of one tunnel and checks that they fit each other. */
MUST_USE int tunnel_config_check(struct tunnel_config *tunnel, struct origin at,
                                 struct problems *problems);
void tunnel_config_deinit(struct tunnel_config *tunnel);

/* A subdomain or host: the relay need not choose a name for it. */
bool tunnel_config_has_name(const struct tunnel_config *tunnel);

/* Public NAME of the command line: a label, or with a dot a whole host. */
MUST_USE int tunnel_config_set_name(struct tunnel_config *tunnel, struct slice name,
                                    struct origin at, struct problems *problems);

const struct tunnel_config *agent_config_find(const struct agent_config *config, const char *key);

/* The same tunnel for the relay and for the origin: nothing needs to be bound anew. */
bool tunnel_config_equal(const struct tunnel_config *a, const struct tunnel_config *b);

/* Same relay, credential and trust: the link may stay. */
bool agent_config_same_link(const struct agent_config *a, const struct agent_config *b);

/* What changed from one to the next, tunnel by tunnel: removed ones first, then changed, then
 * added. `tunnel` is of `from` for removed ones, else of `to`. */
enum tunnel_change { TUNNEL_REMOVED, TUNNEL_CHANGED, TUNNEL_ADDED };
void agent_config_diff(const struct agent_config *from, const struct agent_config *to,
                       void (*found)(void *ctx, enum tunnel_change change,
                                     const struct tunnel_config *tunnel),
                       void *ctx);

/* Writes a tunnel into a file, leaving every other line as it is: one line under `tunnels:`, in
 * place of the tunnel of that key if there is one. Makes the file if it does not exist. */
MUST_USE int agent_config_save_tunnel(const char *path, const struct tunnel_config *tunnel,
                                      struct errinfo *info);
