/* The router of the inside: gives what goes out a public address and port, and remembers whose
 * the answers are. IPv4, TCP and UDP; anything else does not pass.
 *
 * Like a home router it maps an inside address and port to one public port whatever the
 * destination, and lets a TCP segment start a mapping only if it is a SYN. nat_rebind forgets all
 * mappings and moves to the next public address: a phone that goes from Wi-Fi to the mobile net.
 * A TCP connection from before is then dead without a word; UDP goes on from another address.
 *
 * Pure. Rewrites packets in place and keeps their checksums right.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NAT_ADDRESS_COUNT = 16, /* public addresses from the first one on, used in turn */
    NAT_MAPPINGS_MAX = 8192,
};

struct nat;

struct nat *nat_new(uint32_t first_address, uint64_t seed); /* host byte order */
void nat_free(struct nat **nat);

/* False: this packet does not pass. */
bool nat_outward(struct nat *nat, uint8_t *packet, size_t n);
bool nat_inward(struct nat *nat, uint8_t *packet, size_t n);

void nat_rebind(struct nat *nat);

uint32_t nat_address(const struct nat *nat); /* the public one in use */
