/* The database file: opening, bringing it up to date, reading everything, writing one batch.
 *
 * Synchronous, one thread at a time; the only file that knows SQL. Migrations are the files of
 * assets/, run in the order of their names; PRAGMA user_version says which was the last.
 */
#pragma once
#include "base/err.h"
#include "store/store_priv.h"

struct sqlite_file;

enum { SQLITE_FILE_WHY_BYTES = 200 };

/* Makes the file (0600) if there is none, and takes the folder's lock: ERR_BUSY while another
 * process has it. */
MUST_USE int sqlite_file_open(const char *path, struct sqlite_file **out, struct errinfo *info);
void sqlite_file_close(struct sqlite_file **file);

/* Hands every row to store_load_token and store_load_reservation. */
MUST_USE int sqlite_file_load(struct sqlite_file *file, struct store *store, struct errinfo *info);

/* All of the batch or nothing. */
MUST_USE int sqlite_file_write(struct sqlite_file *file, const struct batch *batch,
                               char why_out[SQLITE_FILE_WHY_BYTES]);
