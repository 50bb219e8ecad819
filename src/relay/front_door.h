/* A public listening socket on which everything is spoken: the first bytes decide.
 *
 *      0x16                  TLS; then by ALPN: "adit/1" a link, else HTTP (https)
 *      "adit"                a tcp link
 *      anything else         HTTP; an Upgrade on /_adit/link is a ws link (http_entry.h)
 *
 * A visitor is moved to the worker of its session first, if that is another one (move.h). The
 * sniffer waits for few bytes and not for long. Owned by the worker; one per worker and
 * address (SO_REUSEPORT where there are several workers).
 */
#pragma once
#include <stdbool.h>

#include "net/addr.h"
#include "relay/workers/worker.h"

struct front_door;

/* is_tls_only: --listen-tls. Adds itself to w->doors. */
MUST_USE int front_door_open(struct worker *w, const struct addr *at, bool is_tls_only,
                             struct addr *bound_out, struct errinfo *why);

/* Stops accepting; connections that are here stay. */
void front_doors_close(struct worker *w);

/* Cuts connections that have not said yet what they speak. */
void front_doors_send_away(struct worker *w);
