/* The agent's tunnels: what the configuration wants, and how far the relay has granted it.
 *
 * Ids are never used twice. A changed tunnel is bound anew under the same key and a new id; the
 * old one stays here for what still comes for it, until the relay has said UNBOUND. Streams hold
 * the tunnel they came for by reference: it outlives its removal.
 *
 * Knows neither links nor streams: messages go out by `send`, answers are given in.
 */
#pragma once
#include <stdbool.h>

#include "agent/agent_tunnel.h"
#include "base/list.h"
#include "base/table.h"
#include "config/agent_config.h"
#include "net/loop.h"
#include "wire/control.h"

struct reporter;

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
