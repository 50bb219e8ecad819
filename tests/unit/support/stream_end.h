/* A user of a stream, for tests: collects what comes, sends what it is given, notes the end. */
#pragma once
#include "net/stream.h"

struct stream_end {
    struct stream *stream;
    struct bufq in;       /* what came */
    struct bufq out;      /* what still has to be written */
    size_t read_max;      /* per read; 0: STREAM_ROUND_BYTES */
    int end;              /* 0, or what read ended with */
    bool is_broken;       /* BROKEN was told */
    bool has_false_alarm; /* READABLE was told and read said AGAIN */
    bool shuts;           /* stream_shutdown when all is written */
    uint64_t received;    /* bytes, also those taken out of `in` */
};

/* Becomes the user of the stream and reads from it. */
void stream_end_init(struct stream_end *e, struct stream *s);

/* Writes n bytes, as room comes. */
void stream_end_send(struct stream_end *e, const void *bytes, size_t n);

/* Closes the stream and forgets all bytes. */
void stream_end_close(struct stream_end *e);

/* Runs the loop until *flag, or for at most five seconds; false: it has not come. */
bool run_until(struct loop *loop, const bool *flag);
bool run_until_bytes(struct loop *loop, const struct stream_end *e, uint64_t n);
bool run_until_end(struct loop *loop, const struct stream_end *e);
