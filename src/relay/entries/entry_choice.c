#include "relay/entries/entry_choice.h"

#include "base/fnv.h"
#include "base/mem.h"
#include "relay/entries/names.h"
#include "relay/workers/shared.h"
#include "store/store.h"

enum { FIRST_ASSIGNED_PORT = 20000 };

/* ---- hosts ---- */

static void add_host_entry(struct bind_request *q, struct slice host, struct slice shown,
                           const char *path)
{
    struct bind_entry *e = bind_entries_add(&q->entries);
    struct text name = {0};
    struct text known_as = {0};

    text_add(&name, host);
    text_add(&known_as, shown);
    if (strcmp(path, "/") != 0) {
        text_add_str(&name, path);
        text_add_str(&known_as, path);
    }
    e->host = slice_dup(host);
    e->path = mem_strdup(path);
    e->name = text_take(&name);
    e->shown = text_take(&known_as);
}

static void add_host(struct bind_request *q, struct slice host, struct slice shown)
{
    if (q->path_count == 0) {
        add_host_entry(q, host, shown, "/");
    }
    for (uint32_t i = 0; i < q->path_count; i++) {
        add_host_entry(q, host, shown, q->paths[i]);
    }
}

static void set_port_entry(struct bind_request *q, uint16_t port)
{
    struct text name = {0};
    struct text shown = {0};

    bind_entries_deinit(&q->entries);
    text_addf(&name, ":%u", port);
    text_addf(&shown, "port %u", port);
    *bind_entries_add(&q->entries) =
        (struct bind_entry){.name = text_take(&name), .shown = text_take(&shown), .port = port};
}

static int check_path(const char *path, struct errinfo *why)
{
    size_t n = strlen(path);

    if (path[0] != '/' || strpbrk(path, "?# \t") || n > 200) {
        return errinfo_set(why, ERR_INVALID, "'%s' is no path prefix; write it like /api", path);
    }
    if (n > 1 && path[n - 1] == '/') {
        return errinfo_set(why, ERR_INVALID, "'%s': leave out the slash at the end", path);
    }
    return 0;
}

/* Puts `label` below the public name, which without --domain is what the agent says it dialled. */
static int add_base(const struct bind_request *q, struct text *label, struct errinfo *why)
{
    text_addf(label, ".%s", q->public_name.host);
    if (label->len > NAME_HOST_MAX) {
        return errinfo_set(why, ERR_INVALID,
                           "below %.64s... a host would have more than %d characters",
                           q->public_name.host, NAME_HOST_MAX);
    }
    return 0;
}

static bool is_label(struct slice name)
{
    return slice_index(name, '.') == name.len && !slice_is(name, "*");
}

/* The host a NAME stands for. A whole host may lie below the relay's own domain: then its first
 * label obeys the rules of labels. */
static int host_of_name(const struct bind_request *q, struct slice name, struct text *host,
                        struct errinfo *why)
{
    struct text base = {0};
    int err = 0;

    if (is_label(name) && !q->public_name.has_names) {
        return errinfo_set(why, ERR_INVALID,
                           "'%.*s': no host name leads to this relay; start it with --domain",
                           SLICE_ARG(name));
    }
    if (is_label(name)) {
        TRY(names_check_label(name, host, why));
        return add_base(q, host, why);
    }
    TRY(names_check_host(name, host, why));
    text_addf(&base, ".%s", q->public_name.host);
    if (q->public_name.has_names && slice_is(text_slice(host), q->public_name.host)) {
        err = errinfo_set(why, ERR_INVALID, "%s is the relay itself", q->public_name.host);
    } else if (q->public_name.has_names && slice_ends(text_slice(host), text_slice(&base))) {
        struct text label = {0};
        size_t n = host->len - base.len;
        struct slice first = slice_sub(text_slice(host), 0, n);
        if (!slice_is(first, "*")) {
            err = names_check_label(first, &label, why);
        }
        text_deinit(&label);
    }
    text_deinit(&base);
    return err;
}

static int make_named_entries(struct bind_request *q)
{
    if (q->name_count * q->path_count > BIND_ENTRIES_MAX) {
        return errinfo_set(&q->why, ERR_INVALID,
                           "%u names with %u paths each: a tunnel has at most %u public entries; "
                           "use several tunnels",
                           q->name_count, q->path_count, BIND_ENTRIES_MAX);
    }
    for (uint32_t i = 0; i < q->path_count; i++) {
        TRY(check_path(q->paths[i], &q->why));
    }
    for (uint32_t i = 0; i < q->name_count; i++) {
        struct text host = {0};
        int err = host_of_name(q, slice_str(q->names[i]), &host, &q->why);
        if (err == 0) {
            add_host(q, text_slice(&host), slice_str(q->names[i]));
        }
        text_deinit(&host);
        TRY(err);
    }
    return 0;
}

/* The same for the same token, agent and target, also after a restart. */
static uint64_t seed_of(const struct bind_request *q)
{
    uint64_t seed = FNV_START ^ q->owner.token_id;

    for (size_t i = 0; i < sizeof q->owner.agent_id; i++) {
        seed = fnv_add(seed, q->owner.agent_id[i]);
    }
    for (const char *c = q->word; *c; c++) {
        seed = fnv_add(seed, (unsigned char)*c);
    }
    return seed;
}

/* Two words. */
static int make_assigned_name(struct bind_request *q)
{
    struct text host = {0};

    bind_entries_deinit(&q->entries);
    names_two_words(seed_of(q), q->attempt, &host);
    size_t label = host.len;
    int err = add_base(q, &host, &q->why);
    if (err == 0) {
        add_host(q, text_slice(&host), slice_sub(text_slice(&host), 0, label));
    }
    text_deinit(&host);
    return err;
}

static uint16_t remembered_port(struct relay *relay, const struct bind_request *q)
{
    const struct store_reservation *r =
        store_find_reserved_for(relay->store, &q->owner, slice_str(q->word), SLICE(":"));
    uint64_t port = 0;

    if (!r || slice_to_u64(slice_sub(slice_str(r->entry), 1, 6), 65535, &port) < 0) {
        return 0;
    }
    return (uint16_t)port;
}

/* A token with ports of its own is given one of these. */
static bool may_have_port(const struct relay *relay, const struct bind_request *q, uint16_t port)
{
    const struct store_token *token = store_find_token(relay->store, q->owner.token_id);

    return !token || rights_allow_port(&token->rights, port);
}

static uint16_t next_free_port(struct entry_choice *c, const struct bind_request *q)
{
    const struct relay_config *config = c->relay->config;
    uint32_t first = config->tcp_ports.first;
    uint32_t last = config->tcp_ports.last;

    bool has_own_ports = !may_have_port(c->relay, q, FIRST_ASSIGNED_PORT);

    if (first < FIRST_ASSIGNED_PORT && last >= FIRST_ASSIGNED_PORT && !has_own_ports) {
        first = FIRST_ASSIGNED_PORT;
    }
    for (uint32_t tried = 0; tried <= last - first; tried++) {
        uint32_t port = c->next_port < first || c->next_port > last ? first : c->next_port;
        struct text name = {0};
        text_addf(&name, ":%u", port);
        bool is_free = may_have_port(c->relay, q, (uint16_t)port) &&
                       !store_find_reservation(c->relay->store, text_slice(&name)) &&
                       !registry_is_held(c->relay->registry, text_slice(&name));
        text_deinit(&name);
        c->next_port = port + 1;
        if (is_free) {
            return (uint16_t)port;
        }
    }
    return 0;
}

static int make_port_entry(struct entry_choice *c, struct bind_request *q)
{
    const struct relay_config *config = c->relay->config;
    uint16_t port = q->port;

    if (port != 0 && (port < config->tcp_ports.first || port > config->tcp_ports.last)) {
        return errinfo_set(&q->why, ERR_INVALID, "port %u: this relay gives out ports %u-%u", port,
                           config->tcp_ports.first, config->tcp_ports.last);
    }
    if (port == 0 && q->attempt == 0) {
        port = remembered_port(c->relay, q);
        port = may_have_port(c->relay, q, port) ? port : 0;
    }
    if (port == 0) {
        port = next_free_port(c, q);
    }
    if (port == 0) {
        return errinfo_set(&q->why, ERR_FULL, "no port of %u-%u is free for this token",
                           config->tcp_ports.first, config->tcp_ports.last);
    }
    set_port_entry(q, port);
    return 0;
}

static bool has_only_labels(const struct bind_request *q)
{
    for (uint32_t i = 0; i < q->name_count; i++) {
        if (!is_label(slice_str(q->names[i]))) {
            return false;
        }
    }
    return true;
}

/* Where no NAME.host leads here, a tunnel that asks for a NAME gets a port instead: what is
 * published in one file works on a relay without DNS, too. */
static bool wants_port(const struct bind_request *q)
{
    return q->kind == BIND_TCP || (has_only_labels(q) && !q->public_name.has_names);
}

bool entry_choice_is_free(const struct bind_request *q)
{
    return wants_port(q) ? q->port == 0 : q->name_count == 0;
}

int entry_choice_make(struct entry_choice *c, struct bind_request *q)
{
    if (wants_port(q)) {
        return make_port_entry(c, q);
    }
    if (q->name_count > 0) {
        return make_named_entries(q);
    }
    return make_assigned_name(q);
}
