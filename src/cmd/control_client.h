/* Asks the relay that runs on a data folder, through its operator's door
 * (relay/operator/control_socket.h), and waits for the answer. */
#pragma once
#include <jansson.h>

#include "base/err.h"

/* The answer is the caller's. ERR_NOT_FOUND: no relay runs there. ERR_DENIED: it is somebody
 * else's. ERR_INVALID: it refused the request; `why` holds what it said. */
MUST_USE int control_ask(const char *data, const json_t *request, json_t **answer_out,
                         struct errinfo *why);
