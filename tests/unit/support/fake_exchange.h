/* Two connected ends of an exchange in memory: what one sends the other reads.
 *
 * Shaped like a stream of HTTP/2 (heads, body, trailers, end and reset are things of their own),
 * and no byte of HTTP/1 is made: who works with these works with any version. The visitor's end
 * writes requests, the front's end is what a server would hand out.
 */
#pragma once
#include "http/exchange.h"

/* room: body bytes in flight per direction. Both ends are closed like any exchange and free
 * themselves. */
void fake_exchange_open(struct loop *loop, size_t room, struct exchange **visitor_out,
                        struct exchange **front_out);
