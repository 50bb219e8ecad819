#include "relay/tunnel_open.h"

#include <netinet/in.h>

/* The address bytes as they go over the wire; empty for unix sockets. */
static struct slice address_bytes(const struct addr *a)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->storage;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->storage;

    if (a->storage.ss_family == AF_INET) {
        return slice_of(&v4->sin_addr, sizeof v4->sin_addr);
    }
    if (a->storage.ss_family == AF_INET6) {
        return slice_of(&v6->sin6_addr, sizeof v6->sin6_addr);
    }
    return SLICE_NONE;
}

int tunnel_open_stream(struct tunnel *t, struct open_facts *facts, const struct addr *peer,
                       struct stream **stream_out)
{
    uint8_t bytes[OPEN_FACTS_MAX_BYTES];
    size_t n = 0;

    facts->visitor = address_bytes(peer);
    facts->visitor_port = addr_port(peer);
    TRY(open_facts_encode(facts, bytes, sizeof bytes, &n));
    return session_open(t->session, t->id, slice_of(bytes, n), stream_out);
}
