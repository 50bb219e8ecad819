/* What a tunnel asks the binder for, and the public entries it gets.
 *
 * A request travels between threads and is touched by one of them at a time; whoever has it last
 * frees it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "relay/entries/public_name.h"
#include "relay/entries/registry.h"

struct worker;

enum bind_kind { BIND_HTTP, BIND_TCP };

enum {
    BIND_ENTRIES_MAX = 64,
    BIND_NAMES_MAX = 16,
    BIND_ATTEMPTS_MAX = 64, /* assigned names and ports that may turn out to be taken */
};

/* What the registry holds for a tunnel: hosts with paths, or a port. */
struct bind_entry {
    char *name;  /* in the registry: host, host/path or :port */
    char *shown; /* to people: "blog", "blog.example.org/api", "port 6000" */
    char *host;  /* NULL: a port */
    char *path;  /* "/" or a prefix */
    uint16_t port;
};

struct bind_entries {
    struct bind_entry *items;
    uint32_t count; /* at most BIND_ENTRIES_MAX */
};

/* Appends an empty entry. */
struct bind_entry *bind_entries_add(struct bind_entries *e);

/* Takes out the entry of that name, if it is there; the order of the others may change. */
void bind_entries_remove(struct bind_entries *e, struct slice name);

void bind_entries_copy(struct bind_entries *to, const struct bind_entries *from);
void bind_entries_deinit(struct bind_entries *e);

struct bind_request {
    struct worker *worker; /* of the session */
    struct route route;
    struct store_owner owner;
    uint8_t run_id[RUN_ID_BYTES];
    char *holder; /* the agent's host name */
    char *word;   /* key and target: the same ones get the same name again */
    enum bind_kind kind;
    bool is_shared;
    struct public_name public_name; /* what host names lead here, as this agent sees it */
    char *names[BIND_NAMES_MAX];
    uint32_t name_count;
    char *paths[BIND_NAMES_MAX];
    uint32_t path_count;
    uint16_t port; /* asked for; 0: any */

    /* the answer */
    uint32_t code; /* enum control_refusal; 0: granted */
    struct errinfo why;
    struct bind_entries entries;
    int door_fd; /* listens at the port, for whoever had it before; -1: none does */

    /* the binder's own */
    unsigned attempt; /* of assigned names and ports */
    uint32_t granted; /* entries claimed so far */
    bool is_probed;   /* `silent` says how the last probe ended */
    struct route silent;
    struct list losses; /* of those who had the entries before: struct loss of binder.c */
};

void bind_request_free(struct bind_request *request);
