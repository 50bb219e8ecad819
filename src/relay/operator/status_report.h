/* What the relay is doing right now, gathered from all workers, as one JSON object:
 *
 *     relay      {version, pid, started_at, uptime_ms, url, listen [...], data, store, draining}
 *     workers    [{index, sessions, visitors}]
 *     sessions   [{worker, id, token, host, agent, carrier, address, attached, link_at, link_ms,
 *                  rtt_ms, resumes, streams, in, out, why, tunnels [...]}]
 *       tunnels  [{key, kind, url, port, target, state, open, exchanges, in, out}]
 *     counters   {adit_...: n}          base/metrics.h
 *
 *      worker 0 --loop_post--> each worker: its part     (nobody reads another worker's objects)
 *               <--loop_post--
 *
 * link_at and link_ms tell since when the link is there, or gone; `why` is the last loss.
 */
#pragma once
#include <jansson.h>

struct relay;

/* done is called once, on worker 0 in the ready phase, after every worker has answered. */
void status_report_ask(struct relay *relay, void (*done)(void *ctx, json_t *report_take),
                       void *ctx);
