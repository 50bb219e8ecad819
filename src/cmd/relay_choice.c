#include "cmd/relay_choice.h"

#include "agent/relay_call.h"
#include "base/mem.h"

/* ---- trust ---- */

/* Tried once here, so that what is wrong is told before anything is dialled. */
static int check_trust(const struct agent_relay *relay, struct errinfo *why)
{
    struct tls_trust *trust = NULL;

    TRY(relay_call_trust(relay, &trust, why));
    tls_trust_unref(&trust);
    return 0;
}

static int set_trust(const struct login *login, struct agent_relay *out, struct errinfo *why)
{
    if (login->pin) {
        if (tls_pin_parse(slice_str(login->pin), &out->pin) < 0) {
            return errinfo_set(why, ERR_CONFIG,
                               "'%.80s' is no pin; it is sha256:BASE64, as the relay prints it",
                               login->pin);
        }
        out->has_pin = true;
    }
    out->ca_file = login->ca ? mem_strdup(login->ca) : NULL;
    return check_trust(out, why);
}

static int check_encryption(const struct agent_config *config, const struct relay_url *url,
                            struct errinfo *why)
{
    if (relay_url_is_encrypted(url) || relay_url_is_loopback(url) || config->is_insecure) {
        return 0;
    }
    return errinfo_set(why, ERR_CONFIG,
                       "%s:// is not encrypted: everybody on the way could read the token; use %s, "
                       "or add --insecure",
                       relay_carrier_name(url->carrier),
                       url->carrier == RELAY_WS ? "wss://" : "tls://");
}

int relay_choice_make(const struct agent_config *config, const struct login *login,
                      struct agent_relay *out, struct errinfo *why)
{
    *out = (struct agent_relay){0};
    if (relay_url_parse(slice_str(login->relay), &out->url, why) < 0) {
        return ERR_CONFIG;
    }
    TRY(check_encryption(config, &out->url, why));
    TRY(set_trust(login, out, why));
    out->token = mem_strdup(login->token ? login->token : "");
    return 0;
}

/* ---- logins ---- */

/* Another way to the same relay: the token is the same. */
static const struct login *find_same_place(const struct logins *logins, const struct relay_url *url)
{
    for (size_t i = 0; i < logins->count; i++) {
        struct relay_url saved;
        if (relay_url_parse(slice_str(logins->items[i].relay), &saved, NULL) == 0 &&
            strcmp(saved.host, url->host) == 0 && saved.port == url->port) {
            return &logins->items[i];
        }
    }
    return NULL;
}

static const struct login *find_login(const struct logins *logins, const char *relay)
{
    struct relay_url url;
    struct text shown = {0};

    if (!relay) {
        return logins_find(logins, NULL);
    }
    if (relay_url_parse(slice_str(relay), &url, NULL) < 0) {
        return NULL; /* relay_choice_make says what is wrong */
    }
    relay_url_show(&shown, &url);
    const struct login *login = logins_find(logins, text_str(&shown));
    text_deinit(&shown);
    return login ? login : find_same_place(logins, &url);
}

/* What is said now goes before what was saved; whom to trust is one thing, pin and ca together. */
static int choose(const struct agent_config *config, const struct login *saved,
                  struct agent_relay *out, struct errinfo *why)
{
    struct login login = saved ? *saved : (struct login){0};

    if (config->relay) {
        login.relay = config->relay;
    }
    if (config->token.text) {
        login.token = config->token.text;
    }
    if (config->pin || config->ca) {
        login.pin = config->pin;
        login.ca = config->ca;
    }
    if (!login.relay) {
        return errinfo_set(why, ERR_CONFIG,
                           "no relay is known; run `adit login RELAY#TOKEN` once (the relay prints "
                           "that line), or give --relay and --token");
    }
    return relay_choice_make(config, &login, out, why);
}

int relay_choice_find(const struct agent_config *config, const char *state_folder,
                      struct agent_relay *out, struct errinfo *why)
{
    struct logins logins = {0};

    TRY(logins_load(state_folder, &logins, why));
    int err = choose(config, find_login(&logins, config->relay), out, why);
    logins_deinit(&logins);
    return err;
}
