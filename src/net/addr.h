/* Socket addresses: as text, compared, asked.
 *
 *     127.0.0.1:80    [::1]:80    :80 (every address, IPv4 and IPv6)    unix:/run/app.sock
 *
 * Host names are not addresses: addr_split takes "name:port" apart, net/dial resolves it. An IPv4
 * address that a dual-stack socket gives as ::ffff:a.b.c.d is turned into plain IPv4 wherever an
 * address enters the program.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

struct addr {
    struct sockaddr_storage storage; /* ss_family 0: none */
    socklen_t len;
};

/* "[ffff:...:255.255.255.255%longscope]:65535" or "unix:" and a path. */
enum { ADDR_TEXT_BYTES = 128 };

/* A literal address with port, or a unix path. ERR_INVALID. */
MUST_USE int addr_parse(struct slice text, struct addr *out);

/* A literal address without port ("::1", "[::1]", "10.0.0.1"). ERR_INVALID. */
MUST_USE int addr_parse_host(struct slice text, uint16_t port, struct addr *out);

/* "host:port" or "[v6]:port" into its parts; host comes without brackets and may be empty. A port
 * must be there (0 is allowed). ERR_INVALID. */
MUST_USE int addr_split(struct slice text, struct slice *host_out, uint16_t *port_out);

/* As the kernel gave it; mapped IPv4 becomes IPv4. */
struct addr addr_of(const struct sockaddr_storage *storage, socklen_t len);

/* An IP address with its port, small enough to be kept with every stream. */
struct addr_brief {
    uint16_t port;
    uint8_t length; /* of bytes: 4, 16, or 0: none */
    uint8_t bytes[16];
};
struct addr_brief addr_shorten(const struct addr *a); /* none for a unix socket */
struct addr addr_lengthen(const struct addr_brief *b);

/* Of a connected or bound socket; none when the kernel does not know any more. */
struct addr addr_of_peer(int fd);
struct addr addr_of_local(int fd);

/* With port ("[::1]:80") and without ("::1"). "unix:/path" both times; "-" for none. */
const char *addr_show(const struct addr *a, char out[ADDR_TEXT_BYTES]);
const char *addr_show_host(const struct addr *a, char out[ADDR_TEXT_BYTES]);

uint16_t addr_port(const struct addr *a); /* 0 for unix and none */
void addr_set_port(struct addr *a, uint16_t port);

bool addr_is_loopback(const struct addr *a); /* unix sockets are, too */
bool addr_is_any(const struct addr *a);      /* 0.0.0.0 or :: */
bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_equal_host(const struct addr *a, const struct addr *b); /* the port may differ */

/* "localhost" and names below it (RFC 6761 section 6.3). */
bool addr_is_localhost(struct slice host);

/* Those, and literal addresses: what is said to this host stays on this machine. */
bool addr_is_loopback_host(struct slice host);
