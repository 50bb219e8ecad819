/* Tells the origin who the visitor is: X-Forwarded-For, -Proto, -Host, Forwarded (RFC 7239) and
 * X-Real-IP.
 *
 * A stranger's claims are replaced. A proxy the operator has listed may have said something
 * already; then what it said stays and ours is added behind it.
 */
#pragma once
#include <stdbool.h>

#include "http/head.h"

struct forwarded_facts {
    struct slice address; /* of the peer: "203.0.113.5", "2001:db8::1" */
    struct slice proto;   /* "http" or "https": how the peer reached us */
    bool is_peer_trusted; /* a listed proxy */
};

/* Changes the head of a request. The slices must live as long as the head. */
void forwarded_add(struct http_head *request, const struct forwarded_facts *facts);

/* The visitor as far back as it is known: the last address of X-Forwarded-For for a trusted peer,
 * else the peer. Call it before forwarded_add. */
struct slice forwarded_visitor(const struct http_head *request,
                               const struct forwarded_facts *facts);
