/* Runs a fuzz target once over every file of the corpus folders given as arguments.
 *
 * Linked in place of libFuzzer, so that what fuzzing has found stays an ordinary test on every
 * build and with every compiler. A folder that is missing or empty fails: a corpus that proves
 * nothing must not pass.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_MAX_BYTES = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void die(const char *what, const char *path)
{
    fprintf(stderr, "replay: %s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

/* The input gets a heap block of exactly its size: a read past the end is then seen by ASan. */
static void replay_file(const char *path, size_t size)
{
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    FILE *file = fopen(path, "rb");

    if (!bytes || !file || fread(bytes, 1, size, file) != size) {
        die("cannot read", path);
    }
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last line before a crash names the culprit */
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
}

static unsigned replay_folder(const char *folder)
{
    struct dirent **entries;
    unsigned replayed = 0;
    int count = scandir(folder, &entries, NULL, alphasort);

    if (count < 0) {
        die("cannot open the corpus", folder);
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        struct stat st;

        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        if (stat(path, &st) < 0) {
            die("cannot read", path);
        }
        if (S_ISREG(st.st_mode) && st.st_size <= INPUT_MAX_BYTES) {
            replay_file(path, (size_t)st.st_size);
            replayed++;
        }
        free(entries[i]);
    }
    free(entries);
    return replayed;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER...\n", argv[0]);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        unsigned replayed = replay_folder(argv[i]);

        if (replayed == 0) {
            fprintf(stderr, "replay: the corpus %s is empty\n", argv[i]);
            return 1;
        }
        printf("%u inputs replayed from %s\n", replayed, argv[i]);
    }
    return 0;
}
