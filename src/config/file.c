#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"

static int fail(const char *path, const char *what, struct errinfo *info)
{
    int errnum = errno;
    int err = err_from_errno(errnum);

    return errinfo_set(info, err == ERR_AGAIN ? ERR_SYSTEM : err, "%s: cannot %s: %s", path, what,
                       strerror(errnum));
}

static int read_all(int fd, const char *path, struct text *out, struct errinfo *info)
{
    char piece[4096];
    size_t total = 0;

    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail(path, "be read", info);
        }
        if (n == 0) {
            return 0;
        }
        total += (size_t)n;
        if (total > FILE_READ_MAX) {
            return errinfo_set(info, ERR_TOO_LARGE, "%s: larger than %d bytes", path,
                               FILE_READ_MAX);
        }
        text_add(out, slice_of(piece, (size_t)n));
    }
}

int file_read(const char *path, struct text *out, struct errinfo *info)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return fail(path, "be opened", info);
    }
    int result = read_all(fd, path, out, info);
    close(fd);
    return result;
}

int file_read_config(const char *path, struct text *out, struct problems *problems)
{
    struct errinfo info = {0};

    if (file_read(path, out, &info) < 0) {
        problems_add(problems, (struct origin){0}, "%s", info.text);
        return ERR_CONFIG;
    }
    return 0;
}

static int write_all(int fd, struct slice s)
{
    while (s.len) {
        ssize_t n = write(fd, s.ptr, s.len);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        s = slice_sub(s, n < 0 ? 0 : (size_t)n, s.len);
    }
    return fsync(fd);
}

/* A finished file under another name in the same folder. */
static int write_beside(const char *path, struct slice content, mode_t mode, struct text *beside,
                        struct errinfo *info)
{
    text_addf(beside, "%s.%08x.new", path, (unsigned)random_u64());
    int fd = open(text_str(beside), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return fail(path, "be written", info);
    }
    /* fchmod: the umask may not make a config unreadable that was readable before. */
    int result = fchmod(fd, mode) < 0 || write_all(fd, content) < 0 ? fail(path, "be written", info)
                                                                    : 0;
    if (close(fd) < 0 && result == 0) {
        result = fail(path, "be written", info);
    }
    if (result < 0) {
        unlink(text_str(beside));
    }
    return result;
}

int file_replace(const char *path, struct slice content, mode_t mode, struct errinfo *info)
{
    struct text beside = {0};
    int result = write_beside(path, content, mode, &beside, info);

    if (result == 0 && rename(text_str(&beside), path) < 0) {
        result = fail(path, "be replaced", info);
        unlink(text_str(&beside));
    }
    text_deinit(&beside);
    return result;
}

int file_create(const char *path, struct slice content, mode_t mode, struct errinfo *info)
{
    struct text beside = {0};
    int result = write_beside(path, content, mode, &beside, info);

    if (result == 0) {
        if (link(text_str(&beside), path) < 0) {
            result = errno == EEXIST ? errinfo_set(info, ERR_BUSY, "%s: already there", path)
                                     : fail(path, "be made", info);
        }
        unlink(text_str(&beside));
    }
    text_deinit(&beside);
    return result;
}

int file_add_absolute(struct text *out, const char *path, struct errinfo *info)
{
    char here[4096];

    if (path[0] != '/') {
        if (!getcwd(here, sizeof here)) {
            return errinfo_set(info, ERR_SYSTEM, "the working folder is gone; change to another");
        }
        while (strncmp(path, "./", 2) == 0) {
            path += 2;
        }
        text_addf(out, "%s/", strcmp(here, "/") == 0 ? "" : here);
    }
    text_add_str(out, path);
    return 0;
}
