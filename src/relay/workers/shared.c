#include "relay/workers/shared.h"

#include "base/text.h"
#include "gen/version.h"
#include "net/addr.h"

const char *relay_version(void)
{
    return ADIT_VERSION;
}

struct tls_identity *relay_identity(struct relay *r)
{
    pthread_mutex_lock(&r->identity_lock);
    struct tls_identity *i = tls_identity_ref(r->identity);
    pthread_mutex_unlock(&r->identity_lock);
    return i;
}

int relay_addr(const char *flag, const struct address *a, uint16_t port, struct addr *out,
               struct errinfo *why)
{
    struct text literal = {0};
    bool is_v6 = strchr(a->host, ':') != NULL;

    text_addf(&literal, is_v6 ? "[%s]:%u" : "%s:%u", a->host, port);
    int err = addr_parse(text_slice(&literal), out);
    text_deinit(&literal);
    return err < 0
               ? errinfo_set(why, ERR_INVALID,
                             "%s %s: an address of this machine is due, not a name", flag, a->host)
               : 0;
}

int relay_listen_addr(const struct relay *r, uint16_t port, struct addr *out, struct errinfo *why)
{
    return relay_addr("--listen", &r->config->listen, port, out, why);
}
