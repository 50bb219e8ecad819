/* From the path of a request to an open file below a folder, and never to one outside it.
 *
 * The path is decoded once, taken apart into names, and each name is opened in the folder before it
 * without following links: what no open descriptor leads to cannot be reached.
 */
#pragma once
#include "base/slice.h"

enum { FILE_PATH_NAME_BYTES = 255 };

/* Opens what `path` ("/a%20b/c", without its query) names below the folder root_fd, for reading.
 * ERR_NOT_FOUND: nothing there, or a hidden name (".git"; ".well-known" is none), or a link;
 * ERR_INVALID: not a path; ERR_DENIED: no right to read it; ERR_SYSTEM. */
MUST_USE int file_path_open(int root_fd, struct slice path, int *fd_out);

/* The decoded last name of a path ("c"), into out; empty for a folder ("/a/"). ERR_INVALID. */
MUST_USE int file_path_name(struct slice path, char out[FILE_PATH_NAME_BYTES + 1]);
