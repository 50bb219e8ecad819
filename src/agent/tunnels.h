/* The agent's tunnels: what the configuration wants, and how far the relay has granted it.
 *
 *     DUE --login--> ASKED --BOUND--> BOUND
 *      ^               |  \--refused for now--> PAUSED --later--> ASKED
 *      |               \-----refused for good--> REFUSED
 *      +-- fresh login (all but REFUSED) --+
 *
 *     any --removed or changed in the file--> RETIRED --UNBOUND--> gone
 *
 * Ids are never used twice. A changed tunnel is bound anew under the same key and a new id; the
 * old one stays here for what still comes for it, until the relay has said UNBOUND. Streams hold
 * the tunnel they came for by reference: it outlives its removal.
 *
 * Knows neither links nor streams: messages go out by `send`, answers are given in.
 */
#pragma once
#include <stdbool.h>

#include "agent/backoff.h"
#include "base/list.h"
#include "base/table.h"
#include "config/agent_config.h"
#include "net/loop.h"
#include "wire/control.h"

struct reporter;
struct static_files;

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

struct tunnels_user {
    void (*send)(void *ctx, const struct control_message *m);
    /* Every BIND sent has had its answer. */
    void (*on_settled)(void *ctx);
    /* All tunnels were refused for good, or taken over: there is nothing left to do. */
    void (*on_hopeless)(void *ctx);
};

struct tunnels {
    struct loop *loop;
    struct reporter *reporter;
    const struct tunnels_user *user;
    void *ctx;
    struct table by_id;
    struct list all;
    uint32_t last_id;
    bool is_attached; /* logged in: messages may be sent */
    struct timer retry;
};

void tunnels_init(struct tunnels *t, struct loop *loop, struct reporter *reporter,
                  const struct tunnels_user *user, void *ctx);
void tunnels_deinit(struct tunnels *t);

/* From one configuration to the next (`from` NULL: the first). What did not change is not touched.
 * `to` is kept until the next call; `from` may go after this one. */
void tunnels_apply(struct tunnels *t, const struct agent_config *from,
                   const struct agent_config *to);

/* A session that knows nothing of us has begun: binds all there is to bind. */
void tunnels_login(struct tunnels *t);

/* No session any more. */
void tunnels_logout(struct tunnels *t);

void tunnels_rcvd_bound(struct tunnels *t, const struct control_bound *bound);
void tunnels_rcvd_unbound(struct tunnels *t, const struct control_unbound *unbound);

/* Gives up every entry: visitors are told so by the relay from now on. */
void tunnels_unbind_all(struct tunnels *t);

/* The tunnel of that id, or NULL. */
struct agent_tunnel *tunnels_find(struct tunnels *t, uint32_t id);

struct agent_tunnel *agent_tunnel_ref(struct agent_tunnel *tunnel);
void agent_tunnel_unref(struct agent_tunnel **tunnel);

/* A BIND is on its way. */
bool tunnels_is_waiting(const struct tunnels *t);
