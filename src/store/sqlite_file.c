#include "store/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "gen/store_assets.h"
#include "store/sqlite_calls_priv.h"

enum { FILE_MODE = 0600, BUSY_MS = 5000 };

enum statement { PUT_TOKEN, PUT_RESERVATION, DROP_RESERVATION, STATEMENT_COUNT };

static const char *const statement_sql[] = {
    [PUT_TOKEN] = "INSERT INTO token (id, name, hash, rights, created_at, used_at, expires_at,"
                  " revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                  " ON CONFLICT (id) DO UPDATE SET used_at = excluded.used_at,"
                  " expires_at = excluded.expires_at, revoked_at = excluded.revoked_at",
    [PUT_RESERVATION] = "INSERT INTO reservation (entry, token_id, agent_id, tunnel, holder,"
                        " expires_at) VALUES (?, ?, ?, ?, ?, ?)"
                        " ON CONFLICT (entry) DO UPDATE SET token_id = excluded.token_id,"
                        " agent_id = excluded.agent_id, tunnel = excluded.tunnel,"
                        " holder = excluded.holder, expires_at = excluded.expires_at",
    [DROP_RESERVATION] = "DELETE FROM reservation WHERE entry = ?",
};

struct sqlite_file {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    int lock_fd;
};

static const struct sqlite_calls *sqlite; /* since the first opening */

/* ---- opening ---- */

static int fail_errno(const char *path, const char *what, struct errinfo *info)
{
    int errnum = errno;
    return errinfo_set(info, ERR_STORAGE, "cannot %s %s: %s", what, path, strerror(errnum));
}

static int fail_sqlite(const struct sqlite_file *f, const char *what, const char *path,
                       struct errinfo *info)
{
    return errinfo_set(info, ERR_STORAGE, "cannot %s %s: %s", what, path, sqlite->errmsg(f->db));
}

/* A second process would answer from a memory of its own. The lock is a file beside the database,
 * because closing any descriptor of the database itself would drop SQLite's locks. */
static int take_lock(struct sqlite_file *f, const char *path, struct errinfo *info)
{
    struct text lock = {0};

    text_addf(&lock, "%s.lock", path);
    f->lock_fd = open(text_str(&lock), O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    int result = 0;
    if (f->lock_fd < 0) {
        result = fail_errno(text_str(&lock), "open", info);
    } else if (flock(f->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        result = errno == EWOULDBLOCK
                     ? errinfo_set(info, ERR_BUSY,
                                   "%s is in use by another relay; stop it, or give this one a "
                                   "--data folder of its own",
                                   path)
                     : fail_errno(text_str(&lock), "lock", info);
    }
    text_deinit(&lock);
    return result;
}

/* Made by us, so that it is ours alone from its first moment; SQLite's other files follow it. */
static int make_private(const char *path, struct errinfo *info)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);

    if (fd < 0) {
        return fail_errno(path, "open", info);
    }
    close(fd);
    return 0;
}

static int run_sql(struct sqlite_file *f, const char *sql)
{
    return sqlite->exec(f->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : ERR_STORAGE;
}

static int read_version(struct sqlite_file *f, int *version_out)
{
    sqlite3_stmt *s;

    if (sqlite->prepare_v2(f->db, "PRAGMA user_version", -1, &s, NULL) != SQLITE_OK) {
        return ERR_STORAGE;
    }
    int result = sqlite->step(s) == SQLITE_ROW ? 0 : ERR_STORAGE;
    *version_out = sqlite->column_int(s, 0);
    sqlite->finalize(s);
    return result;
}

static int run_migration(struct sqlite_file *f, const struct asset *asset, int version)
{
    char set_version[64];

    snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d", version);
    TRY(run_sql(f, "BEGIN IMMEDIATE"));
    if (run_sql(f, (const char *)asset->bytes) < 0 || run_sql(f, set_version) < 0 ||
        run_sql(f, "COMMIT") < 0) {
        return ERR_STORAGE; /* the open transaction dies with the connection */
    }
    return 0;
}

static int version_of(const struct asset *migration)
{
    return (int)strtol(migration->name, NULL, 10); /* "001_first.sql" */
}

/* A file from a newer adit is taken as it is: its tables stay good for the version before. */
static int migrate(struct sqlite_file *f)
{
    const struct asset *next = store_assets;
    int version, newest = 0;

    TRY(read_version(f, &version));
    for (; next->name && version_of(next) <= version; next++) {
        newest = version_of(next);
    }
    if (!next->name && version > newest) {
        log_warn(NULL, "the store was last written by a newer adit",
                 LOG_I64("its_version", version), LOG_I64("our_version", newest));
    }
    for (; next->name; next++) {
        TRY(run_migration(f, next, version_of(next)));
    }
    return 0;
}

static int prepare(struct sqlite_file *f)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        if (sqlite->prepare_v3(f->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &f->statements[i], NULL) != SQLITE_OK) {
            return ERR_STORAGE;
        }
    }
    return 0;
}

static int open_db(struct sqlite_file *f, const char *path, struct errinfo *info)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

    if (sqlite->open_v2(path, &f->db, flags, NULL) != SQLITE_OK) {
        return fail_sqlite(f, "open", path, info);
    }
    sqlite->busy_timeout(f->db, BUSY_MS);
    if (run_sql(f, "PRAGMA journal_mode = WAL") < 0 ||
        run_sql(f, "PRAGMA synchronous = FULL") < 0 || migrate(f) < 0 || prepare(f) < 0) {
        return fail_sqlite(f, "use", path, info);
    }
    return 0;
}

int sqlite_file_open(const char *path, struct sqlite_file **out, struct errinfo *info)
{
    *out = NULL;
    if (!sqlite) {
        sqlite = sqlite_calls_load(info);
    }
    if (!sqlite) {
        return ERR_STORAGE;
    }
    struct sqlite_file *f = NEW(struct sqlite_file);
    f->lock_fd = -1;
    int result = take_lock(f, path, info);
    if (result == 0) {
        result = make_private(path, info);
    }
    if (result == 0) {
        result = open_db(f, path, info);
    }
    if (result < 0) {
        sqlite_file_close(&f);
    }
    *out = f;
    return result;
}

void sqlite_file_close(struct sqlite_file **file)
{
    struct sqlite_file *f = *file;

    if (!f) {
        return;
    }
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sqlite->finalize(f->statements[i]);
    }
    sqlite->close(f->db);
    if (f->lock_fd >= 0) {
        close(f->lock_fd);
    }
    mem_free(f);
    *file = NULL;
}

/* ---- reading ---- */

static const char *column_text(sqlite3_stmt *s, int i)
{
    const char *text = (const char *)sqlite->column_text(s, i);
    return text ? text : "";
}

static uint64_t column_u64(sqlite3_stmt *s, int i)
{
    return (uint64_t)sqlite->column_int64(s, i);
}

/* A blob of exactly n bytes, else zeros: no token has such a hash. */
static void column_bytes(sqlite3_stmt *s, int i, uint8_t *out, size_t n)
{
    const void *blob = sqlite->column_blob(s, i);

    memset(out, 0, n);
    if (blob && (size_t)sqlite->column_bytes(s, i) == n) {
        memcpy(out, blob, n);
    }
}

static void load_token(sqlite3_stmt *s, struct store *store)
{
    struct token_row row = {
        .id = column_u64(s, 0),
        .name = column_text(s, 1),
        .rights = column_text(s, 3),
        .created_at = column_u64(s, 4),
        .used_at = column_u64(s, 5),
        .expires_at = column_u64(s, 6),
        .revoked_at = column_u64(s, 7),
    };
    column_bytes(s, 2, row.hash, STORE_HASH_BYTES);
    store_load_token(store, &row);
}

static void load_reservation(sqlite3_stmt *s, struct store *store)
{
    struct reservation_row row = {
        .entry = column_text(s, 0),
        .owner = {.token_id = column_u64(s, 1)},
        .tunnel = column_text(s, 3),
        .holder = column_text(s, 4),
        .expires_at = column_u64(s, 5),
    };
    column_bytes(s, 2, row.owner.agent_id, STORE_AGENT_ID_BYTES);
    store_load_reservation(store, &row);
}

static int each_row(struct sqlite_file *f, const char *sql,
                    void (*found)(sqlite3_stmt *s, struct store *store), struct store *store)
{
    sqlite3_stmt *s;
    int step;

    if (sqlite->prepare_v2(f->db, sql, -1, &s, NULL) != SQLITE_OK) {
        return ERR_STORAGE;
    }
    while ((step = sqlite->step(s)) == SQLITE_ROW) {
        found(s, store);
    }
    sqlite->finalize(s);
    return step == SQLITE_DONE ? 0 : ERR_STORAGE;
}

int sqlite_file_load(struct sqlite_file *f, struct store *store, struct errinfo *info)
{
    int result = each_row(f,
                          "SELECT id, name, hash, rights, created_at, used_at, expires_at,"
                          " revoked_at FROM token ORDER BY id",
                          load_token, store);

    if (result == 0) {
        result = each_row(f,
                          "SELECT entry, token_id, agent_id, tunnel, holder, expires_at"
                          " FROM reservation",
                          load_reservation, store);
    }
    return result < 0 ? fail_sqlite(f, "read", sqlite->db_filename(f->db, "main"), info) : 0;
}

/* ---- writing ---- */

static void bind_u64(sqlite3_stmt *s, int i, uint64_t value)
{
    sqlite->bind_int64(s, i, (sqlite3_int64)value);
}

static void bind_text(sqlite3_stmt *s, int i, const char *text)
{
    sqlite->bind_text(s, i, text, -1, SQLITE_STATIC);
}

static int finish(sqlite3_stmt *s)
{
    int step = sqlite->step(s);

    sqlite->reset(s);
    sqlite->clear_bindings(s);
    return step == SQLITE_DONE ? 0 : ERR_STORAGE;
}

static int write_token(struct sqlite_file *f, const struct token_row *row)
{
    sqlite3_stmt *s = f->statements[PUT_TOKEN];

    bind_u64(s, 1, row->id);
    bind_text(s, 2, row->name);
    sqlite->bind_blob(s, 3, row->hash, STORE_HASH_BYTES, SQLITE_STATIC);
    bind_text(s, 4, row->rights);
    bind_u64(s, 5, row->created_at);
    bind_u64(s, 6, row->used_at);
    bind_u64(s, 7, row->expires_at);
    bind_u64(s, 8, row->revoked_at);
    return finish(s);
}

static int write_reservation(struct sqlite_file *f, const struct reservation_row *row)
{
    sqlite3_stmt *s = f->statements[row->is_dropped ? DROP_RESERVATION : PUT_RESERVATION];

    bind_text(s, 1, row->entry);
    if (row->is_dropped) {
        return finish(s);
    }
    bind_u64(s, 2, row->owner.token_id);
    sqlite->bind_blob(s, 3, row->owner.agent_id, STORE_AGENT_ID_BYTES, SQLITE_STATIC);
    bind_text(s, 4, row->tunnel);
    bind_text(s, 5, row->holder);
    bind_u64(s, 6, row->expires_at);
    return finish(s);
}

static int write_rows(struct sqlite_file *f, const struct batch *batch)
{
    for (size_t i = 0; i < batch->token_count; i++) {
        TRY(write_token(f, &batch->tokens[i]));
    }
    for (size_t i = 0; i < batch->reservation_count; i++) {
        TRY(write_reservation(f, &batch->reservations[i]));
    }
    return run_sql(f, "COMMIT");
}

int sqlite_file_write(struct sqlite_file *f, const struct batch *batch,
                      char why_out[SQLITE_FILE_WHY_BYTES])
{
    int result = run_sql(f, "BEGIN IMMEDIATE");

    if (result == 0) {
        result = write_rows(f, batch);
    }
    if (result < 0) {
        snprintf(why_out, SQLITE_FILE_WHY_BYTES, "%s: %s", sqlite->db_filename(f->db, "main"),
                 sqlite->errmsg(f->db));
        if (!sqlite->get_autocommit(f->db)) {
            sqlite->exec(f->db, "ROLLBACK", NULL, NULL, NULL);
        }
    }
    return result;
}
