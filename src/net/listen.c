#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/socket.h"
#include "net/tcp.h"
#include "net/watch.h"

enum { LOG_EVERY_MS = 10 * 1000 };

struct listener {
    struct loop *loop;
    struct watch *watch;
    listener_fn *fn;
    void *ctx;
    struct addr addr;
    int fd;
    int spare_fd; /* given up to get rid of a connection when there are no more descriptors */
    bool is_paused;
    bool owns_path;
    struct task accept;
    struct timer rest;
    uint64_t logged_at_ms;
    uint64_t refused_count; /* since the last line */
    struct grave grave;
};

/* ---- accepting ---- */

static void update_watch(struct listener *l)
{
    watch_set(l->watch, l->is_paused || timer_is_armed(&l->rest) ? 0 : WATCH_READABLE);
}

static void log_full(struct listener *l)
{
    uint64_t now = loop_now_ms(l->loop);
    char at[ADDR_TEXT_BYTES];

    l->refused_count++;
    if (l->logged_at_ms && now - l->logged_at_ms < LOG_EVERY_MS) {
        return;
    }
    log_error(NULL, "out of file descriptors: connections wait or are dropped",
              LOG_STR("listener", addr_show(&l->addr, at)), LOG_U64("count", l->refused_count));
    l->logged_at_ms = now;
    l->refused_count = 0;
}

/* The oldest waiting connection would stay in the queue, and its visitor in doubt: end it. */
static void drop_one(struct listener *l)
{
    if (l->spare_fd >= 0) {
        close(l->spare_fd);
        int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            close(fd);
        }
        l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

static void rest(struct listener *l)
{
    log_full(l);
    drop_one(l);
    timer_arm(l->loop, &l->rest, LISTEN_REST_MS);
    update_watch(l);
}

static void on_rest_end(struct timer *t)
{
    struct listener *l = CONTAINER_OF(t, struct listener, rest);

    if (l->spare_fd < 0) {
        l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    update_watch(l);
}

static bool accept_one(struct listener *l)
{
    struct sockaddr_storage storage = {0};
    socklen_t len = sizeof storage;
    int fd = accept4(l->fd, (struct sockaddr *)&storage, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        struct addr peer = addr_of(&storage, len);
        l->fn(l->ctx, fd, &peer);
        return true;
    }
    switch (errno) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        rest(l);
        return false;
    default:
        return true; /* that connection has died while it waited; the next */
    }
}

static void accept_batch(struct task *t)
{
    struct listener *l = CONTAINER_OF(t, struct listener, accept);

    for (int i = 0; i < LISTEN_BATCH && l->fn && !l->is_paused; i++) {
        if (!accept_one(l)) {
            break;
        }
    }
}

static void on_watch(void *ctx, unsigned events)
{
    struct listener *l = ctx;

    (void)events;
    loop_schedule(l->loop, &l->accept);
}

/* ---- opening ---- */

static int refuse(struct errinfo *info, const struct addr *at, int errnum)
{
    char text[ADDR_TEXT_BYTES];
    int err = err_from_errno(errnum);

    addr_show(at, text);
    switch (errnum) {
    case EADDRINUSE:
        return errinfo_set(info, err, "cannot listen on %s: the address is already in use", text);
    case EACCES:
    case EPERM:
        return errinfo_set(info, err,
                           "cannot listen on %s: not allowed (ports below 1024 need "
                           "root or CAP_NET_BIND_SERVICE)",
                           text);
    case EADDRNOTAVAIL:
        return errinfo_set(info, err, "cannot listen on %s: not an address of this machine", text);
    default:
        return errinfo_set(info, err, "cannot listen on %s: %s", text, strerror(errnum));
    }
}

static void set_options(int fd, const struct addr *at, const struct listen_options *options)
{
    const int on = 1;
    const int off = 0;

    if (at->storage.ss_family == AF_UNIX) {
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on); /* accepted ones inherit it */
    tcp_set_notsent_low(fd, LISTEN_UNSENT_BYTES);
    if (options && options->reuse_port) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    }
    if (at->storage.ss_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, addr_is_any(at) ? &off : &on, sizeof on);
    }
}

static const char *path_of(const struct addr *at)
{
    return ((const struct sockaddr_un *)&at->storage)->sun_path;
}

/* Nobody answers at a path that a killed process left behind. */
static bool is_stale_path(const struct addr *at)
{
    struct stat st;
    int fd;

    if (lstat(path_of(at), &st) < 0 || !S_ISSOCK(st.st_mode) ||
        socket_new(AF_UNIX, SOCK_STREAM, &fd) < 0) {
        return false;
    }
    bool is_stale = connect(fd, (const struct sockaddr *)&at->storage, at->len) < 0 &&
                    errno == ECONNREFUSED;
    close(fd);
    return is_stale;
}

/* The mode is set before anybody can connect, which is at listen. */
static int bind_unix(int fd, const struct addr *at)
{
    const struct sockaddr *to = (const struct sockaddr *)&at->storage;

    if (is_stale_path(at)) {
        unlink(path_of(at));
    }
    return bind(fd, to, at->len) < 0 ? -1 : chmod(path_of(at), 0600);
}

static int bind_and_listen(int fd, const struct addr *at)
{
    int failed = at->storage.ss_family == AF_UNIX
                     ? bind_unix(fd, at)
                     : bind(fd, (const struct sockaddr *)&at->storage, at->len);
    return failed ? failed : listen(fd, LISTEN_BACKLOG);
}

static int open_socket(const struct addr *at, const struct listen_options *options,
                       struct errinfo *info, int *fd_out)
{
    int fd = socket(at->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 && errno == EAFNOSUPPORT && addr_is_any(at)) {
        struct addr v4;
        TRY(addr_parse_host(SLICE("0.0.0.0"), addr_port(at), &v4));
        return at->storage.ss_family == AF_INET ? refuse(info, at, EAFNOSUPPORT)
                                                : open_socket(&v4, options, info, fd_out);
    }
    if (fd < 0) {
        return refuse(info, at, errno);
    }
    set_options(fd, at, options);
    if (bind_and_listen(fd, at) < 0) {
        int err = refuse(info, at, errno);
        close(fd);
        return err;
    }
    *fd_out = fd;
    return 0;
}

int listener_adopt(struct listener **out, struct loop *loop, int fd_take, listener_fn *fn,
                   void *ctx)
{
    struct listener *l = NEW(struct listener);
    int err = watch_open(&l->watch, loop, fd_take, WATCH_STEADY | WATCH_READABLE, on_watch, l);

    if (err < 0) {
        close(fd_take);
        mem_free(l);
        return err;
    }
    l->loop = loop;
    l->fn = fn;
    l->ctx = ctx;
    l->fd = fd_take;
    l->addr = addr_of_local(fd_take);
    l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    l->accept.run = accept_batch;
    l->rest.expired = on_rest_end;
    *out = l;
    return 0;
}

int listener_open(struct listener **out, struct loop *loop, const struct addr *at,
                  const struct listen_options *options, listener_fn *fn, void *ctx,
                  struct errinfo *info)
{
    int fd = -1;

    TRY(open_socket(at, options, info, &fd));
    TRY(listener_adopt(out, loop, fd, fn, ctx));
    (*out)->owns_path = at->storage.ss_family == AF_UNIX;
    return 0;
}

/* ---- closing ---- */

static void free_listener(struct grave *g)
{
    mem_free(CONTAINER_OF(g, struct listener, grave));
}

static void bury(struct listener *l)
{
    watch_close(&l->watch);
    loop_unschedule(&l->accept);
    timer_disarm(l->loop, &l->rest);
    if (l->spare_fd >= 0) {
        close(l->spare_fd);
    }
    l->fn = NULL;
    loop_bury(l->loop, &l->grave, free_listener);
}

void listener_close(struct listener **l_ref)
{
    struct listener *l = *l_ref;

    if (!l) {
        return;
    }
    *l_ref = NULL;
    bury(l);
    close(l->fd);
    if (l->owns_path) {
        unlink(path_of(&l->addr));
    }
}

int listener_detach_fd(struct listener **l_ref)
{
    struct listener *l = *l_ref;

    *l_ref = NULL;
    bury(l);
    return l->fd;
}

void listener_pause(struct listener *l)
{
    l->is_paused = true;
    update_watch(l);
}

void listener_resume(struct listener *l)
{
    l->is_paused = false;
    update_watch(l);
}

const struct addr *listener_addr(const struct listener *l)
{
    return &l->addr;
}
