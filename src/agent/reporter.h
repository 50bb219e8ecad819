/* What a person or a script sees of an agent.
 *
 *              stdout                                          stderr
 *   plain      the URL of each tunnel, alone on its line;      link, errors, what to type next;
 *              one line per exchange                           whose URL it is, where there are
 *                                                              several (on a screen: before it);
 *                                                              tunnels taken out of the file
 *   --json     one object per line: tunnel, removed, link,     errors
 *              exchange, stream, error, skipped; each with
 *              `event`, `at`
 *
 * stdout never stalls the loop: lines that find no room are counted, and the count is told
 * (outlet.h). Tunnels and errors are never left out. Texts are borrowed for the call.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/loop.h"

struct reporter;

struct reporter_options {
    bool is_json;
    bool is_screen;     /* a person looks at stdout */
    bool is_terminal;   /* a person looks at stderr: say what to type next */
    bool names_tunnels; /* there may be several: say whose URL it is */
    int out_fd;
};

struct reporter *reporter_new(struct loop *loop, const struct reporter_options *options);
void reporter_free(struct reporter **r); /* what waits goes out if it can without waiting long */

struct report_tunnel {
    const char *name;
    const char *kind; /* "http", "tcp" */
    struct slice url; /* SLICE_NONE: it has not been told one */
    const char *target;
};
void reporter_tunnel(struct reporter *r, const struct report_tunnel *t);

/* It was taken out of the file. */
void reporter_removed(struct reporter *r, const struct report_tunnel *t);

struct report_link {
    bool is_up;
    const char *carrier; /* NULL: none was there */
    const char *relay;   /* as a person would write it */
    uint64_t rtt_ms;     /* with is_up */
    const char *reason;  /* up: why not the best carrier, or NULL; down: why */
};
void reporter_link(struct reporter *r, const struct report_link *l);

struct report_exchange {
    const char *tunnel;
    struct slice method;
    struct slice path;
    struct slice visitor;
    uint32_t status; /* 0: it ended without an answer */
    uint64_t ms;
    uint64_t in_bytes;
    uint64_t out_bytes;
};
void reporter_exchange(struct reporter *r, const struct report_exchange *x);

/* Exchanges the relay could not tell one by one. */
void reporter_skipped(struct reporter *r, uint64_t count);

struct report_stream {
    const char *tunnel;
    const char *visitor;
    uint64_t ms;
    uint64_t in_bytes; /* from the visitor */
    uint64_t out_bytes;
    const char *reason;
};
void reporter_stream(struct reporter *r, const struct report_stream *s);

/* What is wrong, and what to do about it (may be NULL). */
void reporter_error(struct reporter *r, const char *what, const char *fix, bool is_fatal);

/* Something good to know, on stderr. */
void reporter_notice(struct reporter *r, const char *sentence);
