/* One enum for everything that can go wrong, and what kind of wrong it is.
 *
 * Functions that can fail return int: 0, or a negative value of enum err. The category, not the
 * value, decides what callers do: log level, metric label and answer to the peer follow from it.
 * AGAIN, MORE and EOF are ordinary results of reading and are never logged as failures.
 */
#pragma once

#define MUST_USE                __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

enum err_category {
    ERR_CAT_RETRY, /* call again: later, or with more bytes */
    ERR_CAT_GONE,  /* the other side is finished or lost */
    ERR_CAT_PEER,  /* the other side broke the protocol */
    ERR_CAT_LIMIT, /* we said no: a named limit or a right */
    ERR_CAT_LOCAL, /* this machine: system call, memory, disk */
    ERR_CAT_USAGE, /* configuration or command line */
};

/*      name          value  category  sentence */
#define ERR_LIST(X)                                                                                \
    X(AGAIN, -1, RETRY, "would block")                                                             \
    X(MORE, -2, RETRY, "more bytes are needed")                                                    \
    X(EOF, -3, GONE, "end of stream")                                                              \
    X(CLOSED, -4, GONE, "already closed")                                                          \
    X(RESET, -5, GONE, "connection reset")                                                         \
    X(TRUNCATED, -6, GONE, "cut off without a proper end")                                         \
    X(REFUSED, -7, GONE, "connection refused")                                                     \
    X(UNREACHABLE, -8, GONE, "host or network unreachable")                                        \
    X(TIMEOUT, -9, GONE, "timed out")                                                              \
    X(DNS, -10, GONE, "name not found")                                                            \
    X(TLS, -11, PEER, "TLS failure")                                                               \
    X(PROTOCOL, -12, PEER, "protocol violation")                                                   \
    X(VERSION, -13, PEER, "no version in common")                                                  \
    X(FLOW, -14, PEER, "flow control violated")                                                    \
    X(TOO_LARGE, -15, LIMIT, "larger than allowed")                                                \
    X(FULL, -16, LIMIT, "limit reached")                                                           \
    X(DENIED, -17, LIMIT, "not allowed")                                                           \
    X(BUSY, -18, LIMIT, "already taken")                                                           \
    X(NOT_FOUND, -19, LIMIT, "not found")                                                          \
    X(SYSTEM, -20, LOCAL, "system error")                                                          \
    X(NOMEM, -21, LOCAL, "out of memory")                                                          \
    X(STORAGE, -22, LOCAL, "storage failure")                                                      \
    X(INVALID, -23, USAGE, "invalid value")                                                        \
    X(CONFIG, -24, USAGE, "configuration error")                                                   \
    X(UNSUPPORTED, -25, USAGE, "not supported here")

enum err {
    ERR_OK = 0,
#define X(name, value, category, sentence) ERR_##name = (value),
    ERR_LIST(X)
#undef X
};

/* The value's name ("AGAIN"), its sentence ("would block"), its category. Any int is accepted. */
const char *err_name(int err);
const char *err_text(int err);
enum err_category err_category(int err);

/* The enum err that fits an errno value (positive or negated, as libuv gives it). */
int err_from_errno(int errnum);

/* One line for a person: what was refused, where, and what to do. Filled by the leaf that refuses;
 * the first one who writes wins, upper floors only pass it on. All functions accept NULL. */
struct errinfo {
    char text[240];
};

/* Writes the line if none was written yet and returns err, so that a leaf can
 * `return errinfo_set(info, ERR_DENIED, "port %u belongs to token %s", ...)`. */
int errinfo_set(struct errinfo *info, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The line, or the sentence of err when nobody wrote one. */
const char *errinfo_text(const struct errinfo *info, int err);

/* Returns from the caller with a negative result. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        int try_result_ = (expr);                                                                  \
        if (try_result_ < 0) {                                                                     \
            return try_result_;                                                                    \
        }                                                                                          \
    } while (0)

/* Our own mistakes, never a peer's: stays on in release. */
#define ASSERT(cond)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0)) {                                                        \
            assert_failed(#cond, __FILE__, __LINE__);                                              \
        }                                                                                          \
    } while (0)
#define UNREACHABLE() assert_failed("unreachable", __FILE__, __LINE__)

_Noreturn void assert_failed(const char *what, const char *file, int line);
