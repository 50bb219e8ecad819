#include "cmd/relay_text.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "relay/operator/relay_show.h"
#include "relay/relay.h"
#include "store/store.h"
#include "tls/tls_identity.h"

enum { DAY_BYTES = 10 };

static void add_certificate(const struct relay *relay, struct text *out)
{
    char until[CLOCK_TEXT_BYTES];

    if (!relay->has_certificate) {
        text_add_str(out, "  (own key; agents know it by its pin)\n");
        return;
    }
    clock_show(tls_identity_expires_at_ms(relay->identity), until);
    text_addf(out, "  (certificate: %.*s, until %.*s)\n",
              SLICE_ARG(tls_identity_issuer(relay->identity)), DAY_BYTES, until);
}

/* The address and the pin are shown at every start; a token only once. */
static void add_login(const struct relay *relay, struct slice token, const char *remark,
                      struct text *out)
{
    text_add_str(out, "on the machine with the service:\n    adit login ");
    relay_show_login(relay, token, out);
    text_addf(out, "        (%s)\n", remark);
}

static void add_first_login(struct relay *relay, struct text *out)
{
    char token[STORE_TOKEN_TEXT_BYTES];
    struct rights rights = {0};
    struct errinfo why = {0};
    uint64_t id = 0;
    int err = store_create_token(relay->store, SLICE("first"), &rights, 0, token, &id, &why);

    if (err < 0) {
        log_error(&relay->log, "no first token", LOG_STR("reason", errinfo_text(&why, err)));
        return;
    }
    add_login(relay, slice_str(token), "shown once; more: adit token create NAME", out);
    mem_wipe(token, sizeof token);
}

void relay_text_ready(struct relay *relay, struct text *out)
{
    text_add_str(out, "relay ready: ");
    relay_show_url(relay, out);
    add_certificate(relay, out);
    if (relay->config->is_open) {
        add_login(relay, SLICE_NONE, "open to every agent: no token is asked for", out);
    } else if (store_is_new(relay->store)) {
        add_first_login(relay, out);
    } else {
        add_login(relay, SLICE("TOKEN"), "a TOKEN: adit token create NAME", out);
    }
}
