/* Keeps the cookies of one tunnel away from its neighbours.
 *
 * Tunnels share the relay's domain, and a cookie for the domain itself or for anything above it
 * would be sent to all of them. Such a `Domain=` is taken out of Set-Cookie; the cookie is then
 * good for the host that set it, which is what most services want. Domains below the relay's, and
 * those of hosts that are not the relay's, stay.
 */
#pragma once
#include "http/head.h"

/* relay_domain: lower case; empty: nothing is changed. */
void cookie_domain_strip(struct http_head *response, struct slice relay_domain);
