/* Turns a fresh stream to a relay into a WebSocket, as a client: one GET out, its answer in.
 *
 * The answer may come in any pieces; bytes behind its head belong to the WebSocket. No deadline of
 * its own: the carrier that started it has one.
 */
#pragma once
#include "net/stream.h"

enum { WS_UPGRADE_HEAD_MAX = 16 * 1024 }; /* a relay's answer is short, a proxy's page may not be */

struct ws_upgrade;

/* From the ready phase, once; the upgrade is gone. err 0: s_take is a stream over the WebSocket.
 * ERR_REFUSED: an honest answer that is not 101. */
typedef void ws_upgrade_fn(void *ctx, int err, struct stream *s_take, const struct errinfo *why);

/* host: as the Host field says it. */
struct ws_upgrade *ws_upgrade_start(struct stream *stream_take, struct slice host,
                                    struct slice path, ws_upgrade_fn *done, void *ctx);

/* Cuts it; nobody is told any more. Accepts NULL inside. */
void ws_upgrade_stop(struct ws_upgrade **u);
