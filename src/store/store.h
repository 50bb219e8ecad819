/* What a relay remembers: tokens, and who has reserved which name or port.
 *
 * Everything is held in memory and answered from there, at once, on the loop's thread. Changes
 * take effect at once too, and are written behind by the driver, many at a time; store_sync tells
 * when they are on disk. A disk that fails is logged once and tried again; meanwhile the relay
 * goes on from memory.
 *
 *     store.h (this port) --> store_sqlite: a file, written by a thread of its own
 *                         --> store_memory: nothing; for tests
 *
 * A token's text is known only to who made it: the store keeps its SHA-256. One store per relay,
 * owned by it, used on one loop.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "store/rights.h"

struct loop;
struct store;

enum {
    STORE_NAME_BYTES = 63,     /* longest name of a token */
    STORE_TOKENS_MAX = 100000, /* revoked ones included */
    STORE_RESERVATIONS_MAX = 200000,
    STORE_RESERVATIONS_PER_OWNER_MAX = 1000,
    STORE_ENTRY_BYTES = 512, /* longest entry of a reservation */
    STORE_HOLDER_BYTES = 255,
    STORE_AGENT_ID_BYTES = 16,
    STORE_TOKEN_TEXT_BYTES = 39 + 1,         /* "k7f2-..." NUL */
    STORE_RESERVED_MS = 24 * 60 * 60 * 1000, /* kept so long after the last link */
};

/* ---- life ---- */

/* Opens or makes the database file (0600), brings its tables up to date and loads it. Blocks: call
 * it before the loop runs. A folder that cannot be written is an error here, at the start. */
MUST_USE int store_open_sqlite(struct loop *loop, const char *path, struct store **out,
                               struct errinfo *info);
struct store *store_open_memory(struct loop *loop);

/* Writes what is still to be written (waits at most 5 s for the disk) and frees everything.
 * Callbacks that are still owed are not called. */
void store_close(struct store **store);

/* Calls done once everything changed so far is on disk (0), or could not be written (negative:
 * it stays in memory and is tried again). Never from inside this call. */
void store_sync(struct store *store, void (*done)(void *ctx, int result), void *ctx);

/* 0, or why the last write failed. */
int store_health(const struct store *store);

/* ---- tokens ---- */

struct store_token {
    uint64_t id;
    char name[STORE_NAME_BYTES + 1]; /* unique among those that are valid */
    struct rights rights;
    uint64_t created_at; /* wall clock, ms */
    uint64_t used_at;    /* last login; 0: never */
    uint64_t expires_at; /* 0: never */
    uint64_t revoked_at; /* 0: not */
};

/* Makes a token and its text, which is told here and never again; the caller wipes it. Takes the
 * rights over when it succeeds. ERR_INVALID: a name that is none (letters, digits, - _ . @);
 * ERR_BUSY: a valid token has it. */
MUST_USE int store_create_token(struct store *store, struct slice name, struct rights *rights,
                                uint64_t expires_at, char text_out[STORE_TOKEN_TEXT_BYTES],
                                uint64_t *id_out, struct errinfo *info);

/* The valid token with this text. ERR_DENIED: unknown, revoked or expired (info says which of the
 * last two to the log, never to the peer). Takes the same time for all of these. The pointer lives
 * until the loop's turn ends. */
MUST_USE int store_check_token(const struct store *store, struct slice text,
                               const struct store_token **out, struct errinfo *info);

/* A login happened with it. */
void store_touch_token(struct store *store, uint64_t id);

/* From now on it is refused. ERR_NOT_FOUND; revoking twice is fine. */
MUST_USE int store_revoke_token(struct store *store, uint64_t id);

/* By id, also when it is revoked; NULL: there is none. */
const struct store_token *store_find_token(const struct store *store, uint64_t id);
const struct store_token *store_find_token_named(const struct store *store, struct slice name);

/* All of them, in the order of their ids. */
void store_each_token(const struct store *store,
                      void (*found)(void *ctx, const struct store_token *token), void *ctx);

/* True until the first token was ever made: then a relay makes one by itself. */
bool store_is_new(const struct store *store);

/* Tells of every token that stops being valid (revoked, expired), so that its sessions end. One
 * listener; called in the loop's ready phase. */
void store_on_token_gone(struct store *store, void (*gone)(void *ctx, uint64_t token_id),
                         void *ctx);

/* ---- reservations ---- */

/* Who asks for a public entry. Without a token (open relay, id 0) the agent itself is the owner. */
struct store_owner {
    uint64_t token_id;
    uint8_t agent_id[STORE_AGENT_ID_BYTES];
};

static inline bool store_owner_is_same_agent(const struct store_owner *a,
                                             const struct store_owner *b)
{
    return memcmp(a->agent_id, b->agent_id, sizeof a->agent_id) == 0;
}

struct store_reservation {
    struct store_owner owner;
    const char *entry;   /* "blog.t.example.com", "blog.t.example.com/api", ":6000" */
    const char *tunnel;  /* the owner's word for it: its tunnel's key and target */
    const char *holder;  /* the agent's host name, for people */
    uint64_t expires_at; /* wall clock, ms; 0: held by a link now */
};

/* Takes or renews it. ERR_DENIED: another owner has it (*other_out then says who, until the turn
 * ends); ERR_FULL: too many. The same token on another agent may take it: whether a live session
 * stands against that, the relay knows. */
MUST_USE int store_reserve(struct store *store, struct slice entry, const struct store_owner *who,
                           struct slice tunnel, struct slice holder,
                           const struct store_reservation **other_out);

/* Tells of every entry that is reserved now (at once, in this call) and later of each that becomes
 * reserved or free, from within the call that did it: note it, and do not ask the store back. One
 * listener. */
void store_on_reserved(struct store *store,
                       void (*changed)(void *ctx, struct slice entry, bool is_reserved), void *ctx);

/* The last link of this entry is gone: it stays reserved for STORE_RESERVED_MS. Nothing happens if
 * somebody else holds it by now. */
void store_leave(struct store *store, struct slice entry, const struct store_owner *who);

/* Gives it up at once (UNBIND by its owner). */
void store_release(struct store *store, struct slice entry, const struct store_owner *who);

/* Who has it, or NULL: it is free. Expired ones are gone. */
const struct store_reservation *store_find_reservation(const struct store *store,
                                                       struct slice entry);

/* What this owner was given for this tunnel before: the same port or name again. `prefix` selects
 * the kind of entry (":" for ports). NULL: nothing yet. */
const struct store_reservation *store_find_reserved_for(const struct store *store,
                                                        const struct store_owner *who,
                                                        struct slice tunnel, struct slice prefix);
