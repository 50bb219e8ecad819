#include "relay/move.h"

#include "base/mem.h"
#include "net/tcp.h"
#include "relay/workers/shared.h"
#include "wire/client_hello.h"

/* What crosses over to another thread. */
struct parcel {
    struct worker *to;
    moved_fn *arrived;
    int fd;
    bool is_tls_only;
    size_t len;
    uint8_t bytes[];
};

static void unpack(void *arg)
{
    struct parcel *p = arg;
    struct stream *s = NULL;
    struct bufq input = {0};

    if (tcp_open(&s, p->to->loop, p->fd) == 0) {
        bufq_push(&input, p->bytes, p->len);
        p->arrived(p->to, s, &input, p->is_tls_only);
    }
    mem_free(p);
}

/* ---- whom it is for ---- */

static struct slice without_port(struct slice host)
{
    size_t from = host.len && host.ptr[0] == '[' ? slice_index(host, ']') : 0;
    struct slice rest = slice_sub(host, from, host.len);

    return slice_sub(host, 0, from + slice_index(rest, ':'));
}

/* A hint, not a judgement: the parser of the worker that serves it decides what the head means. */
static bool find_in_head(struct slice head, struct slice *host_out, struct slice *path_out)
{
    struct slice rest = head;
    struct slice line = slice_cut(&rest, '\n');
    struct slice target;

    slice_cut(&line, ' ');
    target = slice_cut(&line, ' ');
    *path_out = slice_cut(&target, '?');
    while (rest.ptr) {
        line = slice_cut(&rest, '\n');
        struct slice name = slice_cut(&line, ':');
        if (slice_equal_nocase(name, SLICE("host")) && line.len > 0) {
            *host_out = without_port(slice_trim(slice_sub(line, 0, slice_index(line, '\r'))));
            return true;
        }
    }
    return false;
}

static bool find_route(struct worker *w, struct slice first, struct route *route)
{
    struct slice host;
    struct slice path = SLICE("/");

    if (client_hello_name(first, &host) < 0 && !find_in_head(first, &host, &path)) {
        return false;
    }
    return router_find(&w->router, host, path, route) == ROUTER_FOUND;
}

bool move_to_session(struct worker *w, struct stream **stream, struct bufq *input, bool is_tls_only,
                     moved_fn *arrived)
{
    size_t n = input->bytes;
    struct bufq unsent = {0};
    struct route route;

    if (w->relay->worker_count == 1 || n > FIRST_BYTES_MAX ||
        !find_route(w, bufq_pullup(input, n), &route) || worker_has(w, route)) {
        return false;
    }
    struct parcel *p = mem_alloc(sizeof *p + n);
    p->to = &w->relay->workers[route.worker];
    p->arrived = arrived;
    p->is_tls_only = is_tls_only;
    p->len = n;
    bufq_peek(input, p->bytes, n);
    p->fd = tcp_detach_fd(stream, &unsent);
    bufq_clear(input);
    loop_post(p->to->loop, unpack, p);
    return true;
}
