/* SQLite, loaded when the first store is opened: an agent never does, and is 0.6 MB smaller for it.
 *
 * One table of the calls we make, for the whole process; loaded on one thread, before the others.
 */
#pragma once
#include <sqlite3.h>

#include "base/err.h"

#define SQLITE_CALLS(X)                                                                            \
    X(bind_blob)                                                                                   \
    X(bind_int64)                                                                                  \
    X(bind_text)                                                                                   \
    X(busy_timeout)                                                                                \
    X(clear_bindings)                                                                              \
    X(close)                                                                                       \
    X(column_blob)                                                                                 \
    X(column_bytes)                                                                                \
    X(column_int)                                                                                  \
    X(column_int64)                                                                                \
    X(column_text)                                                                                 \
    X(db_filename)                                                                                 \
    X(errmsg)                                                                                      \
    X(exec)                                                                                        \
    X(finalize)                                                                                    \
    X(get_autocommit)                                                                              \
    X(open_v2)                                                                                     \
    X(prepare_v2)                                                                                  \
    X(prepare_v3)                                                                                  \
    X(reset)                                                                                       \
    X(step)

struct sqlite_calls {
#define X(name) __typeof__(sqlite3_##name) *name;
    SQLITE_CALLS(X)
#undef X
};

/* NULL: the library is not installed, or lacks a call; info says which. */
const struct sqlite_calls *sqlite_calls_load(struct errinfo *info);
