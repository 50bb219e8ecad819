#include "relay/tunnels/tunnel_open.h"

int tunnel_open_stream(struct tunnel *t, struct open_facts *facts, const struct addr *peer,
                       struct stream **stream_out)
{
    const struct addr_brief visitor = addr_shorten(peer);
    uint8_t bytes[OPEN_FACTS_MAX_BYTES];
    size_t n = 0;

    facts->visitor = slice_of(visitor.bytes, visitor.length);
    facts->visitor_port = visitor.port;
    TRY(open_facts_encode(facts, bytes, sizeof bytes, &n));
    return session_open(t->session, t->id, slice_of(bytes, n), stream_out);
}
