#include "cmd/data_dir.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/file.h"

enum { FOLDER_MODE = 0700 };

int data_dir_find(const char *wanted, struct text *path, struct errinfo *info)
{
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    text_clear(path);
    if (wanted) {
        return file_add_absolute(path, wanted, info);
    }
    if (xdg && xdg[0] == '/') {
        text_addf(path, "%s/adit", xdg);
        return 0;
    }
    if (geteuid() == 0) {
        text_add_str(path, "/var/lib/adit");
        return 0;
    }
    if (home && home[0] == '/') {
        text_addf(path, "%s/.local/state/adit", home);
        return 0;
    }
    return errinfo_set(info, ERR_CONFIG,
                       "no folder to keep anything in: HOME is not set; name one with --data or "
                       "--state");
}

/* Makes every missing part of the path; those above are as public as the umask says. */
static int make_parts(char *path, struct errinfo *info)
{
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        int result = mkdir(path, 0755);
        int errnum = errno;
        *at = '/';
        if (result < 0 && errnum != EEXIST && errnum != EROFS && errnum != EACCES) {
            return errinfo_set(info, err_from_errno(errnum), "cannot make %s: %s", path,
                               strerror(errnum));
        }
    }
    if (mkdir(path, FOLDER_MODE) < 0 && errno != EEXIST) {
        int errnum = errno;
        return errinfo_set(info, err_from_errno(errnum), "cannot make %s: %s", path,
                           strerror(errnum));
    }
    return 0;
}

int data_dir_open(const char *wanted, struct text *path, struct errinfo *info)
{
    struct stat st;

    TRY(data_dir_find(wanted, path, info));
    TRY(make_parts(path->ptr, info));
    if (stat(text_str(path), &st) < 0 || !S_ISDIR(st.st_mode)) {
        return errinfo_set(info, ERR_INVALID, "%s is no folder", text_str(path));
    }
    if (access(text_str(path), W_OK | X_OK) < 0) {
        return errinfo_set(info, ERR_DENIED, "cannot write in %s: %s", text_str(path),
                           strerror(errno));
    }
    return 0;
}
