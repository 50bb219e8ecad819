/* Addresses of this machine. */
#pragma once
#include "net/addr.h"

/* The address others most likely reach this machine by: a public IPv4 one if it has one, else a
 * private one, else IPv6, else loopback. Port 0. */
struct addr ifaddr_public(void);
