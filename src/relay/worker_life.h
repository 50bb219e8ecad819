/* The life of a worker: from its thread's first turn to the cutting of everything that is on it. */
#pragma once
#include "relay/workers/worker.h"

/* Worker 0 runs on the caller's loop, the others get one of their own. */
void worker_init(struct worker *w, struct relay *r, uint32_t index, struct loop *loop);

/* Runs the loop of a worker above 0 on a thread of its own. ERR_SYSTEM. */
MUST_USE int worker_start(struct worker *w, struct errinfo *why);

/* Ends everything that lives here; has_settled tells when it has ended. On the worker's thread. */
void worker_cut(struct worker *w);

/* Lets a thread end, after worker_cut, and frees its loop. */
void worker_join(struct worker *w);
void worker_deinit(struct worker *w);
