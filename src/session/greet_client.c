#include "session/greet_client.h"

#include "base/mem.h"
#include "base/random.h"
#include "session/greet_priv.h"
#include "tls/digest.h"
#include "wire/mux_frame.h"

enum greet_state {
    GREET_HELLO_DUE,  /* the relay's HELLO */
    GREET_GREETED,    /* the user decides what to ask for */
    GREET_ANSWER_DUE, /* LOGGED_IN, REFUSED, RESUMED or UNKNOWN */
    GREET_TABLE_DUE,  /* the rest of the relay's table */
    GREET_ANSWERED,   /* the user takes the carrier */
};

static const uint8_t may_follow[] = {
    [GREET_HELLO_DUE] = 1 << GREET_GREETED,
    [GREET_GREETED] = 1 << GREET_ANSWER_DUE,
    [GREET_ANSWER_DUE] = 1 << GREET_TABLE_DUE | 1 << GREET_ANSWERED | 1 << GREET_GREETED,
    [GREET_TABLE_DUE] = 1 << GREET_TABLE_DUE | 1 << GREET_ANSWERED,
    [GREET_ANSWERED] = 0,
};

struct greet_client {
    struct greet_io io;
    enum greet_state state;
    struct link_hello own;
    struct link_hello peer;
    struct link_resumed resumed; /* its rows are in `rows` */
    struct bufq rows;
    const struct greet_client_user *user;
    void *ctx;
    struct grave grave;
};

static void set_state(struct greet_client *g, enum greet_state next)
{
    ASSERT(may_follow[g->state] & 1 << next);
    g->state = next;
}

static void bury(struct grave *grave)
{
    struct greet_client *g = CONTAINER_OF(grave, struct greet_client, grave);

    mem_wipe(&g->resumed, sizeof g->resumed);
    mem_free(g);
}

static void end(struct greet_client *g)
{
    struct loop *loop = g->io.loop;

    greet_io_deinit(&g->io);
    bufq_clear(&g->rows);
    loop_bury(loop, &g->grave, bury);
}

static void on_failed(void *ctx, int err, const struct errinfo *why)
{
    struct greet_client *g = ctx;

    stream_abort(&g->io.stream);
    end(g);
    g->user->on_failed(g->ctx, g, err, why);
}

/* ---- frames ---- */

static int on_hello(struct greet_client *g, struct slice payload, struct errinfo *why)
{
    uint16_t version = 0;

    TRY(link_hello_decode(payload, &g->peer, why));
    if (link_version_choose(&g->peer, &version) < 0) {
        return errinfo_set(why, ERR_VERSION,
                           "the relay speaks protocol version %u, this agent %u: update the older",
                           g->peer.version_max, LINK_VERSION);
    }
    set_state(g, GREET_GREETED);
    g->user->on_hello(g->ctx, g, &g->peer);
    return 0;
}

static int on_refused(struct greet_client *g, struct slice payload, struct errinfo *why)
{
    struct link_refused refused;

    TRY(link_refused_decode(payload, &refused, why));
    if (refused.sentence.len == 0) {
        refused.sentence = slice_str(link_refusal_sentence(refused.code));
    }
    stream_close(&g->io.stream);
    end(g);
    g->user->on_refused(g->ctx, g, &refused);
    return 0;
}

static int on_logged_in(struct greet_client *g, struct slice payload, struct errinfo *why)
{
    struct link_logged_in answer;

    TRY(link_logged_in_decode(payload, &answer, why));
    set_state(g, GREET_ANSWERED);
    g->user->on_logged_in(g->ctx, g, &answer);
    mem_wipe(&answer, sizeof answer);
    return 0;
}

static int add_rows(struct greet_client *g, struct slice rows, bool has_more, struct errinfo *why)
{
    if (g->rows.bytes + rows.len > GREET_ROWS_MAX_BYTES) {
        return errinfo_set(why, ERR_TOO_LARGE, "the relay's table has too many rows");
    }
    bufq_push_slice(&g->rows, rows);
    set_state(g, has_more ? GREET_TABLE_DUE : GREET_ANSWERED);
    if (!has_more) {
        g->user->on_resumed(g->ctx, g, &g->resumed, &g->rows);
    }
    return 0;
}

static int on_resumed(struct greet_client *g, uint8_t flags, struct slice payload,
                      struct errinfo *why)
{
    struct slice rows;

    TRY(link_resumed_decode(payload, &g->resumed, why));
    rows = g->resumed.rows;
    g->resumed.rows = SLICE_NONE;
    return add_rows(g, rows, flags & TABLE_MORE, why);
}

static int on_table(struct greet_client *g, uint8_t flags, struct slice payload,
                    struct errinfo *why)
{
    struct slice rows;

    TRY(link_table_decode(payload, &rows, why));
    return add_rows(g, rows, flags & TABLE_MORE, why);
}

static int on_unknown(struct greet_client *g)
{
    set_state(g, GREET_GREETED);
    g->user->on_unknown(g->ctx, g);
    return 0;
}

static int on_answer(struct greet_client *g, const struct frame_header *h, struct slice payload,
                     struct errinfo *why)
{
    switch (h->type) {
    case FRAME_REFUSED:
        return on_refused(g, payload, why);
    case FRAME_LOGGED_IN:
        return on_logged_in(g, payload, why);
    case FRAME_RESUMED:
        return on_resumed(g, h->flags, payload, why);
    case FRAME_UNKNOWN:
        return on_unknown(g);
    default:
        return errinfo_set(why, ERR_PROTOCOL, "unexpected %s while greeting",
                           frame_type_name(h->type));
    }
}

static int on_frame(void *ctx, const struct frame_header *h, struct slice payload,
                    struct errinfo *why)
{
    struct greet_client *g = ctx;

    if (g->state == GREET_HELLO_DUE && h->type == FRAME_HELLO) {
        return on_hello(g, payload, why);
    }
    if (h->type == FRAME_REFUSED && g->state != GREET_TABLE_DUE) {
        return on_refused(g, payload, why);
    }
    if (g->state == GREET_TABLE_DUE && h->type == FRAME_TABLE) {
        return on_table(g, h->flags, payload, why);
    }
    if (g->state == GREET_ANSWER_DUE) {
        return on_answer(g, h, payload, why);
    }
    return errinfo_set(why, ERR_PROTOCOL, "unexpected %s while greeting", frame_type_name(h->type));
}

/* ---- life ---- */

struct greet_client *greet_client_start(struct stream *stream_take,
                                        const struct greet_client_options *options,
                                        const struct greet_client_user *user, void *ctx)
{
    struct greet_client *g = NEW(struct greet_client);
    struct bufq out = {0};

    g->user = user;
    g->ctx = ctx;
    g->own = (struct link_hello){
        .version_min = LINK_VERSION,
        .version_max = LINK_VERSION,
        .initial_window = options->initial_window,
    };
    memcpy(g->own.node_id, options->node_id, LINK_ID_BYTES);
    memcpy(g->own.run_id, options->run_id, LINK_ID_BYTES);
    random_bytes(g->own.nonce, sizeof g->own.nonce);
    greet_io_init(&g->io, stream_take, NULL, options->limit_ms, on_frame, on_failed, g);
    link_hello_encode(&out, &g->own);
    greet_io_send(&g->io, &out);
    return g;
}

void greet_client_set_user(struct greet_client *g, const struct greet_client_user *user, void *ctx)
{
    g->user = user;
    g->ctx = ctx;
}

/* The proof of node_id, as it stands in LOGIN; its length. */
static size_t prove(const struct greet_client *g, const uint8_t seed[SIGN_SEED_BYTES],
                    uint8_t out[LINK_IDENTITY_MAX])
{
    uint8_t exporter[LINK_EXPORTER_BYTES];
    uint8_t input[LINK_IDENTITY_INPUT_MAX];
    size_t n = greet_exporter(g->io.stream, SLICE(LINK_IDENTITY_EXPORTER), exporter);
    struct link_identity identity = {.exporter = slice_of(exporter, n)};

    n = link_identity_input(g->peer.nonce, &g->own, identity.exporter, input);

    sign_key_of(seed, identity.key);
    sign_make(seed, slice_of(input, n), identity.signature);
    return link_identity_write(&identity, out);
}

void greet_client_log_in(struct greet_client *g, const struct link_login *login,
                         const uint8_t seed[SIGN_SEED_BYTES])
{
    uint8_t identity[LINK_IDENTITY_MAX];
    struct link_login proven = *login;
    struct bufq out = {0};

    set_state(g, GREET_ANSWER_DUE);
    proven.identity = seed ? slice_of(identity, prove(g, seed, identity)) : SLICE_NONE;
    link_login_encode(&out, &proven);
    greet_io_send(&g->io, &out);
}

void greet_client_resume(struct greet_client *g, const struct link_session_id *session,
                         uint64_t epoch, const uint8_t secret[LINK_SECRET_BYTES],
                         struct bufq *rows_take)
{
    struct link_resume resume = {.session = *session, .epoch = epoch};
    uint8_t input[LINK_PROOF_INPUT_MAX];
    struct bufq out = {0};

    set_state(g, GREET_ANSWER_DUE);
    size_t n = greet_proof_input(g->io.stream, g->peer.nonce, session, epoch, input);
    hmac_sha256(slice_of(secret, LINK_SECRET_BYTES), slice_of(input, n), resume.proof);
    link_resume_encode(&out, &resume, rows_take);
    greet_io_send(&g->io, &out);
}

struct greeted greet_client_take(struct greet_client **g)
{
    struct greeted carrier = greet_io_take(&(*g)->io);

    end(*g);
    *g = NULL;
    return carrier;
}

void greet_client_abort(struct greet_client **g)
{
    if (*g) {
        stream_abort(&(*g)->io.stream);
        end(*g);
        *g = NULL;
    }
}
