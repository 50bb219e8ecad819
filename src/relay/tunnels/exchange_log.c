#include "relay/tunnels/exchange_log.h"

#include "base/mem.h"
#include "relay/tunnels/origin_stream.h"
#include "relay/workers/shared.h"

enum {
    TELL_EVERY_MS = 50,
    METHOD_MAX = 16,
    VISITOR_MAX = 63,
};

struct record {
    struct control_exchange facts; /* its texts point to the arrays below */
    char method[METHOD_MAX];
    char path[CONTROL_EXCHANGE_PATH_MAX];
    char visitor[VISITOR_MAX];
};

struct exchange_log {
    struct session *session;
    struct record *records; /* NULL while there is nothing to tell */
    size_t count;
    uint32_t skipped;
    struct timer timer;
};

static struct control_message message_of(const struct exchange_log *log)
{
    struct control_message m = {.type = CONTROL_EXCHANGES};

    m.exchanges.count = log->count;
    m.exchanges.skipped = log->skipped;
    for (size_t i = 0; i < log->count; i++) {
        m.exchanges.items[i] = log->records[i].facts;
    }
    return m;
}

static void tell(struct exchange_log *log)
{
    struct control_message m = message_of(log);

    log->skipped = 0;
    session_tell(log->session, &m);
}

static void on_due(struct timer *timer)
{
    struct exchange_log *log = CONTAINER_OF(timer, struct exchange_log, timer);

    if (session_keeps_up(log->session)) {
        tell(log);
    } else {
        log->skipped += (uint32_t)log->count;
    }
    mem_free(log->records);
    log->records = NULL;
    log->count = 0;
}

static struct exchange_log *log_of(struct session *s)
{
    if (!s->exchanges) {
        struct exchange_log *log = NEW(struct exchange_log);
        log->session = s;
        log->timer.expired = on_due;
        s->exchanges = log;
    }
    return s->exchanges;
}

/* Cut to what fits, and to what may stand in a line of text. */
static struct slice keep(char *to, size_t cap, struct slice from)
{
    size_t n = from.len < cap ? from.len : cap;

    for (size_t i = 0; i < n; i++) {
        to[i] = from.ptr[i] > ' ' && from.ptr[i] < 0x7f ? from.ptr[i] : '?';
    }
    return slice_of(to, n);
}

static void write_record(struct record *r, const struct control_exchange *e)
{
    r->facts = *e;
    r->facts.method = keep(r->method, sizeof r->method, e->method);
    r->facts.path = keep(r->path, sizeof r->path, e->path);
    r->facts.visitor = keep(r->visitor, sizeof r->visitor, e->visitor);
}

void exchange_log_add(struct session *s, const struct control_exchange *exchange)
{
    struct exchange_log *log = log_of(s);

    if (log->count == CONTROL_EXCHANGES_MAX) {
        log->skipped++;
        return;
    }
    if (!log->records) {
        log->records = mem_alloc_array(CONTROL_EXCHANGES_MAX, sizeof *log->records);
        timer_arm(s->worker->loop, &log->timer, TELL_EVERY_MS);
    }
    write_record(&log->records[log->count++], exchange);
}

/* ---- booking ---- */

static void book_here(struct worker *w, struct route route, const struct control_exchange *e)
{
    struct tunnel *t = NULL;

    if (origin_find_tunnel(w, route, &t) == ERR_NOT_FOUND) {
        return;
    }
    t->exchange_count++;
    t->in_bytes += e->in_bytes;
    t->out_bytes += e->out_bytes;
    if (t->wants_exchanges) {
        exchange_log_add(t->session, e);
    }
}

/* On its way to the session's worker. */
struct letter {
    struct worker *to;
    struct route route;
    struct record record;
};

static void arrive(void *arg)
{
    struct letter *letter = arg;

    book_here(letter->to, letter->route, &letter->record.facts);
    mem_free(letter);
}

void exchange_log_book(struct worker *w, struct route route,
                       const struct control_exchange *exchange)
{
    if (worker_has(w, route)) {
        book_here(w, route, exchange);
        return;
    }
    struct letter *letter = NEW(struct letter);
    letter->to = &w->relay->workers[route.worker];
    letter->route = route;
    write_record(&letter->record, exchange);
    loop_post(letter->to->loop, arrive, letter);
}

void exchange_log_free(struct exchange_log **log)
{
    struct exchange_log *gone = *log;

    *log = NULL;
    if (gone) {
        timer_disarm(gone->session->worker->loop, &gone->timer);
        mem_free(gone->records);
        mem_free(gone);
    }
}
