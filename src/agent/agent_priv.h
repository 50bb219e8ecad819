/* The agent from inside: agent.c (states and life), agent_link.c (dial, greet, attach) and
 * agent_control.c (what the relay tells) share it. */
#pragma once
#include "agent/agent.h"
#include "agent/agent_session.h"
#include "agent/backoff.h"
#include "agent/reporter.h"
#include "agent/tunnels.h"
#include "session/ladder.h"

enum {
    AGENT_LIVED_MS = 1000,           /* a link that lived so long makes the backoff start anew */
    AGENT_RESUME_WAIT_MS = 4 * 1000, /* between attempts at most while a session waits for us */
    AGENT_GRACE_EXTRA_MS = 3 * 1000, /* we wait longer than the relay, so that it decides */
    AGENT_GAP_CHECK_MS = 2 * 1000,   /* has the machine been asleep? */
    AGENT_GAP_MS = 500,              /* a nap worth a probe */
    AGENT_UNBIND_MS = 2 * 1000,      /* a stopping agent waits so long for the relay's answer */
    AGENT_PROBE_MS = 2 * 1000,       /* sign of life after one */
};

/*      id        sentence */
#define AGENT_STATE_LIST(X)                                                                        \
    X(WAITING, "until the next attempt")                                                           \
    X(DIALLING, "the ladder is being climbed")                                                     \
    X(GREETING, "asked to log in or to resume")                                                    \
    X(ATTACHED, "the session has a link")                                                          \
    X(STOPPING, "streams may finish")                                                              \
    X(ENDED, "told or about to be told")

enum agent_state {
#define X(id, sentence) AGENT_##id,
    AGENT_STATE_LIST(X)
#undef X
};

struct agent {
    struct loop *loop;
    enum agent_state state;
    struct agent_relay relay;
    struct agent_config config;
    struct identity identity; /* wiped */
    uint8_t run_id[LINK_ID_BYTES];
    const char *version;
    char *relay_text; /* the URL, for people */

    struct tunnels tunnels;
    struct origin_trust origin_trust;
    struct reporter *reporter;

    struct ladder *ladder;         /* DIALLING */
    struct greet_client *greeting; /* GREETING */
    struct agent_session *session; /* NULL: none yet, or lost */
    struct agent_session *leaving; /* the relay asked for another beside it; NULL: none */
    uint64_t login_count;
    uint32_t peer_window; /* of the greeting under way */
    struct backoff backoff;
    struct timer wait;  /* WAITING */
    struct timer grace; /* a session without a link */
    struct timer drain; /* STOPPING */
    struct timer gap;   /* always: looks for naps of the machine */
    uint64_t asleep_ms;
    struct netwatch *network; /* NULL: the system does not tell */

    enum agent_end end;
    struct task work; /* what may not be done inside the engine */
    bool wants_to_end;
    bool wants_new_session;

    struct {
        enum carrier_kind carrier;
        uint64_t rtt_ms;
        struct errinfo because; /* why it is not the best carrier */
        struct errinfo down;    /* the reason told last; empty: none since the link was up */
        bool is_up_due;         /* tunnels come first */
    } news;

    const struct agent_user *user;
    void *ctx;
};

extern const struct agent_session_user agent_session_callbacks; /* agent_control.c */
extern const struct tunnels_user agent_tunnels_callbacks;       /* agent_control.c */

/* ---- agent.c ---- */

void agent_set_state(struct agent *a, enum agent_state next);

/* Nothing works now: the next attempt comes after the backoff. */
void agent_wait(struct agent *a, uint64_t at_least_ms);

/* The session is over, and its streams with it. */
void agent_drop_session(struct agent *a, const char *reason);

void agent_end_soon(struct agent *a, enum agent_end end);

/* Looks whether a stopping agent has nothing left to do. */
void agent_check_drained(struct agent *a);

/* ---- agent_link.c ---- */

void agent_dial(struct agent *a);
void agent_hang_up(struct agent *a); /* stops dialling and greeting */
void agent_lost_link(struct agent *a, struct agent_session *s, int err, const struct errinfo *why);

/* Tells that there is a link. */
void agent_tell_up(struct agent *a);
