/*      static_files_serve --> find --> judge --> send_head --> pump ... --> close
 *                               |         +-- 304, 412, 416
 *                               +-- 301 to a folder, 400, 403, 404, 405
 */
#include "http/static_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/condition.h"
#include "http/content_type.h"
#include "http/file_path.h"
#include "http/http_date.h"

enum {
    PIECE_BYTES = 32 * 1024, /* read and handed on at a time */
    SPARE_SERVINGS = 16,
};

struct static_files {
    int root_fd; /* a folder or a file; -1: assets */
    bool is_file;
    char *name; /* of the one file, for its content type */
    const struct asset *assets;
    int64_t started_at; /* the assets' modification time */
};

/* What a request names: its bytes and what is known of them. */
struct found {
    int fd; /* -1: bytes */
    const unsigned char *bytes;
    uint64_t size_bytes;
    int64_t modified_at;
    struct slice type;
    char etag[48];
};

/* One exchange being served. */
struct serving {
    struct exchange *x;
    struct found found;
    uint64_t at;
    uint64_t left;
    struct bufq piece;
};

static _Thread_local struct mem_pool servings = MEM_POOL(struct serving, SPARE_SERVINGS);

/* ---- finding ---- */

static int judge_error(int err)
{
    switch (err) {
    case ERR_INVALID:
        return 400;
    case ERR_DENIED:
        return 403;
    case ERR_NOT_FOUND:
        return 404;
    default:
        return 500;
    }
}

static void describe(struct found *f, const struct stat *st)
{
    f->size_bytes = (uint64_t)st->st_size;
    f->modified_at = (int64_t)st->st_mtim.tv_sec;
    snprintf(f->etag, sizeof(f->etag), "\"%" PRIx64 "-%lx-%" PRIx64 "\"",
             (uint64_t)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec, f->size_bytes);
}

static bool ends_with_slash(struct slice path)
{
    return path.len > 0 && path.ptr[path.len - 1] == '/';
}

/* 0, or the status to answer. The descriptor is found->fd even then. */
static int find_index(struct found *f, struct slice path)
{
    int index_fd;

    if (!ends_with_slash(path)) {
        return 301;
    }
    int err = file_path_open(f->fd, SLICE("/index.html"), &index_fd);
    if (err < 0) {
        return judge_error(err);
    }
    close(f->fd);
    f->fd = index_fd;
    f->type = content_type_of(SLICE(".html"));
    return 0;
}

static int find_in_folder(const struct static_files *files, struct slice path, struct found *f)
{
    char name[FILE_PATH_NAME_BYTES + 1];
    struct stat st;

    int err = file_path_open(files->root_fd, path, &f->fd);
    if (err == 0) {
        err = file_path_name(path, name);
    }
    if (err < 0) {
        return judge_error(err);
    }
    f->type = content_type_of(slice_str(name));
    if (fstat(f->fd, &st) < 0) {
        return 500;
    }
    if (S_ISDIR(st.st_mode)) {
        int status = find_index(f, path);
        if (status != 0) {
            return status;
        }
        if (fstat(f->fd, &st) < 0) {
            return 500;
        }
    } else if (ends_with_slash(path)) {
        return 404;
    }
    describe(f, &st);
    return S_ISREG(st.st_mode) ? 0 : 404;
}

static int find_file(const struct static_files *files, struct slice path, struct found *f)
{
    struct stat st;

    if (!slice_is(path, "/")) {
        return 404;
    }
    f->fd = fcntl(files->root_fd, F_DUPFD_CLOEXEC, 0);
    if (f->fd < 0 || fstat(f->fd, &st) < 0) {
        return 500;
    }
    f->type = content_type_of(slice_str(files->name));
    describe(f, &st);
    return 0;
}

static int find_asset(const struct static_files *files, struct slice path, struct found *f)
{
    char name[FILE_PATH_NAME_BYTES + 1];

    if (file_path_name(path, name) < 0 ||
        slice_index(slice_sub(path, 1, path.len), '/') + 1 < path.len) {
        return 404;
    }
    const struct asset *asset = asset_find(files->assets, name[0] ? name : "index.html");
    if (!asset) {
        return 404;
    }
    f->bytes = asset->bytes;
    f->size_bytes = asset->size_bytes;
    f->modified_at = files->started_at;
    f->type = content_type_of(slice_str(asset->name));
    snprintf(f->etag, sizeof(f->etag), "\"%016" PRIx64 "\"",
             slice_hash(slice_of(asset->bytes, asset->size_bytes)));
    return 0;
}

static int find(const struct static_files *files, const struct http_head *request, struct found *f)
{
    struct slice path = http_head_path_only(request);

    if (path.len == 0 || path.ptr[0] != '/') {
        return 400;
    }
    if (files->assets) {
        return find_asset(files, path, f);
    }
    return files->is_file ? find_file(files, path, f) : find_in_folder(files, path, f);
}

/* ---- sending ---- */

static void finish(struct serving *s, bool is_complete)
{
    if (is_complete && stream_shutdown(&s->x->body) == 0) {
        exchange_close(&s->x);
    } else {
        exchange_abort(&s->x);
    }
    if (s->found.fd >= 0) {
        close(s->found.fd);
    }
    bufq_clear(&s->piece);
    mem_pool_put(&servings, s);
}

/* The next piece into the queue; a file that has become shorter is a failure. */
static int load_piece(struct serving *s)
{
    size_t n = s->left < PIECE_BYTES ? (size_t)s->left : PIECE_BYTES;

    if (s->found.fd < 0) {
        bufq_push(&s->piece, s->found.bytes + s->at, n);
    } else {
        size_t room;
        uint8_t *to = bufq_reserve(&s->piece, n, &room);
        ssize_t got = pread(s->found.fd, to, n, (off_t)s->at);
        bufq_commit(&s->piece, got > 0 ? (size_t)got : 0);
        if (got <= 0) {
            return got < 0 && errno == EINTR ? 0 : ERR_STORAGE;
        }
        n = (size_t)got;
    }
    s->at += n;
    s->left -= n;
    return 0;
}

static void pump(struct serving *s)
{
    for (size_t sent = 0; sent < STREAM_ROUND_BYTES; sent += PIECE_BYTES) {
        if (bufq_is_empty(&s->piece)) {
            if (s->left == 0) {
                finish(s, true);
                return;
            }
            if (load_piece(s) < 0) {
                finish(s, false);
                return;
            }
        }
        int err = stream_write(&s->x->body, &s->piece);
        if (err == ERR_AGAIN) {
            break;
        }
        if (err < 0) {
            finish(s, false);
            return;
        }
    }
    stream_want(&s->x->body, STREAM_WRITABLE);
}

static void on_ready(void *ctx, struct stream *body, unsigned events)
{
    struct serving *s = ctx;

    (void)body;
    if (events & STREAM_BROKEN) {
        finish(s, false);
    } else if (events & STREAM_WRITABLE) {
        pump(s);
    }
}

/* ---- answering ---- */

static void add_facts(struct http_head *head, const struct found *f)
{
    char date[HTTP_DATE_BYTES];

    http_date_show(f->modified_at, date);
    http_head_add(head, HTTP_DATE, http_date_now());
    http_head_add(head, HTTP_ETAG, slice_str(f->etag));
    http_head_add(head, HTTP_LAST_MODIFIED, slice_of(date, sizeof(date)));
    http_head_add(head, HTTP_ACCEPT_RANGES, SLICE("bytes"));
}

static void answer_without_body(struct serving *s, uint16_t status, struct slice content_range)
{
    struct http_head head = {0};

    http_head_make_response(&head, status);
    add_facts(&head, &s->found);
    if (content_range.len > 0) {
        http_head_add(&head, HTTP_CONTENT_RANGE, content_range);
    }
    int err = exchange_send_head(s->x, &head);
    http_head_clear(&head);
    finish(s, err == 0);
}

static void answer_found(struct serving *s, bool is_head, const struct range *part)
{
    struct http_head head = {0};

    http_head_make_response(&head, part ? 206 : 200);
    add_facts(&head, &s->found);
    http_head_add(&head, HTTP_CONTENT_TYPE, s->found.type);
    http_head_add_name(&head, SLICE("X-Content-Type-Options"), SLICE("nosniff"));
    s->left = s->found.size_bytes;
    if (part) {
        http_head_add_kept(&head, HTTP_CONTENT_RANGE, http_name_text(HTTP_CONTENT_RANGE),
                           http_head_keepf(&head, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                                           part->first, part->first + part->count - 1,
                                           s->found.size_bytes));
        s->at = part->first;
        s->left = part->count;
    }
    head.body = s->left > 0 ? HTTP_BODY_SIZED : HTTP_BODY_NONE;
    head.body_bytes = s->left;
    int err = exchange_send_head(s->x, &head);
    http_head_clear(&head);
    if (err < 0 || is_head) {
        finish(s, err == 0);
        return;
    }
    stream_set_user(&s->x->body, on_ready, s);
    pump(s);
}

static void answer_range(struct serving *s, const struct http_head *request,
                         const struct version_facts *version)
{
    struct range range;
    char unsatisfiable[48];
    int n;

    switch (range_judge(request, version, s->found.size_bytes, &range)) {
    case RANGE_NONE:
        answer_found(s, slice_is(request->method, "HEAD"), NULL);
        return;
    case RANGE_PART:
        answer_found(s, false, &range);
        return;
    case RANGE_UNSATISFIABLE:
        n = snprintf(unsatisfiable, sizeof(unsatisfiable), "bytes */%" PRIu64, s->found.size_bytes);
        answer_without_body(s, 416, slice_of(unsatisfiable, (size_t)n));
        return;
    }
    UNREACHABLE();
}

/* The folder without its slash: relative links of its index would go wrong. */
static void answer_redirect(struct serving *s, const struct http_head *request)
{
    struct http_head head = {0};
    struct slice path = http_head_path_only(request);
    struct slice query = slice_sub(request->path, path.len, request->path.len);

    http_head_make_response(&head, 301);
    http_head_add_kept(&head, HTTP_LOCATION, http_name_text(HTTP_LOCATION),
                       http_head_keepf(&head, "%.*s/%.*s", SLICE_ARG(path), SLICE_ARG(query)));
    int err = exchange_answer(s->x, &head, SLICE("moved\n"));
    http_head_clear(&head);
    finish(s, err == 0);
}

static void answer_method(struct serving *s)
{
    struct http_head head = {0};

    http_head_make_response(&head, 405);
    http_head_add_name(&head, SLICE("Allow"), SLICE("GET, HEAD"));
    int err = exchange_answer(s->x, &head, SLICE("only GET and HEAD\n"));
    http_head_clear(&head);
    finish(s, err == 0);
}

static void answer(struct static_files *files, struct serving *s, const struct http_head *request)
{
    if (!slice_is(request->method, "GET") && !slice_is(request->method, "HEAD")) {
        answer_method(s);
        return;
    }
    int status = find(files, request, &s->found);
    if (status == 301) {
        answer_redirect(s, request);
        return;
    }
    if (status != 0) {
        finish(s, exchange_answer_status(s->x, (uint16_t)status) == 0);
        return;
    }
    const struct version_facts version = {slice_str(s->found.etag), s->found.modified_at};
    uint16_t unchanged = condition_judge(request, &version);
    if (unchanged != 0) {
        answer_without_body(s, unchanged, SLICE(""));
        return;
    }
    answer_range(s, request, &version);
}

void static_files_serve(struct static_files *files, struct exchange *x_take)
{
    struct serving *s = mem_pool_get(&servings);
    struct http_head *request;

    s->x = x_take;
    s->found.fd = -1;
    if (exchange_read_head(x_take, &request) < 0) {
        finish(s, false);
        return;
    }
    answer(files, s, request);
}

/* ---- life ---- */

int static_files_open(const char *path, struct static_files **files_out, struct errinfo *info)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        int err = errno == EACCES ? ERR_DENIED : errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
        return errinfo_set(info, err, "cannot read %s: %s", path, strerror(errno));
    }
    if (fstat(fd, &st) < 0 || (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))) {
        close(fd);
        return errinfo_set(info, ERR_INVALID, "%s is neither a folder nor a file", path);
    }
    struct static_files *files = NEW(struct static_files);
    files->root_fd = fd;
    files->is_file = S_ISREG(st.st_mode);
    files->name = mem_strdup(path);
    *files_out = files;
    return 0;
}

struct static_files *static_files_of_assets(const struct asset *assets)
{
    struct static_files *files = NEW(struct static_files);

    files->root_fd = -1;
    files->assets = assets;
    files->started_at = (int64_t)(clock_wall_ms() / 1000);
    return files;
}

void static_files_free(struct static_files **files)
{
    struct static_files *f = *files;

    *files = NULL;
    if (!f) {
        return;
    }
    if (f->root_fd >= 0) {
        close(f->root_fd);
    }
    mem_free(f->name);
    mem_free(f);
}
