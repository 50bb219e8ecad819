#include "agent/file_visit.h"

#include "base/mem.h"
#include "gen/agent_assets.h"
#include "http/h1_server.h"
#include "http/static_files.h"

struct file_visit {
    struct loop *loop;
    struct h1_server *server;
    struct static_files *files;
    file_visit_fn *done;
    void *ctx;
    struct log_scope log;
    struct grave grave;
};

int file_visit_open(const char *path, struct static_files **files_out, struct errinfo *why)
{
    if (path[0]) {
        return static_files_open(path, files_out, why);
    }
    *files_out = static_files_of_assets(agent_assets);
    return 0;
}

static void bury(struct grave *grave)
{
    mem_free(CONTAINER_OF(grave, struct file_visit, grave));
}

static void on_exchange(void *ctx, struct h1_server *server, struct exchange *x)
{
    struct file_visit *f = ctx;

    (void)server;
    static_files_serve(f->files, x);
}

static void on_end(void *ctx, struct h1_server *server, int reason)
{
    struct file_visit *f = ctx;

    (void)server;
    loop_bury(f->loop, &f->grave, bury);
    f->done(f->ctx, reason < 0 ? err_text(reason) : "end");
}

struct file_visit *file_visit_start(struct stream *stream_take, struct static_files *files,
                                    const struct log_scope *log, file_visit_fn *done, void *ctx)
{
    static const struct h1_server_user user = {.on_exchange = on_exchange, .on_end = on_end};
    struct file_visit *f = NEW(struct file_visit);

    f->loop = stream_take->loop;
    f->files = files;
    f->done = done;
    f->ctx = ctx;
    f->log = *log;
    f->server = h1_server_attach(stream_take, NULL, NULL, &f->log, &user, f);
    return f;
}

void file_visit_abort(struct file_visit **f)
{
    if (*f) {
        h1_server_abort(&(*f)->server);
        loop_bury((*f)->loop, &(*f)->grave, bury);
        *f = NULL;
    }
}
