/* What may follow a TLS 1.3 handshake (RFC 8446, section 4.6): little. A peer renews its keys; a
 * server hands out tickets, which we, as a client, have no use for. All else is refused. Pure. */
#pragma once
#include <gnutls/gnutls.h>

#include "base/bufq.h"

enum { TLS13_UPDATE_BYTES = 5 };

/* A message may be cut into several records. Zeroed: between two messages. */
struct tls13_post {
    uint8_t bytes[TLS13_UPDATE_BYTES]; /* a KeyUpdate in whole, of others the head */
    uint8_t have;
    uint32_t skip; /* bytes of a ticket still to come */
};

struct tls13_news {
    bool has_new_keys; /* the peer's next record is sealed with them */
    bool wants_ours;
};

/* Takes the content of a record of messages, all of it. 0, or the alert to end with. */
int tls13_post_read(struct tls13_post *p, struct bufq *content, bool is_client,
                    struct tls13_news *news_out);

/* Inside a message there may be no other record. */
bool tls13_post_is_between(const struct tls13_post *p);

/* A KeyUpdate that asks for none back. */
extern const uint8_t tls13_update[TLS13_UPDATE_BYTES];
