#include "net/ifaddr.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

enum rank { RANK_NONE, RANK_LOOPBACK, RANK_V6, RANK_PRIVATE_V4, RANK_PUBLIC_V4 };

static bool is_private(const struct sockaddr_in *v4)
{
    uint32_t a = ntohl(v4->sin_addr.s_addr);

    return a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 || a >> 16 == 0xa9fe ||
           a >> 22 == 0x191;
}

static enum rank rank_of(const struct ifaddrs *i)
{
    if (!i->ifa_addr || !(i->ifa_flags & IFF_UP)) {
        return RANK_NONE;
    }
    if (i->ifa_addr->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)i->ifa_addr;
        return i->ifa_flags & IFF_LOOPBACK ? RANK_LOOPBACK
               : is_private(v4)            ? RANK_PRIVATE_V4
                                           : RANK_PUBLIC_V4;
    }
    if (i->ifa_addr->sa_family == AF_INET6 && !(i->ifa_flags & IFF_LOOPBACK)) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)i->ifa_addr;
        return IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) ? RANK_NONE : RANK_V6;
    }
    return RANK_NONE;
}

struct addr ifaddr_public(void)
{
    struct ifaddrs *all = NULL;
    struct addr best;
    enum rank best_rank = RANK_NONE;

    if (addr_parse_host(SLICE("127.0.0.1"), 0, &best) < 0 || getifaddrs(&all) < 0) {
        return best;
    }
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        enum rank rank = rank_of(i);
        if (rank > best_rank) {
            best_rank = rank;
            struct sockaddr_storage storage = {0};
            socklen_t len = i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                                              : sizeof(struct sockaddr_in6);
            memcpy(&storage, i->ifa_addr, len);
            best = addr_of(&storage, len);
        }
    }
    freeifaddrs(all);
    addr_set_port(&best, 0);
    return best;
}
