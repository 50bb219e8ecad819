#include "config/logins.h"

#include "base/mem.h"
#include "config/file.h"
#include "config/schema.h"
#include "config/tree.h"

enum { FILE_MODE = 0600 };

static void add_path(struct text *out, const char *folder)
{
    text_addf(out, "%s/logins.yml", folder);
}

static const struct schema_key login_keys[] = {
    {"relay", SCHEMA_TEXT, offsetof(struct login, relay), .help = "as given to login"},
    {"token", SCHEMA_TEXT, offsetof(struct login, token), .help = "the credential"},
    {"pin", SCHEMA_TEXT, offsetof(struct login, pin), .help = "the relay's key"},
    {"ca", SCHEMA_TEXT, offsetof(struct login, ca), .help = "who may sign its certificate"},
    {0},
};
static const struct schema login_schema = {"Login", login_keys};

void login_deinit(struct login *login)
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
    add_path(&path, folder);
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
    add_pair(out, "ca", login->ca);
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
    add_path(&path, folder);
    int result = file_replace(text_str(&path), text_slice(&content), FILE_MODE, info);
    text_wipe(&content);
    text_deinit(&path);
    logins_deinit(&old);
    return result;
}
