#include "config/relay_url.h"

#include "base/mem.h"
#include "config/value.h"
#include "net/addr.h"
#include "tls/tls_trust.h"

struct carrier {
    const char *name;
    uint16_t default_port;
    bool is_encrypted;
};

static const struct carrier carriers[] = {
    [RELAY_LADDER] = {"auto", 443, true}, [RELAY_WSS] = {"wss", 443, true},
    [RELAY_WS] = {"ws", 80, false},       [RELAY_TLS] = {"tls", 443, true},
    [RELAY_TCP] = {"tcp", 443, false},
};

/* Cuts "wss://" off *rest. A bare host is the ladder. */
static int cut_carrier(struct slice *rest, enum relay_carrier *out, struct errinfo *info)
{
    size_t at = slice_find(*rest, SLICE("://"));
    struct slice name = slice_sub(*rest, 0, at);

    *out = RELAY_LADDER;
    if (at == rest->len) {
        return 0;
    }
    *rest = slice_sub(*rest, at + 3, rest->len);
    for (size_t i = RELAY_WSS; i < COUNT_OF(carriers); i++) {
        if (slice_equal_nocase(name, slice_str(carriers[i].name))) {
            *out = (enum relay_carrier)i;
            return 0;
        }
    }
    bool is_web = slice_equal_nocase(name, SLICE("https")) ||
                  slice_equal_nocase(name, SLICE("http"));
    if (is_web) { /* never ws:// in its place: beyond this machine that is refused in turn */
        return errinfo_set(info, ERR_INVALID, "a relay is not named by %.*s://; write %s%.*s",
                           SLICE_ARG(name), name.len == 5 ? "wss://" : "",
                           SLICE_ARG(slice_sub(*rest, 0, 100)));
    }
    return errinfo_set(info, ERR_INVALID,
                       "unknown carrier '%.*s'; use wss, ws, tls or tcp, or the host alone",
                       SLICE_ARG(slice_sub(name, 0, 20)));
}

int relay_url_parse(struct slice text, struct relay_url *out, struct errinfo *info)
{
    struct relay_url url = {0};
    struct slice path = text;
    struct address address;

    TRY(cut_carrier(&path, &url.carrier, info));
    struct slice authority = slice_cut(&path, '/');
    uint16_t default_port = carriers[url.carrier].default_port;
    bool is_bad = value_address(authority, default_port, &address) < 0 || address.host[0] == '\0';
    if (is_bad || path.len) {
        return errinfo_set(info, ERR_INVALID,
                           "'%.*s' is no relay; write a host, host:port, or a URL such as "
                           "wss://t.example.com",
                           SLICE_ARG(slice_sub(text, 0, 100)));
    }
    for (size_t i = 0; address.host[i]; i++) {
        url.host[i] = ascii_lower(address.host[i]);
    }
    url.port = address.port;
    url.has_port = value_address(authority, 0, &address) == 0;
    *out = url;
    return 0;
}

void relay_url_show(struct text *out, const struct relay_url *url)
{
    bool is_v6 = strchr(url->host, ':') != NULL;

    if (url->carrier != RELAY_LADDER) {
        text_addf(out, "%s://", carriers[url->carrier].name);
    }
    text_addf(out, is_v6 ? "[%s]" : "%s", url->host);
    if (url->port != carriers[url->carrier].default_port) {
        text_addf(out, ":%u", url->port);
    }
}

const char *relay_carrier_name(enum relay_carrier carrier)
{
    return carriers[carrier].name;
}

bool relay_url_is_encrypted(const struct relay_url *url)
{
    return carriers[url->carrier].is_encrypted;
}

bool relay_url_is_loopback(const struct relay_url *url)
{
    return addr_is_loopback_host(slice_str(url->host));
}

int login_word_parse(struct slice word, struct slice *relay_out, struct slice *token_out,
                     struct slice *pin_out, struct errinfo *info)
{
    struct slice pin = word;
    struct slice relay = slice_cut(&pin, '#');
    struct slice token = pin.ptr ? slice_cut(&pin, '#') : SLICE_NONE;
    struct relay_url url;
    struct tls_pin key;

    if (!token.ptr) {
        return errinfo_set(info, ERR_INVALID,
                           "a login is RELAY#TOKEN, as the relay printed it; there is no token in "
                           "this one");
    }
    TRY(relay_url_parse(relay, &url, info));
    if (pin.ptr && tls_pin_parse(pin, &key) < 0) {
        return errinfo_set(info, ERR_INVALID,
                           "what follows the second # must be a pin, sha256:BASE64; copy the whole "
                           "line the relay printed");
    }
    *relay_out = relay;
    *token_out = token;
    *pin_out = pin;
    return 0;
}
