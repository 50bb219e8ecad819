#include "config/identity.h"

#include "base/mem.h"
#include "base/random.h"
#include "config/file.h"
#include "config/schema.h"
#include "config/tree.h"
#include "tls/digest.h"
#include "tls/sign_key.h"

enum { FILE_MODE = 0600 };

_Static_assert((int)AGENT_SECRET_BYTES == (int)SIGN_SEED_BYTES, "the secret is a seed");

static void add_path(struct text *out, const char *folder, const char *name)
{
    text_addf(out, "%s/%s", folder, name);
}

/* ---- who we are ---- */

static void add_hex(struct text *out, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        text_addf(out, "%02x", bytes[i]);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_hex(struct slice s, uint8_t *out, size_t n)
{
    if (s.len != 2 * n) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(s.ptr[2 * i]);
        int low = hex_digit(s.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return ERR_INVALID;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

static void make_id(const uint8_t secret[AGENT_SECRET_BYTES], uint8_t id_out[AGENT_ID_BYTES])
{
    uint8_t key[SIGN_KEY_BYTES];
    uint8_t digest[SHA256_BYTES];

    sign_key_of(secret, key);
    sha256(slice_of(key, sizeof key), digest);
    memcpy(id_out, digest, AGENT_ID_BYTES);
}

/* Two lines: "id HEX", for people, and "secret HEX". */
static int read_identity(struct slice content, struct identity *out)
{
    struct slice secret = content;
    struct slice id = slice_cut(&secret, '\n');

    secret = slice_cut(&secret, '\n');
    if (!slice_starts(id, SLICE("id ")) || !slice_starts(secret, SLICE("secret "))) {
        return ERR_INVALID;
    }
    TRY(read_hex(slice_sub(secret, 7, secret.len), out->secret, AGENT_SECRET_BYTES));
    make_id(out->secret, out->agent_id);
    return 0;
}

static int make_identity(const char *path, struct errinfo *info)
{
    struct identity fresh;
    struct text content = {0};

    random_bytes(fresh.secret, sizeof fresh.secret);
    make_id(fresh.secret, fresh.agent_id);
    text_add_str(&content, "id ");
    add_hex(&content, fresh.agent_id, AGENT_ID_BYTES);
    text_add_str(&content, "\nsecret ");
    add_hex(&content, fresh.secret, AGENT_SECRET_BYTES);
    text_add_char(&content, '\n');

    struct errinfo why = {0};
    int result = file_create(path, text_slice(&content), FILE_MODE, &why);
    if (result == ERR_BUSY) {
        result = 0; /* another agent of this folder was quicker: its identity is ours */
    } else if (result < 0) {
        errinfo_set(info, result, "%s", why.text);
    }
    text_wipe(&content);
    identity_wipe(&fresh);
    return result;
}

static int load_identity(const char *path, struct identity *out, struct errinfo *info)
{
    struct text content = {0};
    int result = file_read(path, &content, info);

    if (result == 0 && read_identity(text_slice(&content), out) < 0) {
        result = errinfo_set(info, ERR_STORAGE,
                             "%s is broken; restore it, or remove it to become a new agent", path);
    }
    text_wipe(&content);
    return result;
}

int identity_load(const char *folder, struct identity *out, struct errinfo *info)
{
    struct text path = {0};
    struct errinfo why = {0};

    add_path(&path, folder, "agent");
    int result = load_identity(text_str(&path), out, &why);
    if (result == ERR_NOT_FOUND) {
        why = (struct errinfo){0};
        result = make_identity(text_str(&path), &why);
        if (result == 0) {
            result = load_identity(text_str(&path), out, &why);
        }
    }
    if (result < 0) {
        errinfo_set(info, result, "%s", errinfo_text(&why, result));
    }
    text_deinit(&path);
    return result;
}

void identity_wipe(struct identity *identity)
{
    mem_wipe(identity, sizeof *identity);
}

/* ---- where we are logged in ---- */

static const struct schema_key login_keys[] = {
    {"relay", SCHEMA_TEXT, offsetof(struct login, relay), .help = "as given to login"},
    {"token", SCHEMA_TEXT, offsetof(struct login, token), .help = "the credential"},
    {"pin", SCHEMA_TEXT, offsetof(struct login, pin), .help = "the relay's key"},
    {0},
};
static const struct schema login_schema = {"Login", login_keys};

static void login_deinit(struct login *login)
{
    if (login->token) {
        mem_wipe(login->token, strlen(login->token));
    }
    schema_deinit(&login_schema, login);
}

void logins_deinit(struct logins *logins)
{
    for (size_t i = 0; i < logins->count; i++) {
        login_deinit(&logins->items[i]);
    }
    mem_free(logins->items);
    *logins = (struct logins){0};
}

static int read_logins(const struct tree *root, const char *path, struct logins *out,
                       struct problems *problems)
{
    const struct tree *list = tree_find(root, "logins");

    if (!list || list->kind != TREE_LIST || list->count > LOGINS_MAX) {
        return root->count == 0 ? 0 : ERR_STORAGE;
    }
    out->items = mem_alloc_array(list->count, sizeof *out->items);
    for (; out->count < list->count; out->count++) {
        struct login *login = &out->items[out->count];
        if (schema_read(&login_schema, list->items[out->count], login, path, problems) < 0 ||
            !login->relay) {
            login_deinit(login);
            return ERR_STORAGE;
        }
    }
    return 0;
}

static int parse_logins(struct slice content, const char *path, struct logins *out,
                        struct errinfo *info)
{
    struct problems problems = {0};
    struct tree *root;
    int result = tree_parse(content, path, &root, &problems);

    if (result == 0) {
        result = read_logins(root, path, out, &problems);
        tree_free(&root);
    }
    if (result < 0) {
        logins_deinit(out);
        result = errinfo_set(info, ERR_STORAGE, "%s is broken; remove it and log in again", path);
    }
    problems_deinit(&problems);
    return result;
}

int logins_load(const char *folder, struct logins *out, struct errinfo *info)
{
    struct text path = {0};
    struct text content = {0};
    struct errinfo why = {0};

    *out = (struct logins){0};
    add_path(&path, folder, "logins.yml");
    int result = file_read(text_str(&path), &content, &why);
    if (result == ERR_NOT_FOUND) {
        result = 0;
    } else if (result < 0) {
        errinfo_set(info, result, "%s", why.text);
    } else {
        result = parse_logins(text_slice(&content), text_str(&path), out, info);
    }
    text_wipe(&content);
    text_deinit(&path);
    return result;
}

const struct login *logins_find(const struct logins *logins, const char *relay)
{
    for (size_t i = 0; i < logins->count; i++) {
        if (!relay || strcmp(logins->items[i].relay, relay) == 0) {
            return &logins->items[i];
        }
    }
    return NULL;
}

static void add_pair(struct text *out, const char *key, const char *value)
{
    if (value) {
        text_addf(out, "%s%s: \"", strcmp(key, "relay") == 0 ? "" : ", ", key);
        text_add_json(out, slice_str(value));
        text_add_char(out, '"');
    }
}

static void add_login(struct text *out, const struct login *login)
{
    text_add_str(out, "  - {");
    add_pair(out, "relay", login->relay);
    add_pair(out, "token", login->token);
    add_pair(out, "pin", login->pin);
    text_add_str(out, "}\n");
}

int logins_save(const char *folder, const struct login *login, struct errinfo *info)
{
    struct logins old;
    struct text content = {0};
    struct text path = {0};

    TRY(logins_load(folder, &old, info));
    text_add_str(&content, "# Written by `adit login`; the last one first.\nlogins:\n");
    add_login(&content, login);
    for (size_t i = 0, kept = 1; i < old.count && kept < LOGINS_MAX; i++) {
        if (strcmp(old.items[i].relay, login->relay) != 0) {
            add_login(&content, &old.items[i]);
            kept++;
        }
    }
    add_path(&path, folder, "logins.yml");
    int result = file_replace(text_str(&path), text_slice(&content), FILE_MODE, info);
    text_wipe(&content);
    text_deinit(&path);
    logins_deinit(&old);
    return result;
}
