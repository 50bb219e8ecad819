#include "config/config_path.h"

#include <stdlib.h>
#include <unistd.h>

/* The folder of the user's own files, if there is any. */
static void user_folder(struct text *out)
{
    const char *xdg = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (xdg && xdg[0] == '/') {
        text_addf(out, "%s/adit/", xdg);
    } else if (home && home[0] == '/') {
        text_addf(out, "%s/.config/adit/", home);
    }
}

int config_path_find(const char *name, struct text *out)
{
    struct text user = {0};
    struct text tried = {0};
    int result = ERR_NOT_FOUND;

    user_folder(&user);
    const char *const folders[] = {"./", text_str(&user), "/etc/adit/"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && result < 0; i++) {
        if (!folders[i][0]) {
            continue;
        }
        text_clear(out);
        text_addf(out, "%s%s", folders[i], name);
        text_addf(&tried, "%s%s", tried.len ? ", " : "", text_str(out));
        result = access(text_str(out), F_OK) == 0 ? 0 : ERR_NOT_FOUND;
    }
    if (result < 0) {
        text_clear(out);
        text_add(out, text_slice(&tried));
    }
    text_deinit(&tried);
    text_deinit(&user);
    return result;
}
