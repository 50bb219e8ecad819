/* Who comes through a tunnel, as the relay tells it: an address and a port, small enough to be kept
 * with every stream. */
#pragma once
#include "net/addr.h"
#include "wire/open_facts.h"

struct visitor {
    uint16_t port;
    uint8_t length; /* of the address: 4, 16, or 0 where the relay did not say */
    uint8_t address[16];
};

struct visitor visitor_of(const struct open_facts *facts);

/* "203.0.113.7:50000", "-" for nobody. */
void visitor_show(const struct visitor *v, char out[ADDR_TEXT_BYTES]);
