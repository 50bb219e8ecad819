/* What the operator does with tokens, as requests of the control socket (control_socket.h):
 *
 *     {"do":"token_create","name":"bob","allow":"http name:blog","admin":false,"expires_ms":0}
 *         {"ok":true,"id":3,"token":"k7f2-..."}
 *     {"do":"token_list"}
 *         {"ok":true,"tokens":[{"id":3,"name":"bob","allow":"http name:blog","created_at":"...",
 *                               "used_at":null,"expires_at":null,"revoked_at":null}]}
 *     {"do":"token_revoke","id":3}
 *         {"ok":true,"name":"bob"}
 *
 * Works on the store alone, so that `adit token` does the same where no relay runs. Answered from
 * memory at once; store_sync tells when it is on disk.
 */
#pragma once
#include <jansson.h>

#include "base/err.h"

struct store;

/* ERR_UNSUPPORTED: not a request about tokens. The answer is the caller's. */
MUST_USE int token_request_run(struct store *store, json_t *request, json_t **answer_out,
                               struct errinfo *why);

/* A token is named in the answer: overwrites it in memory. */
void token_answer_wipe(json_t *answer);
