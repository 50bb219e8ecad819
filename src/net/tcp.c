/* Two half machines that share a socket.
 *
 *   rx   drained   the kernel has nothing: read says AGAIN until the watch tells
 *        filled    read asks the kernel
 *        ended     rx_end is what read says for ever
 *
 *   tx   open      bytes wait in tx; when the socket is full, for the watch
 *        shutting  shutdown or close was asked: nothing is taken any more, FIN follows the bytes
 *        failed    tx_end is what write says for ever; tx is empty
 */
#include "net/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/linger.h"
#include "net/loop_priv.h"
#include "net/socket.h"
#include "net/tcp_priv.h"

enum {
    READ_MIN_BYTES = CHUNK_SMALL_BYTES + 1, /* less room behind the tail: take a new chunk */
    READ_CHUNKS_MAX = 4,
};

struct tcp {
    struct stream stream;
    struct watch *watch;
    struct bufq tx;
    int fd;
    int16_t rx_end;
    int16_t tx_end;
    uint8_t rx_chunks; /* how many to fill with one call */
    bool is_unix : 1;
    bool is_drained : 1;
    bool short_is_dry : 1; /* a short read takes all there is */
    bool is_broken : 1;    /* the watch will not tell anything any more */
    bool is_full : 1;      /* the socket: wait for the watch before sending */
    bool is_shutting : 1;
    bool fin_is_sent : 1;
    bool is_closing : 1;
    bool error_hides_end : 1; /* see fail_tx */
};

static struct tcp *of_stream(const struct stream *s)
{
    return CONTAINER_OF(s, struct tcp, stream);
}

static void update_watch(struct tcp *t)
{
    unsigned events = 0;

    if (t->is_broken) {
        return;
    }
    if ((t->stream.wanted & STREAM_READABLE) && !t->rx_end) {
        events |= WATCH_READABLE;
    }
    if (t->is_full) {
        events |= WATCH_WRITABLE;
    }
    watch_set(t->watch, events);
}

/* ---- ends ---- */

/* Sending failed. The failed call took the socket's error away, so when the peer had not ended
 * before it reset (EPIPE says that it had), recv would now show a clean end that never was. */
static void fail_tx(struct tcp *t, int err, bool hides_end)
{
    if (t->tx_end) {
        return;
    }
    t->tx_end = (int16_t)err;
    t->error_hides_end = hides_end;
    t->is_full = false;
    t->is_drained = false;
    bufq_clear(&t->tx);
    update_watch(t);
    stream_raise(&t->stream, STREAM_BROKEN | STREAM_READABLE | STREAM_WRITABLE);
}

static int end_rx(struct tcp *t, int err)
{
    t->rx_end = (int16_t)err;
    update_watch(t);
    if (err != ERR_EOF) {
        fail_tx(t, err, false);
    }
    return err;
}

/* ---- rx ---- */

/* Both read once and say how much they asked for; the result is recv's, or -errno. */
static ssize_t read_one(struct tcp *t, struct bufq *into, size_t max, size_t *asked_out)
{
    size_t room;
    uint8_t *at = bufq_reserve(into, max < READ_MIN_BYTES ? max : READ_MIN_BYTES, &room);
    *asked_out = room < max ? room : max;
    ssize_t n = recv(t->fd, at, *asked_out, MSG_DONTWAIT);
    ssize_t result = n < 0 ? -errno : n;

    bufq_commit(into, n > 0 ? (size_t)n : 0);
    return result;
}

static ssize_t read_many(struct tcp *t, struct bufq *into, size_t max, size_t *asked_out)
{
    struct bufq parts[READ_CHUNKS_MAX] = {0};
    struct iovec iov[READ_CHUNKS_MAX];
    size_t asked = 0;
    int count = 0;

    while (count < t->rx_chunks && asked < max) {
        size_t room;
        iov[count].iov_base = bufq_reserve(&parts[count], CHUNK_LARGE_BYTES, &room);
        iov[count].iov_len = room < max - asked ? room : max - asked;
        asked += iov[count++].iov_len;
    }
    ssize_t n = readv(t->fd, iov, count);
    ssize_t result = n < 0 ? -errno : n;
    size_t left = n > 0 ? (size_t)n : 0;

    for (int i = 0; i < count; i++) {
        size_t part = left < iov[i].iov_len ? left : iov[i].iov_len;
        bufq_commit(&parts[i], part);
        bufq_move(into, &parts[i], part);
        left -= part;
    }
    *asked_out = asked;
    return result;
}

/* Bulk is read with more chunks at a time. */
static void adapt(struct tcp *t, size_t got, size_t asked)
{
    if (got == asked && t->rx_chunks < READ_CHUNKS_MAX) {
        t->rx_chunks *= 2;
    } else if (got <= asked / 2 && t->rx_chunks > 1) {
        t->rx_chunks /= 2;
    }
}

static int do_read(struct stream *s, struct bufq *into, size_t max)
{
    struct tcp *t = of_stream(s);
    size_t asked;

    ASSERT(max > 0);
    if (t->rx_end) {
        return t->rx_end;
    }
    if (t->is_drained) {
        return ERR_AGAIN;
    }
    ssize_t n = t->rx_chunks > 1 && max > CHUNK_LARGE_BYTES ? read_many(t, into, max, &asked)
                                                            : read_one(t, into, max, &asked);
    if (n > 0) {
        adapt(t, (size_t)n, asked);
        t->is_drained = (size_t)n < asked && t->short_is_dry && !t->is_broken;
        return 0;
    }
    if (n == 0) {
        return end_rx(t, t->tx_end && t->error_hides_end ? t->tx_end : ERR_EOF);
    }
    if (err_from_errno((int)n) != ERR_AGAIN) {
        return end_rx(t, err_from_errno((int)n));
    }
    if (t->is_broken) {
        return end_rx(t, t->tx_end ? t->tx_end : ERR_RESET);
    }
    t->is_drained = n != -EINTR;
    return ERR_AGAIN;
}

static bool has_input(const struct stream *s)
{
    const struct tcp *t = of_stream(s);
    return t->rx_end || !t->is_drained;
}

/* ---- tx ---- */

static void send_now(struct tcp *t)
{
    if (t->is_full || bufq_is_empty(&t->tx)) {
        return;
    }
    int err = socket_send(t->fd, &t->tx);
    if (err == ERR_AGAIN) {
        t->is_full = true;
        update_watch(t);
    } else if (err < 0) {
        fail_tx(t, err, errno != EPIPE);
    }
}

static size_t room(const struct stream *s)
{
    const struct tcp *t = of_stream(s);

    if (t->tx_end || t->is_shutting || t->tx.bytes >= STREAM_TX_BYTES) {
        return 0;
    }
    return STREAM_TX_BYTES - t->tx.bytes;
}

/* Sends everything, without a copy, and leaves in `from` what is over the limit. */
static void write_through(struct tcp *t, struct bufq *from)
{
    struct bufq unsent = {0};

    bufq_move(&t->tx, from, from->bytes);
    send_now(t);
    if (t->tx.bytes > STREAM_TX_BYTES) {
        bufq_move(&unsent, &t->tx, t->tx.bytes);
        bufq_move(&t->tx, &unsent, STREAM_TX_BYTES);
        bufq_move(from, &unsent, unsent.bytes);
    }
}

static int do_write(struct stream *s, struct bufq *from)
{
    struct tcp *t = of_stream(s);

    if (t->tx_end || t->is_shutting) {
        return t->tx_end ? t->tx_end : ERR_CLOSED;
    }
    if (!t->is_full && t->tx.bytes + from->bytes >= STREAM_TX_BYTES) {
        write_through(t, from);
    } else {
        bufq_move(&t->tx, from, room(s));
    }
    if (!bufq_is_empty(&t->tx)) {
        stream_mark_dirty(s);
    }
    if (t->tx_end) {
        return t->tx_end;
    }
    return bufq_is_empty(from) ? 0 : ERR_AGAIN;
}

static int do_shutdown(struct stream *s)
{
    struct tcp *t = of_stream(s);

    if (t->tx_end) {
        return t->tx_end;
    }
    t->is_shutting = true;
    stream_mark_dirty(s);
    return 0;
}

/* Bytes that wait for a full socket may wait long: small ones must not pin the large chunks they
 * arrived in. */
static void pack_tx(struct tcp *t)
{
    struct bufq packed = {0};

    bufq_pack(&packed, &t->tx, t->tx.bytes);
    t->tx = packed;
}

static void finish_close(struct tcp *t);

static void do_flush(struct stream *s)
{
    struct tcp *t = of_stream(s);
    bool was_full = t->is_full;

    send_now(t);
    if (t->is_full && !was_full) {
        pack_tx(t);
    }
    if (t->is_closing) {
        finish_close(t);
        return;
    }
    if (t->is_shutting && !t->fin_is_sent && bufq_is_empty(&t->tx) && !t->tx_end) {
        t->fin_is_sent = true;
        shutdown(t->fd, SHUT_WR);
    }
    if (room(s) > 0) {
        stream_raise(s, STREAM_WRITABLE);
    }
}

/* ---- what the kernel tells ---- */

static void on_watch(void *ctx, unsigned events)
{
    struct tcp *t = ctx;

    if (events & WATCH_BROKEN) {
        t->is_broken = true;
        t->is_drained = false; /* until recv gives the error */
        fail_tx(t, ERR_RESET, false);
        stream_raise(&t->stream, STREAM_READABLE);
        return;
    }
    if (events & WATCH_SHORT) {
        t->short_is_dry = false;
    }
    if (events & WATCH_READABLE) {
        t->is_drained = false;
        stream_raise(&t->stream, STREAM_READABLE);
    }
    if ((events & WATCH_WRITABLE) && t->is_full) {
        t->is_full = false;
        send_now(t);
        update_watch(t);
        stream_mark_dirty(&t->stream);
        if (room(&t->stream) > 0) {
            stream_raise(&t->stream, STREAM_WRITABLE);
        }
    }
}

static void do_want(struct stream *s, unsigned added, unsigned removed)
{
    if ((added | removed) & STREAM_READABLE) {
        update_watch(of_stream(s));
    }
}

/* ---- life ---- */

static void do_free(struct stream *s)
{
    mem_free(of_stream(s));
}

/* The descriptor and its watch have gone elsewhere. */
static void bury(struct tcp *t)
{
    bufq_clear(&t->tx);
    stream_free_soon(&t->stream);
}

static void finish_close(struct tcp *t)
{
    if (t->tx_end || (t->rx_end && bufq_is_empty(&t->tx))) {
        watch_close(&t->watch);
        close(t->fd);
    } else {
        linger_start(t->stream.loop, t->fd, t->watch, &t->tx);
    }
    bury(t);
}

static void do_close(struct stream *s, bool is_abort)
{
    struct tcp *t = of_stream(s);

    if (is_abort) {
        socket_set_reset(t->fd);
        watch_close(&t->watch);
        close(t->fd);
        bury(t);
        return;
    }
    t->is_closing = true;
    t->is_shutting = true;
    stream_mark_dirty(s);
}

static void do_facts(const struct stream *s, struct stream_facts *out)
{
    const struct tcp *t = of_stream(s);

    out->transport = t->is_unix ? "unix" : "tcp";
    out->socket = s;
    out->can_half_close = true;
    out->eof_is_authentic = t->is_unix;
}

static const struct stream_ops ops = {
    .read = do_read,
    .write = do_write,
    .room = room,
    .shutdown = do_shutdown,
    .want = do_want,
    .has_input = has_input,
    .flush = do_flush,
    .close = do_close,
    .facts = do_facts,
    .free = do_free,
};

struct stream *tcp_open_watched(struct loop *loop, int fd_take, struct watch *watch_take,
                                unsigned told)
{
    struct tcp *t = NEW(struct tcp);
    int on = 1;

    stream_init(&t->stream, &ops, loop, 0);
    t->fd = fd_take;
    t->watch = watch_take;
    t->rx_chunks = 1;
    t->is_drained = true;
    t->is_unix = setsockopt(fd_take, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0;
    t->short_is_dry = !t->is_unix; /* there a read also ends where descriptors were passed */
    watch_set_user(t->watch, on_watch, t);
    watch_set(t->watch, 0);
    on_watch(t, told);
    return &t->stream;
}

int tcp_open(struct stream **out, struct loop *loop, int fd_take)
{
    static const struct log_scope log = {.source = "sockets"};
    struct watch *watch;
    int err = watch_open(&watch, loop, fd_take, 0, on_watch, NULL);

    if (err < 0) {
        log_error(&log, "connection dropped: the kernel does not watch it", LOG_ERR(err));
        close(fd_take);
        return err;
    }
    *out = tcp_open_watched(loop, fd_take, watch, 0);
    return 0;
}

int tcp_fd(const struct stream *s)
{
    ASSERT(s->ops == &ops);
    return of_stream(s)->fd;
}

struct addr tcp_peer(const struct stream *socket)
{
    return socket ? addr_of_peer(tcp_fd(socket)) : (struct addr){0};
}

struct addr tcp_local(const struct stream *socket)
{
    return socket ? addr_of_local(tcp_fd(socket)) : (struct addr){0};
}

int tcp_detach_fd(struct stream **s, struct bufq *unsent)
{
    struct tcp *t = of_stream(*s);
    int fd = tcp_fd(*s);

    *s = NULL;
    bufq_move(unsent, &t->tx, t->tx.bytes);
    watch_close(&t->watch);
    bury(t);
    return fd;
}
