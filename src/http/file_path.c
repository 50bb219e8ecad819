#include "http/file_path.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* One name: percent-decoded, without what a name cannot hold. */
static int decode_name(struct slice part, char out[FILE_PATH_NAME_BYTES + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < part.len; i++) {
        char c = part.ptr[i];
        if (c == '%') {
            int high = i + 2 < part.len ? ascii_hex_value(part.ptr[i + 1]) : -1;
            int low = i + 2 < part.len ? ascii_hex_value(part.ptr[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return ERR_INVALID;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || c == '/' || n == FILE_PATH_NAME_BYTES) {
            return ERR_INVALID;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return 0;
}

static bool is_hidden(const char *name)
{
    return name[0] == '.' && strcmp(name, ".well-known") != 0;
}

static int open_error(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP: /* a link */
    case EMLINK:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    default:
        return ERR_SYSTEM;
    }
}

/* O_NONBLOCK: a pipe that lies there must not hold up the loop. */
static int open_name(int folder_fd, const char *name, int *fd_out)
{
    int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        return open_error(errno);
    }
    *fd_out = fd;
    return 0;
}

/* Goes one name down; the folder's descriptor is replaced by what was opened. */
static int descend(int *fd, struct slice part)
{
    char name[FILE_PATH_NAME_BYTES + 1];
    int next;

    TRY(decode_name(part, name));
    if (name[0] == '\0' || is_hidden(name)) {
        return ERR_NOT_FOUND;
    }
    TRY(open_name(*fd, name, &next));
    close(*fd);
    *fd = next;
    return 0;
}

int file_path_open(int root_fd, struct slice path, int *fd_out)
{
    if (path.len == 0 || path.ptr[0] != '/') {
        return ERR_INVALID;
    }
    int fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return ERR_SYSTEM;
    }
    struct slice rest = slice_sub(path, 1, path.len);
    while (rest.ptr && rest.len > 0) { /* one slash at the end names the same folder */
        int err = descend(&fd, slice_cut(&rest, '/'));
        if (err < 0) {
            close(fd);
            return err;
        }
    }
    *fd_out = fd;
    return 0;
}

int file_path_name(struct slice path, char out[FILE_PATH_NAME_BYTES + 1])
{
    size_t start = path.len;

    while (start > 0 && path.ptr[start - 1] != '/') {
        start--;
    }
    return decode_name(slice_sub(path, start, path.len), out);
}
