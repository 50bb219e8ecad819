#include "relay/sessions/link_door.h"

#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"
#include "net/tcp.h"
#include "relay/sessions/resume.h"
#include "relay/sessions/session.h"
#include "relay/workers/shared.h"
#include "session/greet_server.h"
#include "store/store.h"
#include "ws/ws_stream.h"

/* An agent that has not logged in yet. */
struct arrival {
    struct list node; /* worker.arrivals */
    struct worker *worker;
    struct greet_server *greet; /* NULL: cut while worker 0 looked at its token */
    const char *carrier;
    char address[ADDR_TEXT_BYTES];
    char host[ADDR_TEXT_BYTES]; /* of the address */
    struct log_scope log;
    struct link_login login; /* texts are copies; the token is wiped after the check */
    char *token;
    size_t token_len;

    /* worker 0's answer */
    int result;
    uint64_t token_id;
    char token_name[STORE_NAME_BYTES + 1];
    bool is_checking; /* another worker looks at it: it is freed when the answer is back */
    struct grave grave;
};

static void wipe_token(struct arrival *a)
{
    if (a->token) {
        mem_wipe(a->token, a->token_len);
        mem_free(a->token);
        a->token = NULL;
    }
}

static void free_text(struct slice *s)
{
    mem_free((char *)(uintptr_t)s->ptr);
    *s = SLICE_NONE;
}

static void free_arrival(struct grave *grave)
{
    struct arrival *a = CONTAINER_OF(grave, struct arrival, grave);

    wipe_token(a);
    free_text(&a->login.host_name);
    free_text(&a->login.agent_version);
    free_text(&a->login.platform);
    free_text(&a->login.dialled);
    free_text(&a->login.identity);
    mem_free(a);
}

static void end(struct arrival *a)
{
    list_remove(&a->node);
    if (!a->is_checking) {
        loop_bury(a->worker->loop, &a->grave, free_arrival);
    }
}

static void refuse(struct arrival *a, uint16_t code, const char *sentence)
{
    struct link_refused no = {.code = code, .sentence = slice_str(sentence)};

    metric_add(METRIC_LOGINS_REFUSED, 1);
    log_warn(&a->log, "login refused", LOG_STR("address", a->address),
             LOG_STR("carrier", a->carrier),
             LOG_STR("reason", sentence ? sentence : link_refusal_sentence(code)));
    greet_server_refuse(&a->greet, &no);
    end(a);
}

/* ---- login ---- */

/* Who proves nothing is a stranger each time: an id that was only said gives no rights to the names
 * of the agent it belongs to. */
static int identify(const struct arrival *a, uint8_t id_out[LINK_ID_BYTES])
{
    int err = greet_server_check_identity(a->greet, a->login.identity);

    if (err == ERR_NOT_FOUND) {
        random_bytes(id_out, LINK_ID_BYTES);
        return 0;
    }
    memcpy(id_out, greet_server_peer(a->greet)->node_id, LINK_ID_BYTES);
    return err;
}

/* The word of a login, on its way to another worker. */
struct login_news {
    struct worker *to;
    struct store_owner agent;
};

static void count_login(void *arg)
{
    struct login_news *news = arg;

    session_count_login(news->to, &news->agent);
    mem_free(news);
}

/* Before the new session is attached: it may be the next to lose its link. */
static void tell_workers(const struct worker *from, const struct store_owner *agent)
{
    struct relay *r = from->relay;

    for (uint32_t i = 0; i < r->worker_count; i++) {
        struct worker *w = &r->workers[i];
        if (w == from) {
            session_count_login(w, agent);
            continue;
        }
        struct login_news *news = NEW(struct login_news);
        *news = (struct login_news){.to = w, .agent = *agent};
        loop_post(w->loop, count_login, news);
    }
}

static void accept_login(struct arrival *a)
{
    const struct relay *r = a->worker->relay;
    struct session_login login = {
        .hello = greet_server_peer(a->greet),
        .login = &a->login,
        .owner.token_id = a->token_id,
        .token_name = a->token_name,
        .carrier = a->carrier,
        .address = a->address,
    };
    struct session *s = NULL;
    struct errinfo why = {0};

    if (identify(a, login.owner.agent_id) < 0) {
        refuse(a, LINK_REFUSAL_IDENTITY, NULL);
        return;
    }
    if (session_new(a->worker, &login, &s, &why) < 0) {
        refuse(a, LINK_REFUSAL_LIMIT, why.text);
        return;
    }
    struct link_logged_in answer = {
        .session = s->id,
        .domain = slice_str(r->config->domain),
        .relay_version = slice_str(relay_version()),
        .token_name = slice_str(a->token_name),
        .grace_ms = (uint32_t)r->config->limits.grace,
    };
    memcpy(answer.secret, s->secret, sizeof answer.secret);
    struct greeted carrier = greet_server_log_in(&a->greet, &answer);
    mem_wipe(&answer, sizeof answer);
    metric_add(METRIC_LOGINS, 1);
    log_info(&s->log, "agent logged in", LOG_STR("token", a->token_name),
             LOG_STR("host", s->host_name), LOG_STR("address", a->address),
             LOG_STR("carrier", a->carrier), LOG_STR("version", s->agent_version));
    tell_workers(a->worker, &login.owner);
    session_attach(s, &carrier, a->carrier, a->address);
    end(a);
}

/* Back on the arrival's worker. */
static void on_checked(void *arg)
{
    struct arrival *a = arg;

    a->is_checking = false;
    wipe_token(a);
    if (!a->greet) {
        loop_bury(a->worker->loop, &a->grave, free_arrival);
    } else if (a->result < 0) {
        refuse(a, LINK_REFUSAL_TOKEN, NULL);
    } else {
        accept_login(a);
    }
}

/* On worker 0, where the store is. */
static void check_token(void *arg)
{
    struct arrival *a = arg;
    struct relay *r = a->worker->relay;
    const struct store_token *token = NULL;
    struct errinfo why = {0};

    a->result = 0;
    if (a->token_len > 0 || !r->config->is_open) {
        a->result = store_check_token(r->store, slice_of(a->token, a->token_len), &token, &why);
    }
    if (token) {
        a->token_id = token->id;
        memcpy(a->token_name, token->name, sizeof a->token_name);
        store_touch_token(r->store, token->id);
    }
    if (a->result < 0) {
        log_debug(&r->log, "token refused", LOG_STR("reason", errinfo_text(&why, a->result)));
    }
    loop_post(a->worker->loop, on_checked, a);
}

static struct slice keep(struct slice s)
{
    return slice_of(slice_dup(s), s.len);
}

static void on_login(void *ctx, struct greet_server *g, const struct link_login *login)
{
    struct arrival *a = ctx;

    (void)g;
    if (a->worker->relay->is_draining) {
        refuse(a, LINK_REFUSAL_BUSY, NULL);
        return;
    }
    a->token = slice_dup(login->token);
    a->token_len = login->token.len;
    a->login.host_name = keep(login->host_name);
    a->login.agent_version = keep(login->agent_version);
    a->login.platform = keep(login->platform);
    a->login.dialled = keep(login->dialled);
    a->login.identity = keep(login->identity);
    a->login.is_share = login->is_share;
    a->is_checking = true;
    loop_post(a->worker->relay->workers[0].loop, check_token, a);
}

/* ---- resume ---- */

static void on_resume_answer(void *ctx, struct resume_request *q)
{
    struct arrival *a = ctx;

    a->is_checking = false;
    if (!a->greet) { /* cut meanwhile: the session waits for another carrier */
        loop_bury(a->worker->loop, &a->grave, free_arrival);
    } else if (q->is_resumed) {
        struct greeted carrier = greet_server_take(&a->greet);
        resume_attach(q, &carrier);
        end(a);
    } else if (q->is_breach) { /* told by its session */
        greet_server_close(&a->greet);
        end(a);
    } else {
        metric_add(METRIC_RESUMES_FAILED, 1);
        log_info(&a->log, "resume of an unknown session", LOG_STR("address", a->address));
        greet_server_unknown(a->greet);
    }
    resume_request_free(q);
}

/* The worker that may hold the session; ours where none does. */
static struct worker *worker_of(const struct arrival *a, const struct link_session_id *id)
{
    struct relay *r = a->worker->relay;
    bool is_ours = id->relay == r->id && id->generation == r->generation;

    return is_ours && id->worker < r->worker_count ? &r->workers[id->worker] : a->worker;
}

static void on_resume(void *ctx, struct greet_server *g, const struct link_resume *resume,
                      struct bufq *rows)
{
    struct arrival *a = ctx;
    struct resume_request *q = NEW(struct resume_request);

    q->from = a->worker;
    q->to = worker_of(a, &resume->session);
    q->session = resume->session;
    q->epoch = resume->epoch;
    memcpy(q->proof, resume->proof, sizeof q->proof);
    q->proof_input_len = greet_server_proof_input(g, resume, q->proof_input);
    q->carrier = a->carrier;
    memcpy(q->address, a->address, sizeof q->address);
    q->rows_len = rows->bytes;
    q->rows = mem_alloc(rows->bytes);
    bufq_peek(rows, q->rows, rows->bytes);
    q->done = on_resume_answer;
    q->ctx = a;
    a->is_checking = true;
    resume_ask(q);
}

static void on_failed(void *ctx, struct greet_server *g, int err, const struct errinfo *why)
{
    struct arrival *a = ctx;

    (void)g;
    log_info(&a->log, "link failed before login", LOG_STR("address", a->address),
             LOG_STR("carrier", a->carrier), LOG_STR("reason", errinfo_text(why, err)));
    a->greet = NULL;
    end(a);
}

static const struct greet_server_user greet_user = {
    .on_login = on_login,
    .on_resume = on_resume,
    .on_failed = on_failed,
};

/* ---- life ---- */

static bool is_welcome(const struct worker *w, bool is_encrypted, const struct addr *peer)
{
    return is_encrypted || w->relay->config->is_insecure || addr_is_loopback(peer);
}

void link_door_accept(struct worker *w, struct stream *stream_take, struct bufq *leftover_take,
                      const char *carrier)
{
    const struct relay *r = w->relay;
    struct stream *s = stream_take;
    struct stream_facts facts;
    struct greet_server_options options = {
        .node_id = r->node_id,
        .run_id = r->run_id,
        .initial_window = (uint32_t)r->config->limits.initial_window,
        .limit_ms = r->config->limits.handshake,
        .table_bytes = &w->table_bytes,
        .log = &w->log,
    };
    struct arrival *a = NEW(struct arrival);

    stream_facts(s, &facts);
    struct addr peer = tcp_peer(facts.socket);
    addr_show(&peer, a->address);
    addr_show_host(&peer, a->host);
    a->log = (struct log_scope){.parent = &w->log, .source = a->host};
    a->worker = w;
    a->carrier = carrier;
    list_push_back(&w->arrivals, &a->node);
    if (carrier[0] == 'w') {
        s = ws_stream_attach(s, leftover_take, WS_SERVER);
    }
    a->greet = greet_server_start(s, leftover_take, &options, &greet_user, a);
    if (!is_welcome(w, facts.is_encrypted, &peer)) {
        refuse(a, LINK_REFUSAL_TOKEN,
               "this link is not encrypted; dial tls:// or wss://, or start the relay with "
               "--insecure");
    }
}

void link_door_send_away(struct worker *w)
{
    LIST_EACH (&w->arrivals, node) {
        struct arrival *a = LIST_ENTRY(node, struct arrival, node);
        greet_server_abort(&a->greet);
        end(a);
    }
}
