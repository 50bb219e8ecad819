#include "config/tunnel_clash.h"

#include <string.h>

static bool is_same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool has_host(const struct tunnel_config *t, const char *host)
{
    for (size_t i = 0; i < t->hosts.count; i++) {
        if (is_same(t->hosts.items[i], host)) {
            return true;
        }
    }
    return false;
}

/* A name both want; NULL: none. */
static const char *common_name(const struct tunnel_config *a, const struct tunnel_config *b)
{
    if (is_same(a->subdomain, b->subdomain)) {
        return a->subdomain;
    }
    for (size_t i = 0; i < a->hosts.count; i++) {
        if (has_host(b, a->hosts.items[i])) {
            return a->hosts.items[i];
        }
    }
    return NULL;
}

static const char *path_of(const struct tunnel_config *t)
{
    return t->path ? t->path : "/";
}

static int check_pair(const struct tunnel_config *t, const struct tunnel_config *earlier,
                      struct origin at, struct problems *problems)
{
    const char *name = is_same(path_of(t), path_of(earlier)) ? common_name(t, earlier) : NULL;

    if (name) {
        problems_add(problems, at,
                     "tunnel '%s': tunnel '%s' has %s, too; give one of them another name or path",
                     t->key, earlier->key, name);
        return ERR_CONFIG;
    }
    if (t->port && t->port == earlier->port) {
        problems_add(problems, at,
                     "tunnel '%s': tunnel '%s' has port %u, too; give one of them another port",
                     t->key, earlier->key, t->port);
        return ERR_CONFIG;
    }
    return 0;
}

int tunnel_clash_check(const struct tunnel_list *list, size_t index, struct origin at,
                       struct problems *problems)
{
    for (size_t i = 0; i < index; i++) {
        TRY(check_pair(&list->items[index], &list->items[i], at, problems));
    }
    return 0;
}
