#include "config/relay_config.h"

#include "base/mem.h"
#include "config/file.h"
#include "config/host_name.h"
#include "config/tree.h"

#define FIELD(name) offsetof(struct relay_config, name)

static const struct schema_key keys[] = {
    {"listen", SCHEMA_ADDRESS, FIELD(listen), .fallback = ":8080", .value = "ADDR:PORT",
     .help =
         "where agents and visitors arrive: links, TLS and HTTP on one port; without an address "
         "on every one, IPv6 and IPv4"},
    {"listen_tls", SCHEMA_ADDRESS, FIELD(listen_tls), .value = "ADDR:PORT",
     .help = "a second port that takes TLS only, usually :443"},
    {"cert", SCHEMA_TEXT, FIELD(cert), .is_read = true, .value = "FILE",
     .help = "certificate chain, PEM; without one the relay makes a self-signed key whose pin is "
             "part of the login line"},
    {"key", SCHEMA_TEXT, FIELD(key), .is_read = true, .value = "FILE",
     .help = "private key of the certificate, PEM"},
    {"domain", SCHEMA_TEXT, FIELD(domain), .value = "DOMAIN",
     .help =
         "tunnels get names below it: NAME.DOMAIN; its wildcard DNS record leads to this relay"},
    {"data", SCHEMA_TEXT, FIELD(data), .value = "FOLDER",
     .help = "where tokens, reservations and the relay's own key are kept"},
    {"open", SCHEMA_BOOL, FIELD(is_open), .help = "agents need no token: anybody may publish"},
    {"insecure", SCHEMA_BOOL, FIELD(is_insecure),
     .help = "accept links without encryption (ws://, tcp://) from beyond this machine"},
    {"admin", SCHEMA_ADDRESS, FIELD(admin), .value = "ADDR:PORT",
     .help = "serve the relay's figures here (/metrics, for Prometheus); off unless named"},
    {"tcp_ports", SCHEMA_PORTS, FIELD(tcp_ports), .fallback = "1024-32767", .value = "A-B",
     .help = "public ports that tunnels may have; those nobody asks for are taken from 20000 up"},
    {"workers", SCHEMA_INTEGER, FIELD(workers), .fallback = "0", .min = "0", .max = "64",
     .value = "N", .help = "threads that carry traffic; 0: one per core"},
    {"access_log", SCHEMA_TEXT, FIELD(access_log), .value = "FILE",
     .help =
         "write one line per request of a visitor into this file (- is stdout), as --log-format "
         "says; SIGHUP opens it anew, after it was renamed"},
    {"limits", SCHEMA_MAP, FIELD(limits), .inner = &limits_schema, .is_file_only = true,
     .help = "timeouts and bounds; `adit check --defaults` lists them"},
    {0},
};

const struct schema relay_schema = {"Relay", keys};

void relay_config_init(struct relay_config *config)
{
    *config = (struct relay_config){0};
    schema_init(&relay_schema, config);
}

void relay_config_deinit(struct relay_config *config)
{
    schema_deinit(&relay_schema, config);
}

/* Lower case, without a dot at the end. */
static void clean_domain(char *domain)
{
    size_t length = strlen(domain);

    for (size_t i = 0; i < length; i++) {
        domain[i] = ascii_lower(domain[i]);
    }
    if (length && domain[length - 1] == '.') {
        domain[length - 1] = '\0';
    }
}

int relay_config_check(struct relay_config *config, struct origin at, struct problems *problems)
{
    unsigned before = problems->count;

    if ((config->cert == NULL) != (config->key == NULL)) {
        problems_add(problems, at, "cert and key belong together; %s is missing",
                     config->cert ? "key" : "cert");
    }
    if (config->domain) {
        clean_domain(config->domain);
        struct slice domain = slice_str(config->domain);
        if (!host_name_is_host(domain) || slice_starts(domain, SLICE("*"))) {
            problems_add(problems, at, "'%s' is no domain; write it like t.example.com",
                         config->domain);
        }
    }
    return problems->count > before ? ERR_CONFIG : 0;
}

int relay_config_read(struct relay_config *config, const char *name, struct slice yaml,
                      struct problems *problems)
{
    struct tree *root;

    TRY(tree_parse(yaml, name, &root, problems));
    int result = schema_read(&relay_schema, root, config, name, problems);
    tree_free(&root);
    return result;
}

int relay_config_load(struct relay_config *config, const char *path, struct problems *problems)
{
    struct text content = {0};
    int result = file_read_config(path, &content, problems);

    if (result == 0) {
        result = relay_config_read(config, path, text_slice(&content), problems);
    }
    text_deinit(&content);
    return result;
}
