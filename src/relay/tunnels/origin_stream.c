#include "relay/tunnels/origin_stream.h"

#include "relay/tunnels/tunnel_open.h"
#include "session/link_stream.h"

/* A route leads here once the entry is granted; the news may still be on its way to the tunnel. */
int origin_find_tunnel(struct worker *w, struct route route, struct tunnel **tunnel_out)
{
    struct tunnel *t = tunnel_find_route(w, route);

    if (!t || t->state == TUNNEL_UNBOUND) {
        return ERR_NOT_FOUND;
    }
    *tunnel_out = t;
    return session_is_attached(t->session) ? 0 : ERR_AGAIN;
}

int origin_open_stream(struct tunnel *t, const struct origin_caller *caller,
                       struct stream **stream_out)
{
    struct open_facts facts = {
        .relay_host = slice_sub(caller->host, 0, OPEN_TEXT_MAX_BYTES),
        .relay_port = caller->port,
        .scheme = caller->scheme,
        .is_exchange = true,
    };

    return tunnel_open_stream(t, &facts, caller->visitor, stream_out);
}

void origin_begin_exchange(struct stream *s)
{
    struct mux_stream *ms = link_stream_mux(s);

    if (ms) {
        mux_stream_begin(ms);
    }
}

int origin_wait(struct tunnel *t, struct session_waiter *waiter, uint64_t limit_ms)
{
    if (t->waiter_count == TUNNEL_WAITERS_MAX) {
        return ERR_FULL;
    }
    t->waiter_count++;
    session_wait(t->session, waiter, limit_ms);
    return 0;
}

void origin_unwait(struct worker *w, struct route route, struct session_waiter *waiter)
{
    struct tunnel *t = NULL;

    session_unwait(waiter);
    if (origin_find_tunnel(w, route, &t) != ERR_NOT_FOUND) {
        t->waiter_count--;
    }
}
