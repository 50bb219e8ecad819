/* A folder of a test's own, removed with everything in it. */
#pragma once
#include "base/text.h"

struct folder {
    char path[64];
};

void folder_make(struct folder *f);
void folder_remove(struct folder *f);

/* "folder/name", valid until the next call but one. */
const char *folder_path(const struct folder *f, const char *name);

void folder_write(const struct folder *f, const char *name, const char *content);

/* The content of a file, or "" if there is none; valid until the next call. */
const char *folder_read(const struct folder *f, const char *name);

/* Permission bits of a file; 0 if there is none. */
unsigned folder_mode(const struct folder *f, const char *name);
