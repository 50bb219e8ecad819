/* A small file server over exchanges: a folder, one file, or what is embedded in the program.
 *
 * GET and HEAD, index.html, one byte range, ETag and Last-Modified with their conditions, content
 * types. No listing, no hidden names, no links, nothing outside the folder (file_path.h). Memory is
 * constant: the next piece is read when there is room for it. Reading a local file may hold up the
 * loop for as long as the disk takes.
 */
#pragma once
#include "base/asset.h"
#include "base/err.h"
#include "http/exchange.h"

struct static_files;

/* path: a folder or a regular file. ERR_NOT_FOUND, ERR_DENIED, ... with a line in info. */
MUST_USE int static_files_open(const char *path, struct static_files **files_out,
                               struct errinfo *info);

/* Serves `assets` (live for ever) by their names; "/" is index.html. */
struct static_files *static_files_of_assets(const struct asset *assets);

/* Answers the request and closes the exchange, now or when all is sent. The files must outlive
 * every exchange that is being served. */
void static_files_serve(struct static_files *files, struct exchange *x_take);

void static_files_free(struct static_files **files);
