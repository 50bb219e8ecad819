#include "config/identity.h"

#include "base/mem.h"
#include "base/random.h"
#include "config/file.h"
#include "tls/digest.h"
#include "tls/sign_key.h"

enum { FILE_MODE = 0600 };

_Static_assert((int)AGENT_SECRET_BYTES == (int)SIGN_SEED_BYTES, "the secret is a seed");

#define ID_WORD     "id "
#define SECRET_WORD "secret "

static void add_hex(struct text *out, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        text_addf(out, "%02x", bytes[i]);
    }
}

static int read_hex(struct slice s, uint8_t *out, size_t n)
{
    if (s.len != 2 * n) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < n; i++) {
        int high = ascii_hex_value(s.ptr[2 * i]);
        int low = ascii_hex_value(s.ptr[2 * i + 1]);
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

static int read_identity(struct slice content, struct identity *out)
{
    struct slice secret = content;
    struct slice id = slice_cut(&secret, '\n');

    secret = slice_cut(&secret, '\n');
    if (!slice_starts(id, SLICE(ID_WORD)) || !slice_starts(secret, SLICE(SECRET_WORD))) {
        return ERR_INVALID;
    }
    secret = slice_sub(secret, strlen(SECRET_WORD), secret.len);
    TRY(read_hex(secret, out->secret, AGENT_SECRET_BYTES));
    make_id(out->secret, out->agent_id);
    return 0;
}

static int make_identity(const char *path, struct errinfo *info)
{
    struct identity fresh;
    struct text content = {0};

    random_bytes(fresh.secret, sizeof fresh.secret);
    make_id(fresh.secret, fresh.agent_id);
    text_add_str(&content, ID_WORD);
    add_hex(&content, fresh.agent_id, AGENT_ID_BYTES);
    text_add_str(&content, "\n" SECRET_WORD);
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

    text_addf(&path, "%s/agent", folder);
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
