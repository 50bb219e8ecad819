#include "net/dial.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/dial_priv.h"
#include "net/dns.h"
#include "net/socket.h"
#include "net/tcp_priv.h"

enum {
    WHERE_BYTES = 300,
    EPHEMERAL_PORTS_FROM = 1024, /* a lower port is never chosen for the near end */
};

/* One connection that is being tried. */
struct attempt {
    struct dial *dial;
    struct watch *watch; /* NULL: over */
    int fd;
    unsigned told; /* by the watch: there is an answer */
};

struct dial {
    struct loop *loop;
    dial_fn *fn;
    void *ctx;
    struct dns_query *query;
    struct timer deadline;
    struct timer stagger;
    struct task step;
    struct grave grave;
    struct stream *won;
    int err;        /* the reason worth telling so far */
    bool is_late;   /* the deadline has passed */
    bool asks_next; /* the stagger time has passed */
    struct errinfo info;
    char where[WHERE_BYTES];
    size_t addr_count;
    size_t tried_count;
    struct addr addrs[DNS_ADDRS_MAX];
    struct attempt attempts[DNS_ADDRS_MAX];
};

/* ---- order ---- */

void dial_interleave(struct addr *addrs, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        size_t j = i;
        while (j < count && addrs[j].storage.ss_family == addrs[i - 1].storage.ss_family) {
            j++;
        }
        if (j == count) {
            return; /* only one family is left */
        }
        struct addr other = addrs[j];
        memmove(&addrs[i + 1], &addrs[i], (j - i) * sizeof *addrs);
        addrs[i] = other;
    }
}

/* ---- attempts ---- */

static void close_attempt(struct attempt *a)
{
    if (a->watch) {
        watch_close(&a->watch);
        close(a->fd);
    }
}

/* When several addresses fail, the one that answered tells most. */
static int weight(int err)
{
    switch (err) {
    case 0:
        return 0;
    case ERR_UNREACHABLE:
        return 1;
    case ERR_TIMEOUT:
        return 2;
    case ERR_REFUSED:
        return 4;
    default:
        return 3;
    }
}

static void note_failure(struct dial *d, int err)
{
    if (weight(err) > weight(d->err)) {
        d->err = err;
    }
}

static void on_watch(void *ctx, unsigned events)
{
    struct attempt *a = ctx;

    a->told |= events;
    loop_schedule(a->dial->loop, &a->dial->step);
}

/* Linux may connect a socket to itself when nobody listens at a port of the ephemeral range. */
static bool is_own_echo(const struct addr *to, int fd)
{
    if (!addr_is_loopback(to) || addr_port(to) < EPHEMERAL_PORTS_FROM) {
        return false;
    }
    struct addr local = addr_of_local(fd);
    return addr_equal(&local, to);
}

static void win(struct dial *d, struct attempt *a)
{
    d->won = tcp_open_watched(d->loop, a->fd, a->watch, a->told);
    a->watch = NULL;
}

static void take_answer(struct dial *d, struct attempt *a)
{
    const struct addr *to = &d->addrs[a - d->attempts];
    int errnum = 0;
    socklen_t len = sizeof errnum;

    if (a->told) { /* else connect itself has said that all is well */
        getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &errnum, &len);
    }
    if (errnum == 0 && is_own_echo(to, a->fd)) {
        errnum = ECONNREFUSED;
    }
    if (errnum == 0) {
        win(d, a);
        return;
    }
    note_failure(d, err_from_errno(errnum));
    close_attempt(a);
}

static int explain(struct dial *d, const struct addr *to, int errnum)
{
    if (to->storage.ss_family == AF_UNIX && errnum == ENOENT) {
        return errinfo_set(&d->info, ERR_REFUSED, "cannot connect to %s: no such socket", d->where);
    }
    if (to->storage.ss_family == AF_UNIX && errnum == EAGAIN) {
        return errinfo_set(&d->info, ERR_REFUSED, "cannot connect to %s: its queue is full",
                           d->where);
    }
    return err_from_errno(errnum);
}

/* True: connected already. On loopback the answer is there when connect returns, but it is told
 * only to the one who asks again; this saves a turn and several calls for an origin beside us. */
static bool try_connect(int fd, const struct addr *to)
{
    const struct sockaddr *at = (const struct sockaddr *)&to->storage;

    if (connect(fd, at, to->len) == 0) {
        return true;
    }
    if (errno != EINPROGRESS || !addr_is_loopback(to)) {
        return false;
    }
    if (connect(fd, at, to->len) == 0) {
        return true;
    }
    errno = errno == EALREADY ? EINPROGRESS : errno;
    return false;
}

static void try_next(struct dial *d)
{
    struct attempt *a = &d->attempts[d->tried_count];
    const struct addr *to = &d->addrs[d->tried_count++];

    a->dial = d;
    int err = socket_new(to->storage.ss_family, SOCK_STREAM, &a->fd);
    if (err < 0) {
        note_failure(d, err);
        return;
    }
    bool is_there = try_connect(a->fd, to);
    if (!is_there && errno != EINPROGRESS) {
        err = explain(d, to, errno);
    } else {
        err = watch_open(&a->watch, d->loop, a->fd, is_there ? 0 : WATCH_WRITABLE, on_watch, a);
    }
    if (err < 0) {
        note_failure(d, err);
        close(a->fd);
    } else if (is_there) {
        take_answer(d, a);
    }
}

/* ---- the whole ---- */

static size_t open_count(const struct dial *d)
{
    size_t count = 0;

    for (size_t i = 0; i < d->tried_count; i++) {
        count += d->attempts[i].watch != NULL;
    }
    return count;
}

static void free_dial(struct grave *g)
{
    mem_free(CONTAINER_OF(g, struct dial, grave));
}

static void let_go(struct dial *d)
{
    dns_stop(&d->query);
    timer_disarm(d->loop, &d->deadline);
    timer_disarm(d->loop, &d->stagger);
    loop_unschedule(&d->step);
    for (size_t i = 0; i < d->tried_count; i++) {
        close_attempt(&d->attempts[i]);
    }
    loop_bury(d->loop, &d->grave, free_dial);
}

static void tell(struct dial *d)
{
    struct stream *won = d->won;
    int err = won ? 0 : d->err;

    if (err) {
        errinfo_set(&d->info, err, "cannot connect to %s: %s", d->where, err_text(err));
    }
    d->won = NULL;
    let_go(d); /* its memory stays until the end of the turn */
    d->fn(d->ctx, err, won, &d->info);
}

static void take_answers(struct dial *d)
{
    for (size_t i = 0; i < d->tried_count && !d->won; i++) {
        if (d->attempts[i].watch && d->attempts[i].told) {
            take_answer(d, &d->attempts[i]);
        }
    }
}

static void try_more(struct dial *d)
{
    while (!d->won && d->tried_count < d->addr_count && (d->asks_next || open_count(d) == 0)) {
        d->asks_next = false;
        try_next(d);
        timer_arm(d->loop, &d->stagger, DIAL_STAGGER_MS);
    }
}

static void note_late(struct dial *d)
{
    note_failure(d, ERR_TIMEOUT);
    if (d->query) {
        errinfo_set(&d->info, ERR_TIMEOUT, "cannot connect to %s: the name server does not answer",
                    d->where);
    }
}

static void step(struct task *t)
{
    struct dial *d = CONTAINER_OF(t, struct dial, step);
    size_t before = open_count(d);

    take_answers(d);
    d->asks_next |= open_count(d) < before; /* one has failed: do not wait */
    try_more(d);
    if (d->is_late) {
        note_late(d);
    }
    if (d->won || d->is_late || (!d->query && open_count(d) == 0)) {
        tell(d);
    }
}

static void on_deadline(struct timer *t)
{
    struct dial *d = CONTAINER_OF(t, struct dial, deadline);

    d->is_late = true;
    loop_schedule(d->loop, &d->step);
}

static void on_stagger(struct timer *t)
{
    struct dial *d = CONTAINER_OF(t, struct dial, stagger);

    d->asks_next = true;
    loop_schedule(d->loop, &d->step);
}

static void begin(struct dial *d, const struct addr *addrs, size_t count)
{
    d->addr_count = count < DNS_ADDRS_MAX ? count : DNS_ADDRS_MAX;
    memcpy(d->addrs, addrs, d->addr_count * sizeof *addrs);
    dial_interleave(d->addrs, d->addr_count);
    try_more(d);
    loop_schedule(d->loop, &d->step);
}

static void on_names(void *ctx, int err, const struct addr *addrs, size_t count,
                     const struct errinfo *info)
{
    struct dial *d = ctx;

    d->query = NULL;
    if (err) {
        d->err = err;
        d->info = *info;
        tell(d);
        return;
    }
    begin(d, addrs, count);
}

static void look_up(struct dial *d, struct slice where, uint64_t deadline_ms)
{
    struct addr known[2];
    struct slice host;
    uint16_t port;

    if (addr_parse(where, &known[0]) == 0) {
        begin(d, known, 1);
        return;
    }
    if (addr_split(where, &host, &port) < 0) {
        d->err = errinfo_set(&d->info, ERR_INVALID, "not an address: %s", d->where);
        loop_schedule(d->loop, &d->step);
        return;
    }
    size_t count = dns_known(host, port, known);
    if (count > 0) {
        begin(d, known, count);
    } else {
        d->query = dns_start(d->loop, host, port, deadline_ms, on_names, d);
    }
}

static struct dial *new_dial(struct loop *loop, struct slice where, uint64_t deadline_ms,
                             dial_fn *fn, void *ctx)
{
    struct dial *d = NEW(struct dial);

    d->loop = loop;
    d->fn = fn;
    d->ctx = ctx;
    d->step.run = step;
    d->deadline.expired = on_deadline;
    d->stagger.expired = on_stagger;
    memcpy(d->where, where.ptr, where.len < WHERE_BYTES ? where.len : WHERE_BYTES - 1);
    timer_arm(loop, &d->deadline, deadline_ms);
    return d;
}

struct dial *dial_start(struct loop *loop, struct slice where, uint64_t deadline_ms, dial_fn *fn,
                        void *ctx)
{
    uint64_t within_ms = deadline_ms ? deadline_ms : DIAL_DEADLINE_MS;
    struct dial *d = new_dial(loop, where, within_ms, fn, ctx);

    look_up(d, where, within_ms);
    return d;
}

struct dial *dial_start_at(struct loop *loop, const struct addr *addrs, size_t count,
                           uint64_t deadline_ms, dial_fn *fn, void *ctx)
{
    char where[ADDR_TEXT_BYTES];
    struct slice name = slice_str(addr_show(&addrs[0], where));
    struct dial *d = new_dial(loop, name, deadline_ms, fn, ctx);

    begin(d, addrs, count);
    return d;
}

void dial_stop(struct dial **d_ref)
{
    struct dial *d = *d_ref;

    if (!d) {
        return;
    }
    *d_ref = NULL;
    stream_abort(&d->won);
    let_go(d);
}
