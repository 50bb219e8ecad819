/* Every timeout and bound an operator may turn, with its default: the one table of the program.
 *
 * The relay's and the agent's files take them under `limits:`, and `adit check --defaults` prints
 * them. Engines get the values handed in; nobody else writes such a number.
 */
#pragma once
#include <stdint.h>

/*    name             type      default  min      max     help */
#define LIMITS_LIST(X)                                                                             \
    X(handshake, DURATION, "10s", "100ms", "10m",                                                  \
      "from a visitor's or agent's first byte to the end of TLS, upgrade and login")               \
    X(request_head, DURATION, "30s", "100ms", "10m",                                               \
      "from the first to the last byte of a request head")                                         \
    X(head_size, SIZE, "64K", "4K", "1M", "largest request or response head")                      \
    X(body_stall, DURATION, "60s", "1s", "24h", "a request body without a new byte")               \
    X(origin_connect, DURATION, "10s", "100ms", "10m", "the agent's connect to a target")          \
    X(response_head, DURATION, "300s", "1s", "24h",                                                \
      "from the end of a request to the head of its response")                                     \
    X(keep_alive, DURATION, "75s", "1s", "24h", "a visitor's kept connection without a request")   \
    X(origin_idle, DURATION, "4s", "0", "1h",                                                      \
      "a kept connection to an origin that says nothing about its own limit")                      \
    X(origin_idle_max, INTEGER, "16", "0", "1024", "kept connections to one tunnel's origin")      \
    X(agent_wait, DURATION, "5s", "0", "10m",                                                      \
      "new exchanges wait so long for an agent that is away, then get 503")                        \
    X(grace, DURATION, "60s", "0", "24h",                                                          \
      "a session without a link waits so long for its agent before its streams are reset")         \
    X(session_streams, INTEGER, "500000000", "1", "500000000",                                     \
      "streams of one session; then its agent logs in anew, beside it")                            \
    X(drain, DURATION, "30s", "0", "24h", "open exchanges may finish so long after SIGTERM")       \
    X(initial_window, SIZE, "8K", "4K", "1M",                                                      \
      "bytes of a new stream that may be sent before the other end has answered")                  \
    X(link_budget, SIZE, "128M", "1M", "16G",                                                      \
      "memory promised to all streams of one link, each way")                                      \
    X(memory, SIZE, "0", "0", "1T",                                                                \
      "memory promised to all agents together; 0: a quarter of the machine's")

/* Durations in milliseconds, sizes in bytes. */
struct limits {
#define X(name, type, fallback, min, max, help) uint64_t name;
    LIMITS_LIST(X)
#undef X
};

extern const struct schema limits_schema; /* over struct limits */
