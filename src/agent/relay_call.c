#include "agent/relay_call.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "config/value.h"

static void choose_rungs(enum relay_carrier carrier, struct ladder_options *o)
{
    static const enum carrier_kind kinds[] = {
        [RELAY_WSS] = CARRIER_WSS,
        [RELAY_WS] = CARRIER_WS,
        [RELAY_TLS] = CARRIER_TLS,
        [RELAY_TCP] = CARRIER_TCP,
    };

    if (carrier == RELAY_LADDER) {
        o->rungs[o->rung_count++] = CARRIER_TLS;
        o->rungs[o->rung_count++] = CARRIER_WSS;
    } else {
        o->rungs[o->rung_count++] = kinds[carrier];
    }
}

int relay_call_trust(const struct agent_relay *relay, struct tls_trust **trust_out,
                     struct errinfo *why)
{
    const struct tls_trust_options options = {
        .pins = &relay->pin,
        .pin_count = relay->has_pin ? 1 : 0,
        .ca_file = relay->ca_file,
    };

    *trust_out = NULL;
    return relay_url_is_encrypted(&relay->url) ? tls_trust_new(&options, trust_out, why) : 0;
}

int relay_call_dial(struct loop *loop, const struct relay_call *call,
                    const struct ladder_user *user, void *ctx, struct ladder **ladder_out,
                    struct errinfo *why)
{
    struct ladder_options options = {
        .host = slice_str(call->relay->url.host),
        .port = call->relay->url.port,
        .limit_ms = call->limit_ms,
        .greeting = {.node_id = call->identity->agent_id,
                     .run_id = call->run_id,
                     .initial_window = call->initial_window,
                     .limit_ms = call->limit_ms},
    };

    TRY(relay_call_trust(call->relay, &options.trust, why));
    choose_rungs(call->relay->url.carrier, &options);
    *ladder_out = ladder_start(loop, &options, user, ctx);
    tls_trust_unref(&options.trust);
    return 0;
}

static void show_dialled(const struct relay_url *url, struct text *out)
{
    struct address address = {.port = url->port};

    memcpy(address.host, url->host, strlen(url->host));
    value_show_address(out, &address);
}

/* "linux/x86_64" */
static void show_platform(struct text *out)
{
    struct utsname name;

    if (uname(&name) == 0) {
        text_addf(out, "%s/%s", name.sysname, name.machine);
        for (size_t i = 0; i < out->len; i++) {
            out->ptr[i] = ascii_lower(out->ptr[i]);
        }
    }
}

void relay_call_log_in(struct greet_client *greeting, const struct relay_call *call)
{
    char host_name[LINK_TEXT_MAX_BYTES] = "";
    struct text dialled = {0};
    struct text platform = {0};

    gethostname(host_name, sizeof host_name - 1);
    show_dialled(&call->relay->url, &dialled);
    show_platform(&platform);
    const struct link_login login = {
        .token = slice_str(call->relay->token),
        .host_name = slice_str(host_name),
        .agent_version = slice_str(call->version),
        .platform = text_slice(&platform),
        .dialled = text_slice(&dialled),
        .is_share = call->is_shared,
    };
    greet_client_log_in(greeting, &login, call->identity->secret);
    text_deinit(&dialled);
    text_deinit(&platform);
}

const char *relay_call_fix(uint16_t refusal)
{
    switch (refusal) {
    case LINK_REFUSAL_TOKEN:
    case LINK_REFUSAL_REVOKED:
        return "get a token from the relay's owner (adit token create NAME), then adit login";
    case LINK_REFUSAL_IDENTITY:
        return "remove the file `agent` in this agent's state folder, to become a new one";
    case LINK_REFUSAL_VERSION:
        return "update the older of the two";
    default:
        return NULL;
    }
}
