/* Values as people write them in files and flags, read by the type the reader expects.
 *
 *     duration   500ms  10s  5m  24h  7d  0       a unit is required, except for 0
 *     size       4096  64K  32M  1G               powers of 1024
 *     port range 1024-32767  or  6000
 *     address    127.0.0.1:8080  [::]:443  :8080  8080
 *     bool       true false yes no on off
 *
 * All return 0, ERR_INVALID (not of this form) or ERR_TOO_LARGE. Pure.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/text.h"

struct port_range {
    uint16_t first; /* 0: no range */
    uint16_t last;
};

struct address {
    char host[256]; /* "" means every address, IPv6 and IPv4 */
    uint16_t port;
};

MUST_USE int value_bool(struct slice s, bool *out);
MUST_USE int value_duration_ms(struct slice s, uint64_t *out);
MUST_USE int value_size_bytes(struct slice s, uint64_t *out);
MUST_USE int value_port(struct slice s, uint16_t *out); /* 1-65535 */
MUST_USE int value_port_range(struct slice s, struct port_range *out);

/* Cuts "host:port", "[v6]:port", ":port" or "port"; a host without port is ERR_INVALID unless
 * default_port is not 0. An IPv6 host needs its brackets and loses them here. */
MUST_USE int value_address(struct slice s, uint16_t default_port, struct address *out);

/* "host:port", with brackets around an IPv6 host. */
void value_show_address(struct text *out, const struct address *address);
