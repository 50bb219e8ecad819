#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int complain(struct errinfo *info, const char *what)
{
    return errinfo_set(info, ERR_SYSTEM, "%s: %s", what, strerror(errno));
}

static int make_card(const char *device, int *fd_out, struct errinfo *info)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        return complain(info, "/dev/net/tun");
    }
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        close(fd);
        return complain(info, device);
    }
    *fd_out = fd;
    return 0;
}

int tun_open(const char *netns, const char *device, int *fd_out, struct errinfo *info)
{
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int away = open(netns, O_RDONLY | O_CLOEXEC);
    int err = 0;

    if (home < 0 || away < 0 || setns(away, CLONE_NEWNET) < 0) {
        err = complain(info, netns);
    } else {
        err = make_card(device, fd_out, info);
        ASSERT(setns(home, CLONE_NEWNET) == 0);
    }
    if (home >= 0) {
        close(home);
    }
    if (away >= 0) {
        close(away);
    }
    return err;
}
