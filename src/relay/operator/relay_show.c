#include "relay/operator/relay_show.h"

#include "net/addr.h"
#include "net/ifaddr.h"
#include "relay/workers/shared.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

/* The name or address by which others dial this relay. */
static void show_own_host(const struct relay *r, struct text *out)
{
    struct addr at;
    char text[ADDR_TEXT_BYTES];

    if (r->config->domain) {
        text_add_str(out, r->config->domain);
        return;
    }
    if (relay_listen_addr(r, r->port, &at, NULL) < 0 || addr_is_any(&at)) {
        at = ifaddr_public();
    }
    bool is_v6 = at.storage.ss_family == AF_INET6;
    text_addf(out, is_v6 ? "[%s]" : "%s", addr_show_host(&at, text));
}

void relay_show_login(const struct relay *r, struct slice token, struct text *out)
{
    uint16_t port = r->port_tls ? r->port_tls : r->port;
    struct tls_pin pin;
    char text[TLS_PIN_TEXT_BYTES];

    show_own_host(r, out);
    if (port != HTTPS_PORT) {
        text_addf(out, ":%u", port);
    }
    text_addf(out, "#%.*s", SLICE_ARG(token));
    if (!r->has_certificate) {
        tls_identity_pin(r->identity, &pin);
        tls_pin_show(&pin, text);
        text_addf(out, "#%s", text);
    }
}

void relay_show_url(const struct relay *r, struct text *out)
{
    bool is_https = r->has_certificate;
    uint16_t port = is_https && r->port_tls ? r->port_tls : r->port;

    text_addf(out, "%s://", is_https ? "https" : "http");
    show_own_host(r, out);
    if (port != (is_https ? HTTPS_PORT : HTTP_PORT)) {
        text_addf(out, ":%u", port);
    }
}
