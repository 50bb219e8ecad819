#include "relay/visitors/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/least.h"
#include "base/mem.h"
#include "base/text.h"
#include "net/outlet.h"
#include "relay/workers/shared.h"

enum { FILE_MODE = 0640 };

/* How much a line shows of each. Together less than PIPE_BUF, even if all has to be escaped. */
enum {
    METHOD_BYTES = 32,
    HOST_BYTES = 255,
    PATH_BYTES = 1024,
    REFERER_BYTES = 300,
    USER_AGENT_BYTES = 200,
};

struct access_log {
    const char *path; /* NULL: stdout */
    int fd;
    struct outlet outlets[]; /* of the workers */
};

static void tell_skipped(struct text *line, uint64_t skipped)
{
    const struct log_field fields[] = {LOG_U64("count", skipped), {.type = LOG_TYPE_END}};

    log_show(line, LOG_WARN, NULL, "requests left out", fields);
    text_add_char(line, '\n');
}

/* ---- the file ---- */

static int open_file(const char *path, int *fd_out, struct errinfo *why)
{
    /* A FIFO without a reader fails instead of keeping the relay from starting. */
    int fd =
        open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE);
    if (fd < 0) {
        return errinfo_set(why, ERR_SYSTEM, "--access-log %s: %s", path, strerror(errno));
    }
    *fd_out = fd;
    return 0;
}

static int open_log(const char *path, int *fd_out, struct errinfo *why)
{
    if (path) {
        return open_file(path, fd_out, why);
    }
    *fd_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    return *fd_out < 0 ? errinfo_set(why, ERR_SYSTEM, "--access-log -: %s", strerror(errno)) : 0;
}

int access_log_open(struct relay *r, struct errinfo *why)
{
    const char *path = r->config->access_log;
    int fd = -1;

    if (!path) {
        return 0;
    }
    path = strcmp(path, "-") == 0 ? NULL : path;
    TRY(open_log(path, &fd, why));
    r->access = mem_alloc(sizeof *r->access + r->worker_count * sizeof r->access->outlets[0]);
    *r->access = (struct access_log){.path = path, .fd = fd};
    for (uint32_t i = 0; i < r->worker_count; i++) {
        outlet_init(&r->access->outlets[i], r->workers[i].loop, fd, tell_skipped);
    }
    return 0;
}

/* The descriptor keeps its number: other workers may be writing to it. */
void access_log_reopen(struct relay *r)
{
    struct errinfo why = {0};
    int fresh = -1;

    if (!r->access || !r->access->path) {
        return;
    }
    if (open_file(r->access->path, &fresh, &why) < 0) {
        log_error(&r->log, "access log not opened anew", LOG_STR("reason", why.text));
        return;
    }
    int err = dup3(fresh, r->access->fd, O_CLOEXEC);
    ASSERT(err >= 0); /* both are open */
    close(fresh);
}

void access_log_leave(struct worker *w)
{
    if (w->relay->access) {
        outlet_deinit(&w->relay->access->outlets[w->index]);
    }
}

void access_log_close(struct access_log **log)
{
    if (*log) {
        close((*log)->fd);
        mem_free(*log);
        *log = NULL;
    }
}

/* ---- a line ---- */

/* Cut to what fits, and to what may stand in a line of text. */
static struct slice clean(struct slice from, char *to, size_t cap)
{
    size_t n = least_size(from.len, cap);

    for (size_t i = 0; i < n; i++) {
        to[i] = from.ptr[i] >= ' ' && from.ptr[i] < 0x7f ? from.ptr[i] : '?';
    }
    return slice_of(to, n);
}

void access_log_add(const struct http_visitor *v, const struct http_head *request,
                    const struct control_exchange *facts, const char *reason)
{
    struct access_log *log = v->worker->relay->access;
    char method[METHOD_BYTES], host[HOST_BYTES], path[PATH_BYTES];
    char referer[REFERER_BYTES], user_agent[USER_AGENT_BYTES];
    struct text line = {0};

    if (!log) {
        return;
    }
    const struct log_field fields[] = {
        LOG_STR("address", v->address_text),
        LOG_SLICE("method", clean(request->method, method, sizeof method)),
        LOG_SLICE("host", clean(request->authority, host, sizeof host)),
        LOG_SLICE("path", clean(request->path, path, sizeof path)),
        LOG_U64("status", facts->status),
        LOG_U64("in", facts->in_bytes),
        LOG_U64("out", facts->out_bytes),
        LOG_U64("ms", facts->ms),
        LOG_STR("reason", reason),
        LOG_SLICE("referer",
                  clean(http_head_value(request, HTTP_REFERER), referer, sizeof referer)),
        LOG_SLICE("user_agent",
                  clean(http_head_value(request, HTTP_USER_AGENT), user_agent, sizeof user_agent)),
        {.type = LOG_TYPE_END},
    };
    log_show(&line, LOG_INFO, &v->log, "request", fields);
    outlet_add(&log->outlets[v->worker->index], text_slice(&line), false);
    text_deinit(&line);
}
