#include "store/sqlite_calls_priv.h"

#include <dlfcn.h>
#include <string.h>

#include "base/mem.h"

static const char *const library_names[] = {"libsqlite3.so.0", "libsqlite3.so", "libsqlite3.dylib"};

static void *open_library(void)
{
    void *library = NULL;

    for (size_t i = 0; !library && i < COUNT_OF(library_names); i++) {
        library = dlopen(library_names[i], RTLD_NOW | RTLD_LOCAL);
    }
    return library;
}

/* The address goes into `call`, a pointer to a function. */
static int find_call(void *library, const char *name, void *call, struct errinfo *info)
{
    void *found = dlsym(library, name);

    if (!found) {
        return errinfo_set(info, ERR_STORAGE, "SQLite is too old here: it has no %s", name);
    }
    memcpy(call, &found, sizeof found);
    return 0;
}

static int find_calls(void *library, struct sqlite_calls *calls, struct errinfo *info)
{
#define X(name) TRY(find_call(library, "sqlite3_" #name, &calls->name, info));
    SQLITE_CALLS(X)
#undef X
    return 0;
}

const struct sqlite_calls *sqlite_calls_load(struct errinfo *info)
{
    static struct sqlite_calls calls;
    void *library = open_library(); /* to the end */

    if (!library) {
        errinfo_set(info, ERR_STORAGE, "SQLite is not installed (%s); a relay needs it",
                    library_names[0]);
        return NULL;
    }
    return find_calls(library, &calls, info) < 0 ? NULL : &calls;
}
