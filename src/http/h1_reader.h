/* The reading half of one HTTP/1 message after the other: bytes in, heads and body pieces out.
 *
 *      HEAD --> SIZED ------------------------> DONE --(h1_reader_begin)--> HEAD
 *        |  --> CHUNKED --> TRAILERS ---------> DONE
 *        |  --> UNTIL_CLOSE --(end)-----------> DONE
 *        |  --> (no body) --------------------> DONE
 *        |  --> TUNNEL ---(end)---------------> DONE
 *        +--> a 1xx response: HEAD again
 *      any --> FAILED
 *
 * An engine: no stream, no clock. It takes bytes from the front of a queue and leaves what belongs
 * to the next message. Embedded by h1_server and h1_client; internal to http/.
 */
#pragma once
#include "http/h1_limits.h"
#include "http/head.h"
#include "wire/h1_chunk.h"
#include "wire/h1_framing.h"

enum h1_reader_state {
    H1_READER_HEAD,
    H1_READER_SIZED,
    H1_READER_CHUNKED,
    H1_READER_TRAILERS,
    H1_READER_UNTIL_CLOSE,
    H1_READER_TUNNEL,
    H1_READER_DONE,
    H1_READER_FAILED,
};

/* What decides how a response is read. */
struct h1_question {
    struct h1_asked asked;
    bool has_upgrade; /* 101 is an answer */
};

struct h1_reader {
    enum h1_reader_state state;
    int err;             /* FAILED: what reading says */
    enum h1_fault fault; /* FAILED: what was wrong with the bytes, if that was it */

    struct h1_scan scan;   /* of the head or the trailers that are coming in */
    struct bufq_mark mark; /* where scan is in the input */
    uint64_t left;         /* SIZED */
    struct h1_chunk_reader chunk;

    struct http_head head;
    struct http_head trailers;
    bool is_kept;          /* the sender will go on after this message */
    uint32_t keep_alive_s; /* it says for how long; 0: it does not */
    uint32_t informational_count;
    bool has_forgiven;     /* an empty line before the request */
    bool has_checked_line; /* the request line, before the rest had come */
};

/* Ready for the next message; what the last one held is freed. */
void h1_reader_begin(struct h1_reader *r);
void h1_reader_deinit(struct h1_reader *r);

/* Reads the head from the front of `in`. 0: it is in r->head; ERR_MORE: not complete. Other errors
 * with r->fault; the reader has FAILED. */
MUST_USE int h1_reader_request(struct h1_reader *r, struct bufq *in,
                               const struct h1_limits *limits);
MUST_USE int h1_reader_response(struct h1_reader *r, struct bufq *in,
                                const struct h1_limits *limits, const struct h1_question *question);

/* Moves up to max body bytes. 0: some came; ERR_MORE: `in` is used up; ERR_EOF: the message is
 * complete. Other errors: FAILED. */
MUST_USE int h1_reader_body(struct h1_reader *r, struct bufq *in, struct bufq *into, size_t max,
                            const struct h1_limits *limits);

/* Bytes that may go straight from the stream to the user while the input is empty; 0: none. After
 * that many or fewer, h1_reader_passed. */
size_t h1_reader_direct(const struct h1_reader *r);
void h1_reader_passed(struct h1_reader *r, size_t n);

/* The stream has ended with err (ERR_EOF or worse): decides what that means for the message, and
 * returns what reading says from now on. */
int h1_reader_ended(struct h1_reader *r, int err);

/* Reading would yield something without another byte from the stream. */
bool h1_reader_has_input(const struct h1_reader *r, const struct bufq *in);

/* Both halves are a tunnel from now on. */
void h1_reader_start_tunnel(struct h1_reader *r);

/* Gives up: reading says err from now on. */
void h1_reader_fail(struct h1_reader *r, int err);
