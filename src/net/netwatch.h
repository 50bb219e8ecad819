/* Tells when the network of this machine has changed: an address, a route or a card came or went.
 *
 * A laptop that wakes up elsewhere changes many things at once: told NETWATCH_SETTLE_MS after the
 * first of them, and at most once in NETWATCH_REST_MS, so that a machine whose containers come and
 * go is not kept busy. What has changed is not said; ask whether what you need still works.
 */
#pragma once
#include "base/err.h"
#include "net/loop.h"

enum { NETWATCH_SETTLE_MS = 50, NETWATCH_REST_MS = 1000 };

struct netwatch;

typedef void netwatch_fn(void *ctx);

/* The callback comes from the ready phase. ERR_UNSUPPORTED, ERR_DENIED, ...: do without. */
MUST_USE int netwatch_open(struct netwatch **out, struct loop *loop, netwatch_fn *fn, void *ctx);
void netwatch_close(struct netwatch **w); /* NULL inside is fine */
