/* A network card made of a descriptor: packets the system sends through it are read here, packets
 * written here arrive in the system. It vanishes when the descriptor is closed. */
#pragma once
#include "base/err.h"

/* Opens the TUN card `device` inside the network namespace of a file: /proc/PID/ns/net, or
 * /run/netns/NAME. The caller's thread is back in its own namespace afterwards. Non-blocking. */
MUST_USE int tun_open(const char *netns, const char *device, int *fd_out, struct errinfo *info);
