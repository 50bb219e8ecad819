/* The agent's side of one login: the engine, the link it has right now, and the visits it serves.
 *
 *     ATTACHED --carrier lost--> DETACHED --resumed--> ATTACHED
 *         \------- ended ----------/
 *
 * The session outlives its links: while detached its streams wait. Owned by the agent.
 */
#pragma once
#include "agent/serve.h"
#include "base/log.h"
#include "session/link.h"
#include "wire/link_hello.h"

struct agent_session;

struct agent_session_user {
    /* The carrier is lost. err_category ERR_CAT_PEER: the session is over too; end it. */
    void (*on_lost)(void *ctx, struct agent_session *s, int err, const struct errinfo *why);
    /* Which tunnel a stream is for; NULL: none of ours. */
    struct agent_tunnel *(*find_tunnel)(void *ctx, uint32_t tunnel_id);
    /* From inside the engine: neither end nor detach the session in these two. */
    void (*on_control)(void *ctx, struct agent_session *s, struct slice message);
    void (*on_goaway)(void *ctx, struct agent_session *s, uint16_t reason);
    /* The last visit has ended; from the ready phase or from inside the engine. */
    void (*on_quiet)(void *ctx, struct agent_session *s);
};

struct agent_session {
    struct loop *loop;
    struct mux *mux;
    struct link *link; /* NULL: detached */
    struct serve serve;
    struct link_session_id id;
    uint8_t secret[LINK_SECRET_BYTES];
    uint64_t epoch; /* of the last RESUME sent */
    uint32_t grace_ms;
    bool is_resumable; /* the relay will know it on another carrier */
    uint64_t attached_at_ms;
    const struct agent_session_user *user;
    void *ctx;
    struct log_scope log;
    struct grave grave;
};

struct agent_session_options {
    struct loop *loop;
    const struct link_logged_in *login;
    uint32_t initial_window;
    uint32_t peer_initial_window;
    size_t link_budget_bytes;
    uint64_t connect_ms;
    struct origin_trust *trust;
    struct reporter *reporter;
    uint64_t number; /* of the login within this process, for the log */
};

struct agent_session *agent_session_new(const struct agent_session_options *options,
                                        const struct agent_session_user *user, void *ctx);

/* A carrier is there, after a login or a resume. */
void agent_session_attach(struct agent_session *s, struct greeted *carrier_take);

/* Says goodbye with the reason and closes the link in order. The session is detached then. */
void agent_session_leave(struct agent_session *s, uint16_t goaway_reason);

/* Ends it, with its link and its visits; `reason` is what their closing lines say. Never from
 * inside the engine. Accepts NULL inside. */
void agent_session_end(struct agent_session **s, const char *reason);
