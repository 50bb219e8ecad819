/* Small calls on sockets that more than one file of net/ needs. No state, no loop. */
#pragma once
#include <sys/socket.h>

#include "base/bufq.h"

/* Sends from the front of q until it is empty (0), the socket is full (ERR_AGAIN) or dead. */
MUST_USE int socket_send(int fd, struct bufq *q);

/* Its close sends a reset instead of an orderly end. */
void socket_set_reset(int fd);

/* A new non-blocking, close-on-exec socket, or a negative enum err. */
MUST_USE int socket_new(int family, int type, int *fd_out);
