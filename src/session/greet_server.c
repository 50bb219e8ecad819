#include "session/greet_server.h"

#include "base/mem.h"
#include "base/random.h"
#include "session/greet_priv.h"
#include "tls/digest.h"
#include "tls/sign_key.h"
#include "wire/mux_frame.h"

enum greet_state {
    GREET_HELLO_DUE,   /* nothing but the agent's HELLO is welcome */
    GREET_REQUEST_DUE, /* LOGIN or RESUME is */
    GREET_TABLE_DUE,   /* the rest of the resume's table */
    GREET_LOGIN_DUE,   /* the resume was of no use: nothing but LOGIN is */
    GREET_ASKED,       /* the user decides */
};

struct greet_server {
    struct greet_io io;
    enum greet_state state;
    struct link_hello peer;
    struct link_hello own;
    struct link_resume resume; /* its rows are in `rows` */
    struct bufq rows;
    size_t *table_bytes; /* of all greetings; NULL: not counted */
    size_t own_table_bytes;
    const struct greet_server_user *user;
    void *ctx;
    struct grave grave;
};

static void bury(struct grave *grave)
{
    mem_free(CONTAINER_OF(grave, struct greet_server, grave));
}

static void set_state(struct greet_server *g, enum greet_state next)
{
    g->state = next;
    greet_io_pause(&g->io, next == GREET_ASKED);
}

static void drop_rows(struct greet_server *g)
{
    bufq_clear(&g->rows);
    if (g->table_bytes) {
        *g->table_bytes -= g->own_table_bytes;
        g->own_table_bytes = 0;
    }
}

/* Ends the greeting; the stream has been handed over or closed. */
static void end(struct greet_server *g)
{
    struct loop *loop = g->io.loop;

    greet_io_deinit(&g->io);
    drop_rows(g);
    mem_wipe(&g->peer, sizeof g->peer);
    loop_bury(loop, &g->grave, bury);
}

static void on_failed(void *ctx, int err, const struct errinfo *why)
{
    struct greet_server *g = ctx;
    const struct greet_server_user *user = g->user;

    if (err_category(err) == ERR_CAT_PEER) {
        stream_refuse(&g->io.stream);
    } else {
        stream_close(&g->io.stream);
    }
    end(g);
    user->on_failed(g->ctx, g, err, why);
}

/* ---- frames ---- */

static int on_hello(struct greet_server *g, struct slice payload, struct errinfo *why)
{
    uint16_t version = 0;
    struct bufq out = {0};

    TRY(link_hello_decode(payload, &g->peer, why));
    if (link_version_choose(&g->peer, &version) < 0) {
        struct link_refused no = {.code = LINK_REFUSAL_VERSION};
        link_refused_encode(&out, &no);
        greet_io_send(&g->io, &out);
        return errinfo_set(why, ERR_VERSION, "the agent speaks protocol versions %u to %u, not %u",
                           g->peer.version_min, g->peer.version_max, LINK_VERSION);
    }
    g->own.version_min = g->own.version_max = version;
    link_hello_encode(&out, &g->own);
    set_state(g, GREET_REQUEST_DUE);
    greet_io_send(&g->io, &out);
    return 0;
}

static int on_login(struct greet_server *g, struct slice payload, struct errinfo *why)
{
    struct link_login login;

    TRY(link_login_decode(payload, &login, why));
    set_state(g, GREET_ASKED);
    g->user->on_login(g->ctx, g, &login);
    return 0;
}

static int add_rows(struct greet_server *g, struct slice rows, bool has_more, struct errinfo *why)
{
    if (g->rows.bytes + rows.len > GREET_ROWS_MAX_BYTES) {
        return errinfo_set(why, ERR_TOO_LARGE, "the table of a resume has too many rows");
    }
    bufq_push_slice(&g->rows, rows);
    set_state(g, has_more ? GREET_TABLE_DUE : GREET_ASKED);
    if (!has_more) {
        g->user->on_resume(g->ctx, g, &g->resume, &g->rows);
    }
    return 0;
}

static int count_rows(struct greet_server *g, size_t bytes, struct errinfo *why)
{
    if (!g->table_bytes) {
        return 0;
    }
    if (*g->table_bytes + bytes > GREET_TABLES_MAX_BYTES) {
        return errinfo_set(why, ERR_FULL, "too many resumes with large tables at once");
    }
    *g->table_bytes += bytes;
    g->own_table_bytes += bytes;
    return 0;
}

static int on_resume(struct greet_server *g, uint8_t flags, struct slice payload,
                     struct errinfo *why)
{
    struct slice rows;

    TRY(link_resume_decode(payload, &g->resume, why));
    rows = g->resume.rows;
    g->resume.rows = SLICE_NONE;
    return add_rows(g, rows, flags & TABLE_MORE, why);
}

static int on_table(struct greet_server *g, uint8_t flags, struct slice payload,
                    struct errinfo *why)
{
    struct slice rows;

    TRY(link_table_decode(payload, &rows, why));
    TRY(count_rows(g, rows.len, why));
    return add_rows(g, rows, flags & TABLE_MORE, why);
}

static int on_frame(void *ctx, const struct frame_header *h, struct slice payload,
                    struct errinfo *why)
{
    struct greet_server *g = ctx;

    if (g->state == GREET_HELLO_DUE && h->type == FRAME_HELLO) {
        return on_hello(g, payload, why);
    }
    if ((g->state == GREET_REQUEST_DUE || g->state == GREET_LOGIN_DUE) && h->type == FRAME_LOGIN) {
        return on_login(g, payload, why);
    }
    if (g->state == GREET_REQUEST_DUE && h->type == FRAME_RESUME) {
        return on_resume(g, h->flags, payload, why);
    }
    if (g->state == GREET_TABLE_DUE && h->type == FRAME_TABLE) {
        return on_table(g, h->flags, payload, why);
    }
    return errinfo_set(why, ERR_PROTOCOL, "unexpected %s while greeting", frame_type_name(h->type));
}

/* ---- life ---- */

struct greet_server *greet_server_start(struct stream *stream_take, struct bufq *leftover_take,
                                        const struct greet_server_options *options,
                                        const struct greet_server_user *user, void *ctx)
{
    struct greet_server *g = NEW(struct greet_server);

    g->user = user;
    g->ctx = ctx;
    memcpy(g->own.node_id, options->node_id, LINK_ID_BYTES);
    memcpy(g->own.run_id, options->run_id, LINK_ID_BYTES);
    random_bytes(g->own.nonce, sizeof g->own.nonce);
    g->own.initial_window = options->initial_window;
    g->table_bytes = options->table_bytes;
    greet_io_init(&g->io, stream_take, leftover_take, options->limit_ms, on_frame, on_failed, g);
    return g;
}

const struct link_hello *greet_server_peer(const struct greet_server *g)
{
    return &g->peer;
}

static bool is_key_of(const struct link_hello *agent, const uint8_t key[LINK_KEY_BYTES])
{
    uint8_t digest[SHA256_BYTES];

    sha256(slice_of(key, LINK_KEY_BYTES), digest);
    return memcmp(digest, agent->node_id, LINK_ID_BYTES) == 0;
}

/* Where TLS ends before us (a proxy), only the agent's end has an exporter: it is signed, but there
 * is nothing to hold it against. */
static bool is_of_this_carrier(const struct greet_server *g, struct slice exporter)
{
    uint8_t own[LINK_EXPORTER_BYTES];
    size_t n = greet_exporter(g->io.stream, SLICE(LINK_IDENTITY_EXPORTER), own);

    return n == 0 || (n == exporter.len && mem_equal_secret(own, exporter.ptr, n));
}

int greet_server_check_identity(const struct greet_server *g, struct slice identity)
{
    struct link_identity claim;
    uint8_t input[LINK_IDENTITY_INPUT_MAX];

    if (identity.len == 0) {
        return ERR_NOT_FOUND;
    }
    link_identity_read(identity, &claim);
    size_t n = link_identity_input(g->own.nonce, &g->peer, claim.exporter, input);
    bool is_proven = is_key_of(&g->peer, claim.key) && is_of_this_carrier(g, claim.exporter) &&
                     sign_check(claim.key, slice_of(input, n), claim.signature);
    return is_proven ? 0 : ERR_DENIED;
}

size_t greet_server_proof_input(const struct greet_server *g, const struct link_resume *resume,
                                uint8_t out[LINK_PROOF_INPUT_MAX])
{
    return greet_proof_input(g->io.stream, g->own.nonce, &resume->session, resume->epoch, out);
}

bool greet_server_check_proof(struct slice input, const uint8_t proof[LINK_PROOF_BYTES],
                              const uint8_t secret[LINK_SECRET_BYTES])
{
    uint8_t expected[LINK_PROOF_BYTES];

    hmac_sha256(slice_of(secret, LINK_SECRET_BYTES), input, expected);
    return mem_equal_secret(expected, proof, sizeof expected);
}

/* ---- answers ---- */

struct greeted greet_server_take(struct greet_server **g)
{
    ASSERT((*g)->state == GREET_ASKED);
    struct greeted carrier = greet_io_take(&(*g)->io);
    end(*g);
    *g = NULL;
    return carrier;
}

struct greeted greet_server_log_in(struct greet_server **g, const struct link_logged_in *answer)
{
    struct bufq out = {0};

    link_logged_in_encode(&out, answer);
    greet_io_send(&(*g)->io, &out);
    return greet_server_take(g);
}

void greet_server_put_resumed(struct bufq *out, const uint8_t secret[LINK_SECRET_BYTES],
                              struct bufq *rows_take)
{
    struct link_resumed answer = {0};

    memcpy(answer.secret, secret, sizeof answer.secret);
    link_resumed_encode(out, &answer, rows_take);
    mem_wipe(&answer, sizeof answer);
}

void greet_server_unknown(struct greet_server *g)
{
    struct bufq out = {0};

    ASSERT(g->state == GREET_ASKED);
    link_unknown_encode(&out);
    drop_rows(g);
    set_state(g, GREET_LOGIN_DUE);
    greet_io_send(&g->io, &out);
}

void greet_server_refuse(struct greet_server **g, const struct link_refused *refused)
{
    struct bufq out = {0};

    link_refused_encode(&out, refused);
    greet_io_send(&(*g)->io, &out);
    stream_close(&(*g)->io.stream);
    end(*g);
    *g = NULL;
}

void greet_server_close(struct greet_server **g)
{
    stream_refuse(&(*g)->io.stream);
    end(*g);
    *g = NULL;
}

void greet_server_abort(struct greet_server **g)
{
    if (*g) {
        stream_abort(&(*g)->io.stream);
        end(*g);
        *g = NULL;
    }
}
