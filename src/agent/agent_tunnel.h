/* One tunnel of the agent: what is wanted of it, and how far the relay has granted it.
 *
 *     DUE --login--> ASKED --BOUND--> BOUND
 *      ^               |  \--refused for now--> PAUSED --later--> ASKED
 *      |               \-----refused for good--> REFUSED
 *      +-- fresh login (all but REFUSED) --+
 *
 *     any --removed or changed in the file--> RETIRED --UNBOUND--> gone
 *
 * The list of tunnels owns it, and so does every stream that came for it: it outlives its removal
 * from the configuration.
 */
#pragma once
#include <stdbool.h>

#include "agent/backoff.h"
#include "base/list.h"
#include "base/table.h"
#include "config/agent_config.h"

struct static_files;
struct text;

/*      id       sentence */
#define TUNNEL_STATE_LIST(X)                                                                       \
    X(DUE, "to be bound at the next login")                                                        \
    X(ASKED, "BIND was sent")                                                                      \
    X(BOUND, "visitors can reach it")                                                              \
    X(PAUSED, "refused for now; asked again later")                                                \
    X(REFUSED, "refused for good")                                                                 \
    X(RETIRED, "replaced or removed")

enum tunnel_state {
#define X(id, sentence) TUNNEL_##id,
    TUNNEL_STATE_LIST(X)
#undef X
};

struct agent_tunnel {
    struct table_node node; /* by id */
    struct list item;       /* of tunnels.all, in the order of the configuration */
    uint32_t id;
    uint32_t refs; /* the list and each stream */
    enum tunnel_state state;
    bool was_bound; /* once: from then on no refusal but a takeover is final */
    char *key;
    char *name; /* to people: the key, or the words the relay chose where nobody named it */
    enum tunnel_kind kind;
    struct target target;               /* own copy */
    struct static_files *files;         /* of a file: target, once somebody asked for it */
    const struct tunnel_config *config; /* NULL: retired */
    char *url;                          /* as told to the person, NULL: not yet */
    struct backoff backoff;
};

/* With one reference, DUE; config is looked at until the tunnel is retired. */
struct agent_tunnel *agent_tunnel_new(uint32_t id, const struct tunnel_config *config);

struct agent_tunnel *agent_tunnel_ref(struct agent_tunnel *tunnel);
void agent_tunnel_unref(struct agent_tunnel **tunnel);

void agent_tunnel_set_state(struct agent_tunnel *tunnel, enum tunnel_state next);

/* "http://127.0.0.1:3000" */
void agent_tunnel_show_target(const struct agent_tunnel *tunnel, struct text *out);
