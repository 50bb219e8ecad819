/* The last bytes of a socket whose user has let go.
 *
 * Sends what is left, ends our direction, and throws away what the peer still sends until it ends
 * too: closing a socket with unread bytes would make the kernel send a reset, which destroys what
 * the peer has not yet read. Ends after STREAM_LINGER_MS without progress, and with the loop.
 */
#pragma once
#include "base/bufq.h"
#include "net/watch.h"

/* Takes the descriptor, its watch and the bytes. */
void linger_start(struct loop *loop, int fd_take, struct watch *watch_take, struct bufq *tx_take);
