/* Small files read and written whole. A file is replaced by renaming a finished one over it, so a
 * crash leaves the old content or the new one, never half of it. Blocks: not for the data path. */
#pragma once
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/text.h"
#include "config/problems.h"

enum { FILE_READ_MAX = 1024 * 1024 };

/* Appends the content. ERR_NOT_FOUND, ERR_DENIED, ERR_TOO_LARGE (more than FILE_READ_MAX), ...,
 * with a line that names the file. */
MUST_USE int file_read(const char *path, struct text *out, struct errinfo *info);

/* The same for a file a person wrote: what goes wrong is a problem, and ERR_CONFIG. */
MUST_USE int file_read_config(const char *path, struct text *out, struct problems *problems);

/* Writes it anew with this mode. */
MUST_USE int file_replace(const char *path, struct slice content, mode_t mode,
                          struct errinfo *info);

/* The same, but ERR_BUSY if the file is already there: of several at once, one wins. */
MUST_USE int file_create(const char *path, struct slice content, mode_t mode, struct errinfo *info);

/* Appends the path, seen from the working folder if it is relative. ERR_SYSTEM: that one is gone.
 */
MUST_USE int file_add_absolute(struct text *out, const char *path, struct errinfo *info);
