/* One request of the operator, from its line to its answer.
 *
 *     line --parse--> verb --> status_report.h     asks every worker
 *                          --> token_request.h     then waits until it is on disk
 *                                                  --> answered, once
 *
 * On worker 0. Owns itself until it is answered; who asked may forget it before.
 */
#pragma once
#include "base/slice.h"

struct control_request;
struct relay;

/* The answer is one JSON object without a newline, borrowed for the call. The request is over. */
typedef void control_answered_fn(void *ctx, struct slice answer);

/* Starts what the line asks for. answered is called in the ready phase, never from in here. */
struct control_request *control_request_start(struct relay *relay, struct slice line,
                                              control_answered_fn *answered, void *ctx);

/* Nobody waits for the answer any more; what was asked happens all the same. Nulls *r; NULL inside
 * is fine. */
void control_request_forget(struct control_request **r);
