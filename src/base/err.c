#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct entry {
    const char *name;
    const char *text;
    enum err_category category;
};

static const struct entry entries[] = {
#define X(name, value, category, sentence) [-(value)] = {#name, sentence, ERR_CAT_##category},
    ERR_LIST(X)
#undef X
};

static const struct entry *find(int err)
{
    static const struct entry unknown = {"UNKNOWN", "unknown error", ERR_CAT_LOCAL};
    static const struct entry none = {"OK", "no error", ERR_CAT_RETRY};

    if (err == 0) {
        return &none;
    }
    if (err > 0 || err <= -(int)(sizeof entries / sizeof entries[0]) || !entries[-err].name) {
        return &unknown;
    }
    return &entries[-err];
}

const char *err_name(int err)
{
    return find(err)->name;
}

const char *err_text(int err)
{
    return find(err)->text;
}

enum err_category err_category(int err)
{
    return find(err)->category;
}

int err_from_errno(int errnum)
{
    switch (errnum < 0 ? -errnum : errnum) {
    case EAGAIN:
    case EINTR:
    case EINPROGRESS:
        return ERR_AGAIN;
    case ECONNREFUSED:
        return ERR_REFUSED;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
        return ERR_RESET;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
        return ERR_UNREACHABLE;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case EADDRINUSE:
        return ERR_BUSY;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case ENOENT:
        return ERR_NOT_FOUND;
    case EMFILE:
    case ENFILE:
        return ERR_FULL;
    case ENOMEM:
    case ENOBUFS:
        return ERR_NOMEM;
    default:
        return ERR_SYSTEM;
    }
}

int errinfo_set(struct errinfo *info, int err, const char *fmt, ...)
{
    if (info && info->text[0] == '\0') {
        va_list args;
        va_start(args, fmt);
        vsnprintf(info->text, sizeof info->text, fmt, args);
        va_end(args);
    }
    return err;
}

const char *errinfo_text(const struct errinfo *info, int err)
{
    return info && info->text[0] ? info->text : err_text(err);
}

_Noreturn void assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: BUG: %s\n", file, line, what);
    abort();
}
