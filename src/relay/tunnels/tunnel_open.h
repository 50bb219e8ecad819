/* Opens a stream to an agent for a visitor: the facts of OPEN in one place. */
#pragma once
#include "net/addr.h"
#include "net/stream.h"
#include "relay/tunnels/tunnel.h"
#include "wire/open_facts.h"

/* Visitor address and port are filled in from `peer`. ERR_FULL: no memory budget left. Works while
 * the session is detached: the stream waits for the link. */
MUST_USE int tunnel_open_stream(struct tunnel *t, struct open_facts *facts, const struct addr *peer,
                                struct stream **stream_out);
