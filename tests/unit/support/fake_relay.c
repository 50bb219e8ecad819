#include "support/fake_relay.h"

#include "net/tcp.h"
#include "support/check.h"
#include "wire/open_facts.h"

/* ---- sessions ---- */

static void on_output(void *ctx)
{
    struct fake_session *s = ctx;

    if (s->link) {
        link_wake(s->link);
    }
}

static void grant(struct fake_session *s, const struct control_bind *bind)
{
    struct control_message m = {.type = CONTROL_BOUND};
    struct text json = {0};

    m.bound.tunnel = bind->tunnel;
    m.bound.code = s->relay->bind_refusal;
    m.bound.urls.count = m.bound.code ? 0 : 1;
    m.bound.urls.items[0] = SLICE("http://x.test");
    assert_int_equal(control_encode(&m, &json), 0);
    assert_int_equal(mux_control_send(s->mux, text_slice(&json)), 0);
    text_deinit(&json);
}

static void release(struct fake_session *s, uint32_t tunnel)
{
    struct control_message m = {.type = CONTROL_UNBOUND, .unbound.tunnel = tunnel};
    struct text json = {0};

    assert_int_equal(control_encode(&m, &json), 0);
    assert_int_equal(mux_control_send(s->mux, text_slice(&json)), 0);
    text_deinit(&json);
}

static void on_control(void *ctx, struct slice message)
{
    struct fake_session *s = ctx;
    struct control_message m;

    assert_int_equal(control_decode(message, &m, NULL), 0);
    if (m.type == CONTROL_BIND) {
        text_addf(&s->heard, "bind %u %.*s; ", m.bind.tunnel, SLICE_ARG(m.bind.key));
        grant(s, &m.bind);
    } else {
        assert_int_equal(m.type, CONTROL_UNBIND);
        text_addf(&s->heard, "unbind %u; ", m.unbind.tunnel);
        release(s, m.unbind.tunnel);
    }
    control_deinit(&m);
}

static void on_goaway(void *ctx, uint16_t reason)
{
    ((struct fake_session *)ctx)->goaway = reason;
}

static void on_opened(void *ctx, struct mux_stream *ms, struct slice facts)
{
    (void)ctx;
    (void)ms;
    (void)facts;
}

static const struct mux_events events = {
    .on_output = on_output,
    .on_opened = on_opened,
    .on_readable = link_stream_on_readable,
    .on_writable = link_stream_on_writable,
    .on_stop = link_stream_on_stop,
    .on_reset = link_stream_on_reset,
    .on_control = on_control,
    .on_goaway = on_goaway,
};

static void on_lost(void *ctx, struct link *link, int err, const struct errinfo *why)
{
    struct fake_session *s = ctx;

    (void)link;
    (void)err;
    (void)why;
    s->link = NULL;
}

static const struct link_user link_user = {.on_lost = on_lost};

static void attach(struct fake_session *s, struct greeted *carrier)
{
    s->below = carrier->stream;
    s->link = link_attach(s->mux, carrier, NULL, &link_user, s);
}

/* ---- greeting ---- */

static void on_login(void *ctx, struct greet_server *g, const struct link_login *login)
{
    struct fake_relay *r = ctx;
    const struct link_refused refused = {.code = r->refusal};
    const struct mux_config config = {
        .role = MUX_ROLE_RELAY,
        .peer_initial_window = greet_server_peer(g)->initial_window,
    };
    struct link_logged_in answer = {.grace_ms = r->grace_ms, .token_name = SLICE("t")};

    (void)login;
    r->greeting = NULL;
    if (r->refusal) {
        greet_server_refuse(&g, &refused);
        return;
    }
    assert_true(r->logins < FAKE_SESSIONS_MAX);
    struct fake_session *s = &r->sessions[r->logins++];
    *s = (struct fake_session){.relay = r};
    assert_int_equal(mux_new(&config, &events, s, &s->mux), 0);
    answer.session.generation = r->logins;
    struct greeted carrier = greet_server_log_in(&g, &answer);
    attach(s, &carrier);
}

static void on_resume(void *ctx, struct greet_server *g, const struct link_resume *resume,
                      struct bufq *rows)
{
    struct fake_relay *r = ctx;
    struct fake_session *s = &r->sessions[resume->session.generation - 1];
    const uint8_t secret[LINK_SECRET_BYTES] = {1};
    struct bufq ours = {0};

    if (r->forgets) {
        greet_server_unknown(g);
        return;
    }
    r->greeting = NULL;
    r->resumes++;
    link_abort(&s->link);
    mux_resume_table(s->mux, &ours);
    assert_int_equal(mux_resume_apply(s->mux, rows, NULL), 0);
    struct greeted carrier = greet_server_take(&g);
    greet_server_put_resumed(&carrier.out, secret, &ours);
    attach(s, &carrier);
}

static void on_failed(void *ctx, struct greet_server *g, int err, const struct errinfo *why)
{
    (void)g;
    (void)err;
    (void)why;
    ((struct fake_relay *)ctx)->greeting = NULL;
}

static const struct greet_server_user greet_user = {
    .on_login = on_login, .on_resume = on_resume, .on_failed = on_failed};

static void on_accepted(void *ctx, int fd_take, const struct addr *peer)
{
    struct fake_relay *r = ctx;
    const struct greet_server_options options = {
        .node_id = r->id, .run_id = r->id, .initial_window = 32768};
    struct stream *s;

    (void)peer;
    assert_int_equal(tcp_open(&s, r->loop, fd_take), 0);
    if (r->is_deaf) {
        stream_abort(&s);
        return;
    }
    r->greeting = greet_server_start(s, NULL, &options, &greet_user, r);
}

/* ---- for tests ---- */

void fake_relay_open(struct fake_relay *r, struct loop *loop)
{
    struct addr at;

    *r = (struct fake_relay){.loop = loop, .grace_ms = 60000};
    assert_int_equal(addr_parse(SLICE("127.0.0.1:0"), &at), 0);
    assert_int_equal(
        listener_open(&r->listener, loop, &at, &(struct listen_options){0}, on_accepted, r, NULL),
        0);
    r->port = addr_port(listener_addr(r->listener));
}

void fake_relay_close(struct fake_relay *r)
{
    listener_close(&r->listener);
    greet_server_abort(&r->greeting);
    for (unsigned i = 0; i < r->logins; i++) {
        link_abort(&r->sessions[i].link);
        mux_free(&r->sessions[i].mux);
        text_deinit(&r->sessions[i].heard);
    }
}

struct fake_session *fake_relay_last(struct fake_relay *r)
{
    assert_true(r->logins > 0);
    return &r->sessions[r->logins - 1];
}

void fake_session_cut(struct fake_session *s)
{
    link_abort(&s->link);
}

struct stream *fake_session_visit(struct fake_session *s, uint32_t tunnel, bool is_exchange)
{
    const uint8_t address[4] = {192, 0, 2, 1};
    const struct open_facts facts = {
        .visitor = slice_of(address, 4), .visitor_port = 5, .is_exchange = is_exchange};
    uint8_t tlvs[OPEN_FACTS_MAX_BYTES];
    struct mux_stream *ms;
    size_t n;

    assert_int_equal(open_facts_encode(&facts, tlvs, sizeof tlvs, &n), 0);
    assert_int_equal(mux_open(s->mux, tunnel, slice_of(tlvs, n), &ms), 0);
    return link_stream_new(s->relay->loop, ms);
}
