/* What all workers of a relay share.
 *
 * Everything here is constant while workers run, except the identity, which has a lock,
 * is_draining, and what only worker 0 touches: store, registry, binder, the operator's doors and
 * the end. How a relay begins and ends is relay.h.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "config/relay_config.h"
#include "relay/workers/worker.h"
#include "tls/tls_identity.h"
#include "wire/link_hello.h"

struct access_log;
struct addr;
struct admin_door;
struct binder;
struct control_socket;
struct port_visit;
struct registry;
struct session_user;
struct store;
struct stream;

#define RELAY_STORE_NAME "relay.db" /* in the data folder */

struct relay {
    const struct relay_config *config;
    char *data; /* absolute path of the data folder */
    struct store *store;
    struct registry *registry;
    struct binder *binder;
    struct control_socket *control;
    struct admin_door *admin;      /* NULL: without --admin */
    struct access_log *access;     /* NULL: without --access-log */
    struct tls_identity *identity; /* by relay_identity only: it may be replaced */
    pthread_mutex_t identity_lock;
    bool has_certificate; /* given by the operator: public URLs are https */
    uint16_t port;        /* that public URLs name; the first door's */
    uint16_t port_tls;    /* of --listen-tls; 0: none */

    uint64_t id; /* of this relay, kept in the data folder */
    uint32_t generation;
    uint8_t node_id[LINK_ID_BYTES];
    uint8_t run_id[LINK_ID_BYTES];

    /* Who is called from below: a session's tunnels (session_tunnels.h), and who lets in visitors
     * of a tunnel's own port (port_visitor.h). */
    const struct session_user *session_user;
    void (*enter_port)(struct worker *w, const struct port_visit *visit, struct stream *stream_take,
                       const struct addr *peer);

    struct worker *workers;
    uint32_t worker_count;
    uint32_t started_count;  /* workers above 0 that have a thread */
    atomic_bool has_stopped; /* no worker but 0 is left: nothing is posted to them any more */
    atomic_bool is_draining;
    struct timer drain_timer;
    uint64_t drain_until_ms;
    void (*on_stopped)(void *ctx);
    void *ctx;
    struct log_scope log;
    uint64_t started_at; /* wall clock, ms */
};

/* The certificate and key of this moment, counted: tls_identity_unref. Any worker. */
struct tls_identity *relay_identity(struct relay *r);

/* An address of the configuration, with that port. flag: where it stands there, for people. */
MUST_USE int relay_addr(const char *flag, const struct address *a, uint16_t port, struct addr *out,
                        struct errinfo *why);

/* The addresses the relay listens on, with another port. */
MUST_USE int relay_listen_addr(const struct relay *r, uint16_t port, struct addr *out,
                               struct errinfo *why);

const char *relay_version(void);
