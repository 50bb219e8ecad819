/* A port of its own for one tunnel: raw TCP, or HTTP where no host name leads to the relay.
 *
 * Listens on the session's worker. A TCP visitor is joined with a stream of the link; an HTTP
 * visitor goes to http_entry with its route fixed.
 */
#pragma once
#include <stdint.h>

#include "base/err.h"

struct tunnel;
struct worker;
struct port_entry;

/* On the addresses the relay listens on. ERR_BUSY: another program has the port. fd_take: a socket
 * that listens there already, or -1. */
MUST_USE int port_entry_open(struct port_entry **out, struct tunnel *t, uint16_t port, int fd_take,
                             struct errinfo *why);

/* No new visitors; those who are there stay. NULL inside is fine. */
void port_entry_close(struct port_entry **p);

/* Ends it, but not its socket: visitors wait in it for whom it is given to. -1: NULL inside. */
int port_entry_detach_fd(struct port_entry **p);

/* Cuts all TCP visitors of this worker. */
void port_entries_send_away(struct worker *w);
