/* TARGET: where the agent connects. One grammar for the command line and the file.
 *
 *     3000                         port on 127.0.0.1
 *     host:3000  [::1]:3000        port on a host
 *     http://host[:80]  https://host[:443]  tcp://host:22
 *     unix:/run/app.sock           a unix socket
 *     file:/srv/www                files of a folder
 *
 * A path behind http(s)://host:port is refused: the origin sees the visitor's path unchanged.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/text.h"

enum target_scheme {
    TARGET_NONE,  /* zeroed memory: no target */
    TARGET_PLAIN, /* port or host:port: the kind of the tunnel decides what is spoken there */
    TARGET_HTTP,
    TARGET_HTTPS,
    TARGET_TCP,
    TARGET_UNIX,
    TARGET_FILE,
};

struct target {
    enum target_scheme scheme;
    char *host;    /* PLAIN, HTTP, HTTPS, TCP: without brackets */
    uint16_t port; /* same */
    char *path;    /* UNIX, FILE */
};

/* ERR_INVALID with a line that says what to write instead; *out is empty then. */
MUST_USE int target_parse(struct slice text, struct target *out, struct errinfo *info);
void target_deinit(struct target *t);

bool target_equal(const struct target *a, const struct target *b);

/* The full form: "http://127.0.0.1:3000", "unix:/run/app.sock". PLAIN shows as http or tcp. */
void target_show(struct text *out, const struct target *t, bool is_http);
