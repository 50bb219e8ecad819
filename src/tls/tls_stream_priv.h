/* What tls_stream.c, tls_handshake.c, tls_record.c and tls13_record.c share; nobody else includes
 * it.
 *
 *     write -> unsent -> [records] -> tx -> lower
 *     read  <- ahead  <- [records] <- rx <- lower
 *
 * All four queues are empty while the stream is idle.
 */
#pragma once
#include "tls/tls_priv.h"
#include "tls/tls_stream.h"

/*       HANDSHAKE --> OPEN --> DEAD
 *           |                   ^
 *           +-------------------+          left by: the deadline; close, abort or a failure */
enum tls_phase {
    TLS_HANDSHAKE, /* no bytes of the user pass yet */
    TLS_OPEN,
    TLS_DEAD, /* `failure` says why; what was decrypted before may still be read */
};

/* Our direction, seen from the user. */
enum tls_out {
    TLS_OUT_OPEN,
    TLS_OUT_ENDING, /* close_notify goes behind what is unsent */
    TLS_OUT_ENDED,
};

struct tls_stream;

/* Who makes and reads the records: the library, or we. */
struct tls_records {
    /* Decrypts one record, or the rest of one, into `into`; returns how many bytes came. 0: nothing
     * now, or the end (in_end). */
    size_t (*read)(struct tls_stream *t, struct bufq *into, size_t max);

    /* Encrypts what is unsent, and the end of our direction when it is due, while there is room in
     * tx. */
    int (*encrypt)(struct tls_stream *t);

    /* read may yield something without the lower stream. */
    bool (*has_record)(const struct tls_stream *t);
};

struct tls_stream {
    struct stream stream;
    struct stream *lower;
    gnutls_session_t session; /* NULL once the records are ours */
    const struct tls_records *records;
    struct tls13 *tls13;           /* NULL: the library does the records */
    struct tls13_secrets *secrets; /* during a handshake */
    enum tls_phase phase;
    enum tls_out out;
    int in_end;    /* what reading ends with; 0: more may come */
    int lower_end; /* the same of the lower stream */
    int failure;
    bool is_client;
    bool is_abandoned; /* closed by its user: goes on until all is sent */

    struct bufq unsent; /* written, not encrypted */
    struct bufq tx;     /* encrypted, for the lower stream */
    struct bufq rx;     /* from the lower stream, not decrypted */
    struct bufq ahead;  /* decrypted before the user asked: one record at most */

    struct tls_limits limits;
    struct tls_trust *trust;
    struct tls_identity *identity;
    char *server_name;
    char *alpn; /* once agreed; NULL: none */
    const char *tls13_alpn;
    tls_find_identity_fn *find_identity;
    void *find_ctx;
    tls_done_fn *done; /* NULL once told */
    void *done_ctx;
    int verdict; /* of the certificate check */
    struct errinfo *why;

    struct task task;   /* begins the handshake; tells its end when the deadline has passed */
    struct timer timer; /* the handshake's deadline, then that of sending after close */
    struct background background;
};

/* ---- tls_stream.c ---- */

extern const struct stream_ops tls_stream_ops;

/* Decrypts what the user will be told about. */
void tls_stream_look_ahead(struct tls_stream *t);

/* Dead from now on; the user is told. */
void tls_stream_fail(struct tls_stream *t, int err);

void tls_stream_on_lower_ready(void *ctx, struct stream *lower, unsigned events);
void tls_stream_on_timer(struct timer *timer);

/* Where a line about the failure goes. */
struct errinfo *tls_stream_errinfo(struct tls_stream *t);

void tls_stream_set_phase(struct tls_stream *t, enum tls_phase next);

/* ---- tls_record.c ---- */

enum {
    TLS_RECORD_BYTES = 16384,       /* most plaintext in a record */
    TLS_FRUITLESS_RECORDS_MAX = 32, /* without bytes for the user, in one read */
};

extern const struct tls_records tls_library_records;

/* Lets the library read from rx and write to tx. */
void tls_record_connect(struct tls_stream *t);

/* Reads from the lower stream into rx. False: nothing came now, or lower_end says that nothing will
 * come. */
bool tls_record_read_below(struct tls_stream *t);

/* The same if rx is empty. False: there is nothing now. */
bool tls_record_fill(struct tls_stream *t);

/* What reading ends with where the lower stream has ended and close_notify has not come. */
int tls_record_cut_short(const struct tls_stream *t);

/* ---- tls13_record.c ---- */

extern const struct tls_records tls13_records;

/* Before the handshake: its secrets are kept for tls13_take_over. */
void tls13_listen_for_secrets(struct tls_stream *t);

/* After the handshake, and the library's last word: records are ours from now on, and its session
 * is freed. False: they cannot be, and the library would never renew its keys. */
MUST_USE bool tls13_take_over(struct tls_stream *t);

/* tls_stream_exporter of a stream that was taken over. */
void tls13_exporter(const struct tls_stream *t, struct slice label, void *out, size_t n);

/* Wipes the keys. */
void tls13_free(struct tls_stream *t);

/* ---- tls_handshake.c ---- */

/* Goes on with the handshake and, when it has ended, tells the user. In the ready phase. */
void tls_handshake_advance(struct tls_stream *t);

/* Fails it from a timer: the user is told in the ready phase. */
void tls_handshake_expire(struct tls_stream *t);
