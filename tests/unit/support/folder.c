#define _XOPEN_SOURCE 700
#include "support/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char content[65536];

void folder_make(struct folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/adit-test-XXXXXX");
    ASSERT(mkdtemp(f->path));
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(name);
}

void folder_remove(struct folder *f)
{
    nftw(f->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *folder_path(const struct folder *f, const char *name)
{
    static char paths[2][512];
    static int turn;

    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", f->path, name);
    return paths[turn];
}

void folder_write(const struct folder *f, const char *name, const char *text)
{
    FILE *file = fopen(folder_path(f, name), "w");
    ASSERT(file);
    fputs(text, file);
    fclose(file);
}

const char *folder_read(const struct folder *f, const char *name)
{
    FILE *file = fopen(folder_path(f, name), "r");
    content[0] = '\0';
    if (file) {
        content[fread(content, 1, sizeof content - 1, file)] = '\0';
        fclose(file);
    }
    return content;
}

unsigned folder_mode(const struct folder *f, const char *name)
{
    struct stat st;
    return stat(folder_path(f, name), &st) == 0 ? st.st_mode & 07777 : 0;
}
