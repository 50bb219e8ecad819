#include "wire/link_hello.h"

#include "base/mem.h"
#include "wire/mux_frame.h"

enum {
    RESUME_FIXED_BYTES = LINK_SESSION_ID_BYTES + 8 + LINK_PROOF_BYTES,
    RESUMED_FIXED_BYTES = LINK_SECRET_BYTES,
    /* A frame of a table stays one contiguous piece for frame_take. */
    ROWS_PER_FRAME = (FRAME_TAKE_MAX - RESUME_FIXED_BYTES) / LINK_ROW_BYTES,
};

static const char proof_label[LINK_LABEL_BYTES] = "adit resume v1";
static const char identity_label[LINK_LABEL_BYTES] = "adit login v1";

static void put_frame(struct bufq *out, enum frame_type type, const struct writer *payload)
{
    ASSERT(!payload->has_failed);
    frame_put_header(out, type, 0, 0, writer_len(payload));
    bufq_push(out, payload->start, writer_len(payload));
}

static int check(const struct reader *r, enum frame_type type, struct errinfo *info)
{
    if (r->has_failed) {
        return errinfo_set(info, ERR_PROTOCOL, "%s is too short", frame_type_name((uint8_t)type));
    }
    return 0;
}

/* The rest of a frame is facts none of which is known yet; critical ones are refused. */
static int skip_facts(struct reader *r, struct errinfo *info)
{
    return tlv_read_record(r, NULL, 0, NULL, info);
}

/* ---- HELLO ---- */

int link_magic_take(struct bufq *in)
{
    char bytes[LINK_MAGIC_BYTES];
    size_t n = in->bytes < sizeof bytes ? in->bytes : sizeof bytes;

    bufq_peek(in, bytes, n);
    if (memcmp(bytes, LINK_MAGIC, n) != 0) {
        return ERR_PROTOCOL;
    }
    if (n < sizeof bytes) {
        return ERR_MORE;
    }
    bufq_drop(in, n);
    return 0;
}

void link_hello_encode(struct bufq *out, const struct link_hello *hello)
{
    uint8_t bytes[LINK_HELLO_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);

    write_u16(&w, hello->version_min);
    write_u16(&w, hello->version_max);
    write_u32(&w, hello->features);
    write_slice(&w, slice_of(hello->node_id, sizeof hello->node_id));
    write_slice(&w, slice_of(hello->run_id, sizeof hello->run_id));
    write_slice(&w, slice_of(hello->nonce, sizeof hello->nonce));
    write_u32(&w, hello->initial_window);
    bufq_push(out, LINK_MAGIC, LINK_MAGIC_BYTES);
    put_frame(out, FRAME_HELLO, &w);
}

int link_hello_decode(struct slice payload, struct link_hello *out, struct errinfo *info)
{
    struct reader r = reader_of(payload);

    out->version_min = read_u16(&r);
    out->version_max = read_u16(&r);
    out->features = read_u32(&r);
    read_bytes(&r, out->node_id, sizeof out->node_id);
    read_bytes(&r, out->run_id, sizeof out->run_id);
    read_bytes(&r, out->nonce, sizeof out->nonce);
    out->initial_window = read_u32(&r);
    TRY(check(&r, FRAME_HELLO, info));
    if (out->version_min == 0 || out->version_min > out->version_max) {
        return errinfo_set(info, ERR_PROTOCOL, "HELLO offers versions %u to %u", out->version_min,
                           out->version_max);
    }
    if (out->initial_window < LINK_INITIAL_WINDOW_MIN ||
        out->initial_window > LINK_INITIAL_WINDOW_MAX) {
        return errinfo_set(info, ERR_PROTOCOL, "HELLO offers an initial window of %u bytes",
                           out->initial_window);
    }
    return skip_facts(&r, info);
}

int link_version_choose(const struct link_hello *theirs, uint16_t *version_out)
{
    if (theirs->version_min > LINK_VERSION || theirs->version_max < LINK_VERSION) {
        return ERR_VERSION;
    }
    *version_out = LINK_VERSION;
    return 0;
}

/* ---- session ids ---- */

static void write_session_id(struct writer *w, const struct link_session_id *id)
{
    write_u64(w, id->relay);
    write_u32(w, id->generation);
    write_u16(w, id->worker);
    write_slice(w, slice_of(id->random, sizeof id->random));
}

static void read_session_id(struct reader *r, struct link_session_id *out)
{
    out->relay = read_u64(r);
    out->generation = read_u32(r);
    out->worker = read_u16(r);
    read_bytes(r, out->random, sizeof out->random);
}

bool link_session_id_equal(const struct link_session_id *a, const struct link_session_id *b)
{
    return a->relay == b->relay && a->generation == b->generation && a->worker == b->worker &&
           memcmp(a->random, b->random, sizeof a->random) == 0;
}

/* ---- LOGIN, LOGGED_IN, REFUSED ---- */

#define LOGIN_AT(field) offsetof(struct link_login, field)

static const struct tlv_rule login_rules[] = {
    {1 | TLV_CRITICAL, TLV_KIND_BLOB, LINK_TOKEN_MAX_BYTES, LOGIN_AT(token)},
    {2, TLV_KIND_TEXT, LINK_TEXT_MAX_BYTES, LOGIN_AT(host_name)},
    {3, TLV_KIND_TEXT, LINK_TEXT_MAX_BYTES, LOGIN_AT(agent_version)},
    {4, TLV_KIND_TEXT, LINK_TEXT_MAX_BYTES, LOGIN_AT(platform)},
    {5, TLV_KIND_TEXT, LINK_TEXT_MAX_BYTES, LOGIN_AT(dialled)},
    {6, TLV_KIND_FLAG, 0, LOGIN_AT(is_share)},
    {7, TLV_KIND_BLOB, LINK_IDENTITY_MAX, LOGIN_AT(identity)},
};

#define LOGGED_IN_AT(field) offsetof(struct link_logged_in, field)

static const struct tlv_rule logged_in_rules[] = {
    {1, TLV_KIND_TEXT, LINK_TEXT_MAX_BYTES, LOGGED_IN_AT(domain)},
    {2, TLV_KIND_TEXT, LINK_TEXT_MAX_BYTES, LOGGED_IN_AT(relay_version)},
    {3, TLV_KIND_TEXT, LINK_TEXT_MAX_BYTES, LOGGED_IN_AT(token_name)},
    {4, TLV_KIND_U32, 0, LOGGED_IN_AT(grace_ms)},
};

#define REFUSED_AT(field) offsetof(struct link_refused, field)

static const struct tlv_rule refused_rules[] = {
    {1, TLV_KIND_TEXT, LINK_TEXT_MAX_BYTES, REFUSED_AT(sentence)},
    {2, TLV_KIND_U32, 0, REFUSED_AT(retry_after_ms)},
};

void link_login_encode(struct bufq *out, const struct link_login *login)
{
    uint8_t bytes[LINK_HANDSHAKE_MAX_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);

    tlv_write_record(&w, login_rules, COUNT_OF(login_rules), login);
    put_frame(out, FRAME_LOGIN, &w);
    mem_wipe(bytes, writer_len(&w));
}

int link_login_decode(struct slice payload, struct link_login *out, struct errinfo *info)
{
    struct reader r = reader_of(payload);

    *out = (struct link_login){0};
    TRY(tlv_read_record(&r, login_rules, COUNT_OF(login_rules), out, info));
    size_t n = out->identity.len;
    if (n != 0 && n != LINK_IDENTITY_MAX - LINK_EXPORTER_BYTES && n != LINK_IDENTITY_MAX) {
        return errinfo_set(info, ERR_PROTOCOL, "LOGIN has a proof of identity of %zu bytes", n);
    }
    return 0;
}

size_t link_identity_input(const uint8_t relay_nonce[LINK_NONCE_BYTES],
                           const struct link_hello *agent, struct slice exporter,
                           uint8_t out[LINK_IDENTITY_INPUT_MAX])
{
    struct writer w = writer_of(out, LINK_IDENTITY_INPUT_MAX);

    ASSERT(exporter.len == 0 || exporter.len == LINK_EXPORTER_BYTES);
    write_slice(&w, slice_of(identity_label, sizeof identity_label));
    write_slice(&w, slice_of(relay_nonce, LINK_NONCE_BYTES));
    write_slice(&w, slice_of(agent->node_id, LINK_ID_BYTES));
    write_slice(&w, slice_of(agent->run_id, LINK_ID_BYTES));
    write_slice(&w, exporter);
    return writer_len(&w);
}

size_t link_identity_write(const struct link_identity *identity, uint8_t out[LINK_IDENTITY_MAX])
{
    struct writer w = writer_of(out, LINK_IDENTITY_MAX);

    write_slice(&w, slice_of(identity->key, LINK_KEY_BYTES));
    write_slice(&w, slice_of(identity->signature, LINK_SIGNATURE_BYTES));
    write_slice(&w, identity->exporter);
    return writer_len(&w);
}

void link_identity_read(struct slice in, struct link_identity *out)
{
    struct reader r = reader_of(in);

    read_bytes(&r, out->key, sizeof out->key);
    read_bytes(&r, out->signature, sizeof out->signature);
    ASSERT(!r.has_failed);
    out->exporter = slice_sub(in, sizeof out->key + sizeof out->signature, in.len);
}

void link_logged_in_encode(struct bufq *out, const struct link_logged_in *answer)
{
    uint8_t bytes[LINK_HANDSHAKE_MAX_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);

    write_session_id(&w, &answer->session);
    write_slice(&w, slice_of(answer->secret, sizeof answer->secret));
    tlv_write_record(&w, logged_in_rules, COUNT_OF(logged_in_rules), answer);
    put_frame(out, FRAME_LOGGED_IN, &w);
    mem_wipe(bytes, writer_len(&w));
}

int link_logged_in_decode(struct slice payload, struct link_logged_in *out, struct errinfo *info)
{
    struct reader r = reader_of(payload);

    *out = (struct link_logged_in){0};
    read_session_id(&r, &out->session);
    read_bytes(&r, out->secret, sizeof out->secret);
    TRY(check(&r, FRAME_LOGGED_IN, info));
    return tlv_read_record(&r, logged_in_rules, COUNT_OF(logged_in_rules), out, info);
}

void link_refused_encode(struct bufq *out, const struct link_refused *refused)
{
    uint8_t bytes[LINK_HANDSHAKE_MAX_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);

    write_u16(&w, refused->code);
    tlv_write_record(&w, refused_rules, COUNT_OF(refused_rules), refused);
    put_frame(out, FRAME_REFUSED, &w);
}

int link_refused_decode(struct slice payload, struct link_refused *out, struct errinfo *info)
{
    struct reader r = reader_of(payload);

    *out = (struct link_refused){.code = read_u16(&r)};
    TRY(check(&r, FRAME_REFUSED, info));
    return tlv_read_record(&r, refused_rules, COUNT_OF(refused_rules), out, info);
}

struct refusal {
    const char *sentence;
    bool is_final;
};

static const struct refusal refusals[] = {
#define X(name, code, is_final, sentence) [code] = {sentence, is_final},
    LINK_REFUSAL_LIST(X)
#undef X
};

/* A refusal of a newer relay is worth another try. */
static struct refusal find_refusal(uint16_t code)
{
    if (code >= COUNT_OF(refusals) || !refusals[code].sentence) {
        return (struct refusal){"refused for a reason not known here", false};
    }
    return refusals[code];
}

const char *link_refusal_sentence(uint16_t code)
{
    return find_refusal(code).sentence;
}

bool link_refusal_is_final(uint16_t code)
{
    return find_refusal(code).is_final;
}

/* ---- RESUME, RESUMED, TABLE, UNKNOWN ---- */

size_t link_proof_input(const uint8_t relay_nonce[LINK_NONCE_BYTES],
                        const struct link_session_id *session, uint64_t epoch,
                        struct slice exporter, uint8_t out[LINK_PROOF_INPUT_MAX])
{
    struct writer w = writer_of(out, LINK_PROOF_INPUT_MAX);

    ASSERT(exporter.len == 0 || exporter.len == LINK_EXPORTER_BYTES);
    write_slice(&w, slice_of(proof_label, sizeof proof_label));
    write_slice(&w, slice_of(relay_nonce, LINK_NONCE_BYTES));
    write_session_id(&w, session);
    write_u64(&w, epoch);
    write_slice(&w, exporter);
    return writer_len(&w);
}

/* One frame: the fixed part and as many rows as fit; says whether more must follow. */
static void put_rows_frame(struct bufq *out, enum frame_type type, struct slice fixed,
                           struct bufq *rows)
{
    size_t n = rows->bytes;
    bool has_more = n > (size_t)ROWS_PER_FRAME * LINK_ROW_BYTES;

    if (has_more) {
        n = (size_t)ROWS_PER_FRAME * LINK_ROW_BYTES;
    }
    frame_put_header(out, type, has_more ? TABLE_MORE : 0, 0, fixed.len + n);
    bufq_push_slice(out, fixed);
    bufq_pack(out, rows, n);
}

static void put_table(struct bufq *out, enum frame_type type, const struct writer *fixed,
                      struct bufq *rows)
{
    ASSERT(!fixed->has_failed && rows->bytes % LINK_ROW_BYTES == 0);
    put_rows_frame(out, type, slice_of(fixed->start, writer_len(fixed)), rows);
    while (!bufq_is_empty(rows)) {
        put_rows_frame(out, FRAME_TABLE, SLICE_NONE, rows);
    }
}

static int read_rows(struct reader *r, enum frame_type type, struct slice *rows_out,
                     struct errinfo *info)
{
    TRY(check(r, type, info));
    if (r->left % LINK_ROW_BYTES != 0) {
        return errinfo_set(info, ERR_PROTOCOL, "%s ends inside a row",
                           frame_type_name((uint8_t)type));
    }
    *rows_out = read_slice(r, r->left);
    return 0;
}

void link_resume_encode(struct bufq *out, const struct link_resume *resume, struct bufq *rows)
{
    uint8_t bytes[RESUME_FIXED_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);

    write_session_id(&w, &resume->session);
    write_u64(&w, resume->epoch);
    write_slice(&w, slice_of(resume->proof, sizeof resume->proof));
    put_table(out, FRAME_RESUME, &w, rows);
}

int link_resume_decode(struct slice payload, struct link_resume *out, struct errinfo *info)
{
    struct reader r = reader_of(payload);

    read_session_id(&r, &out->session);
    out->epoch = read_u64(&r);
    read_bytes(&r, out->proof, sizeof out->proof);
    return read_rows(&r, FRAME_RESUME, &out->rows, info);
}

void link_resumed_encode(struct bufq *out, const struct link_resumed *resumed, struct bufq *rows)
{
    uint8_t bytes[RESUMED_FIXED_BYTES];
    struct writer w = writer_of(bytes, sizeof bytes);

    write_slice(&w, slice_of(resumed->secret, sizeof resumed->secret));
    put_table(out, FRAME_RESUMED, &w, rows);
    mem_wipe(bytes, sizeof bytes);
}

int link_resumed_decode(struct slice payload, struct link_resumed *out, struct errinfo *info)
{
    struct reader r = reader_of(payload);

    read_bytes(&r, out->secret, sizeof out->secret);
    return read_rows(&r, FRAME_RESUMED, &out->rows, info);
}

int link_table_decode(struct slice payload, struct slice *rows_out, struct errinfo *info)
{
    struct reader r = reader_of(payload);

    return read_rows(&r, FRAME_TABLE, rows_out, info);
}

void link_unknown_encode(struct bufq *out)
{
    frame_put_header(out, FRAME_UNKNOWN, 0, 0, 0);
}

void link_row_write(struct writer *w, const struct link_row *row)
{
    write_u32(w, row->id);
    write_u32(w, row->state);
    write_u64(w, row->received);
    write_u64(w, row->limit);
}

void link_row_read(struct reader *r, struct link_row *out)
{
    out->id = read_u32(r);
    out->state = read_u32(r);
    out->received = read_u64(r);
    out->limit = read_u64(r);
}
