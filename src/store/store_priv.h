/* Inside of store/: the objects, and the port between them and what writes them down.
 *
 *     store.c               life, what is unwritten, batches, waiters
 *     store_tokens.c        tokens            } both: memory is the truth, a changed object
 *     store_reservations.c  reservations      } goes to the list of what is unwritten
 *     store_sqlite.c        driver: a thread --> sqlite_file.c: the database
 *     store_memory.c        driver: nothing
 *
 * An object is in `unwritten` at most once, however often it changes: memory stays bounded while a
 * disk is full. One batch is with the driver at a time; it is tried again until it succeeds.
 */
#pragma once
#include "base/list.h"
#include "base/table.h"
#include "net/loop.h"
#include "store/store.h"

enum {
    STORE_HASH_BYTES = 32,
    STORE_RETRY_MS = 5000,  /* after a failed write */
    STORE_SWEEP_MS = 30000, /* how late an expiry may be noticed */
    STORE_TOUCH_MS = 60000, /* a token's last use is written at most so often */
};

/* ---- what is written ---- */

struct token_row {
    uint64_t id;
    const char *name;
    uint8_t hash[STORE_HASH_BYTES];
    const char *rights;
    uint64_t created_at;
    uint64_t used_at;
    uint64_t expires_at;
    uint64_t revoked_at;
};

struct reservation_row {
    const char *entry;
    struct store_owner owner;
    const char *tunnel;
    const char *holder;
    uint64_t expires_at;
    bool is_dropped;
};

/* Copies of changed objects: may be read by another thread while the objects go on changing. */
struct batch {
    struct token_row *tokens;
    size_t token_count;
    struct reservation_row *reservations;
    size_t reservation_count;
};

/* ---- the port ---- */

struct store_driver;

struct store_driver_ops {
    /* Starts writing; the batch is borrowed until store_on_written is called, which is never from
     * inside this call. */
    void (*write)(struct store_driver *driver, const struct batch *batch);

    /* For the end: waits for a write that is under way and returns what became of it, instead of
     * telling. Afterwards only write_now and free are called. */
    int (*stop)(struct store_driver *driver);
    int (*write_now)(struct store_driver *driver, const struct batch *batch);
    void (*free)(struct store_driver *driver);
};

struct store_driver {
    const struct store_driver_ops *ops;
    struct store *store;
};

/* A store without content that writes through this driver and owns it. */
struct store *store_new(struct loop *loop, struct store_driver *driver_take);

/* What the driver found when it opened; called before anything else. */
void store_load_token(struct store *store, const struct token_row *row);
void store_load_reservation(struct store *store, const struct reservation_row *row);
void store_loaded(struct store *store);

/* The batch is on disk, or not (negative; why is logged once). */
void store_on_written(struct store *store, int result, const char *why);

/* ---- the objects ---- */

enum object_kind { OBJECT_TOKEN, OBJECT_RESERVATION };

/* First member of both. */
struct object {
    struct list unwritten;
    enum object_kind kind;
};

struct token {
    struct object object;
    struct store_token pub;
    uint8_t hash[STORE_HASH_BYTES];
    struct table_node by_hash;
    bool is_gone; /* told as no longer valid */
};

/* All reservations of one owner. */
struct owner {
    struct table_node node;
    struct store_owner pub;
    struct list reservations;
    size_t count;
};

struct reservation {
    struct object object;
    struct store_reservation pub;
    struct table_node by_entry;
    struct list of_owner;
    struct list leaving; /* while it runs out; in the order of expiry */
    struct owner *owner;
    bool is_dropped; /* only waits to be written */
};

struct store {
    struct loop *loop;
    struct store_driver *driver;
    uint64_t (*wall_ms)(void);

    struct token **tokens; /* in the order of their ids */
    size_t token_count;
    struct table tokens_by_hash;

    struct table reservations; /* by entry */
    struct table owners;
    struct list leaving;

    struct list unwritten;
    struct batch batch; /* with the driver, or waiting to be tried again */
    bool has_batch;
    bool is_writing;
    uint64_t batch_number;   /* of `batch`, or of the last one */
    uint64_t written_number; /* of the last one on disk */
    struct list waiters;
    struct task tell_task;
    int health;
    struct task write_task;
    struct timer retry_timer;

    void (*gone)(void *ctx, uint64_t token_id);
    void *gone_ctx;
    struct task gone_task;
    void (*reserved)(void *ctx, struct slice entry, bool is_reserved);
    void *reserved_ctx;
    struct timer sweep_timer;
};

/* The object has changed: it goes with the next batch. */
void store_mark(struct store *store, struct object *object);

void token_add_row(const struct token *token, struct token_row *row_out);
void store_free_tokens(struct store *store);

void reservation_add_row(const struct reservation *r, struct reservation_row *row_out);
void store_free_reservations(struct store *store);
void store_free_dropped(struct reservation *r); /* its end has been copied into a batch */
void store_sort_leaving(struct store *store);
void store_sweep_reservations(struct store *store);

/* Runs when a token may have stopped being valid. */
void store_tell_gone(struct task *task);
