/* What only Linux's TCP can be asked. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "net/tcp.h"

void tcp_set_notsent_low(int fd, uint32_t bytes)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

int tcp_stats(const struct stream *s, struct tcp_stats *out)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;

    *out = (struct tcp_stats){0};
    if (getsockopt(tcp_fd(s), IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
        len < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked) {
        return ERR_UNSUPPORTED;
    }
    out->acked_bytes = info.tcpi_bytes_acked;
    out->ack_age_ms = info.tcpi_last_ack_recv;
    out->delivery_bytes_per_s = info.tcpi_delivery_rate;
    out->rtt_us = info.tcpi_rtt;
    out->rtt_min_us = info.tcpi_min_rtt;
    out->rtt_var_us = info.tcpi_rttvar;
    out->unsent_bytes = info.tcpi_notsent_bytes;
    out->resent_segments = info.tcpi_total_retrans;
    return 0;
}
