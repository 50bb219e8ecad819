/* An agent's login on the relay: who it is, and its link. What it is there for, its tunnels, are
 * its user (struct session_user).
 *
 *      ATTACHED --link lost--> DETACHED --resume--> ATTACHED
 *         |                       |
 *         |                       +--grace over--> gone
 *         +--token revoked, or a later session of the agent has taken its last tunnel--> gone
 *
 * The session outlives its links. While detached its streams wait; when grace is over they are
 * reset honestly and the entries stay reserved for a day. It lives on one worker and is owned by
 * that worker's table; others know it by its handle.
 */
#pragma once
#include "base/list.h"
#include "base/log.h"
#include "base/table.h"
#include "net/loop.h"
#include "relay/workers/worker.h"
#include "session/link.h"
#include "store/store.h"
#include "wire/link_hello.h"

enum {
    SESSION_TUNNELS_MAX = 1000,
    SESSION_UNREAD_BYTES = 64 * 1024, /* of control messages: the agent does not keep up */
    SESSION_LOGINS_MAX = 2,           /* of its agent since its link was lost: the last ends it */
};

struct session {
    struct table_node node;  /* worker.sessions, by handle */
    struct table_node by_id; /* worker.sessions_by_id */
    uint64_t handle;
    struct worker *worker;
    struct log_scope log;

    struct link_session_id id;
    uint8_t secret[LINK_SECRET_BYTES];
    uint8_t previous_secret[LINK_SECRET_BYTES]; /* good until the agent proves the newer one */
    uint64_t epoch;                             /* of the last resume */

    struct store_owner owner; /* token and agent */
    uint8_t run_id[LINK_ID_BYTES];
    char *token_name; /* "" on an open relay */
    char *host_name;  /* of the agent's machine */
    char *agent_version;
    char *dialled;       /* host:port the agent dialled */
    char *address;       /* where its link comes from */
    const char *carrier; /* "wss", ... of the link, or of the last one */
    bool is_shared;
    uint64_t started_at; /* wall clock, ms */
    uint64_t attached_at;
    uint64_t detached_at;
    uint32_t resume_count;
    uint64_t open_count; /* streams opened so far */
    struct errinfo loss; /* why the last link was lost; empty: none was */

    struct mux *mux;
    struct link *link; /* NULL: detached */
    struct timer grace;
    struct list detached;           /* worker.detached, while there is no link */
    unsigned logins_since;          /* of its agent, since the link was lost */
    struct timer last_look;         /* armed: all tunnels are a later session's, streams end here */
    struct table tunnels;           /* by tunnel id; the session's user fills it */
    struct list waiting;            /* who waits for the link to come back (session_wait) */
    struct list probes;             /* who waits for a sign of life (session_probe) */
    struct exchange_log *exchanges; /* NULL until an agent asks for them */

    bool is_leaving; /* the agent said it goes: do not wait for it */
    bool is_used_up; /* its agent was asked to log in beside it */
    bool is_over;    /* session_end was called; the rest follows in the ready phase */
    uint16_t end_code;
    uint16_t end_goaway;
    struct task ending;
    struct grave grave;
};

/* Who lives on sessions: the tunnels (session_tunnels.h). One for the whole relay. */
struct session_user {
    void (*on_link)(struct session *s, bool is_attached); /* it is there, or was lost */
    void (*on_control)(struct session *s, struct slice message);
    void (*on_over)(struct session *s); /* nobody may come any more */
    void (*on_gone)(struct session *s); /* in the ready phase: all streams are reset */
};

struct session_login {
    const struct link_hello *hello;
    const struct link_login *login;
    struct store_owner owner;
    const char *token_name;
    const char *carrier;
    const char *address;
};

/* ---- life ---- */

/* A new login; the carrier is attached by session_attach. ERR_FULL: no memory budget left. */
MUST_USE int session_new(struct worker *w, const struct session_login *login,
                         struct session **session_out, struct errinfo *why);

void session_attach(struct session *s, struct greeted *carrier_take, const char *carrier,
                    const char *address);

/* Drops the old carrier of a session that is about to resume: its unread bytes come again. The
 * grace time runs until session_attach. */
void session_detach(struct session *s);

/* Ends it: streams are reset with `code`, a living link is told goaway_reason (0: nothing) and
 * closed, its entries are left. */
void session_end(struct session *s, uint16_t code, uint16_t goaway_reason, const char *reason);

/* The same because of something the agent must never say: one line tells both. */
void session_end_by_breach(struct session *s, const char *what);

/* All tunnels of it were taken over by later sessions of the agent. So it is over: its visitors are
 * told at once instead of waiting for an agent that has forgotten them, or is dead. Only if we
 * asked the agent for the later session its streams go on to their ends. */
void session_outlived(struct session *s);

/* An agent has logged in, on any worker. Each of its sessions that have no link here outlives that
 * once, not twice: it is less and less likely that their processes are still there. So who is
 * killed and started again and again leaves two of them at most, while the processes of one agent
 * that lose their links together come back to theirs. */
void session_count_login(struct worker *w, const struct store_owner *agent);

struct session *session_find(struct worker *w, uint64_t handle);
struct session *session_find_id(struct worker *w, const struct link_session_id *id);

/* Visits all sessions of a worker; the visitor may end the one it is given. */
void sessions_each(struct worker *w, void (*visit)(void *ctx, struct session *s), void *ctx);

/* ---- streams ---- */

/* Opens a stream to the agent for one of its tunnels. ERR_FULL: out of budget; ERR_NOT_FOUND: no
 * such tunnel. Works while detached too: the stream then waits for the link. */
MUST_USE int session_open(struct session *s, uint32_t tunnel_id, struct slice facts,
                          struct stream **stream_out);

static inline bool session_is_attached(const struct session *s)
{
    return s->link != NULL;
}

/* ---- control ---- */

/* Sends one CONTROL message; a session whose queue is full is ended. */
struct control_message;
void session_tell(struct session *s, const struct control_message *m);

/* The agent reads what it is told; else leave out what can be left out. */
bool session_keeps_up(const struct session *s);
