/* All counters and gauges of the process, by their final names.
 *
 * Each thread counts in cells of its own (no lock, no shared cache line); reading sums them up.
 * Metrics are raised by the same call that writes the closing line, so that log and figures agree.
 */
#pragma once
#include <stdint.h>

#include "base/text.h"

/*      id                   kind     name                            help */
#define METRIC_LIST(X)                                                                             \
    X(VISITORS_ACCEPTED, COUNTER, "adit_visitors_accepted_total", "Visitor connections accepted")  \
    X(VISITORS_OPEN, GAUGE, "adit_visitors_open", "Visitor connections open now")                  \
    X(EXCHANGES, COUNTER, "adit_exchanges_total", "HTTP exchanges finished")                       \
    X(EXCHANGES_FAILED, COUNTER, "adit_exchanges_failed_total", "HTTP exchanges cut or refused")   \
    X(HTTP_REFUSED, COUNTER, "adit_http_refused_total", "Malformed or oversize HTTP refused")      \
    X(STREAMS_OPENED, COUNTER, "adit_streams_opened_total", "Mux streams opened")                  \
    X(STREAMS_OPEN, GAUGE, "adit_streams_open", "Mux streams open now")                            \
    X(STREAMS_RESET, COUNTER, "adit_streams_reset_total", "Mux streams that ended by RESET")       \
    X(STREAM_BYTES_IN, COUNTER, "adit_stream_bytes_in_total", "Payload bytes read from streams")   \
    X(STREAM_BYTES_OUT, COUNTER, "adit_stream_bytes_out_total", "Payload bytes given to streams")  \
    X(SESSIONS_OPEN, GAUGE, "adit_sessions_open", "Sessions attached or waiting to resume")        \
    X(LOGINS, COUNTER, "adit_logins_total", "Logins accepted")                                     \
    X(LOGINS_REFUSED, COUNTER, "adit_logins_refused_total", "Logins refused")                      \
    X(RESUMES, COUNTER, "adit_resumes_total", "Sessions resumed on a new carrier")                 \
    X(RESUMES_FAILED, COUNTER, "adit_resumes_failed_total", "Resumes answered UNKNOWN")            \
    X(TUNNELS_BOUND, GAUGE, "adit_tunnels_bound", "Tunnels bound now")                             \
    X(PROTOCOL_ERRORS, COUNTER, "adit_protocol_errors_total", "Links closed for broken frames")

enum metric {
#define X(id, kind, name, help) METRIC_##id,
    METRIC_LIST(X)
#undef X
    METRIC_COUNT
};

void metric_add(enum metric metric, int64_t n);
int64_t metric_get(enum metric metric); /* sum over all threads */
const char *metric_name(enum metric metric);

/* All of them in Prometheus text format. */
void metrics_show(struct text *out);
