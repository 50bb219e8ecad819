/* By what name the public reaches this relay, as one agent sees it.
 *
 *      --domain D                    NAME.D
 *      dialled over loopback         NAME.localhost
 *      dialled a host name, and      NAME.host      (a wildcard DNS record leads here)
 *        random.host leads there too
 *      otherwise                     host:PORT, a port for each HTTP tunnel
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct loop;
struct relay;

struct public_name {
    char host[256];      /* the base of names: NAME.host */
    char port_host[256]; /* in front of ports: as the agent dialled it, or the domain */
    uint16_t port;       /* of HTTP URLs by name */
    bool has_names;      /* NAME.host leads here */
    bool is_https;
};

/* Finds it for an agent that dialled "host:port"; asks DNS where that is needed. done is called
 * from the ready phase, once. */
typedef void public_name_fn(void *ctx, const struct public_name *name);
void public_name_find(const struct relay *relay, struct loop *loop, struct slice dialled,
                      public_name_fn *done, void *ctx);

/* "https://blog.t.example.com/api", without the port where it is the usual one. */
void public_name_show_url(const struct public_name *n, struct slice host, struct slice path,
                          struct text *out);

/* "tcp://t.example.com:6000" or "http://203.0.113.5:20001" */
void public_name_show_port(const struct public_name *n, const char *scheme, uint16_t port,
                           struct text *out);
