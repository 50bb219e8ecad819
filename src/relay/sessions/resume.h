/* A session goes on over a new carrier, on whichever worker that carrier arrived.
 *
 *      arrival's worker                          session's worker
 *      RESUME --resume_ask-->                    proof, tables, RESUMED
 *         ^------------------ unknown, or -----------+
 *      pump(carrier, xstream) =================> link
 *
 * On the same worker the carrier is attached as it is. A request is touched by one thread at a
 * time.
 */
#pragma once
#include "net/addr.h"
#include "relay/workers/worker.h"
#include "session/greet_server.h"

struct resume_request {
    struct worker *from; /* where the carrier arrived */
    struct worker *to;   /* the session's */
    struct link_session_id session;
    uint64_t epoch;
    uint8_t proof[LINK_PROOF_BYTES];
    uint8_t proof_input[LINK_PROOF_INPUT_MAX];
    size_t proof_input_len;
    const char *carrier;
    char address[ADDR_TEXT_BYTES];
    char *rows; /* the agent's table */
    size_t rows_len;

    /* the answer */
    bool is_resumed;
    bool is_breach;  /* the proof was good, the table is not: the session is over */
    uint64_t handle; /* of the session */
    char *answer;    /* RESUMED and its tables; wiped */
    size_t answer_len;

    void (*done)(void *ctx, struct resume_request *q); /* on the arrival's worker */
    void *ctx;
};

/* Takes the request; done gives it back. The session is detached and waits for resume_attach. */
void resume_ask(struct resume_request *q);

/* The session continues on the carrier; takes it. On the arrival's worker. */
void resume_attach(struct resume_request *q, struct greeted *carrier_take);

void resume_request_free(struct resume_request *q);

/* Cuts the carriers that are passed on from here. */
void resume_bridges_cut(struct worker *w);
