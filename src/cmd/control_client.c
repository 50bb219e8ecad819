#include "cmd/control_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "net/addr.h"
#include "relay/operator/control_socket.h"

enum { ANSWER_SECONDS_MAX = 30 };

static int refuse(const char *data, int errnum, struct errinfo *why)
{
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
        return errinfo_set(why, ERR_NOT_FOUND, "no relay runs on %s", data);
    case EACCES:
    case EPERM:
        return errinfo_set(why, ERR_DENIED,
                           "%s belongs to another user: do it as the one the relay runs as", data);
    case EAGAIN:
        return errinfo_set(why, ERR_TIMEOUT, "the relay on %s does not answer", data);
    default:
        return errinfo_set(why, err_from_errno(errnum), "asking the relay on %s: %s", data,
                           strerror(errnum));
    }
}

static int set_time_limit(int fd)
{
    struct timeval limit = {.tv_sec = ANSWER_SECONDS_MAX};

    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
                   setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0
               ? -1
               : 0;
}

static int connect_to(const char *data, int *fd_out, struct errinfo *why)
{
    struct text path = {0};
    struct addr at;

    text_addf(&path, "unix:%s/%s", data, CONTROL_SOCKET_NAME);
    int err = addr_parse(text_slice(&path), &at);
    text_deinit(&path);
    if (err < 0) {
        return refuse(data, ENOENT, why); /* no socket can have such a path */
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || set_time_limit(fd) < 0 ||
        connect(fd, (const struct sockaddr *)&at.storage, at.len) < 0) {
        err = refuse(data, errno, why);
        if (fd >= 0) {
            close(fd);
        }
        return err;
    }
    *fd_out = fd;
    return 0;
}

static int send_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        bytes = slice_sub(bytes, n > 0 ? (size_t)n : 0, bytes.len);
    }
    return 0;
}

/* Up to the first newline; a relay that goes before that has not answered. */
static int receive_line(int fd, struct text *line)
{
    char part[16 * 1024];

    while (line->len == 0 || line->ptr[line->len - 1] != '\n') {
        ssize_t n = recv(fd, part, sizeof part, 0);
        if (n == 0) {
            return ECONNRESET;
        }
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        text_add(line, slice_of(part, n > 0 ? (size_t)n : 0));
    }
    mem_wipe(part, sizeof part);
    return 0;
}

static int add_json(const char *bytes, size_t n, void *ctx)
{
    text_add(ctx, slice_of(bytes, n));
    return 0;
}

static int parse_answer(const struct text *line, json_t **answer_out, struct errinfo *why)
{
    json_t *answer = json_loadb(text_str(line), line->len, 0, NULL);
    const char *error = json_string_value(json_object_get(answer, "error"));

    if (json_is_true(json_object_get(answer, "ok"))) {
        *answer_out = answer;
        return 0;
    }
    errinfo_set(why, ERR_INVALID, "%s", error ? error : "the relay's answer makes no sense");
    json_decref(answer);
    return ERR_INVALID;
}

int control_ask(const char *data, const json_t *request, json_t **answer_out, struct errinfo *why)
{
    struct text line = {0};
    int fd = -1;

    TRY(connect_to(data, &fd, why));
    ASSERT(json_dump_callback(request, add_json, &line, JSON_COMPACT) == 0);
    text_add_char(&line, '\n');
    int errnum = send_all(fd, text_slice(&line));
    text_clear(&line);
    errnum = errnum ? errnum : receive_line(fd, &line);
    close(fd);
    int err = errnum ? refuse(data, errnum, why) : parse_answer(&line, answer_out, why);
    mem_wipe(line.ptr, line.len);
    text_deinit(&line);
    return err;
}
