/* Real sockets on loopback for tests, and a loop that runs until something holds, in bounded time.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "net/loop.h"

/* Two connected TCP sockets, non-blocking, close-on-exec. */
void sockets_connected(int fds[2]);

/* The same over IPv6; false where there is none. */
bool sockets_connected_v6(int fds[2]);

/* A listening TCP socket on 127.0.0.1, port chosen by the kernel. */
int sockets_listener(int backlog);

/* A blocking or non-blocking connection to where a listener is. */
int sockets_connect_to(int listener_fd);

/* Closes with a reset. */
void sockets_reset(int fd);

/* Fills the socket until it takes no more; returns how many bytes. */
size_t sockets_stuff(int fd);

/* Reads what is there; returns how many bytes, *is_end_out says whether EOF came. */
size_t sockets_drain(int fd, bool *is_end_out);

/* Runs turns until the condition holds; fails the test after 5 s. */
#define RUN_UNTIL(loop, condition)                                                                 \
    do {                                                                                           \
        for (int turns_ = 0; !(condition); turns_++) {                                             \
            assert_true(turns_ < 2500);                                                            \
            loop_run_for(loop, 2);                                                                 \
        }                                                                                          \
    } while (0)
