/* For net/dial: a stream over a socket that is being watched already. */
#pragma once
#include "net/tcp.h"
#include "net/watch.h"

/* Takes both. `told`: what the watch has told already, and will not tell again. */
struct stream *tcp_open_watched(struct loop *loop, int fd_take, struct watch *watch_take,
                                unsigned told);
