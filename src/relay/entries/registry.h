/* Who holds which public entry right now.
 *
 * An entry is a host with a path prefix ("blog.t.example.com", "blog.t.example.com/api") or a port
 * (":6000"). The store remembers who has reserved it; the registry knows the live sessions and
 * decides conflicts. Used on the relay's first worker only. In order:
 *
 *   nobody holds it            the store decides: free, ours, or reserved for another token
 *   same agent, same run       granted, the older session loses the entry at once
 *   same token, both share     granted beside the holder
 *   same token otherwise       PROBE: the caller asks the holder's link for a sign of life, and
 *                              asks again with is_silent; a holder that lives keeps the entry
 *   other token                refused, naming the owner
 *
 * Losing an entry is final for the loser: two shells must not evict each other for ever.
 */
#pragma once
#include "base/slice.h"
#include "relay/workers/router.h"
#include "store/store.h"

enum { RUN_ID_BYTES = 16 };

struct registry;

struct registry *registry_new(struct store *store);
void registry_free(struct registry **r);

struct claim {
    struct store_owner owner;
    uint8_t run_id[RUN_ID_BYTES];
    struct slice holder; /* the agent's host name, for people */
    struct slice tunnel; /* the owner's word for the tunnel */
    struct slice shown;  /* the entry as the agent's user knows it: "blog", "port 6000" */
    bool is_shared;
    struct route route;
};

enum claim_result {
    CLAIM_GRANTED,
    CLAIM_SUPERSEDES, /* granted; *other_out is the route that lost the entry */
    CLAIM_PROBE,      /* ask *other_out's link, then claim again */
    CLAIM_REFUSED,    /* info says why */
};

/* silent: the route that was probed and did not answer, or NULL. */
enum claim_result registry_claim(struct registry *r, struct slice entry, const struct claim *claim,
                                 const struct route *silent, struct route *other_out,
                                 struct errinfo *info);

/* The session gives the entry up: for now (it stays reserved a day) or for good. Nothing happens
 * when the route does not hold it any more. */
void registry_leave(struct registry *r, struct slice entry, struct route route, bool is_for_good);

/* Held by any live session. */
bool registry_is_held(const struct registry *r, struct slice entry);
