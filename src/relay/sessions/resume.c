#include "relay/sessions/resume.h"

#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"
#include "net/pump.h"
#include "net/xstream.h"
#include "relay/sessions/session.h"
#include "relay/workers/shared.h"

void resume_request_free(struct resume_request *q)
{
    if (q->answer) {
        mem_wipe(q->answer, q->answer_len);
    }
    mem_wipe(q->proof_input, sizeof q->proof_input);
    mem_free(q->answer);
    mem_free(q->rows);
    mem_free(q);
}

/* ---- on the session's worker ---- */

/* The newest secret, or the one before it: the answer with the newest may have been lost. */
static bool is_proven(struct session *s, const struct resume_request *q)
{
    struct slice input = slice_of(q->proof_input, q->proof_input_len);

    if (q->epoch <= s->epoch) {
        return false;
    }
    if (greet_server_check_proof(input, q->proof, s->secret)) {
        memcpy(s->previous_secret, s->secret, sizeof s->secret);
        return true;
    }
    return greet_server_check_proof(input, q->proof, s->previous_secret);
}

static void keep_answer(struct resume_request *q, struct session *s, struct bufq *own_rows)
{
    struct bufq out = {0};

    random_bytes(s->secret, sizeof s->secret);
    greet_server_put_resumed(&out, s->secret, own_rows);
    q->answer_len = out.bytes;
    q->answer = mem_alloc(out.bytes);
    bufq_peek(&out, q->answer, out.bytes);
    bufq_clear(&out);
}

/* The old carrier goes first: its unread bytes come again. */
static bool exchange_tables(struct resume_request *q, struct session *s)
{
    struct bufq own_rows = {0};
    struct bufq rows = {0};
    struct errinfo why = {0};

    session_detach(s);
    s->epoch = q->epoch;
    mux_resume_table(s->mux, &own_rows);
    bufq_push(&rows, q->rows, q->rows_len);
    int err = mux_resume_apply(s->mux, &rows, &why);
    bufq_clear(&rows);
    if (err < 0) {
        bufq_clear(&own_rows);
        session_end_by_breach(s, errinfo_text(&why, err));
        q->is_breach = true;
        return false;
    }
    keep_answer(q, s, &own_rows);
    return true;
}

static void answer(void *arg)
{
    struct resume_request *q = arg;
    q->done(q->ctx, q);
}

static void look_for_session(void *arg)
{
    struct resume_request *q = arg;
    struct session *s = session_find_id(q->to, &q->session);

    q->is_resumed = s && is_proven(s, q) && exchange_tables(q, s);
    q->handle = q->is_resumed ? s->handle : 0;
    loop_post(q->from->loop, answer, q);
}

void resume_ask(struct resume_request *q)
{
    loop_post(q->to->loop, look_for_session, q);
}

/* What a carrier needs on the session's worker. */
struct crossing {
    struct worker *to;
    uint64_t handle;
    uint64_t epoch;
    struct stream *stream; /* the session's end of the xstream */
    const char *carrier;
    char address[ADDR_TEXT_BYTES];
};

static struct crossing crossing_of(const struct resume_request *q)
{
    struct crossing c = {
        .to = q->to, .handle = q->handle, .epoch = q->epoch, .carrier = q->carrier};

    memcpy(c.address, q->address, sizeof c.address);
    return c;
}

static void attach_here(const struct crossing *c, struct greeted *carrier_take)
{
    struct session *s = session_find(c->to, c->handle);

    if (!s || s->epoch != c->epoch) { /* over, or resumed once more meanwhile */
        stream_abort(&carrier_take->stream);
        bufq_clear(&carrier_take->in);
        bufq_clear(&carrier_take->out);
        return;
    }
    s->resume_count++;
    metric_add(METRIC_RESUMES, 1);
    log_info(&s->log, "session resumed", LOG_STR("address", c->address),
             LOG_STR("carrier", c->carrier), LOG_U64("epoch", s->epoch));
    session_attach(s, carrier_take, c->carrier, c->address);
}

/* ---- a carrier that arrived elsewhere ---- */

/* The carrier's side of an xstream. */
struct bridge {
    struct list node; /* worker.bridges */
    struct loop *loop;
    struct pump *pump;
    struct grave grave;
};

static void bury_bridge(struct grave *grave)
{
    mem_free(CONTAINER_OF(grave, struct bridge, grave));
}

static void end_bridge(struct bridge *b)
{
    list_remove(&b->node);
    loop_bury(b->loop, &b->grave, bury_bridge);
}

static void on_bridge_done(void *ctx, const struct pump_result *result)
{
    (void)result;
    end_bridge(ctx);
}

static void arrive(void *arg)
{
    struct crossing *c = arg;
    struct greeted carrier = {.stream = c->stream};

    attach_here(c, &carrier);
    mem_free(c);
}

static void pass_on(struct resume_request *q, struct greeted *carrier)
{
    struct bridge *b = NEW(struct bridge);
    struct crossing *c = NEW(struct crossing);
    struct stream_facts facts;
    struct stream *end = NULL;

    stream_facts(carrier->stream, &facts);
    *c = crossing_of(q);
    xstream_open(q->from->loop, q->to->loop, &facts, &end, &c->stream);
    b->loop = q->from->loop;
    list_push_back(&q->from->bridges, &b->node);
    b->pump = pump_start(carrier->stream, end, &carrier->in, &carrier->out, on_bridge_done, b);
    loop_post(q->to->loop, arrive, c);
}

void resume_attach(struct resume_request *q, struct greeted *carrier_take)
{
    bufq_push(&carrier_take->out, q->answer, q->answer_len);
    if (q->to == q->from) {
        struct crossing c = crossing_of(q);
        attach_here(&c, carrier_take);
    } else {
        pass_on(q, carrier_take);
    }
}

void resume_bridges_cut(struct worker *w)
{
    LIST_EACH (&w->bridges, node) {
        struct bridge *b = LIST_ENTRY(node, struct bridge, node);
        pump_abort(&b->pump);
        end_bridge(b);
    }
}
