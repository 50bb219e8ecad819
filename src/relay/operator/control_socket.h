/* The operator's door: a unix socket (0600) in the data folder for `adit status` and `adit token`.
 *
 * One request per line, one answer per line, both JSON objects:
 *
 *     {"do":"status"}                                   {"ok":true, ...}
 *     {"do":"token_create","name":"bob","allow":"..."}  {"ok":true,"token":"k7f2-..."}
 *     {"do":"token_list"}  {"do":"token_revoke","id":3}
 *     anything wrong                                    {"ok":false,"error":"..."}
 *
 * Only worker 0 uses it.
 */
#pragma once
#include "base/err.h"

struct relay;
struct control_socket;

#define CONTROL_SOCKET_NAME "relay.sock"

/* ERR_BUSY: another relay runs on this data folder. */
MUST_USE int control_socket_open(struct control_socket **out, struct relay *relay,
                                 struct errinfo *why);
void control_socket_close(struct control_socket **c);
