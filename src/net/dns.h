/* Host names to addresses: the system's resolver (getaddrinfo) on libuv's threads.
 *
 * At most DNS_RUNNING_MAX look-ups of a loop run at a time, so that a name server that is silent
 * does not take all threads; the others wait, and their deadline runs. Nothing is remembered:
 * whoever reconnects asks anew.
 */
#pragma once
#include "net/addr.h"
#include "net/loop.h"

enum {
    DNS_ADDRS_MAX = 16,
    DNS_RUNNING_MAX = 2,
    DNS_WAITING_MAX = 1024,
    DNS_HOST_BYTES = 256,
};

struct dns_query;

/* From the ready phase; the query is gone. err: 0 with count > 0, ERR_DNS (no such name, or no
 * answer of the name server), ERR_TIMEOUT, ERR_FULL. The addresses are valid during the call. */
typedef void dns_fn(void *ctx, int err, const struct addr *addrs, size_t count,
                    const struct errinfo *info);

struct dns_query *dns_start(struct loop *loop, struct slice host, uint16_t port,
                            uint64_t deadline_ms, dns_fn *fn, void *ctx);

/* Nobody is told any more. Accepts NULL inside. */
void dns_stop(struct dns_query **q);

/* Names that need no look-up: literal addresses, and localhost, which is always this machine
 * (RFC 6761). Returns how many addresses there are; 0: ask. */
size_t dns_known(struct slice host, uint16_t port, struct addr out[2]);
