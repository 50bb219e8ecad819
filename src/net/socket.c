#include "net/socket.h"

#include <errno.h>

enum { SEND_VECTORS = 64 };

static size_t sum(const struct iovec *iov, int count)
{
    size_t bytes = 0;

    for (int i = 0; i < count; i++) {
        bytes += iov[i].iov_len;
    }
    return bytes;
}

/* One piece goes by the cheaper call. */
static ssize_t send_pieces(int fd, struct iovec *iov, int count)
{
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)count};
    int flags = MSG_NOSIGNAL | MSG_DONTWAIT;

    return count == 1 ? send(fd, iov->iov_base, iov->iov_len, flags) : sendmsg(fd, &message, flags);
}

int socket_send(int fd, struct bufq *q)
{
    struct iovec iov[SEND_VECTORS];

    while (!bufq_is_empty(q)) {
        int count = bufq_iov(q, iov, SEND_VECTORS);
        ssize_t n = send_pieces(fd, iov, count);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return err_from_errno(errno);
        }
        bool is_full = (size_t)n < sum(iov, count);
        bufq_drop(q, (size_t)n);
        if (is_full) {
            return ERR_AGAIN;
        }
    }
    return 0;
}

void socket_set_reset(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

int socket_new(int family, int type, int *fd_out)
{
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return err_from_errno(errno);
    }
    *fd_out = fd;
    return 0;
}
