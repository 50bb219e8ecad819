#include "config/agent_config.h"

#include "base/mem.h"
#include "config/file.h"
#include "config/host_name.h"
#include "config/relay_url.h"
#include "config/tree.h"
#include "config/tunnel_clash.h"
#include "tls/tls_trust.h"

const char *const tunnel_kind_names[] = {"auto", "http", "tcp", NULL};

#define FIELD(name) offsetof(struct tunnel_config, name)

static const struct schema_key tunnel_keys[] = {
    {"target", SCHEMA_TARGET, FIELD(target), .is_file_only = true, .value = "TARGET",
     .help = "where the agent connects: 3000, host:3000, http://..., tcp://..., unix:PATH, "
             "file:FOLDER"},
    {"kind", SCHEMA_CHOICE, FIELD(kind), .is_file_only = true, .choices = tunnel_kind_names,
     .fallback = "auto", .value = "KIND",
     .help = "http or tcp; auto goes by the target's scheme, and by `port`"},
    {"subdomain", SCHEMA_TEXT, FIELD(subdomain), .is_file_only = true, .value = "NAME",
     .help = "one label below the relay's domain; the tunnel's own name if neither subdomain nor "
             "host is given"},
    {"host", SCHEMA_LIST, FIELD(hosts), .value = "NAME",
     .help = "answer for this whole host name (blog.example.com, *.example.com), whose DNS leads "
             "to the relay; may be repeated"},
    {"words", SCHEMA_BOOL, FIELD(wants_words), .is_file_only = true,
     .help = "let the relay choose its public name, two words; not with subdomain or host"},
    {"path", SCHEMA_TEXT, FIELD(path), .value = "PREFIX",
     .help = "take only requests whose path begins with this; the longest prefix wins"},
    {"port", SCHEMA_PORT, FIELD(port), .is_file_only = true, .value = "PORT",
     .help = "public TCP port; the relay chooses one if it is left out"},
    {"share", SCHEMA_BOOL, FIELD(is_shared),
     .help = "other agents of the same token may serve this tunnel too, if they say so as well"},
    {0},
};

const struct schema tunnel_schema = {"Tunnel", tunnel_keys};

#undef FIELD
#define FIELD(name) offsetof(struct agent_config, name)

static int read_tunnels(const struct tree *node, void *field, const char *file,
                        struct problems *problems);
static void clear_tunnels(void *field);

static const struct schema_key agent_keys[] = {
    {"relay", SCHEMA_TEXT, FIELD(relay), .value = "URL", .env = "ADIT_RELAY",
     .help = "the relay: a host (the best way is found), or wss://, ws://, tls://, tcp://; without "
             "it the relay of the last login"},
    {"token", SCHEMA_SECRET, FIELD(token), .value = "TOKEN", .env = "ADIT_TOKEN",
     .help = "the credential the relay has given; without it the one saved by `adit login`"},
    {"state", SCHEMA_TEXT, FIELD(state), .value = "FOLDER", .env = "ADIT_STATE",
     .help = "where this agent keeps its identity and its logins"},
    {"ca", SCHEMA_TEXT, FIELD(ca), .is_read = true, .value = "FILE",
     .help = "trust the certificates in this PEM file instead of the system's roots"},
    {"pin", SCHEMA_TEXT, FIELD(pin), .value = "sha256:BASE64",
     .help = "trust the relay whose public key has this SHA-256, and no other"},
    {"insecure", SCHEMA_BOOL, FIELD(is_insecure),
     .help = "allow links without encryption (ws://, tcp://) beyond this machine"},
    {"limits", SCHEMA_MAP, FIELD(limits), .inner = &limits_schema, .is_file_only = true,
     .help = "timeouts and bounds; `adit check --defaults` lists them"},
    {"tunnels", SCHEMA_CUSTOM, FIELD(tunnels), .read = read_tunnels, .deinit = clear_tunnels,
     .is_file_only = true, .help = "what is published: NAME: TARGET, or NAME: {target: ..., ...}"},
    {0},
};

const struct schema agent_schema = {"Link", agent_keys};

/* ---- life ---- */

void agent_config_init(struct agent_config *config)
{
    *config = (struct agent_config){0};
    schema_init(&agent_schema, config);
}

void agent_config_deinit(struct agent_config *config)
{
    schema_deinit(&agent_schema, config);
}

void tunnel_config_deinit(struct tunnel_config *tunnel)
{
    schema_deinit(&tunnel_schema, tunnel);
    mem_free(tunnel->key);
    tunnel->key = NULL;
}

static void clear_tunnels(void *field)
{
    struct tunnel_list *list = field;

    for (size_t i = 0; i < list->count; i++) {
        tunnel_config_deinit(&list->items[i]);
    }
    mem_free(list->items);
    *list = (struct tunnel_list){0};
}

/* ---- one tunnel ---- */

static void fold_case(char *s)
{
    for (; s && *s; s++) {
        *s = ascii_lower(*s);
    }
}

static int refuse(struct problems *problems, struct origin at, const char *key, const char *what)
{
    problems_add(problems, at, "tunnel '%s': %s", key, what);
    return ERR_CONFIG;
}

/* What the target's scheme says, then what the port says. */
static int kind_of(const struct tunnel_config *t)
{
    switch (t->target.scheme) {
    case TARGET_HTTP:
    case TARGET_HTTPS:
    case TARGET_FILE:
        return TUNNEL_HTTP;
    case TARGET_TCP:
        return TUNNEL_TCP;
    case TARGET_NONE:
    case TARGET_PLAIN:
    case TARGET_UNIX:
        break;
    }
    return t->port ? TUNNEL_TCP : TUNNEL_HTTP;
}

static bool fits_kind(const struct target *target, int kind)
{
    bool is_either = target->scheme == TARGET_PLAIN || target->scheme == TARGET_UNIX;
    bool is_tcp = target->scheme == TARGET_TCP;

    return is_either || is_tcp == (kind == TUNNEL_TCP);
}

static int check_http(struct tunnel_config *t, struct origin at, struct problems *problems)
{
    if (t->port) {
        return refuse(problems, at, t->key,
                      "only a tcp tunnel has a port; remove it, or write the "
                      "target as tcp://HOST:PORT");
    }
    if (t->wants_words && tunnel_config_has_name(t)) {
        return refuse(problems, at, t->key,
                      "the relay chooses its words only if it has no name of its own; remove "
                      "`words`, or subdomain and host");
    }
    if (t->subdomain && !host_name_is_label(slice_str(t->subdomain))) {
        return refuse(
            problems, at, t->key,
            "its name must be letters, digits and hyphens (at most 63); a whole host name "
            "goes under `host`");
    }
    for (size_t i = 0; i < t->hosts.count; i++) {
        if (!host_name_is_host(slice_str(t->hosts.items[i]))) {
            problems_add(problems, at,
                         "tunnel '%s': '%s' is no host name; write it like "
                         "blog.example.com or *.example.com",
                         t->key, t->hosts.items[i]);
            return ERR_CONFIG;
        }
        fold_case(t->hosts.items[i]);
    }
    if (t->path && t->path[0] != '/') {
        return refuse(problems, at, t->key, "a path begins with /");
    }
    fold_case(t->subdomain);
    return 0;
}

bool tunnel_config_has_name(const struct tunnel_config *t)
{
    return t->subdomain || t->hosts.count > 0;
}

int tunnel_config_check(struct tunnel_config *t, struct origin at, struct problems *problems)
{
    if (t->target.scheme == TARGET_NONE) {
        return refuse(problems, at, t->key, "it has no target; add target: PORT or target: URL");
    }
    if (t->kind == TUNNEL_AUTO) {
        t->kind = (int)kind_of(t);
    }
    if (!fits_kind(&t->target, t->kind)) {
        return refuse(problems, at, t->key,
                      t->kind == TUNNEL_TCP
                          ? "a tcp tunnel leads to a tcp or unix target; write tcp://HOST:PORT"
                          : "an http tunnel leads to an http, https, unix or file target");
    }
    if (t->kind == TUNNEL_HTTP) {
        return check_http(t, at, problems);
    }
    if (tunnel_config_has_name(t) || t->wants_words || t->path) {
        return refuse(problems, at, t->key,
                      "a tcp tunnel has a port, and neither names nor a path");
    }
    return 0;
}

int tunnel_config_set_name(struct tunnel_config *t, struct slice name, struct origin at,
                           struct problems *problems)
{
    bool is_host = slice_index(name, '.') < name.len || slice_is(name, "*");

    if (is_host ? !host_name_is_host(name) : !host_name_is_label(name)) {
        problems_add(problems, at,
                     "'%.*s' is no name; use letters, digits and hyphens, or a whole "
                     "host name",
                     SLICE_ARG(slice_sub(name, 0, 60)));
        return ERR_CONFIG;
    }
    if (is_host) {
        return schema_set(schema_find(&tunnel_schema, SLICE("host")), t, name, at, problems);
    }
    return schema_set(schema_find(&tunnel_schema, SLICE("subdomain")), t, name, at, problems);
}

static bool is_tunnel_key(struct slice key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = ascii_lower(key.ptr[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-_.", c))) {
            return false;
        }
    }
    return key.len > 0 && key.len <= TUNNEL_KEY_MAX;
}

/* `web: 3000` */
static int read_short(const struct tree *node, struct tunnel_config *t, const char *file,
                      struct problems *problems)
{
    return schema_set(schema_find(&tunnel_schema, SLICE("target")), t, tree_text(node),
                      (struct origin){file, node->line}, problems);
}

/* A tunnel that says nothing else is called by its key. */
static void name_by_key(struct tunnel_config *t)
{
    if (t->kind == TUNNEL_HTTP && !tunnel_config_has_name(t) && !t->wants_words) {
        t->subdomain = mem_strdup(t->key);
    }
}

static int read_tunnel(const struct tree *key, const struct tree *node, struct tunnel_config *t,
                       const char *file, struct problems *problems)
{
    struct origin at = {file, key->line};

    schema_init(&tunnel_schema, t);
    t->key = mem_strdup(key->text);
    if (!is_tunnel_key(tree_text(key))) {
        return refuse(problems, at, t->key,
                      "a tunnel's name has letters, digits, - _ . and at most 63 of them");
    }
    if (node->kind == TREE_TEXT) {
        TRY(read_short(node, t, file, problems));
    } else {
        TRY(schema_read(&tunnel_schema, node, t, file, problems));
    }
    if (t->kind == TUNNEL_AUTO) {
        t->kind = (int)kind_of(t);
    }
    name_by_key(t);
    return tunnel_config_check(t, at, problems);
}

static int read_tunnels(const struct tree *node, void *field, const char *file,
                        struct problems *problems)
{
    struct tunnel_list *list = field;
    int result = 0;

    clear_tunnels(list);
    if (node->kind == TREE_TEXT && node->length == 0) {
        return 0; /* `tunnels:` with nothing below it yet */
    }
    if (node->kind != TREE_MAP || node->count > AGENT_TUNNELS_MAX) {
        problems_add(problems, (struct origin){file, node->line},
                     node->kind == TREE_MAP ? "too many tunnels for one agent"
                                            : "'tunnels' must be a map of NAME: TARGET");
        return ERR_CONFIG;
    }
    list->items = mem_alloc_array(node->count, sizeof *list->items);
    for (; list->count < node->count; list->count++) {
        const struct tree *key = node->keys[list->count];
        const struct origin at = {file, key->line};
        if (read_tunnel(key, node->items[list->count], &list->items[list->count], file, problems) ||
            tunnel_clash_check(list, list->count, at, problems)) {
            result = ERR_CONFIG;
        }
    }
    return result;
}

/* ---- a whole file ---- */

static void check_link(const struct agent_config *config, const char *file, const struct tree *root,
                       struct problems *problems)
{
    const struct tree *relay = tree_find(root, "relay");
    const struct tree *pin = tree_find(root, "pin");
    struct errinfo info = {0};
    struct relay_url url;
    struct tls_pin key;

    if (relay && config->relay && relay_url_parse(slice_str(config->relay), &url, &info) < 0) {
        problems_add(problems, (struct origin){file, relay->line}, "%s", info.text);
    }
    if (pin && config->pin && tls_pin_parse(slice_str(config->pin), &key) < 0) {
        problems_add(problems, (struct origin){file, pin->line},
                     "'pin' must be sha256:BASE64, as the relay prints it");
    }
}

int agent_config_read(struct agent_config *config, const char *name, struct slice yaml,
                      struct problems *problems)
{
    struct tree *root;
    unsigned before = problems->count;

    TRY(tree_parse(yaml, name, &root, problems));
    int result = schema_read(&agent_schema, root, config, name, problems);
    (void)result; /* counted in problems */
    check_link(config, name, root, problems);
    tree_free(&root);
    return problems->count > before ? ERR_CONFIG : 0;
}

int agent_config_load(struct agent_config *config, const char *path, struct problems *problems)
{
    struct text content = {0};
    int result = file_read_config(path, &content, problems);

    if (result == 0) {
        result = agent_config_read(config, path, text_slice(&content), problems);
    }
    text_wipe(&content); /* it may hold a token */
    return result;
}

/* ---- questions ---- */

const struct tunnel_config *agent_config_find(const struct agent_config *config, const char *key)
{
    for (size_t i = 0; i < config->tunnels.count; i++) {
        if (strcmp(config->tunnels.items[i].key, key) == 0) {
            return &config->tunnels.items[i];
        }
    }
    return NULL;
}

static bool text_equal(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && slice_equal(slice_str(a), slice_str(b));
}

static bool list_equal(const struct text_list *a, const struct text_list *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!text_equal(a->items[i], b->items[i])) {
            return false;
        }
    }
    return true;
}

bool tunnel_config_equal(const struct tunnel_config *a, const struct tunnel_config *b)
{
    return a->kind == b->kind && target_equal(&a->target, &b->target) &&
           text_equal(a->subdomain, b->subdomain) && list_equal(&a->hosts, &b->hosts) &&
           text_equal(a->path, b->path) && a->port == b->port && a->is_shared == b->is_shared;
}

bool agent_config_same_link(const struct agent_config *a, const struct agent_config *b)
{
    return text_equal(a->relay, b->relay) && text_equal(a->token.text, b->token.text) &&
           text_equal(a->state, b->state) && text_equal(a->ca, b->ca) &&
           text_equal(a->pin, b->pin) && a->is_insecure == b->is_insecure;
}

void agent_config_diff(const struct agent_config *from, const struct agent_config *to,
                       void (*found)(void *ctx, enum tunnel_change change,
                                     const struct tunnel_config *tunnel),
                       void *ctx)
{
    for (size_t i = 0; i < from->tunnels.count; i++) {
        const struct tunnel_config *t = &from->tunnels.items[i];
        if (!agent_config_find(to, t->key)) {
            found(ctx, TUNNEL_REMOVED, t);
        }
    }
    for (size_t i = 0; i < to->tunnels.count; i++) {
        const struct tunnel_config *t = &to->tunnels.items[i];
        const struct tunnel_config *old = agent_config_find(from, t->key);
        if (old && !tunnel_config_equal(old, t)) {
            found(ctx, TUNNEL_CHANGED, t);
        }
    }
    for (size_t i = 0; i < to->tunnels.count; i++) {
        const struct tunnel_config *t = &to->tunnels.items[i];
        if (!agent_config_find(from, t->key)) {
            found(ctx, TUNNEL_ADDED, t);
        }
    }
}
