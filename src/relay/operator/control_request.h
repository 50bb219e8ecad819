/* One request of the operator, from its line to its answer.
 *
 *     line --parse--> verb --> status_report.h     asks every worker
 *                          --> token_request.h     then waits until it is on disk
 *                                                  --> answered, once
 *
 * On worker 0.
 */
#pragma once
#include "base/slice.h"

struct relay;

/* The answer is one JSON object without a newline, borrowed for the call. */
typedef void control_answered_fn(void *ctx, struct slice answer);

/* Does what the line asks for. answered is called once, in the ready phase, never from in here; not
 * at all only if the relay ends before. */
void control_request_start(struct relay *relay, struct slice line, control_answered_fn *answered,
                           void *ctx);
