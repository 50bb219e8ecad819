/* Between the queues of a stream and the TLS library: every handshake, and TLS 1.2 to the end. An
 * open TLS 1.3 stream goes on in tls13_record.c.
 *
 * The library never sees a socket. pull serves from rx and says EAGAIN when that is empty; push
 * always takes, for a record that was refused may not be replaced by another. So nothing is
 * encrypted while tx holds STREAM_TX_BYTES.
 */
#include <errno.h>

#include "base/least.h"
#include "tls/tls_stream_priv.h"

enum { DIRECT_BYTES = 8192 }; /* pieces of this size are encrypted where they lie */

/* ---- what the library asks for ---- */

static ssize_t pull(gnutls_transport_ptr_t self, void *out, size_t n)
{
    struct tls_stream *t = self;

    if (bufq_is_empty(&t->rx)) {
        bool has_ended = t->lower_end == ERR_EOF;
        gnutls_transport_set_errno(t->session, t->lower_end ? ECONNRESET : EAGAIN);
        return has_ended ? 0 : -1;
    }
    size_t part = least_size(n, t->rx.bytes);
    bufq_peek(&t->rx, out, part);
    bufq_drop(&t->rx, part);
    return (ssize_t)part;
}

static ssize_t push(gnutls_transport_ptr_t self, const giovec_t *iov, int count)
{
    struct tls_stream *t = self;
    size_t before = t->tx.bytes;

    for (int i = 0; i < count; i++) {
        bufq_push(&t->tx, iov[i].iov_base, iov[i].iov_len);
    }
    return (ssize_t)(t->tx.bytes - before);
}

void tls_record_connect(struct tls_stream *t)
{
    gnutls_transport_set_ptr(t->session, t);
    gnutls_transport_set_pull_function(t->session, pull);
    gnutls_transport_set_vec_push_function(t->session, push);
}

/* ---- in ---- */

bool tls_record_read_below(struct tls_stream *t)
{
    if (t->lower_end) {
        return false;
    }
    int err = stream_read(t->lower, &t->rx, STREAM_TX_BYTES);
    if (err < 0 && err != ERR_AGAIN) {
        t->lower_end = err;
        stream_unwant(t->lower, STREAM_READABLE);
    }
    return err == 0;
}

bool tls_record_fill(struct tls_stream *t)
{
    return !bufq_is_empty(&t->rx) || tls_record_read_below(t) || t->lower_end;
}

int tls_record_cut_short(const struct tls_stream *t)
{
    return t->lower_end == ERR_EOF ? ERR_TRUNCATED : t->lower_end;
}

/* What reading ends with after a record that was none; `ret` is the library's word for it. */
static void end_input(struct tls_stream *t, int ret)
{
    if (ret == 0) {
        t->in_end = ERR_EOF;
    } else if (t->lower_end) {
        t->in_end = tls_record_cut_short(t);
    } else {
        t->in_end = tls_session_error(t->session, ret, tls_stream_errinfo(t));
        (void)gnutls_alert_send_appropriate(t->session, ret);
        tls_stream_fail(t, t->in_end);
    }
    bufq_clear(&t->rx);
    stream_unwant(t->lower, STREAM_READABLE);
}

static bool is_nothing_yet(ssize_t ret)
{
    return ret == GNUTLS_E_AGAIN || ret == GNUTLS_E_INTERRUPTED ||
           ret == GNUTLS_E_WARNING_ALERT_RECEIVED;
}

static size_t read_record(struct tls_stream *t, struct bufq *into, size_t max)
{
    for (int i = 0; i < TLS_FRUITLESS_RECORDS_MAX; i++) {
        size_t pending = gnutls_record_check_pending(t->session);
        size_t room;

        if (pending == 0 && !tls_record_fill(t)) {
            return 0;
        }
        size_t likely = pending ? pending : t->rx.bytes ? t->rx.bytes : 1;
        uint8_t *to =
            bufq_reserve(into, least_size(least_size(likely, TLS_RECORD_BYTES), max), &room);
        ssize_t n = gnutls_record_recv(t->session, to, least_size(room, max));
        bufq_commit(into, n > 0 ? (size_t)n : 0);
        if (n > 0) {
            return (size_t)n;
        }
        if (!is_nothing_yet(n)) {
            end_input(t, (int)n);
            return 0;
        }
    }
    return 0;
}

/* ---- out ---- */

/* One record of what is unsent: a large piece where it lies, small ones gathered. */
static int send_record(struct tls_stream *t)
{
    uint8_t gathered[TLS_RECORD_BYTES];
    struct slice piece = bufq_front(&t->unsent);

    if (piece.len < DIRECT_BYTES && piece.len < t->unsent.bytes) {
        size_t n = least_size(t->unsent.bytes, sizeof gathered);
        bufq_peek(&t->unsent, gathered, n);
        piece = slice_of(gathered, n);
    }
    ssize_t n = gnutls_record_send(t->session, piece.ptr, least_size(piece.len, TLS_RECORD_BYTES));
    if (n < 0) {
        return tls_session_error(t->session, (int)n, tls_stream_errinfo(t));
    }
    bufq_drop(&t->unsent, (size_t)n);
    return 0;
}

static int encrypt(struct tls_stream *t)
{
    while (!bufq_is_empty(&t->unsent) && t->tx.bytes < STREAM_TX_BYTES) {
        TRY(send_record(t));
    }
    if (t->out == TLS_OUT_ENDING && bufq_is_empty(&t->unsent)) {
        (void)gnutls_bye(t->session, GNUTLS_SHUT_WR);
        t->out = TLS_OUT_ENDED;
    }
    return 0;
}

/* rx is not empty only after a read that stopped early: it may hold a record. */
static bool has_record(const struct tls_stream *t)
{
    return !bufq_is_empty(&t->rx) || gnutls_record_check_pending(t->session) > 0;
}

const struct tls_records tls_library_records = {
    .read = read_record,
    .encrypt = encrypt,
    .has_record = has_record,
};
