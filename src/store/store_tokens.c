/* Tokens: making, finding, revoking; memory is the truth. The map is in store_priv.h.
 *
 * The text of a token is known only to who makes it: what is kept, and looked up by, is its hash.
 */
#include "base/mem.h"
#include "base/random.h"
#include "store/store_priv.h"
#include "tls/digest.h"

/* Base 32 of Crockford: no letter that is mistaken for a digit. 32 characters carry 160 bits. */
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

enum { SECRET_CHARS = 32, GROUP_CHARS = 4, TEXT_READ_MAX = 64 };

/* ---- the text ---- */

static void make_text(char out[STORE_TOKEN_TEXT_BYTES])
{
    uint8_t bytes[SECRET_CHARS];
    size_t at = 0;

    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < SECRET_CHARS; i++) {
        if (i > 0 && i % GROUP_CHARS == 0) {
            out[at++] = '-';
        }
        out[at++] = alphabet[bytes[i] % 32];
    }
    out[at] = '\0';
    mem_wipe(bytes, sizeof bytes);
}

/* Hyphens and capitals do not count: people retype tokens. */
static void hash_text(struct slice text, uint8_t out[STORE_HASH_BYTES])
{
    char plain[TEXT_READ_MAX];
    size_t n = 0;

    for (size_t i = 0; i < text.len && n < sizeof plain; i++) {
        if (text.ptr[i] != '-') {
            plain[n++] = ascii_lower(text.ptr[i]);
        }
    }
    sha256(slice_of(plain, n), out);
    mem_wipe(plain, sizeof plain);
}

/* A digest of a random text is as good as random: its head is the table's hash. */
static uint64_t table_hash(const uint8_t hash[STORE_HASH_BYTES])
{
    uint64_t h;
    memcpy(&h, hash, sizeof h);
    return h;
}

/* ---- validity ---- */

static bool is_expired(const struct store *store, const struct token *t)
{
    return t->pub.expires_at && t->pub.expires_at <= store->wall_ms();
}

static bool is_valid(const struct store *store, const struct token *t)
{
    return t->pub.revoked_at == 0 && !is_expired(store, t);
}

/* ---- life ---- */

static struct token *add_token(struct store *store, const uint8_t hash[STORE_HASH_BYTES])
{
    struct token *t = NEW(struct token);
    bool is_full = (store->token_count & (store->token_count - 1)) == 0;

    if (is_full) {
        size_t room = store->token_count ? store->token_count * 2 : 1;
        store->tokens = mem_resize(store->tokens, room * sizeof(struct token *));
    }
    store->tokens[store->token_count++] = t;
    t->object.kind = OBJECT_TOKEN;
    memcpy(t->hash, hash, STORE_HASH_BYTES);
    table_add(&store->tokens_by_hash, &t->by_hash, table_hash(hash));
    return t;
}

static void set_name(struct token *t, struct slice name)
{
    name = slice_sub(name, 0, STORE_NAME_BYTES);
    memcpy(t->pub.name, name.ptr, name.len);
    t->pub.name[name.len] = '\0';
}

void store_load_token(struct store *store, const struct token_row *row)
{
    struct token *t = add_token(store, row->hash);

    t->pub.id = row->id;
    t->pub.created_at = row->created_at;
    t->pub.used_at = row->used_at;
    t->pub.expires_at = row->expires_at;
    t->pub.revoked_at = row->revoked_at;
    set_name(t, slice_str(row->name));
    if (rights_parse(slice_str(row->rights), &t->pub.rights, NULL) < 0) {
        t->pub.revoked_at = t->pub.created_at; /* words we do not know must not mean everything */
    }
    t->is_gone = !is_valid(store, t);
}

void token_add_row(const struct token *t, struct token_row *row)
{
    struct text rights = {0};

    rights_show(&t->pub.rights, &rights);
    *row = (struct token_row){
        .id = t->pub.id,
        .name = mem_strdup(t->pub.name),
        .rights = text_take(&rights),
        .created_at = t->pub.created_at,
        .used_at = t->pub.used_at,
        .expires_at = t->pub.expires_at,
        .revoked_at = t->pub.revoked_at,
    };
    memcpy(row->hash, t->hash, STORE_HASH_BYTES);
}

void store_free_tokens(struct store *store)
{
    for (size_t i = 0; i < store->token_count; i++) {
        rights_deinit(&store->tokens[i]->pub.rights);
        mem_free(store->tokens[i]);
    }
    mem_free(store->tokens);
    table_deinit(&store->tokens_by_hash);
}

/* ---- finding ---- */

static struct token *find_id(const struct store *store, uint64_t id)
{
    size_t low = 0, high = store->token_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (store->tokens[middle]->pub.id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < store->token_count && store->tokens[low]->pub.id == id ? store->tokens[low] : NULL;
}

static struct token *find_hash(const struct store *store, const uint8_t hash[STORE_HASH_BYTES])
{
    TABLE_EACH_MATCH (&store->tokens_by_hash, table_hash(hash), node) {
        struct token *t = CONTAINER_OF(node, struct token, by_hash);
        if (mem_equal_secret(t->hash, hash, STORE_HASH_BYTES)) {
            return t;
        }
    }
    return NULL;
}

const struct store_token *store_find_token(const struct store *store, uint64_t id)
{
    const struct token *t = find_id(store, id);
    return t ? &t->pub : NULL;
}

const struct store_token *store_find_token_named(const struct store *store, struct slice name)
{
    for (size_t i = 0; i < store->token_count; i++) {
        const struct token *t = store->tokens[i];
        if (slice_is(name, t->pub.name) && is_valid(store, t)) {
            return &t->pub;
        }
    }
    return NULL;
}

void store_each_token(const struct store *store,
                      void (*found)(void *ctx, const struct store_token *token), void *ctx)
{
    for (size_t i = 0; i < store->token_count; i++) {
        found(ctx, &store->tokens[i]->pub);
    }
}

bool store_is_new(const struct store *store)
{
    return store->token_count == 0;
}

/* ---- making, checking, ending ---- */

static bool is_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = ascii_lower(s.ptr[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-_.@", c)))) {
            return false;
        }
    }
    return s.len > 0 && s.len <= STORE_NAME_BYTES;
}

static int check_new(const struct store *store, struct slice name, struct errinfo *info)
{
    if (!is_name(name)) {
        return errinfo_set(info, ERR_INVALID,
                           "a token's name has letters, digits and - _ . @, at most %d of them",
                           STORE_NAME_BYTES);
    }
    const struct store_token *other = store_find_token_named(store, name);
    if (other) {
        return errinfo_set(
            info, ERR_BUSY,
            "a token named %s exists (id %llu); take another name or revoke it first", other->name,
            (unsigned long long)other->id);
    }
    if (store->token_count >= STORE_TOKENS_MAX) {
        return errinfo_set(info, ERR_FULL, "this relay has made %d tokens, the most it can",
                           STORE_TOKENS_MAX);
    }
    return 0;
}

int store_create_token(struct store *store, struct slice name, struct rights *rights,
                       uint64_t expires_at, char text_out[STORE_TOKEN_TEXT_BYTES], uint64_t *id_out,
                       struct errinfo *info)
{
    uint8_t hash[STORE_HASH_BYTES];
    uint64_t last_id = store->token_count ? store->tokens[store->token_count - 1]->pub.id : 0;

    TRY(check_new(store, name, info));
    make_text(text_out);
    hash_text(slice_str(text_out), hash);
    struct token *t = add_token(store, hash);
    t->pub.id = last_id + 1;
    t->pub.created_at = store->wall_ms();
    t->pub.expires_at = expires_at;
    t->pub.rights = *rights;
    *rights = (struct rights){0};
    set_name(t, name);
    store_mark(store, &t->object);
    *id_out = t->pub.id;
    return 0;
}

int store_check_token(const struct store *store, struct slice text, const struct store_token **out,
                      struct errinfo *info)
{
    uint8_t hash[STORE_HASH_BYTES];

    hash_text(text, hash);
    const struct token *t = find_hash(store, hash);
    if (!t) {
        return errinfo_set(info, ERR_DENIED, "unknown token");
    }
    if (!is_valid(store, t)) {
        return errinfo_set(info, ERR_DENIED, "token %s is %s", t->pub.name,
                           t->pub.revoked_at ? "revoked" : "expired");
    }
    *out = &t->pub;
    return 0;
}

void store_touch_token(struct store *store, uint64_t id)
{
    struct token *t = find_id(store, id);
    uint64_t now = store->wall_ms();

    if (t && (t->pub.used_at + STORE_TOUCH_MS <= now || t->pub.used_at > now)) {
        t->pub.used_at = now;
        store_mark(store, &t->object);
    }
}

int store_revoke_token(struct store *store, uint64_t id)
{
    struct token *t = find_id(store, id);

    if (!t) {
        return ERR_NOT_FOUND;
    }
    if (t->pub.revoked_at == 0) {
        t->pub.revoked_at = store->wall_ms();
        store_mark(store, &t->object);
        loop_schedule(store->loop, &store->gone_task);
    }
    return 0;
}

void store_on_token_gone(struct store *store, void (*gone)(void *ctx, uint64_t token_id), void *ctx)
{
    store->gone = gone;
    store->gone_ctx = ctx;
}

void store_tell_gone(struct task *task)
{
    struct store *store = CONTAINER_OF(task, struct store, gone_task);

    for (size_t i = 0; i < store->token_count; i++) {
        struct token *t = store->tokens[i];
        if (t->is_gone || is_valid(store, t)) {
            continue;
        }
        t->is_gone = true;
        if (store->gone) {
            store->gone(store->gone_ctx, t->pub.id);
        }
    }
}
