#include "agent/agent_tunnel.h"

#include "base/log.h"
#include "base/mem.h"
#include "http/static_files.h"

static struct target copy_target(const struct target *from)
{
    return (struct target){
        .scheme = from->scheme,
        .host = from->host ? mem_strdup(from->host) : NULL,
        .port = from->port,
        .path = from->path ? mem_strdup(from->path) : NULL,
    };
}

struct agent_tunnel *agent_tunnel_new(uint32_t id, const struct tunnel_config *config)
{
    struct agent_tunnel *tunnel = NEW(struct agent_tunnel);

    tunnel->id = id;
    tunnel->refs = 1;
    tunnel->key = mem_strdup(config->key);
    tunnel->name = mem_strdup(config->key);
    tunnel->kind = (enum tunnel_kind)config->kind;
    tunnel->target = copy_target(&config->target);
    tunnel->config = config;
    return tunnel;
}

struct agent_tunnel *agent_tunnel_ref(struct agent_tunnel *tunnel)
{
    tunnel->refs++;
    return tunnel;
}

void agent_tunnel_unref(struct agent_tunnel **tunnel)
{
    struct agent_tunnel *t = *tunnel;

    *tunnel = NULL;
    if (t && --t->refs == 0) {
        target_deinit(&t->target);
        static_files_free(&t->files);
        mem_free(t->key);
        mem_free(t->name);
        mem_free(t->url);
        mem_free(t);
    }
}

static bool state_may_follow(enum tunnel_state from, enum tunnel_state to)
{
    switch (to) {
    case TUNNEL_DUE:
        return from != TUNNEL_REFUSED && from != TUNNEL_RETIRED;
    case TUNNEL_ASKED:
        return from == TUNNEL_DUE || from == TUNNEL_PAUSED;
    case TUNNEL_BOUND:
        return from == TUNNEL_ASKED;
    case TUNNEL_PAUSED:
    case TUNNEL_REFUSED:
        return from == TUNNEL_ASKED || from == TUNNEL_BOUND;
    case TUNNEL_RETIRED:
        return true;
    }
    UNREACHABLE();
}

void agent_tunnel_set_state(struct agent_tunnel *tunnel, enum tunnel_state next)
{
    static const char *const names[] = {
#define X(id, sentence) #id,
        TUNNEL_STATE_LIST(X)
#undef X
    };

    ASSERT(state_may_follow(tunnel->state, next));
    log_debug(NULL, "tunnel", LOG_STR("key", tunnel->key), LOG_STR("from", names[tunnel->state]),
              LOG_STR("to", names[next]));
    tunnel->state = next;
}

void agent_tunnel_show_target(const struct agent_tunnel *tunnel, struct text *out)
{
    target_show(out, &tunnel->target, tunnel->kind == TUNNEL_HTTP);
}
