/* Lines to stdout or a file that never stall the loop, whoever reads them.
 *
 * Lines are queued and written at the end of the turn, in pieces a pipe or terminal takes without
 * blocking; when it takes none, or the disk is full, the outlet tries again a little later. The
 * queue is bounded: lines beyond OUTLET_QUEUE_BYTES are left out and counted, and the count is told
 * by the owner's function once there is room again. The descriptor's flags stay as they are, for it
 * may be shared with the shell. A reader that is gone (EPIPE) is not missed: from then on lines
 * vanish.
 *
 * Several outlets, of several threads, may share a descriptor: a line of up to PIPE_BUF bytes comes
 * out whole.
 *
 * The loop has SIGPIPE ignored.
 */
#pragma once
#include "base/text.h"
#include "net/loop.h"

enum {
    OUTLET_QUEUE_BYTES = 256 * 1024,
    OUTLET_RETRY_MS = 50,
};

struct outlet {
    struct loop *loop;
    int fd;
    bool is_gone;
    struct text queue;
    size_t written;   /* bytes of queue that are out */
    uint64_t skipped; /* lines left out and not yet told */
    /* Writes the line that tells of them, with its newline. */
    void (*tell_skipped)(struct text *line, uint64_t skipped);
    struct task task;
    struct timer retry;
};

void outlet_init(struct outlet *o, struct loop *loop, int fd,
                 void (*tell_skipped)(struct text *line, uint64_t skipped));

/* Writes what goes out without waiting, up to OUTLET_LAST_MS. */
enum { OUTLET_LAST_MS = 200 };
void outlet_deinit(struct outlet *o);

/* Adds a line; the newline is added here. An important one is never left out. */
void outlet_add(struct outlet *o, struct slice line, bool is_important);

/* Writes at once what goes out without waiting: before something is said beside it, on stderr. */
void outlet_flush(struct outlet *o);
