/* A port of its own for one tunnel: raw TCP, or HTTP where no host name leads to the relay.
 *
 * Listens on the session's worker. Who comes is let in by relay.enter_port (port_visitor.h).
 */
#pragma once
#include <stdint.h>

#include "relay/entries/bind_request.h"

struct tunnel;
struct port_entry;

/* Where a visitor has come to. */
struct port_visit {
    struct route route;
    enum bind_kind kind;
    uint16_t port;
};

/* On the addresses the relay listens on. ERR_BUSY: another program has the port. fd_take: a socket
 * that listens there already, or -1. */
MUST_USE int port_entry_open(struct port_entry **out, struct tunnel *t, uint16_t port, int fd_take,
                             struct errinfo *why);

/* No new visitors; those who are there stay. NULL inside is fine. */
void port_entry_close(struct port_entry **p);

/* Ends it, but not its socket: visitors wait in it for whom it is given to. -1: NULL inside. */
int port_entry_detach_fd(struct port_entry **p);
