#include "session/ws_upgrade.h"

#include "base/mem.h"
#include "base/random.h"
#include "tls/digest.h"
#include "wire/h1_head.h"
#include "wire/ws_handshake.h"
#include "ws/ws_stream.h"

enum { FIELDS_MAX = 100 };

struct ws_upgrade {
    struct stream *stream;
    struct bufq in;
    size_t scanned; /* bytes of `in` the scan has seen */
    struct h1_scan scan;
    char key[WS_KEY_BYTES];
    ws_upgrade_fn *done;
    void *ctx;
    struct grave grave;
};

static void bury(struct grave *grave)
{
    mem_free(CONTAINER_OF(grave, struct ws_upgrade, grave));
}

static void end(struct ws_upgrade *u, struct loop *loop)
{
    bufq_clear(&u->in);
    loop_bury(loop, &u->grave, bury);
}

static void fail(struct ws_upgrade *u, int err, const struct errinfo *why)
{
    struct loop *loop = u->stream->loop;

    stream_abort(&u->stream);
    end(u, loop);
    u->done(u->ctx, err, NULL, why);
}

/* The head is out of `in`: what is left belongs to the WebSocket. */
static void finish(struct ws_upgrade *u)
{
    struct stream *ws = ws_stream_attach(u->stream, &u->in, WS_CLIENT);

    end(u, ws->loop);
    u->done(u->ctx, 0, ws, NULL);
}

/* ---- the answer ---- */

static int judge(struct ws_upgrade *u, struct slice head, struct errinfo *why)
{
    struct http_field fields[FIELDS_MAX];
    struct h1_head h = {.fields = fields, .field_cap = FIELDS_MAX};
    enum h1_fault fault = H1_FAULT_NONE;
    struct ws_fields said = {0};

    if (h1_response_parse(head, &h, &fault) < 0) {
        return errinfo_set(why, ERR_PROTOCOL, "the answer is no HTTP: %s", h1_fault_text(fault));
    }
    if (h.status != 101) {
        return errinfo_set(why, ERR_REFUSED,
                           "it answered %u to the WebSocket upgrade: no adit relay there, or a "
                           "proxy that lets no WebSocket pass",
                           h.status);
    }
    for (uint32_t i = 0; i < h.field_count; i++) {
        ws_fields_add(&said, fields[i].name, fields[i].value);
    }
    return ws_answer_check(&said, h.status, slice_of(u->key, sizeof u->key), SLICE_NONE, sha1, why);
}

/* Looks at what came since the last time. */
static int scan(struct ws_upgrade *u, struct errinfo *why)
{
    static const struct h1_scan_limits limits = {
        .bytes = WS_UPGRADE_HEAD_MAX, .target_bytes = WS_UPGRADE_HEAD_MAX, .fields = FIELDS_MAX};
    size_t visible = u->in.bytes < WS_UPGRADE_HEAD_MAX ? u->in.bytes : WS_UPGRADE_HEAD_MAX;
    enum h1_fault fault = H1_FAULT_NONE;
    struct slice seen = bufq_pullup(&u->in, visible);
    int err = h1_scan_feed(&u->scan, slice_sub(seen, u->scanned, seen.len), &limits, &fault);

    u->scanned = visible;
    if (err < 0 && err != ERR_MORE) {
        return errinfo_set(why, err, "the answer is no HTTP: %s", h1_fault_text(fault));
    }
    return err;
}

static int take_answer(struct ws_upgrade *u, struct errinfo *why)
{
    TRY(scan(u, why));
    TRY(judge(u, bufq_pullup(&u->in, u->scan.bytes), why));
    bufq_drop(&u->in, u->scan.bytes);
    return 0;
}

static void on_ready(void *ctx, struct stream *s, unsigned events)
{
    struct ws_upgrade *u = ctx;
    struct errinfo why = {0};

    (void)events;
    int lost = stream_read(s, &u->in, WS_UPGRADE_HEAD_MAX);
    int err = bufq_is_empty(&u->in) ? ERR_MORE : take_answer(u, &why);
    if (err == 0) {
        finish(u);
    } else if (err != ERR_MORE) {
        fail(u, err, &why);
    } else if (lost < 0 && lost != ERR_AGAIN) {
        errinfo_set(&why, lost, "lost during the WebSocket upgrade: %s", err_text(lost));
        fail(u, lost, &why);
    }
}

/* ---- life ---- */

struct ws_upgrade *ws_upgrade_start(struct stream *stream_take, struct slice host,
                                    struct slice path, ws_upgrade_fn *done, void *ctx)
{
    struct ws_upgrade *u = NEW(struct ws_upgrade);
    uint8_t nonce[WS_NONCE_BYTES];
    struct text head = {0};
    struct bufq out = {0};

    u->stream = stream_take;
    u->done = done;
    u->ctx = ctx;
    random_bytes(nonce, sizeof nonce);
    ws_key_make(nonce, u->key);
    const struct ws_request request = {
        .host = host, .path = path, .key = slice_of(u->key, sizeof u->key)};
    ws_request_write(&request, &head);
    bufq_push_slice(&out, text_slice(&head));
    text_deinit(&head);
    /* A fresh stream has room for a head; a dead one tells by its next event. */
    int err = stream_write(u->stream, &out);
    ASSERT(err != ERR_AGAIN);
    bufq_clear(&out);
    stream_set_user(u->stream, on_ready, u);
    stream_want(u->stream, STREAM_READABLE);
    return u;
}

void ws_upgrade_stop(struct ws_upgrade **u)
{
    if (*u) {
        struct loop *loop = (*u)->stream->loop;
        stream_abort(&(*u)->stream);
        end(*u, loop);
        *u = NULL;
    }
}
