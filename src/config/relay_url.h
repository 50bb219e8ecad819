/* How an agent names its relay, and the one word that carries a login.
 *
 *     RELAY      t.example.com   t.example.com:8443   wss://  ws://  tls://  tcp://
 *     login      RELAY#TOKEN   or   RELAY#TOKEN#sha256:BASE64
 *
 * A bare host means: try the ladder. What a pin is says tls/tls_trust.h.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/text.h"

enum relay_carrier {
    RELAY_LADDER, /* bare host: the best that works */
    RELAY_WSS,
    RELAY_WS,
    RELAY_TLS,
    RELAY_TCP,
};

enum { RELAY_HOST_MAX = 255 };

struct relay_url {
    enum relay_carrier carrier;
    char host[RELAY_HOST_MAX + 1]; /* without brackets, lower case */
    uint16_t port;                 /* never 0 after parse */
    bool has_port;                 /* it was written; else the carrier's default */
};

MUST_USE int relay_url_parse(struct slice text, struct relay_url *out, struct errinfo *info);

/* "wss://t.example.com", with the port only where it is not the default. */
void relay_url_show(struct text *out, const struct relay_url *url);
const char *relay_carrier_name(enum relay_carrier carrier); /* "auto", "wss", ... */

bool relay_url_is_encrypted(const struct relay_url *url); /* all but ws and tcp */
bool relay_url_is_loopback(const struct relay_url *url);  /* localhost, *.localhost, 127/8, ::1 */

/* Cuts the word after `adit login` into views. pin_out is empty when there is none; so is token_out
 * for a relay that asks for none (RELAY# or RELAY##PIN). */
MUST_USE int login_word_parse(struct slice word, struct slice *relay_out, struct slice *token_out,
                              struct slice *pin_out, struct errinfo *info);
