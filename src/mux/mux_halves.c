/* The three small machines of a stream, and which step may follow which.
 *
 *     ours:    OPEN --finish--> FINISHED --FIN out--> FIN_SENT --acknowledged--> DONE
 *                |  <--stop------'  ^                     |
 *                                   '---- new carrier ----'
 *     theirs:  OPEN --STOP by us--> DRAINING --FIN in--> ENDED
 *                '----------------FIN in--------------->'
 *     life:    RESERVED --OPEN--> OPEN --RESET by us--> RESETTING --RESET_ACK--> OVER
 *                                   '---RESET by the peer, or a lost session---->'
 *
 * A reset takes both halves to their ends at once. Every state is left at the latest when the
 * session ends. Nothing else in the engine assigns to these fields.
 */
#include "mux/mux_priv.h"

static const uint8_t tx_may_follow[] = {
    [TX_OPEN] = 1 << TX_FINISHED | 1 << TX_DONE,
    [TX_FINISHED] = 1 << TX_FIN_SENT | 1 << TX_DONE,
    [TX_FIN_SENT] = 1 << TX_FINISHED | 1 << TX_DONE,
    [TX_DONE] = 1 << TX_DONE,
};

static const uint8_t rx_may_follow[] = {
    [RX_OPEN] = 1 << RX_DRAINING | 1 << RX_ENDED,
    [RX_DRAINING] = 1 << RX_ENDED,
    [RX_ENDED] = 1 << RX_ENDED,
};

static const uint8_t life_may_follow[] = {
    [LIFE_RESERVED] = 1 << LIFE_OPEN | 1 << LIFE_RESETTING | 1 << LIFE_OVER,
    [LIFE_OPEN] = 1 << LIFE_RESETTING | 1 << LIFE_OVER,
    [LIFE_RESETTING] = 1 << LIFE_OVER,
    [LIFE_OVER] = 0,
};

void tx_set(struct mux_stream *s, enum tx_state next)
{
    ASSERT(tx_may_follow[s->tx_state] & 1 << next);
    s->tx_state = next & 3;
}

void rx_set(struct mux_stream *s, enum rx_state next)
{
    ASSERT(rx_may_follow[s->rx_state] & 1 << next);
    s->rx_state = next & 3;
}

void life_set(struct mux_stream *s, enum life next)
{
    ASSERT(life_may_follow[s->life] & 1 << next);
    if (s->life == LIFE_RESERVED) {
        mux_of(s)->reserved_count--;
    }
    s->life = next & 3;
}
