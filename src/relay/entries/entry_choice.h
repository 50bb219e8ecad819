/* Which public entries a request stands for: hosts with paths, or a port; asked for, remembered or
 * chosen.
 *
 * Says what is wrong with names, paths and ports, and what would be the next assigned one. Who
 * holds them the registry knows. On worker 0 only.
 */
#pragma once
#include "relay/entries/bind_request.h"

struct relay;

struct entry_choice {
    struct relay *relay;
    uint32_t next_port; /* where the search for a free one goes on */
};

/* Fills q->entries anew, for q->attempt. ERR_INVALID, ERR_FULL: q->why says why. */
MUST_USE int entry_choice_make(struct entry_choice *c, struct bind_request *q);

/* The agent asked for none in particular: another attempt may give another one. */
bool entry_choice_is_free(const struct bind_request *q);
