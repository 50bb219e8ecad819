#include "agent/serve.h"

#include "agent/file_visit.h"
#include "agent/reporter.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/pump.h"
#include "session/link_stream.h"
#include "wire/open_facts.h"
#include "wire/reset_code.h"

enum visit_state {
    VISIT_NEW,      /* nothing is under way for it */
    VISIT_QUEUED,   /* too many dials run */
    VISIT_DIALLING, /* to the target */
    VISIT_JOINED,   /* bytes flow */
    VISIT_FILES,    /* an HTTP server answers */
    VISIT_OVER,     /* about to be freed */
};

struct visit {
    struct table_node node; /* serve.visits */
    union {
        struct list queued; /* QUEUED: in serve.queue */
        struct grave grave; /* when it is over */
    };
    struct serve *serve;
    struct agent_tunnel *tunnel;  /* counted */
    struct stream *link;          /* ours until JOINED or FILES; then only to be named */
    union {                       /* what works for it: */
        struct origin_dial *dial; /* DIALLING */
        struct pump *pump;        /* JOINED */
        struct file_visit *files; /* FILES */
    };
    uint64_t started_at_ms;
    uint32_t id; /* of the stream */
    struct addr_brief visitor;
    uint8_t state; /* enum visit_state */
    bool is_exchange;
};

_Static_assert(sizeof(struct visit) <= 112, "an idle visit is small");

enum { VISIT_SPARES_MAX = 64 };

static _Thread_local struct mem_pool pool = MEM_POOL(struct visit, VISIT_SPARES_MAX);

/* A state whose visits are counted has its count here. */
static uint32_t *count_of(struct serve *s, enum visit_state state)
{
    switch (state) {
    case VISIT_QUEUED:
        return &s->queue_count;
    case VISIT_DIALLING:
        return &s->dial_count;
    case VISIT_NEW:
    case VISIT_JOINED:
    case VISIT_FILES:
    case VISIT_OVER:
        return NULL;
    }
    UNREACHABLE();
}

static void set_state(struct visit *v, enum visit_state next)
{
    static const uint8_t may_follow[] = {
        [VISIT_NEW] = 1 << VISIT_QUEUED | 1 << VISIT_DIALLING | 1 << VISIT_FILES | 1 << VISIT_OVER,
        [VISIT_QUEUED] = 1 << VISIT_DIALLING | 1 << VISIT_OVER,
        [VISIT_DIALLING] = 1 << VISIT_JOINED | 1 << VISIT_OVER,
        [VISIT_JOINED] = 1 << VISIT_OVER,
        [VISIT_FILES] = 1 << VISIT_OVER,
        [VISIT_OVER] = 0,
    };
    uint32_t *left = count_of(v->serve, (enum visit_state)v->state);
    uint32_t *entered = count_of(v->serve, next);

    ASSERT(may_follow[v->state] & 1 << next);
    if (left) {
        --*left;
    }
    if (entered) {
        ++*entered;
    }
    v->state = (uint8_t)next;
}

static struct visit *of_node(struct table_node *node)
{
    return CONTAINER_OF(node, struct visit, node);
}

static struct visit *find(const struct serve *s, uint32_t stream_id)
{
    TABLE_EACH_MATCH (&s->visits, table_hash_u64(stream_id), node) {
        if (of_node(node)->id == stream_id) {
            return of_node(node);
        }
    }
    return NULL;
}

/* ---- the end ---- */

struct visit_end {
    const char *reason;
    uint64_t in_bytes; /* from the visitor */
    uint64_t out_bytes;
};

static struct log_scope log_of(const struct visit *v)
{
    return (struct log_scope){
        .parent = v->serve->log, .kind = "stream", .id = v->id, .source = v->tunnel->key};
}

/* The closing line, and the event. Exchanges are told by the relay, which sees them. */
static void tell_end(const struct visit *v, const struct visit_end *e)
{
    const struct addr address = addr_lengthen(&v->visitor);
    const struct log_scope log = log_of(v);
    char visitor[ADDR_TEXT_BYTES];
    uint64_t ms = loop_now_ms(v->serve->loop) - v->started_at_ms;
    enum log_level level = v->is_exchange ? LOG_DEBUG : LOG_INFO;
    const struct report_stream report = {
        .tunnel = v->tunnel->name,
        .visitor = visitor,
        .ms = ms,
        .in_bytes = e->in_bytes,
        .out_bytes = e->out_bytes,
        .reason = e->reason,
    };

    addr_show(&address, visitor);
    LOG_AT(level, &log, "stream closed", LOG_STR("tunnel", v->tunnel->key),
           LOG_STR("visitor", visitor), LOG_U64("ms", ms), LOG_U64("in", e->in_bytes),
           LOG_U64("out", e->out_bytes), LOG_STR("reason", e->reason));
    if (!v->is_exchange) {
        reporter_stream(v->serve->reporter, &report);
    }
}

static void bury(struct grave *grave)
{
    mem_pool_put(&pool, CONTAINER_OF(grave, struct visit, grave));
}

static void drop(struct visit *v)
{
    struct serve *s = v->serve;

    table_remove(&s->visits, &v->node);
    list_remove(&v->queued);
    set_state(v, VISIT_OVER);
    agent_tunnel_unref(&v->tunnel);
    loop_bury(s->loop, &v->grave, bury);
}

static void start_queued(struct serve *s);

static void end(struct visit *v, const struct visit_end *e)
{
    struct serve *s = v->serve;

    tell_end(v, e);
    drop(v);
    start_queued(s);
    if (serve_is_empty(s)) {
        s->on_empty(s->ctx);
    }
}

/* Before a byte flowed. */
static void refuse(struct visit *v, uint16_t code, const char *reason)
{
    const struct visit_end e = {.reason = reason};

    stream_reset(&v->link, code);
    end(v, &e);
}

/* ---- joined ---- */

static void on_pumped(void *ctx, const struct pump_result *result)
{
    struct visit *v = ctx;
    struct text reason = {0};
    struct visit_end e = {
        .reason = "end",
        .in_bytes = result->bytes[PUMP_A],
        .out_bytes = result->bytes[PUMP_B],
    };

    v->pump = NULL;
    if (result->err < 0) {
        text_addf(&reason, "%s: %s", result->side == PUMP_A ? "visitor" : "target",
                  err_text(result->err));
        e.reason = text_str(&reason);
    }
    end(v, &e);
    text_deinit(&reason);
}

static void join(struct visit *v, struct stream *origin_take)
{
    struct stream_facts facts;
    uint8_t tlvs[OPEN_FACTS_MAX_BYTES];
    size_t n = 0;

    stream_facts(origin_take, &facts);
    const struct opened_facts opened = {.alpn = facts.alpn};
    if (opened_facts_encode(&opened, tlvs, sizeof tlvs, &n) < 0) {
        n = 0; /* an origin with a strange protocol name: not worth a word */
    }
    set_state(v, VISIT_JOINED);
    mux_stream_accept(link_stream_mux(v->link), slice_of(tlvs, n));
    v->pump = pump_start(v->link, origin_take, NULL, NULL, on_pumped, v);
}

static void on_files_ended(void *ctx, const char *reason)
{
    struct visit *v = ctx;
    const struct visit_end e = {.reason = reason};

    v->files = NULL;
    end(v, &e);
}

static void serve_files(struct visit *v)
{
    struct agent_tunnel *t = v->tunnel;
    const struct log_scope log = log_of(v);
    struct errinfo why = {0};
    int err = t->files ? 0 : file_visit_open(t->target.path, &t->files, &why);

    if (err < 0) {
        refuse(v, origin_dial_reset_code(err), errinfo_text(&why, err));
        return;
    }
    set_state(v, VISIT_FILES);
    mux_stream_accept(link_stream_mux(v->link), SLICE_NONE);
    v->files = file_visit_start(v->link, t->files, &log, on_files_ended, v);
}

/* ---- dialling ---- */

/* The visitor is gone before the target answered. */
static void leave(struct visit *v)
{
    const struct visit_end e = {.reason = "visitor: gone before the target answered"};

    origin_dial_stop(&v->dial);
    stream_abort(&v->link);
    end(v, &e);
}

static void on_dialled(void *ctx, int err, struct stream *s_take, const struct errinfo *why)
{
    struct visit *v = ctx;
    struct serve *s = v->serve;

    v->dial = NULL;
    if (err < 0) {
        refuse(v, origin_dial_reset_code(err), errinfo_text(why, err));
        return;
    }
    if (!link_stream_mux(v->link)) {
        stream_abort(&s_take);
        leave(v);
        return;
    }
    join(v, s_take);
    start_queued(s);
}

static void dial(struct visit *v)
{
    struct serve *s = v->serve;

    set_state(v, VISIT_DIALLING);
    v->dial =
        origin_dial_start(s->loop, &v->tunnel->target, s->trust, s->connect_ms, on_dialled, v);
}

static void queue(struct visit *v)
{
    struct serve *s = v->serve;

    set_state(v, VISIT_QUEUED);
    list_push_back(&s->queue, &v->queued);
}

static void start_queued(struct serve *s)
{
    struct list *first = s->dial_count < SERVE_DIALS_MAX ? list_pop_front(&s->queue) : NULL;

    if (first) {
        dial(LIST_ENTRY(first, struct visit, queued));
    }
}

/* What a visitor sends meanwhile waits in the engine. */
static void on_link_ready(void *ctx, struct stream *link, unsigned events)
{
    (void)link;
    if (events & STREAM_BROKEN) {
        leave(ctx);
    }
}

/* ---- opening ---- */

static struct visit *add(struct serve *s, struct mux_stream *ms, struct agent_tunnel *tunnel)
{
    struct visit *v = mem_pool_get(&pool);

    v->serve = s;
    v->tunnel = agent_tunnel_ref(tunnel);
    v->started_at_ms = loop_now_ms(s->loop);
    v->id = mux_stream_id(ms);
    table_add(&s->visits, &v->node, table_hash_u64(v->id));
    v->link = link_stream_new(s->loop, ms);
    stream_set_user(v->link, on_link_ready, v);
    return v;
}

static struct addr_brief visitor_of(const struct open_facts *facts)
{
    struct addr_brief v = {.port = facts->visitor_port};

    if (facts->visitor.len > 0 && facts->visitor.len <= sizeof v.bytes) {
        v.length = (uint8_t)facts->visitor.len;
        memcpy(v.bytes, facts->visitor.ptr, facts->visitor.len);
    }
    return v;
}

void serve_open(struct serve *s, struct mux_stream *stream_take, struct agent_tunnel *tunnel,
                struct slice facts)
{
    struct open_facts said = {0};
    struct errinfo why = {0};
    int err = open_facts_decode(facts, &said, &why);
    struct visit *v = add(s, stream_take, tunnel);

    if (err < 0) {
        refuse(v, RESET_PROTOCOL, errinfo_text(&why, err));
        return;
    }
    v->is_exchange = said.is_exchange;
    v->visitor = visitor_of(&said);
    if (tunnel->target.scheme == TARGET_FILE) {
        serve_files(v);
    } else if (s->dial_count < SERVE_DIALS_MAX) {
        dial(v);
    } else if (s->queue_count < SERVE_QUEUE_MAX) {
        queue(v);
    } else {
        refuse(v, RESET_LIMIT, "too many connections are being opened");
    }
}

void serve_begin(struct serve *s, struct mux_stream *stream)
{
    struct visit *v = find(s, mux_stream_id(stream));
    const struct visit_end e = {.reason = "target: closed between two exchanges"};

    if (v && v->state == VISIT_JOINED && pump_has_ended(v->pump, PUMP_B)) {
        mux_stream_reset(stream, RESET_UNSENT);
        pump_abort(&v->pump);
        end(v, &e);
    }
}

/* ---- life ---- */

void serve_init(struct serve *s)
{
    list_init(&s->queue);
}

static void cut(struct visit *v, const char *reason)
{
    struct visit_end e = {.reason = reason};

    switch ((enum visit_state)v->state) {
    case VISIT_NEW:
    case VISIT_QUEUED:
    case VISIT_DIALLING:
        origin_dial_stop(&v->dial);
        stream_abort(&v->link);
        break;
    case VISIT_JOINED:
        e.in_bytes = pump_bytes(v->pump, PUMP_A);
        e.out_bytes = pump_bytes(v->pump, PUMP_B);
        pump_abort(&v->pump);
        break;
    case VISIT_FILES:
        file_visit_abort(&v->files);
        break;
    case VISIT_OVER:
        UNREACHABLE();
    }
    tell_end(v, &e);
    drop(v);
}

void serve_deinit(struct serve *s, const char *reason)
{
    TABLE_EACH (&s->visits, node) {
        cut(of_node(node), reason);
    }
    table_deinit(&s->visits);
}
