#include "config/named_files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "config/file.h"
#include "config/tree.h"

/* 0, or an errno. A folder can be opened, but not read; a FIFO may not keep us waiting. */
static int try_to_read(const char *path)
{
    char first;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        return errno;
    }
    int errnum = read(fd, &first, 1) < 0 && errno != EAGAIN ? errno : 0;
    close(fd);
    return errnum;
}

static void check_tree(const struct schema *schema, const struct tree *root, const char *name,
                       struct problems *problems)
{
    for (const struct schema_key *key = schema->keys; key->name; key++) {
        const struct tree *value = key->is_read ? tree_find(root, key->name) : NULL;
        if (!value || value->kind != TREE_TEXT || value->length == 0) {
            continue;
        }
        int errnum = try_to_read(value->text);
        if (errnum) {
            problems_add(problems, (struct origin){name, value->line}, "cannot read '%s': %s",
                         value->text, strerror(errnum));
        }
    }
}

void named_files_check(const struct schema *schema, const char *path, struct problems *problems)
{
    struct problems said_before = {0};
    struct text content = {0};
    struct tree *root = NULL;

    if (file_read_config(path, &content, &said_before) == 0 &&
        tree_parse(text_slice(&content), path, &root, &said_before) == 0) {
        check_tree(schema, root, path, problems);
    }
    tree_free(&root);
    text_wipe(&content); /* it may hold a token */
    problems_deinit(&said_before);
}
