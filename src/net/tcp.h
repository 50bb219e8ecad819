/* A stream over a connected socket, TCP or unix: the bottom of every stack.
 *
 *  - Reads go from the kernel straight into the reader's queue; nothing is read ahead. A short
 *    read means that the kernel has no more, so there is no second call that only says EAGAIN.
 *  - Writes wait for the end of the round, or for 64 KiB: then they go at once.
 *  - A reset is told as BROKEN also while nobody reads. What came before it can still be read.
 *  - After close the rest is sent in the background (net/linger).
 *  - In steady state a request costs one recv and one sendmsg, and no epoll_ctl.
 */
#pragma once
#include "net/addr.h"
#include "net/stream.h"

/* Takes the descriptor, also when it fails; then it is closed, and the log says so. */
MUST_USE int tcp_open(struct stream **out, struct loop *loop, int fd_take);

/* The kernel takes more only while less than this waits unsent in it (TCP_NOTSENT_LOWAT), so that
 * what is sent is decided late and a stalled reader holds little. Accepted sockets inherit it. */
void tcp_set_notsent_low(int fd, uint32_t bytes);

/* What the kernel knows. ERR_UNSUPPORTED for unix sockets and elsewhere than on Linux. */
struct tcp_stats {
    uint64_t acked_bytes; /* grows: the peer is alive */
    uint32_t ack_age_ms;  /* since its last acknowledgement came */
    uint64_t delivery_bytes_per_s;
    uint32_t rtt_us;
    uint32_t rtt_min_us; /* the shortest of the last minutes */
    uint32_t rtt_var_us;
    uint32_t unsent_bytes;
    uint32_t resent_segments;
};
MUST_USE int tcp_stats(const struct stream *s, struct tcp_stats *out);

/* Gives up the stream but not the connection: the descriptor may go to another loop or process.
 * Nothing unread is lost (the kernel still has it); what was written but not yet sent is appended
 * to unsent. Nulls *s. */
int tcp_detach_fd(struct stream **s, struct bufq *unsent);

/* The descriptor, for options; it stays the stream's. */
int tcp_fd(const struct stream *s);

/* Both ends of the connection, by stream_facts.socket: nothing where that is NULL. The kernel is
 * asked each time. */
struct addr tcp_peer(const struct stream *socket);
struct addr tcp_local(const struct stream *socket);
